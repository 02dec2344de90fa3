"""Handlers that do not end: nobody waits for their answer any more, and some time later they are cancelled."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ocppflow.log_budget import budgeted

log = budgeted("ocppflow")

OVERDUE: Final = "its answer is overdue"
"""What the CancelledError of such a handler says."""

_Task = asyncio.Future[Any]


class Overdue:
    """The handlers of one connection that owe an answer no longer, because it is too late or because a 2.1 SEND has
    none, and when each is cancelled. Made when there is one.

    ``seconds`` is ``Limits.handler_timeout``.
    """

    __slots__ = ("_due", "_identity", "_is_told", "_seconds", "given_up")

    def __init__(self, identity: str, seconds: float) -> None:
        self._identity = identity
        self._seconds = seconds
        self._due: dict[_Task, tuple[float, str, bool]] = {}
        self._is_told = False
        self.given_up = 0
        """How many have a call behind them that has expired, so that another may begin in their place."""

    def add(self, task: _Task, action: str, begun: float, *, given_up: bool) -> None:
        """From ``begun`` on, ``task`` may go on for ``seconds``."""
        self._due[task] = begun + self._seconds, action, given_up
        self.given_up += given_up

    def over(self, task: _Task) -> None:
        """It has ended."""
        known = self._due.pop(task, None)
        if known is not None:
            self.given_up -= known[2]

    @property
    def next(self) -> float | None:
        """When the first is to be cancelled; None if none ever is."""
        return min((due for due, _, _ in self._due.values()), default=None) if self._seconds else None

    def cancel(self, now: float) -> None:
        """Cancel those that are due. One that does not care is cancelled again, as often as it takes."""
        for task, (due, action, given_up) in list(self._due.items()):
            if due > now or not self._seconds:
                continue
            self._due[task] = now + self._seconds, action, given_up
            self.cancel_now(task, action)

    def cancel_now(self, task: _Task, action: str) -> None:
        """Cancel the handler of ``action``, and say so if it is the first."""
        task.cancel(OVERDUE)
        if not self._is_told:
            self._is_told = True
            log.warning(
                "%s: the handler of %s does not end and is cancelled (Limits.handler_timeout is %g s); others of this "
                "connection will be, without a word",
                self._identity,
                action,
                self._seconds,
            )
