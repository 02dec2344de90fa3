"""Frames of a trace as a conversation: who says what to whom, which answer belongs to which call, what went wrong.

The table, the picture, the JSON of ``ocppflow trace`` and the log of ``ocppflow csms`` are views of this.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from ocppflow.cli.text import one_line
from ocppflow.trace import TraceRecord

Kind = Literal[
    "CALL", "CALLRESULT", "CALLERROR", "CALLRESULTERROR", "SEND", "unreadable", "connected", "disconnected", "refused"
]
Severity = Literal["", "warning", "error"]

_KINDS: dict[int, Kind] = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR", 5: "CALLRESULTERROR", 6: "SEND"}
_LENGTHS: dict[Kind, int] = {"CALL": 4, "CALLRESULT": 3, "CALLERROR": 5, "CALLRESULTERROR": 5, "SEND": 4}
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_frame = msgspec.json.Decoder(list[msgspec.Raw])
_MAX_OPEN = 4096


@dataclass(slots=True)
class Entry:
    """One record, understood. ``toward`` is the side that a frame goes to. ``action`` of an answer is its call's.
    ``fault`` says in a line what is wrong, if something is; ``severity`` how bad that is."""

    record: TraceRecord
    kind: Kind
    toward: Literal["CSMS", "CS", ""] = ""
    message_id: str = ""
    action: str = ""
    payload: bytes = b""
    code: str = ""
    request: Entry | None = field(default=None, repr=False)
    answered: bool = False
    severity: Severity = ""
    fault: str = ""

    @property
    def is_frame(self) -> bool:
        """Whether it is a message, not something that happened to the connection."""
        return self.toward != ""

    @property
    def station(self) -> str:
        """The station's identity, fit for a terminal."""
        return one_line(self.record.identity, 48) or "?"


class Conversation:
    """Understands records one after the other, for any number of stations."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str, str, str, str], Entry] = OrderedDict()

    def feed(self, record: TraceRecord) -> Entry:
        """The next record. Never raises for what a frame holds."""
        if record.event in ("in", "out"):
            return self._frame(record)
        if record.event == "disconnected":
            self._lose(record)
        entry = Entry(record, record.event)  # type: ignore[arg-type]
        if record.event == "refused":
            entry.severity, entry.fault = "error", one_line(record.note)
        elif record.event == "disconnected" and not record.note.startswith(("1000", "1001")):
            entry.severity, entry.fault = "warning", one_line(record.note)
        return entry

    def finish(self) -> None:
        """The trace is over: what has no answer will get none."""
        for call in self._open.values():
            _mark(call, "error", "no answer in this trace")
        self._open.clear()

    def _frame(self, record: TraceRecord) -> Entry:
        csms_side = record.role != "CS"
        toward: Literal["CSMS", "CS"] = "CSMS" if (record.event == "in") is csms_side else "CS"
        entry = Entry(record, "unreadable", toward)
        _read(entry)
        if entry.kind == "CALL":
            self._opened(entry)
        elif entry.kind in ("CALLRESULT", "CALLERROR", "CALLRESULTERROR"):
            self._answered(entry)
        if entry.kind in ("CALLERROR", "CALLRESULTERROR"):
            entry.severity = "error"
        elif entry.kind == "unreadable":
            _mark(entry, "error", "not a message of OCPP-J")
        if record.note:
            _mark(entry, "error" if record.note.startswith("refused: ") else "warning", one_line(record.note))
        return entry

    def _opened(self, call: Entry) -> None:
        if len(self._open) >= _MAX_OPEN:
            self._open.popitem(last=False)
        self._open[self._key(call, call.toward)] = call

    def _answered(self, answer: Entry) -> None:
        """A CALLRESULTERROR speaks of an answer and goes the way of the call; the other two go against it."""
        against = "CS" if answer.toward == "CSMS" else "CSMS"
        asked = self._open.pop(self._key(answer, against), None)
        if asked is not None:
            asked.answered = True
            answer.request, answer.action = asked, asked.action

    @staticmethod
    def _key(entry: Entry, toward: str) -> tuple[str, str, str, str]:
        return (entry.record.identity, entry.record.role, toward, entry.message_id)

    def _lose(self, record: TraceRecord) -> None:
        lost = [key for key in self._open if key[:2] == (record.identity, record.role)]
        for key in lost:
            _mark(self._open.pop(key), "error", "no answer before the connection ended")


def _mark(entry: Entry, severity: Severity, fault: str) -> None:
    if entry.severity != "error":
        entry.severity = severity
    entry.fault = f"{entry.fault}; {fault}" if entry.fault else fault


def _read(entry: Entry) -> None:
    """Take the frame apart, as far as it is one."""
    try:
        parts = _frame.decode(entry.record.data)
        kind = _KINDS[msgspec.json.decode(parts[0])]
        message_id = msgspec.json.decode(parts[1])
    except (*_UNREADABLE, KeyError, IndexError, TypeError):
        return
    if len(parts) != _LENGTHS[kind] or not isinstance(message_id, str):
        return
    entry.kind, entry.message_id, entry.payload = kind, message_id, bytes(parts[-1])
    if kind in ("CALL", "SEND"):
        entry.action = one_line(_text(parts[2]), 60)
    elif kind in ("CALLERROR", "CALLRESULTERROR"):
        entry.code = one_line(_text(parts[2]), 60)
        entry.fault = one_line(_text(parts[3]))


def _text(raw: msgspec.Raw) -> str:
    value = msgspec.json.decode(raw)
    return value if isinstance(value, str) else str(value)


# What tells most about a message, the most telling first; date-times and sizes tell little.
_OUTCOME = ["status", "registrationStatus", "eventType", "attributeStatus", "configurationStatus", "errorCode"]
_WHY = ["triggerReason", "reason", "stopReason", "connectorStatus", "requestedMessage", "type"]
_WHO = ["idTag", "idToken", "transactionId", "remoteStartId", "evseId", "connectorId", "requestId"]
_WHAT = ["meterStart", "meterStop", "component", "variable", "key", "attributeValue", "value", "unit", "unitOfMeasure"]
_MAKE = ["name", "vendorName", "model", "chargePointVendor", "chargePointModel", "vendorId", "messageId", "interval"]
_RANK = {name: rank for rank, name in enumerate([*_OUTCOME, *_WHY, *_WHO, *_WHAT, *_MAKE])}
_DULL = frozenset({"timestamp", "currentTime", "seqNo", "customData"})


def summary(payload: bytes, *, fields: int = 4, limit: int = 72) -> str:
    """The most telling fields of a payload in one line: ``status Accepted, interval 300``; "" for an empty one."""
    try:
        leaves = list(_leaves("", msgspec.json.decode(payload)))
    except _UNREADABLE:
        return ""
    telling = [leaf for leaf in leaves if leaf[0] not in _DULL] or leaves
    best: dict[str, str] = {}
    for name, value in sorted(telling, key=lambda leaf: _RANK.get(leaf[0], len(_RANK))):
        best.setdefault(name, value)
    said = ", ".join(f"{name} {value}" for name, value in list(best.items())[:fields])
    return one_line(said, limit)


def _leaves(name: str, value: Any) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(name if key == "name" and name else key, inner)  # a component's name, a variable's
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner)
    elif isinstance(value, bool):
        yield name, str(value).lower()
    elif value is not None:
        yield name, one_line(str(value), 40)


def milliseconds(latency: float | None) -> str:
    """A latency (s) as a person reads it; nothing for None."""
    if latency is None:
        return ""
    if latency < 0.001:
        return "< 1 ms"  # a loop's clock may tick no finer
    return f"{latency * 1000:.1f} ms" if latency < 1 else f"{latency:.2f} s"
