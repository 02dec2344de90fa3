"""The event loop to run on, uvloop where it is installed, else asyncio's own; and its end, which takes bounded time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar

from ocppflow.log_budget import budgeted
from ocppflow.transport.daemon_threads import DaemonThreads
from ocppflow.transport.deadline import names_of

log = budgeted("ocppflow")

T = TypeVar("T")

WIND_UP: Final = 5.0
"""Seconds that tasks and threads have to end when the main function has returned, unless somebody says otherwise."""

_AT_LEAST = 0.05  # s: time for those who obey, even if all of it is over
_MOST_THREADS = 32  # as asyncio's own default


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's maker of loops, or None (asyncio's default) where uvloop is not installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def run(main: Coroutine[Any, Any, T], *, wind_up: Callable[[], float] = lambda: WIND_UP) -> T:
    """``asyncio.run`` on the fastest loop at hand, with an end.

    ``asyncio.run`` waits for ever for a task that swallows its cancellation, and for a thread of ``asyncio.to_thread``
    that does not end; both are left behind here after ``wind_up()`` seconds, which is asked when ``main`` has returned.
    """
    runner = asyncio.Runner(loop_factory=loop_factory())
    threads = DaemonThreads(min(_MOST_THREADS, (os.cpu_count() or 1) + 4), "asyncio")
    try:
        runner.get_loop().set_default_executor(threads)
        return runner.run(main)
    finally:
        _wind_up(runner, threads, time.monotonic() + wind_up())


def _wind_up(runner: asyncio.Runner, threads: DaemonThreads, until: float) -> None:
    """End tasks, asynchronous generators and threads, or give them up."""
    loop = runner.get_loop()
    ended = loop.run_until_complete(_end_tasks(loop, until))
    threads.shutdown(cancel_futures=True, seconds=until - time.monotonic())
    if threads.at_work:
        names = ", ".join(thread.name for thread in threads.at_work)
        log.warning("threads do not end: %s; left behind", names)
    if ended and not threads.at_work:
        runner.close()
    else:  # it would wait for them
        loop.close()


async def _end_tasks(loop: asyncio.AbstractEventLoop, until: float) -> bool:
    """Whether all tasks have ended."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    ended = await _wait_for(tasks, until)
    generators = asyncio.ensure_future(loop.shutdown_asyncgens())
    if await _wait_for([generators], until):
        generators.result()
        return ended
    return False


async def _wait_for(tasks: Iterable[asyncio.Task[Any]], until: float) -> bool:
    """Whether ``tasks`` have all ended in time; those that failed are told of, and those that go on."""
    tasks = list(tasks)
    if not tasks:
        return True
    done, left = await asyncio.wait(tasks, timeout=max(until - time.monotonic(), _AT_LEAST))
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed when it was cancelled", names_of([task]), exc_info=error)
    if left:
        log.warning("cancelled, but not ended: %s; left behind", names_of(left))
        for task in asyncio.all_tasks():
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # it has been told
    return not left
