"""Who waits for a connection: until it may write again, or until it is over."""

from __future__ import annotations

import asyncio


class Waiters:
    """The futures of those who wait. Made when somebody waits, for few connections ever have one."""

    __slots__ = ("_for_the_end", "_to_write")

    def __init__(self) -> None:
        self._to_write: list[asyncio.Future[None]] = []
        self._for_the_end: list[asyncio.Future[None]] = []

    def to_write(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Done when the connection may write again, or is over."""
        return _added(loop, self._to_write)

    def for_the_end(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Done when the connection is over."""
        return _added(loop, self._for_the_end)

    def wake(self, *, ended: bool) -> None:
        """It may write again, or it is over."""
        woken = self._to_write + self._for_the_end if ended else self._to_write
        self._to_write = []
        for future in woken:
            if not future.done():
                future.set_result(None)


def _added(loop: asyncio.AbstractEventLoop, waiting: list[asyncio.Future[None]]) -> asyncio.Future[None]:
    future: asyncio.Future[None] = loop.create_future()
    waiting.append(future)
    return future
