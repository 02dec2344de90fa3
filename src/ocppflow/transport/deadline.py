"""The end of a closing: made once, where it begins, and handed down to everything that closes."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections import Counter
from collections.abc import Awaitable, Collection, Iterable
from types import CoroutineType
from typing import Any, Final

from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.transport.clock import Clock
from ocppflow.transport.link import Link

log = budgeted("ocppflow")

_ANSWERS, _HANDSHAKES, _HOOKS = 0.6, 0.8, 0.9
"""Shares of the grace. Most of it is for answers, because they are what closing in order is for; a closing handshake is
one round trip; a hook that has not ended by itself still gets time to end when it is cancelled."""

_LAST: Final = 1.0
"""Seconds for what was cancelled, where no grace bounds them."""

_MARGIN: Final = 0.2
"""Seconds after the end in which a closing that has given up its tasks may return by itself."""

_TURNS: Final = 30  # of the event loop, in which a closing that is cancelled has dropped everything

_TOO_LATE: Final = "the closing handshake was not over when everything had to be"

_NAMED = 5  # tasks that a log line names


class Deadline:
    """``grace`` seconds from now, in which a closing has to be over, whatever peers, handlers and hooks do.

    Up to ``answers`` what is pending may end, up to ``handshakes`` peers may answer a close frame, up to ``hooks``
    hooks and background work may end by themselves; what has not ended then is cancelled, and what has not ended at
    ``end`` is left behind. ``grace`` None waits for nothing that is pending, and leaves closing handshakes to the
    close time-out of their links. The task that makes a Deadline is the one that closes, and is not waited for.

    Raises ConfigurationError for a grace that cannot be one.
    """

    __slots__ = ("_clock", "_named", "answers", "caller", "end", "handshakes", "hooks")

    def __init__(self, clock: Clock, grace: float | None) -> None:
        check_grace(grace)
        self._clock = clock
        self._named: set[asyncio.Future[Any]] = set()
        self.caller = asyncio.current_task()
        now = clock.now()
        self.answers = self.hooks = now
        self.handshakes = self.end = math.inf
        if grace is not None:
            self.answers, self.handshakes = now + grace * _ANSWERS, now + grace * _HANDSHAKES
            self.hooks, self.end = now + grace * _HOOKS, now + grace

    def is_over(self, moment: float) -> bool:
        """Whether one of its moments has come."""
        return self._clock.now() >= moment

    async def wait(self, futures: Iterable[asyncio.Future[Any]], until: float) -> set[asyncio.Future[Any]]:
        """Wait for ``futures`` until one of its moments; those that are not done then."""
        pending = {each for each in futures if each is not self.caller and not each.done()}
        if not pending or self.is_over(until):
            return pending
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ended(each: asyncio.Future[Any]) -> None:
            pending.discard(each)
            if not pending:
                set_done(over)

        timer = None if until == math.inf else self._clock.call_at(until, lambda: set_done(over))
        for each in pending:
            each.add_done_callback(ended)
        try:
            await over
        finally:
            if timer is not None:
                timer.cancel()
            for each in pending:
                each.remove_done_callback(ended)
        return pending

    async def cancel(self, tasks: Iterable[asyncio.Future[Any]], until: float | None = None) -> None:
        """Cancel ``tasks`` and wait for them until ``until`` (a moment of its own; its end, if None). Those that go on
        nevertheless are named in the log and left behind."""
        pending = {each for each in tasks if each is not self.caller and not each.done()}
        if not pending:
            return
        for each in pending:
            each.cancel()
        until = self.end if until is None else until
        if until == math.inf:
            until = self._clock.now() + _LAST
        elif self.is_over(until):
            for _ in range(3):  # the turns of the loop in which a task that obeys has ended
                await asyncio.sleep(0)
        left = await self.wait(pending, until) - self._named
        if left:
            self._named |= left
            log.warning("cancelled, but not ended: %s; left behind", names_of(left))

    async def end_of(self, link: Link) -> None:
        """Wait until a Link that is being closed is closed: for its peer until ``handshakes``, then it is dropped."""
        timer = None
        if self.is_over(self.handshakes):
            link.abort(_TOO_LATE)
        elif self.handshakes < math.inf:
            timer = self._clock.call_at(self.handshakes, lambda: link.abort(_TOO_LATE))
        try:
            await link.wait_closed()
        finally:
            if timer is not None:
                timer.cancel()

    async def hold(self, closing: Awaitable[object]) -> None:
        """Wait for ``closing``, to its end at the latest: what a Link or a task of somebody else does must not keep it
        open."""
        task = asyncio.ensure_future(closing)
        try:
            left = await self.wait([task], self.end + _MARGIN)
        except asyncio.CancelledError:
            task.cancel()
            for _ in range(_TURNS):
                if task.done():
                    break
                await asyncio.sleep(0)
            raise
        if not left:
            task.result()
            return
        task.cancel()
        log.warning("closing was not over in time; what was left is dropped")


def check_grace(grace: float | None) -> None:
    """Raise ConfigurationError for a grace that cannot be one."""
    if grace is None:
        return
    if isinstance(grace, bool) or not isinstance(grace, (int, float)) or not 0 <= grace < math.inf:
        raise ConfigurationError(f"grace is {grace!r}; it must be a number of seconds, 0 or more, or None")


def set_done(future: asyncio.Future[None]) -> None:
    """Give a future that only tells of a moment its result, unless it has one."""
    if not future.done():
        future.set_result(None)


def names_of(tasks: Collection[asyncio.Future[Any]]) -> str:
    """What some tasks are, for people."""
    names = Counter(map(_name_of, tasks))
    shown = ", ".join(f"{name} ({count} times)" if count > 1 else name for name, count in names.most_common(_NAMED))
    return f"{shown} and others" if len(names) > _NAMED else shown


def _name_of(task: asyncio.Future[Any]) -> str:
    """What a task is, for people: the function that it runs."""
    work: Any = task.get_coro() if isinstance(task, asyncio.Task) else task
    while inspect.iscoroutine(work) and inspect.iscoroutine(work.cr_await) and _is_ours(work):
        work = work.cr_await
    return getattr(work, "__qualname__", None) or type(work).__name__


def _is_ours(coroutine: CoroutineType[Any, Any, Any]) -> bool:
    """Whether a coroutine is of this package, and so tells nobody what it waits for."""
    frame = coroutine.cr_frame
    return frame is not None and str(frame.f_globals.get("__name__", "")).startswith("ocppflow.")
