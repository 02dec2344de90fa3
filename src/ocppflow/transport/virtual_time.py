"""Virtual time: an event loop on which waiting takes no time. Whenever everything waits, its clock leaps to what is due
next; hours pass in milliseconds, and the order of what happens is the order of the times.

::

    run_in_virtual_time(main())       # as asyncio.run; LoopClock, asyncio.sleep and asyncio.timeout live in it

What other threads and sockets do still takes its real time, and the clock stands still for it: at most for
``REAL_WAIT`` seconds at a stretch where only sockets are open, so that a peer that never answers does not stop the
clock; for as long as it takes where a thread of ``run_in_executor`` is at work.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from typing import Any, Final, TypeVar

from ocppflow.errors import OCPPError

_T = TypeVar("_T")

REAL_WAIT: Final = 0.05
"""Real seconds for which the clock stands still because a socket is open: far more than a peer of the same process, or
on the same machine, needs for an answer."""

_START: Final = 1000.0


class StandsStill(OCPPError):
    """Everything waits, and nothing is due at any time: what is waited for can never happen."""


class _LeapingSelector(selectors.BaseSelector):
    """Asks the real selector what is ready; where nothing is, time leaps."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = _START
        self.threads = 0
        """Functions at work in other threads."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if self.threads:
            return self._real.select(timeout)
        if len(self._real.get_map()) > 1:  # more than the loop's own pipe
            ready = self._real.select(REAL_WAIT if timeout is None else min(REAL_WAIT, timeout))
            if ready or timeout is None:
                return ready
        elif timeout is None:
            raise StandsStill("everything waits, and no timer is set")
        self.now += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.get_key(fileobj)

    def close(self) -> None:
        self._real.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """asyncio's event loop in virtual time."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        """Virtual seconds."""
        return self._leaping.now

    def run_in_executor(  # type: ignore[override]  # typeshed's own signature differs between versions
        self, executor: Executor | None, func: Callable[..., _T], *args: Any
    ) -> asyncio.Future[_T]:
        """As asyncio's; time stands still until ``func`` has ended."""
        future = super().run_in_executor(executor, func, *args)
        self._leaping.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """As asyncio's, which has ``timeout`` from Python 3.12 on: threads end in real time."""
        self._leaping.threads += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._leaping.threads -= 1

    def _thread_ended(self, _: object) -> None:
        self._leaping.threads -= 1


def run_in_virtual_time(main: Coroutine[Any, Any, _T]) -> _T:
    """Run ``main`` on a loop of its own in virtual time. Raises StandsStill where it would wait for ever."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
