"""The engine as a process: it serves until its runtime is gone or a signal comes, and ends in bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from ocppflow.endpoint import Watchdog
from ocppflow.endpoint.stop_signals import SIGNALS
from ocppflow.transport.loop import run

ENDING: Final = 5.0
"""Seconds in which the engine ends, whatever nodes, peers and the runtime do: 3 for the goodbyes of peers, the rest for
a runtime that does not read. Node-RED sends it SIGTERM after 6."""

Serve = Callable[[Watchdog], Coroutine[Any, Any, None]]


def run_engine(serve: Serve) -> None:
    """Run ``serve(watchdog)``, which tells the watchdog when it begins to end."""
    with Watchdog(lambda: ENDING, stays=True) as watchdog:
        run(serve(watchdog), wind_up=watchdog.left)
        watchdog.exit_code = 0


def stop_on_signals(watchdog: Watchdog) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, instead of ending the process; a second one does."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell() -> None:
        stop.set()
        watchdog.told()

    for number in SIGNALS:
        loop.add_signal_handler(number, tell)
    watchdog.listen()
    return stop
