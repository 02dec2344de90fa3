"""GroupCommits: works that are done in one transaction, each as if it had been alone.

A group is done as it comes, which costs the works nothing beyond their statements. If one of them fails, the group is
rolled back and done once more, each work within a savepoint, so that what fails costs only itself. Where there is no
room for the group, each is tried alone. Where the connection is lost, the group waits for another one, and is done
again once it is certain that nothing of it was committed: PostgreSQL is asked what became of a commit that it did not
confirm.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ocppflow.log_budget import budgeted
from ocppflow.store.database_faults import DatabaseFault, OutcomeUnknown, fault_of, reason_of, told
from ocppflow.store.engines import WRITES

log = budgeted("ocppflow.store")

_T = TypeVar("_T")
Work = Callable[[Connection], _T]
"""What is done in the writer's or a reader's thread: SQL only, no state of the event loop. A writer's work may be done
twice, the first time in a transaction that is rolled back."""

PATIENCE: Final = 10.0
"""Seconds for which a lost connection is waited for, before whoever waits is told: a restart of PostgreSQL takes less,
and a station waits longer for its answer. While it stays away, later groups do not wait again."""

_PAUSE: Final = 0.1  # seconds between attempts
_ATTEMPTS: Final = 5  # where others are in the way: a deadlock with a process that prunes


class WaitingWork:
    """A function that waits for the writer, and who waits for it, if anybody does."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Work[Any], future: asyncio.Future[Any] | None = None) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None

    def run(self, connection: Connection) -> None:
        """Do it, or let its error end the transaction."""
        self.error = None
        self.result = self.work(connection)

    def run_apart(self, connection: Connection) -> None:
        """Do it within a savepoint. Its own error is kept; an error of the database ends the transaction."""
        self.error = self.result = None
        point = connection.begin_nested()
        try:
            result = self.work(connection)
            point.commit()
        except Exception as error:
            if fault_of(error) is not DatabaseFault.OWN:
                raise
            point.rollback()
            self.error = error
        else:
            self.result = result


class GroupCommits:
    """Carries out groups, one at a time. ``patience``: seconds, see :data:`PATIENCE`."""

    def __init__(self, engine: Engine, patience: float = PATIENCE) -> None:
        self.failure: str | None = None
        """Why the last commit failed; None if it did not."""
        self.patience = patience
        self._engine = engine.execution_options(**{WRITES: True})
        self._asks_outcome = engine.dialect.name == "postgresql"

    def carry_out(self, group: Sequence[WaitingWork]) -> None:
        """Do the works; afterwards each has its result or its error. Raises nothing."""
        error = self._attempt(group, apart=False)
        if error is None:
            return
        if len(group) > 1 and fault_of(error) is DatabaseFault.OWN:
            error = self._attempt(group, apart=True)
            if error is None:
                return
        if len(group) > 1 and fault_of(error) in (DatabaseFault.OWN, DatabaseFault.FULL):
            for waiting in group:
                self.carry_out([waiting])
        else:
            self._fail(group, error)

    def _fail(self, group: Sequence[WaitingWork], error: Exception) -> None:
        failed = told(error, "written")
        for waiting in group:
            waiting.result, waiting.error = None, failed

    def _attempt(self, group: Sequence[WaitingWork], *, apart: bool) -> Exception | None:
        """The error for which the group cannot be committed, if any. Nothing of it is in the database then, unless the
        error is OutcomeUnknown."""
        waits_until = time.monotonic() + (self.patience if self.failure is None else 0)
        attempts = 0
        while True:
            try:
                self._once(group, apart=apart)
            except Exception as error:
                fault = fault_of(error)
                if fault is not DatabaseFault.OWN:
                    self._note(error)
                attempts += 1
                if fault is DatabaseFault.AGAIN and attempts < _ATTEMPTS:
                    continue
                if fault is DatabaseFault.AWAY and (attempts == 1 or time.monotonic() < waits_until):
                    time.sleep(_PAUSE if attempts > 1 else 0)
                    continue
                return error
            self._recovered()
            return None

    def _note(self, error: Exception) -> None:
        if self.failure is None:
            log.warning("the store cannot be written: %s", reason_of(error))
        self.failure = reason_of(error)

    def _recovered(self) -> None:
        if self.failure is not None:
            log.warning("the store can be written again")
            self.failure = None

    def _once(self, group: Sequence[WaitingWork], *, apart: bool) -> None:
        with self._engine.connect() as connection:
            transaction = connection.begin()
            try:
                for waiting in group:
                    if apart:
                        waiting.run_apart(connection)
                    else:
                        waiting.run(connection)
                number = self._number(connection)
            except BaseException:
                with suppress(SQLAlchemyError):  # of a connection that is lost already
                    transaction.rollback()
                raise
            try:
                transaction.commit()
            except Exception as error:
                with suppress(SQLAlchemyError):
                    transaction.rollback()
                if number is None or fault_of(error) is not DatabaseFault.AWAY:
                    raise
                if not self._was_committed(number, error):
                    raise

    # --- a commit that was not confirmed -------------------------------------------------------------------------

    def _number(self, connection: Connection) -> int | None:
        """The number by which PostgreSQL knows the transaction; None if it has written nothing, or is SQLite's, which
        knows at once what became of a commit."""
        if not self._asks_outcome:
            return None
        number: int | None = connection.execute(text("SELECT txid_current_if_assigned()")).scalar()
        return number

    def _was_committed(self, number: int, cause: Exception) -> bool:
        """Whether a transaction was committed whose connection was lost on the way. Raises OutcomeUnknown if PostgreSQL
        does not come back to tell."""
        waits_until = time.monotonic() + self.patience
        while True:
            try:
                with self._engine.connect() as connection:
                    status = connection.execute(text("SELECT txid_status(:n)"), {"n": number}).scalar()
                if status == "committed":
                    return True
                if status == "aborted":
                    return False
            except SQLAlchemyError as error:
                if fault_of(error) is DatabaseFault.OWN:  # a number never given: a replica took over
                    return False
            if time.monotonic() >= waits_until:
                raise OutcomeUnknown(reason_of(cause)) from cause
            time.sleep(_PAUSE)
