"""Exchanges: what station and CSMS say to each other while a scenario is played, each message with its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import msgspec

from ocppflow.endpoint import Clock
from ocppflow.messages import Version
from ocppflow.messages.json_paths import ABSENT, at
from ocppflow.trace import TraceRecord

_T = TypeVar("_T")

_GLANCE: Final = 0.25
"""Seconds between two looks at what no message tells, such as the register of a meter."""

_frame = msgspec.json.Decoder(list[Any])


class Exchange:
    """A message and what came of it. ``by``: ``station`` or ``csms``; ``request``, ``answer`` in wire names; ``error``:
    the code of a CALLERROR, or what is wrong with an answer; ``taken``: a step was this message."""

    __slots__ = ("action", "answer", "by", "error", "message_id", "request", "taken", "version", "why")

    def __init__(self, by: str, action: str, message_id: str, request: dict[str, Any], version: Version) -> None:
        self.by = by
        self.action = action
        self.message_id = message_id
        self.request = request
        self.version = version
        self.answer: dict[str, Any] | None = None
        self.error = ""
        self.why = ""
        """The description of the CALLERROR."""
        self.taken = False

    @property
    def is_over(self) -> bool:
        """Whether it has been answered."""
        return self.answer is not None or bool(self.error)

    def at(self, path: str) -> Any:
        """What stands at a path; one that begins with ``answer.`` is in the answer. ABSENT if nothing does."""
        if path.startswith("answer."):
            return ABSENT if self.answer is None else at(self.answer, path.removeprefix("answer."))
        return at(self.request, path)

    def __repr__(self) -> str:
        return f"<Exchange {self.action} by the {self.by}, {self.error or ('answered' if self.answer else 'open')}>"


class ExchangeLog:
    """A trace hook of the station. ``exchanges`` and ``records`` are never emptied; ``complaints``, ``(action, text)``,
    are faults of what the CSMS sent."""

    def __init__(self, clock: Callable[[], Clock], now: Callable[[], float]) -> None:
        self.exchanges: list[Exchange] = []
        self.records: list[TraceRecord] = []
        self.complaints: list[tuple[str, str]] = []
        self._clock = clock
        self._now = now
        self._open: dict[tuple[str, str], Exchange] = {}
        self._waiting: list[asyncio.Future[None]] = []

    def __call__(self, record: TraceRecord) -> None:
        self.records.append(msgspec.structs.replace(record, time=self._now()))
        if record.event in ("in", "out"):
            self._frame(record)
        elif record.event == "disconnected":
            for exchange in self._open.values():
                exchange.error = "no answer before the connection ended"
            self._open.clear()
        self.news()

    def _frame(self, record: TraceRecord) -> None:
        by = "csms" if record.event == "in" else "station"
        try:
            kind, message_id, *rest = _frame.decode(record.data)
        except (msgspec.MsgspecError, ValueError, UnicodeDecodeError, RecursionError):
            kind, message_id, rest = 0, "", []
        exchange: Exchange | None = None
        if kind in (2, 6) and len(rest) == 2 and isinstance(rest[1], dict):
            exchange = Exchange(by, str(rest[0]), str(message_id), rest[1], Version.parse(record.version))
            self.exchanges.append(exchange)
            if kind == 2:
                self._open[by, exchange.message_id] = exchange
            else:
                exchange.answer = {}
        elif kind in (3, 4):
            exchange = self._open.pop(("station" if by == "csms" else "csms", str(message_id)), None)
            if exchange is not None:
                self._answered(exchange, kind, rest, record.note)
        if by == "csms" and record.note:
            self.complaints.append((exchange.action if exchange is not None else "", record.note))

    def _answered(self, exchange: Exchange, kind: int, rest: list[Any], note: str) -> None:
        if kind == 4:
            exchange.error, exchange.why = str(rest[0] if rest else "?"), str(rest[1] if len(rest) > 1 else "")
        elif note.startswith("refused: "):
            exchange.error = note
        else:
            exchange.answer = rest[0] if rest and isinstance(rest[0], dict) else {}

    # --- waiting -------------------------------------------------------------------------------------------------

    def news(self) -> None:
        """Something has happened: whoever waits looks again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, look: Callable[[], _T | None], seconds: float, *, glances: bool = False) -> _T | None:
        """What ``look`` finds, asked at once and at all that happens, with ``glances`` also now and then; None after
        ``seconds`` of the clock."""
        clock = self._clock()
        end = clock.now() + seconds
        while (found := look()) is None:
            now = clock.now()
            if now >= end:
                return None
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            due = min(end, now + _GLANCE) if glances else end
            timer = clock.call_at(due, lambda f=future: None if f.done() else f.set_result(None))  # type: ignore[misc]
            try:
                await future
            finally:
                timer.cancel()
                with suppress(ValueError):
                    self._waiting.remove(future)
        return found
