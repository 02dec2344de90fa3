"""The threads that derive keys from passwords, and the fair queue before them.

One derivation of one form of a password is the unit: who needs several goes to the back of the queue between them. The
threads leave one processor to the event loop, and yield to it where there is only one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Protocol

from ocppflow.transport.daemon_threads import DaemonThreads
from ocppflow.transport.turn_queue import TurnQueue

WRONG_PATIENCE = 0.75
"""Seconds of checks that may wait from an address from which most passwords were wrong lately: a good station there
must not wait for a second."""

_FIRST_GUESS = 0.003  # s for one derivation, until some have been measured
_WEIGHT = 1 / 8  # of the latest measurement
_NICENESS = 5  # of the threads: where processors are short, the event loop gets three times what a derivation gets
_MOST_THREADS = 4

Unit = tuple[bytes, str]
"""A password, and the hash that it is compared with."""


class Overloaded(Exception):
    """Too many passwords wait to be checked; the station should come back later."""


class Memory(Protocol):
    """What is known of one password without deriving anything."""

    def recall(self) -> int | None:
        """The answer if it is known meanwhile: 0 or above for right, -1 for wrong; None if it is not."""

    def learn(self, index: int) -> None:
        """The answer has been found, -1 for wrong; whoever asked may have gone."""


class Check:
    """One password on its way: the units left to try, and what is known already."""

    __slots__ = ("_at", "_units", "address", "answer", "identity", "memory")

    def __init__(
        self,
        address: str,
        identity: str,
        units: Sequence[Unit],
        memory: Memory,
        answer: asyncio.Future[int],
    ) -> None:
        self.address = address
        self.identity = identity
        self.memory = memory
        self.answer = answer
        self._units = units
        self._at = 0

    @property
    def units(self) -> int:
        return len(self._units) - self._at

    @property
    def at(self) -> int:
        """How many have been tried."""
        return self._at

    def next(self) -> Unit:
        """The next to try."""
        self._at += 1
        return self._units[self._at - 1]


class Derivations:
    """Runs checks in threads, in the order of a TurnQueue.

    ``matches(password, hash)`` derives once; ``pool`` and ``now`` are for tests. Bound to the event loop it is made on.
    """

    def __init__(
        self,
        matches: Callable[[bytes, str], bool],
        threads: int | None = None,
        *,
        pool: Executor | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._matches = matches
        self._now = now
        self.threads = threads or default_threads()
        self.loop = asyncio.get_running_loop()
        self._pool = pool or DaemonThreads(self.threads, "ocppflow-passwords", _yield_to_others)
        self._queue: TurnQueue[Check] = TurnQueue()
        self._running = 0
        self._cost = _FIRST_GUESS

    async def first_match(
        self, address: str, identity: str, units: Sequence[Unit], *, patience: float, memory: Memory
    ) -> int:
        """The index of the first unit that matches, -1 if none does.

        ``memory`` is asked before every unit whether the answer is known meanwhile. Raises Overloaded if more than
        ``patience`` seconds of checks wait and this is the one that has to go, at once or while it waits.
        """
        check = Check(address, identity, units, memory, self.loop.create_future())
        self._queue.put(check, self._now())
        if patience:
            self._make_room(check, patience)
        self._fill()
        try:
            return await check.answer
        finally:
            self._queue.discard(check)  # the peer may have gone while it waited

    def close(self) -> None:
        """Let the threads end; for when the event loop is over."""
        self._pool.shutdown(wait=False)

    def _make_room(self, newcomer: Check, patience: float) -> None:
        """Refuse those with the most waiting until what waits can be done in time."""
        queue, address = self._queue, newcomer.address
        if queue.is_mostly_wrong(address):
            most = self._units_within(min(WRONG_PATIENCE, patience))
            while queue.units_of(address) > most and (one := queue.busiest_of(address)) is not None:
                self._refuse(one)
        most = self._units_within(patience)
        while queue.units > most and (one := queue.busiest()) is not None:
            self._refuse(one)

    def _units_within(self, seconds: float) -> int:
        # At least one round for the threads, however dear a hash is.
        return max(int(seconds * self.threads / self._cost), 2 * self.threads)

    def _refuse(self, check: Check) -> None:
        self._queue.discard(check)
        if not check.answer.done():
            check.answer.set_exception(Overloaded(f"{self._queue.units} passwords wait to be checked"))

    def _fill(self) -> None:
        """Give the threads work: one unit each, and one more so that none waits for this loop."""
        while self._running <= self.threads and (check := self._queue.take()) is not None:
            if check.answer.done():
                continue
            known = check.memory.recall()
            if known is not None:
                check.answer.set_result(known)
                continue
            self._running += 1
            job = self.loop.run_in_executor(self._pool, self._timed, check.next())
            job.add_done_callback(partial(self._done, check))

    def _timed(self, unit: Unit) -> tuple[bool, float]:
        start = self._now()
        return self._matches(*unit), self._now() - start

    def _done(self, check: Check, job: asyncio.Future[tuple[bool, float]]) -> None:
        self._running -= 1
        if not job.cancelled() and (error := job.exception()) is None:
            right, seconds = job.result()
            self._cost += (seconds - self._cost) * _WEIGHT
            self._go_on(check, right=right)
        elif not check.answer.done():
            check.answer.set_exception(error if not job.cancelled() and error else Overloaded("the threads have ended"))
        self._fill()

    def _go_on(self, check: Check, *, right: bool) -> None:
        now = self._now()
        if right or not check.units:
            index = check.at - 1 if right else -1
            self._queue.note(check, right=right, now=now)
            check.memory.learn(index)
            if not check.answer.done():
                check.answer.set_result(index)
        elif not check.answer.done():
            self._queue.put(check, now)


def default_threads() -> int:
    """As many as there are processors, but one for the event loop; at least one, at most four."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(_MOST_THREADS, processors - 1))


def _yield_to_others() -> None:
    """Lower this thread's priority: Linux keeps one for each thread. Elsewhere it would be the process's."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
