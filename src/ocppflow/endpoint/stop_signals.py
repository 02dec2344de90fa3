"""SIGINT and SIGTERM as something to await, so that a role ends in order and, when told once more, at once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Iterator
from typing import Protocol

SIGNALS = (signal.SIGINT, signal.SIGTERM)

ECHO = 0.5
"""``timeout``, ``make`` and their like send a signal to a process and to its group, so that it comes twice at once;
within these seconds it is taken for one."""


_AT_ONCE = 0.05
"""Seconds in which a closing that is cancelled drops what is left; it takes a few turns of the event loop."""


class Watch(Protocol):
    """What is to hear of signals besides: a Watchdog."""

    def told(self) -> None: ...
    def listen(self) -> None: ...
    def stop_listening(self) -> None: ...


class StopSignals:
    """The signals that came, from :func:`stop_signals`."""

    def __init__(self, watch: Watch | None = None) -> None:
        self._told: asyncio.Queue[int] = asyncio.Queue()
        self._watch = watch

    def tell(self, number: int) -> None:
        """A signal came."""
        self._told.put_nowait(number)
        if self._watch is not None:
            self._watch.told()

    async def wait(self) -> None:
        """Return when told to stop."""
        await self._told.get()

    async def insisted(self) -> None:
        """Return when told once more."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            await self._told.get()
            if loop.time() - begun > ECHO:
                return

    async def end(self, closing: Awaitable[object]) -> bool:
        """Wait for ``closing``, or cancel it when told once more; whether that was so."""
        work = asyncio.ensure_future(closing)
        again = asyncio.ensure_future(self.insisted())
        await asyncio.wait({work, again}, return_when=asyncio.FIRST_COMPLETED)
        again.cancel()
        if work.done():
            work.result()
            return False
        work.cancel()
        await asyncio.wait({work}, timeout=_AT_ONCE)
        return True


@contextlib.contextmanager
def stop_signals(watch: Watch | None = None) -> Iterator[StopSignals]:
    """Take SIGINT and SIGTERM over for as long as the block lasts."""
    signals = StopSignals(watch)
    with _handlers(signals):
        if watch is None:
            yield signals
            return
        watch.listen()
        try:
            yield signals
        finally:
            watch.stop_listening()


@contextlib.contextmanager
def _handlers(signals: StopSignals) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    try:
        for number in SIGNALS:
            loop.add_signal_handler(number, signals.tell, number)
    except NotImplementedError:  # Windows
        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            signal.signal(number, lambda number, _: loop.call_soon_threadsafe(signals.tell, number))
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
