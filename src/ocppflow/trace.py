"""The trace: every frame and connection event of an endpoint, for logs, files, tests and pictures.

On disk a trace is newline-delimited JSON, one :class:`TraceRecord` a line::

    {"time": 1700000000.123, "identity": "CS1", "event": "in", "role": "CSMS", "version": "2.0.1",
     "latency": 0.004, "frame": [3, "id", {}]}

``event`` is "in" or "out" for frames as seen by ``role``, else "connected", "disconnected" or "refused"; or "missing",
where a file says in ``note`` how many records could not be written. A frame that is not JSON is kept as text in
``raw``. Secrets that travel inside frames are blotted out before any hook sees them (:mod:`ocppflow.secrecy`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import msgspec

from ocppflow.secrecy.discreet_repr import discreet_repr

TraceEvent = Literal["in", "out", "connected", "disconnected", "refused", "missing"]

MAX_LINE = 16 * 2**20
"""Bytes of a line that are read at a time: a record holds one message, of 1 MiB by default; another file may have no
line break at all."""


class TraceRecord(msgspec.Struct, omit_defaults=True):
    """One thing that happened on a connection.

    ``time``: seconds since 1970. ``latency``: seconds from a CALL to its answer, on the answer. ``note``: what was
    wrong with the frame, or why the connection began, ended or was refused. ``data``: the frame as it travelled,
    secrets aside.
    """

    __repr__ = discreet_repr

    time: float
    identity: str
    event: TraceEvent
    role: str = ""
    version: str = ""
    address: str = ""
    latency: float | None = None
    note: str = ""
    data: bytes = b""


TraceHook = Callable[[TraceRecord], None]


@runtime_checkable
class SelectiveHook(Protocol):
    """A TraceHook that does without some messages, such as a log that shows no more than a person reads. What it does
    without costs next to nothing; connection events, and messages that have a fault, it is always handed."""

    def __call__(self, record: TraceRecord, /) -> None:
        """What happened."""

    def wants_message(self) -> bool:
        """Asked before a message without a fault: whether to be handed it."""
        ...

    def passed_over(self, identity: str, event: str, data: bytes, /) -> None:
        """What it did not want: the frame up to its payload, which may hold secrets."""


class _Line(msgspec.Struct, omit_defaults=True):
    """A TraceRecord as it stands in a file."""

    __repr__ = discreet_repr

    time: float
    identity: str
    event: TraceEvent
    role: str = ""
    version: str = ""
    address: str = ""
    latency: float | None = None
    note: str = ""
    frame: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    raw: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line)


def to_line(record: TraceRecord) -> bytes:
    """``record`` as a line of a trace file, with its newline."""
    frame: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    raw = ""
    if record.data:
        data = record.data
        if _is_json(data):
            frame = msgspec.Raw(data.replace(b"\n", b" ").replace(b"\r", b" "))
        else:
            raw = data.decode("utf-8", "backslashreplace")
    line = _Line(
        round(record.time, 6),
        record.identity,
        record.event,
        record.role,
        record.version,
        record.address,
        None if record.latency is None else round(record.latency, 6),
        record.note,
        frame,
        raw,
    )
    return _encode(line) + b"\n"


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def from_line(line: bytes) -> TraceRecord:
    """The record in a line of a trace file. Raises ValueError saying what is wrong with the line."""
    try:
        read = _decode.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise ValueError(str(exc)) from None
    data = read.raw.encode() if isinstance(read.frame, msgspec.UnsetType) else bytes(read.frame)
    return TraceRecord(
        read.time, read.identity, read.event, read.role, read.version, read.address, read.latency, read.note, data
    )


def read_trace(path: Path) -> Iterator[TraceRecord]:
    """The records of a trace file. A line that was cut off by a full disk is skipped, because the record after it
    says that something is missing. Raises ValueError naming any other line that is not a record."""
    fault: ValueError | None = None
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), b""), 1):
            if not line.strip():
                continue
            try:
                record = from_line(line)
            except ValueError as exc:
                fault = fault or ValueError(f"{path}, line {number}: {exc}")
                continue
            if fault is not None and record.event != "missing":
                raise fault
            fault = None
            yield record
    if fault is not None:
        raise fault
