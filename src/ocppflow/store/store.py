"""Store: one writer thread that groups commits, and reader threads beside it.

What waits while a commit runs goes with the next one. So a commit costs many events little, and one event no more than
one commit. A function that fails costs the others of its group nothing: the group is rolled back, and each is carried
out by itself.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from ocppflow.errors import OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.store.engines import create, create_in_memory
from ocppflow.store.schema import SCHEMA

log = budgeted("ocppflow.store")

_T = TypeVar("_T")
Work = Callable[[Connection], _T]
"""What is done in the writer's or a reader's thread: SQL only, no state of the event loop. A writer's work may be done
twice, the first time in a group that is rolled back."""

GROUP: Final = 500
"""Functions in one commit at most."""

READERS: Final = 3


class StoreUnavailable(OCPPError):
    """The database cannot be read or written now: full, locked, away. Nothing has been changed."""


class _WaitingWork:
    """A function that waits for the writer, and who waits for it."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Work[Any], future: asyncio.Future[Any] | None) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        self.result = self.work(connection)

    def finish(self) -> None:
        future = self.future
        if future is None:
            if self.error is not None:
                log.error("what nobody waits for was not written: %s", self.error)
        elif not future.done():
            if self.error is not None:
                future.set_exception(self.error)
            else:
                future.set_result(self.result)


class Store:
    """A database of SCHEMA. Made by :meth:`open` or :meth:`in_memory`."""

    def __init__(self, engine: Engine, *, inline: bool = False, directory: Path | None = None) -> None:
        self.engine = engine
        self.directory = directory
        """Where files of a CSMS may be kept beside the database; None if it has no place of its own."""
        self.failure: str | None = None
        """Why the last write failed; None if it did not."""
        self._inline = inline
        self._queue: queue.SimpleQueue[_WaitingWork | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, "ocppflow-store-reader")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: threading.Thread | None = None

    @classmethod
    def open(cls, where: str | Path, *, inline: bool = False) -> Store:
        """The database at an SQLAlchemy URL, or in a directory, which is made if need be. It is brought to this
        version's schema. ``inline`` reads and writes in the caller's own thread: for tests in virtual time. Blocks;
        raises ConfigurationError in one line for what cannot be opened."""
        engine, directory = create(where)
        SCHEMA.create_all(engine)
        return cls(engine, inline=inline, directory=directory)

    @classmethod
    def in_memory(cls) -> Store:
        """A database that ends with the process, written and read at once in the caller's own thread: for tests in
        virtual time, and for a CSMS that is to keep nothing."""
        engine = create_in_memory()
        SCHEMA.create_all(engine)
        return cls(engine, inline=True)

    # --- writing -------------------------------------------------------------------------------------------------

    async def write(self, work: Work[_T]) -> _T:
        """Do ``work`` in a transaction, and return what it returned once that is committed. Raises what it raises, and
        StoreUnavailable where the database fails. If the caller is cancelled, the work is done nevertheless."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._put(_WaitingWork(work, future))
        result: _T = await asyncio.shield(future)
        return result

    def write_soon(self, work: Work[object]) -> None:
        """Do ``work`` with the next commit, without anybody waiting for it; the log has what fails. From the loop."""
        self._put(_WaitingWork(work, None))

    def _put(self, waiting: _WaitingWork) -> None:
        if self._inline:
            self._carry_out([waiting])
            waiting.finish()
            return
        if self._writer is None:
            self._loop = asyncio.get_running_loop()
            self._writer = threading.Thread(target=self._write_all, name="ocppflow-store-writer", daemon=True)
            self._writer.start()
        self._queue.put(waiting)

    def _write_all(self) -> None:
        loop = self._loop
        assert loop is not None  # noqa: S101 - set before the thread starts
        ends = False
        while not ends:
            group: list[_WaitingWork] = []
            taken = self._queue.get()
            while True:
                if taken is None:
                    ends = True
                    break
                group.append(taken)
                if len(group) == GROUP:
                    break
                try:
                    taken = self._queue.get_nowait()
                except queue.Empty:
                    break
            if group:
                self._carry_out(group)
                loop.call_soon_threadsafe(_finish, group)

    def _carry_out(self, group: list[_WaitingWork]) -> None:
        try:
            with self.engine.begin() as connection:
                for waiting in group:
                    waiting.run(connection)
            self.failure = None
        except Exception as error:
            if len(group) > 1:
                for waiting in group:
                    self._carry_out([waiting])
                return
            group[0].error = self._told(error)

    def _told(self, error: Exception) -> Exception:
        if not isinstance(error, SQLAlchemyError):
            return error
        self.failure = str(getattr(error, "orig", None) or error).partition("\n")[0]
        unavailable = StoreUnavailable(f"the store cannot be written: {self.failure}")
        unavailable.__cause__ = error
        return unavailable

    # --- reading -------------------------------------------------------------------------------------------------

    async def read(self, work: Work[_T]) -> _T:
        """What ``work`` reads, as it was at one moment. Never waits for the writer."""
        if self._inline:
            return self._look(work)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._look, work)

    def _look(self, work: Work[_T]) -> _T:
        try:
            with self.engine.connect() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise StoreUnavailable(f"the store cannot be read: {reason}") from error

    # --- the end -------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Write what waits, and let go of the database."""
        writer, self._writer = self._writer, None
        if writer is not None:
            self._queue.put(None)
            await asyncio.get_running_loop().run_in_executor(None, writer.join)
        self._readers.shutdown()
        self.engine.dispose()

    def __repr__(self) -> str:
        return f"<Store {self.engine.url.render_as_string()}>"


def _finish(group: list[_WaitingWork]) -> None:
    for waiting in group:
        waiting.finish()
