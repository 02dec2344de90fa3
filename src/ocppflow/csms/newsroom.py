"""Newsroom: what happens is told to whoever listens, and kept for those who were away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import func, select

from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.store.access_tables import NEWS
from ocppflow.store.struct_rows import struct_of

if TYPE_CHECKING:
    from ocppflow.csms.complete_csms import CompleteCSMS

KINDS: Final = (
    "connected", "disconnected", "refused", "booted", "status", "event",
    "transaction", "meter", "alert", "job", "queue", "station", "limit",
)  # fmt: skip
"""What there is to hear of."""

KEPT: Final = 10_000
"""News in memory; older ones come from the store."""

_AT_A_TIME: Final = 1000


class News(Struct, frozen=True):
    """One thing that happened. ``id`` counts up over restarts."""

    __repr__ = discreet_repr

    id: int
    at: datetime
    kind: str
    station: str | None
    data: dict[str, Any]


class Newsroom:
    """Tells news; see :meth:`tell` and :meth:`listen`."""

    def __init__(self, csms: CompleteCSMS) -> None:
        self._csms = csms
        self._last = 0
        self._kept: deque[News] = deque(maxlen=KEPT)
        self._listening: set[asyncio.Event] = set()
        self._is_over = False

    async def start(self) -> None:
        """Count on from where the last process stopped."""
        self._last = await self._csms.store.read(lambda c: c.execute(select(func.max(NEWS.c.id))).scalar() or 0)

    async def stop(self) -> None:
        """Let go of whoever listens."""
        self._is_over = True
        self._wake()

    def tell(self, kind: str, station: str | None, /, **data: Any) -> News:
        """Something happened. It is written with the next commit."""
        self._last += 1
        news = News(self._last, self._csms.now(), kind, station, data)
        self._kept.append(news)
        self._csms.store.insert_soon(NEWS, msgspec.structs.asdict(news))
        self._wake()
        return news

    def _wake(self) -> None:
        for event in self._listening:
            event.set()

    async def listen(self, after: int | None = None) -> AsyncIterator[News]:
        """News as they come; those after the id ``after`` first, as far back as they are kept."""
        event = asyncio.Event()
        self._listening.add(event)
        last = self._last if after is None else after
        try:
            while not self._is_over:
                for news in await self._since(last):
                    last = news.id
                    yield news
                event.clear()
                if last == self._last and not self._is_over:
                    await event.wait()
        finally:
            self._listening.discard(event)

    async def _since(self, last: int) -> list[News]:
        if last >= self._last:
            return []
        if self._kept and self._kept[0].id <= last + 1:
            return [self._kept[index] for index in range(last + 1 - self._kept[0].id, len(self._kept))]
        query = select(NEWS).where(NEWS.c.id > last).order_by(NEWS.c.id).limit(_AT_A_TIME)
        rows = await self._csms.store.read(lambda c: c.execute(query).all())
        older = [struct_of(News, row) for row in rows]
        return older or [news for news in self._kept if news.id > last]
