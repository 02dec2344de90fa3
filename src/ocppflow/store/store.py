"""Store: one writer thread that groups commits, and reader threads beside it.

What waits while a commit runs goes with the next one. So a commit costs many events little, and one event no more than
one commit.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Engine, Table
from sqlalchemy.exc import SQLAlchemyError

from ocppflow.log_budget import budgeted
from ocppflow.process_lock import ProcessLock
from ocppflow.store.database_faults import (
    DatabaseFault,
    StoreUnavailable,
    directory_fault,
    fault_of,
    opening_fault,
    told,
)
from ocppflow.store.database_lock import lock_database
from ocppflow.store.engines import engine_for, engine_in_memory, file_of
from ocppflow.store.group_commits import PATIENCE, GroupCommits, WaitingWork, Work
from ocppflow.store.row_batches import RowBatches
from ocppflow.store.schema import SCHEMA
from ocppflow.store.upgrade import upgrade

log = budgeted("ocppflow.store")

_T = TypeVar("_T")

GROUP: Final = 500
"""Functions in one commit at most."""

MOST_WAITING: Final = 10_000
"""Functions that wait for the writer at most: some seconds' worth. Whoever comes then waits for room, and a station for
its answer."""

READERS: Final = 3
"""Threads for quick queries, such as those that a station waits for; and as many for slow ones."""


class Store:
    """A database of SCHEMA. Made by :meth:`open` or :meth:`in_memory`."""

    def __init__(
        self,
        engine: Engine,
        *,
        inline: bool = False,
        directory: Path | None = None,
        lock: ProcessLock | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.engine = engine
        self.directory = directory
        """Where files of a CSMS may be kept beside the database; None if it has no place of its own."""
        self._inline = inline
        self._lock = lock
        self._commits = GroupCommits(engine, 0 if inline else patience)
        self._batches = RowBatches(self._put_batch)
        self._queue: queue.SimpleQueue[WaitingWork | None] = queue.SimpleQueue()
        self._waiting = 0
        self._for_room: deque[asyncio.Future[None]] = deque()
        self._readers = ThreadPoolExecutor(READERS, "ocppflow-store-reader")
        self._slow_readers = ThreadPoolExecutor(READERS, "ocppflow-store-slow-reader")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: threading.Thread | None = None
        self._is_closed = False

    @classmethod
    def open(cls, where: str | Path, *, inline: bool = False, patience: float = PATIENCE) -> Store:
        """The database at an SQLAlchemy URL, or in a directory, which is made if need be. It is brought to this
        version's schema. ``inline`` reads and writes in the caller's own thread: for tests in virtual time.
        ``patience``: seconds for which a lost connection is waited for. Blocks; raises ConfigurationError in one line
        for what cannot be opened."""
        engine = engine_for(where)
        file = file_of(engine)
        lock: ProcessLock | None = None
        try:
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                lock = lock_database(file)
            upgrade(engine)
        except BaseException as error:
            engine.dispose()
            if lock is not None:
                lock.release()
            if isinstance(error, SQLAlchemyError | sqlite3.Error):
                raise opening_fault(engine, error) from None
            if isinstance(error, OSError) and file is not None:
                raise directory_fault(file.parent, error) from None
            raise
        directory = None if file is None else file.parent
        return cls(engine, inline=inline, directory=directory, lock=lock, patience=patience)

    @classmethod
    def in_memory(cls) -> Store:
        """A database that ends with the process, written and read at once in the caller's own thread: for tests in
        virtual time, and for a CSMS that is to keep nothing."""
        engine = engine_in_memory()
        SCHEMA.create_all(engine)
        return cls(engine, inline=True)

    @property
    def failure(self) -> str | None:
        """Why the last write failed; None if it did not."""
        return self._commits.failure

    @property
    def waiting(self) -> int:
        """Functions that wait for the writer, or are being carried out."""
        return self._waiting

    # --- writing -------------------------------------------------------------------------------------------------

    async def write(self, work: Work[_T]) -> _T:
        """Do ``work`` in a transaction, and return what it returned once that is committed. Raises what it raises, and
        StoreUnavailable where the database fails. Waits for room where too much waits already. If the caller is
        cancelled while the work waits for the writer, it is done nevertheless."""
        if self._for_room or self._waiting >= MOST_WAITING:
            await self._room()
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._put(WaitingWork(work, future))
        return await future

    def write_soon(self, work: Work[object]) -> None:
        """Do ``work`` with the next commit, without anybody waiting for it; the log has what fails. Where far too much
        waits already, it is not done, and the log says so. From the loop."""
        if self._waiting >= 2 * MOST_WAITING:
            log.error("the store is too slow, so what nobody waits for is lost")
            return
        self._put(WaitingWork(work))

    def insert_soon(self, table: Table, rows: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> None:
        """Insert rows as :meth:`write_soon` does, many in one statement: for what comes often. All rows of a table have
        the same columns. One that cannot be inserted costs the others nothing."""
        for row in [rows] if isinstance(rows, Mapping) else rows:
            self._batches.add(table, row)

    def _put_batch(self, work: Work[None], over: Callable[[], None]) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ended(_: asyncio.Future[None]) -> None:
            if not future.cancelled() and (error := future.exception()) is not None:
                log.error("what nobody waits for was not written: %s", error)
            over()

        waiting = WaitingWork(work, future)
        self._put(waiting)
        future.add_done_callback(ended)

    async def _room(self) -> None:
        """Return, in the order of arrival, when there is room."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._for_room.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            with suppress(ValueError):
                self._for_room.remove(turn)
            raise

    def _put(self, waiting: WaitingWork) -> None:
        if self._is_closed:
            waiting.error = StoreUnavailable("the store is closed")
            _finish(waiting)
            return
        if self._inline:
            self._commits.carry_out([waiting])
            _finish(waiting)
            return
        if self._writer is None:
            self._loop = asyncio.get_running_loop()
            self._writer = threading.Thread(target=self._write_all, name="ocppflow-store-writer", daemon=True)
            self._writer.start()
        self._waiting += 1
        self._queue.put(waiting)

    def _write_all(self) -> None:
        loop = self._loop
        assert loop is not None  # noqa: S101 - set before the thread starts
        ends = False
        while not ends:
            group, ends = self._next_group()
            if group:
                self._commits.carry_out(group)
                with suppress(RuntimeError):  # the loop has been closed without the store
                    loop.call_soon_threadsafe(self._finished, group)

    def _next_group(self) -> tuple[list[WaitingWork], bool]:
        """What waits, and whether it is the last; waits for the first of it."""
        group: list[WaitingWork] = []
        taken = self._queue.get()
        while taken is not None:
            group.append(taken)
            if len(group) == GROUP:
                return group, False
            try:
                taken = self._queue.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _finished(self, group: list[WaitingWork]) -> None:
        self._waiting -= len(group)
        for waiting in group:
            _finish(waiting)
        room = MOST_WAITING - self._waiting
        while self._for_room and room > 0:
            turn = self._for_room.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1

    # --- reading -------------------------------------------------------------------------------------------------

    async def read(self, work: Work[_T], *, slow: bool = False) -> _T:
        """What ``work`` reads, as it was at one moment. Never waits for the writer. ``slow``: it may take long, so that
        what a station waits for is not to wait behind it. Raises StoreUnavailable where the database fails."""
        if self._inline:
            return self._look(work)
        if self._is_closed:
            raise StoreUnavailable("the store is closed")
        readers = self._slow_readers if slow else self._readers
        return await asyncio.get_running_loop().run_in_executor(readers, self._look, work)

    def _look(self, work: Work[_T]) -> _T:
        try:
            try:
                return self._look_once(work)
            except SQLAlchemyError as error:
                if fault_of(error) is not DatabaseFault.AWAY:
                    raise
                return self._look_once(work)  # over a new connection
        except SQLAlchemyError as error:
            if fault_of(error) is DatabaseFault.OWN:
                raise
            raise told(error, "read") from error

    def _look_once(self, work: Work[_T]) -> _T:
        with self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            return work(connection)

    # --- the end -------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Write what waits, and let go of the database."""
        if self._is_closed:
            return
        self._batches.flush()
        self._is_closed = True
        if self._inline:
            self._let_go(None)
            return
        self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._let_go, self._writer)

    def _let_go(self, writer: threading.Thread | None) -> None:
        if writer is not None:
            writer.join()
        for readers in (self._readers, self._slow_readers):
            readers.shutdown()
        self.engine.dispose()
        if self._lock is not None:
            self._lock.release()

    def __repr__(self) -> str:
        return f"<Store {self.engine.url.render_as_string()}>"


def _finish(waiting: WaitingWork) -> None:
    future = waiting.future
    if future is not None and not future.done():
        if waiting.error is not None:
            future.set_exception(waiting.error)
        else:
            future.set_result(waiting.result)
    elif waiting.error is not None:
        log.error("what nobody waits for was not written: %s", waiting.error)
