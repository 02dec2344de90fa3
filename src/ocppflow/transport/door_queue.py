"""What is done for strangers, so much in each turn of the event loop, that those who are in have theirs as well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ocppflow.log_budget import budgeted
from ocppflow.transport.shares import FairQueue

log = budgeted("ocppflow.transport")

PER_TURN = 16
"""Pieces of work for strangers in one turn of the loop. The dearest, a refusal that is logged, takes about half a
millisecond, so a turn stays below 10 ms, and 16 of them in each turn are still above a thousand a second."""


class DoorQueue:
    """Work of strangers, done in turns: no network waits for more than one piece of each of the others."""

    __slots__ = ("_queue", "_scheduled", "done")

    def __init__(self) -> None:
        self._queue: FairQueue[Callable[[], object]] = FairQueue()
        self._scheduled = False
        self.done = 0
        """How many pieces of work have been done."""

    def add(self, network: str, work: Callable[[], object]) -> None:
        """Do ``work`` for ``network`` when its turn has come, which is not within this call."""
        self._queue.put(network, work)
        if not self._scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._scheduled = True
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        for _ in range(PER_TURN):
            if not self._queue:
                return
            self.done += 1
            try:
                self._queue.take()()
            except Exception:
                log.exception("a step of an opening handshake failed")
        if self._queue:
            self._schedule()
