"""The lines to the runtime, and what becomes of them while it does not read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

from ocppflow.nodes.contract import ALL
from ocppflow.nodes.engine.runtime_lines import OutputLine, StatusLine, encode
from ocppflow.nodes.engine.waiting_lines import HIGH_WATER, LOW_WATER, WaitingLines
from ocppflow.nodes.msgs_out import ConnectionEvent

PIECE: Final = 2**18
"""Bytes that are handed to the sink at once, and that it may hold before it is said to be blocked: enough to keep a
pipe busy, and little beside what waits here, where events can still be merged."""
MOST_WAITING: Final = 8 * 2**20
"""Bytes that may wait before no newcomer is let in any more: each would bring its events, and what it says along with
its handshake. Some ten thousand stations' worth."""

Sink = Callable[[bytes], object]
"""Where lines are written: takes bytes, in order."""


class Outbox:
    """Lines to the runtime, written together once per turn of the event loop.

    While the sink is ``blocked``, they wait here (``WaitingLines``). ``on_pressure(True)`` is called when more wait
    than HIGH_WATER, ``on_pressure(False)`` when less than LOW_WATER do. What waits is thus bounded: by HIGH_WATER and
    what was under way when it was reached, and, for those who come in meanwhile, by MOST_WAITING.
    """

    def __init__(self, on_pressure: Callable[[bool], None]) -> None:
        self._on_pressure = on_pressure
        self._sink: Sink | None = None
        self._lines: list[bytes] = []
        self._size = 0
        self._scheduled = False
        self._waiting = WaitingLines()
        self._is_blocked = False
        self._drained = asyncio.Event()
        self._drained.set()
        self.on_drained: Callable[[], object] = lambda: None
        """Called when all that waited has been handed to the sink."""
        self.is_full = False

    @property
    def is_attached(self) -> bool:
        """Whether a runtime is there."""
        return self._sink is not None

    @property
    def waiting(self) -> int:
        """Bytes that wait for the sink."""
        return self._waiting.size

    @property
    def is_behind(self) -> bool:
        """Whether so much waits that the log is left out, so that it does not make the peers wait."""
        return self._waiting.size > LOW_WATER

    @property
    def is_overfull(self) -> bool:
        """Whether nobody else is to be let in."""
        return self._waiting.size > MOST_WAITING

    def attach(self, sink: Sink | None) -> None:
        """Write to ``sink`` from now on. None: no runtime is there, and lines are dropped."""
        self.flush()
        self._sink = sink
        self._waiting = WaitingLines()
        self._is_blocked = False
        self._drained.set()
        self._look()

    def put(self, line: Any) -> None:
        """Queue a line."""
        if self._sink is None:
            return
        data = encode(line)
        if b"\n" in data:
            data = data.replace(b"\n", b" ")  # as ``encoded`` does; here each call counts
        if self._is_blocked:
            self._waiting.add(data)
            self._look()
            return
        self._lines.append(data)
        self._size += len(data)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush_soon)
        elif self._size > PIECE:
            self.flush()  # now, so that a turn in which much comes feels the pressure

    def put_status(self, line: StatusLine) -> None:
        """Queue a node's status; while lines wait, only the newest is kept."""
        if self._is_blocked and self._sink is not None:
            self._waiting.add_status(line)
            self._look()
        else:
            self.put(line)

    def put_event(self, node: str, event: ConnectionEvent) -> None:
        """Queue a node's connection event; while lines wait, events are merged."""
        if self._is_blocked and self._sink is not None:
            self._waiting.add_event(node, event)
            self._look()
        else:
            self.put(OutputLine(node, ALL, event))

    def put_waited(self, lines: WaitingLines) -> None:
        """Queue lines that have waited elsewhere."""
        self.flush()
        while lines and self._sink is not None:
            if self._is_blocked:
                self._waiting.add(lines.take(1)[:-1])
            else:
                self._sink(lines.take(PIECE))
        self._look()

    def _flush_soon(self) -> None:
        self._scheduled = False
        self.flush()

    def flush(self) -> None:
        """Write what is queued."""
        lines, self._lines, self._size = self._lines, [], 0
        if lines and self._sink is not None:
            lines.append(b"")
            self._sink(b"\n".join(lines))

    def blocked(self, yes: bool) -> None:
        """The sink has enough for now, or has room again."""
        self._is_blocked = yes
        if yes:
            self._drained.clear()
            return
        self.flush()
        while self._waiting and not self._is_blocked and self._sink is not None:
            self._sink(self._waiting.take(PIECE))
        self._look()
        if not self._is_blocked:
            self._drained.set()
            self.on_drained()

    async def drained(self, seconds: float) -> None:
        """Wait until the sink has taken everything, for that long at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._drained.wait(), seconds)

    def _look(self) -> None:
        full = self._waiting.size > (LOW_WATER if self.is_full else HIGH_WATER)
        if self.is_full is not full:
            self.is_full = full
            self._on_pressure(full)
