"""The lines between the engine and a flow runtime: newline-delimited JSON objects, distinguished by ``op``.
docs/engine-protocol.md describes the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ocppflow.nodes.contract import Msg

PROTOCOL: Final = 1
MAX_LINE: Final = 8 * 2**20
"""Bytes of a line that the engine accepts, eight times the largest message by default; a longer one is skipped."""

HIGH_WATER: Final = 2 * 2**20
"""Bytes that may wait for the runtime before the peers are made to wait: some tenths of a second of full load."""
LOW_WATER: Final = 2**18
"""Bytes at which the peers may go on: low enough not to stop them again at once."""


class RuntimeLine(msgspec.Struct):
    """A line from the runtime; docs/engine-protocol.md says which members an op has. Its ``ref`` is on the answer."""

    op: str
    node: Any = None
    ref: Raw | UnsetType = UNSET
    msg: dict[str, Raw] | UnsetType = UNSET
    type: Any = None
    config: Any = None
    credentials: Any = None
    nodes: Any = None
    protocol: Any = None
    log: Any = None
    removed: Any = None
    park: Any = None
    stateDir: Any = None  # noqa: N815 - the protocol's name


class RuntimeMsg(dict[str, Any]):
    """A msg from the runtime. Its members are JSON (``Raw``) until a node replaces them, so the members that are no
    longer Raw are those that have changed."""

    __slots__ = ("ref",)

    def __init__(self, members: dict[str, Raw], ref: Raw | UnsetType) -> None:
        super().__init__(members)
        self.ref = ref

    def changes(self) -> Msg:
        """The members that the node has replaced; the whole msg if the runtime gave no ``ref`` to find its own by."""
        if self.ref is UNSET:
            return self
        return {name: value for name, value in self.items() if type(value) is not Raw}


class OutputLine(msgspec.Struct, tag_field="op", tag="output"):
    """A msg that a node sends."""

    node: str
    port: int
    msg: Msg
    ref: Raw | UnsetType = UNSET


class DoneLine(msgspec.Struct, tag_field="op", tag="done"):
    """An input is done."""

    node: str
    ref: Raw


class StatusLine(msgspec.Struct, tag_field="op", tag="status"):
    """A node's status."""

    node: str
    fill: str
    shape: str
    text: str


class ErrorLine(msgspec.Struct, tag_field="op", tag="error", omit_defaults=True):
    """An input, or a line, that could not be used."""

    code: str
    text: str
    node: str | UnsetType = UNSET
    ref: Raw | UnsetType = UNSET


encode: Final = msgspec.json.Encoder().encode
decode_line: Final = msgspec.json.Decoder(RuntimeLine).decode
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class LineSplitter:
    """Turns chunks of bytes into whole lines. A line that is too long is dropped up to its end, and reported once."""

    def __init__(
        self, on_line: Callable[[bytes], None], on_too_long: Callable[[], None], limit: int = MAX_LINE
    ) -> None:
        self._on_line = on_line
        self._on_too_long = on_too_long
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._skipping = False

    def feed(self, data: bytes) -> None:
        """Take in a chunk."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            if self._parts or self._skipping:
                self._keep(line)
                skipping, self._skipping = self._skipping, False
                line, self._parts, self._size = b"".join(self._parts), [], 0
                if skipping:
                    continue
            if len(line) > self._limit:
                self._on_too_long()
            elif line.strip():
                self._on_line(line)
        if rest:
            self._keep(rest)

    def end(self) -> None:
        """The input has ended; what came after the last newline is a line too."""
        if self._parts and not self._skipping:
            self.feed(b"\n")

    def _keep(self, part: bytes) -> None:
        if self._skipping:
            return
        self._size += len(part)
        if self._size > self._limit:
            self._skipping = True
            self._parts, self._size = [], 0
            self._on_too_long()
        else:
            self._parts.append(part)


Sink = Callable[[bytes], object]
"""Where lines are written: takes bytes, in order."""


class Outbox:
    """Lines to the runtime, written together once per turn of the event loop. ``on_pressure(True)`` is called when
    the runtime has fallen behind, ``on_pressure(False)`` when it has caught up."""

    def __init__(self, on_pressure: Callable[[bool], None]) -> None:
        self._on_pressure = on_pressure
        self._sink: Sink | None = None
        self._lines: list[bytes] = []
        self._scheduled = False
        self.is_full = False

    @property
    def is_attached(self) -> bool:
        """Whether a runtime is there."""
        return self._sink is not None

    def attach(self, sink: Sink | None) -> None:
        """Write to ``sink`` from now on. None: no runtime is there, and lines are dropped."""
        self.flush()
        self._sink = sink
        self.pressed(False)

    def put(self, line: Any) -> None:
        """Queue a line."""
        if self._sink is None:
            return
        data = encode(line)
        # JSON that passes through may be laid out over several lines; inside strings a newline is always escaped.
        self._lines.append(data.replace(b"\n", b" ") if b"\n" in data else data)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush_soon)

    def _flush_soon(self) -> None:
        self._scheduled = False
        self.flush()

    def flush(self) -> None:
        """Write what is queued."""
        if self._lines and self._sink is not None:
            self._lines.append(b"")
            self._sink(b"\n".join(self._lines))
        self._lines.clear()

    def pressed(self, full: bool) -> None:
        """The sink is full, or has room again."""
        if self.is_full is not full:
            self.is_full = full
            self._on_pressure(full)
