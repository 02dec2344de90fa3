"""StoreFile: what stations must not forget, in one SQLite file for one station or for a fleet."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ocppflow.log_budget import budgeted
from ocppflow.process_lock import HeldElsewhere, ProcessLock
from ocppflow.station.station_store import Changes, StationStore, StoreFailed
from ocppflow.station.store_faults import fault

log = budgeted("ocppflow.station")

FORMAT: Final = 1
"""Of the file, kept as SQLite's ``user_version``; one that is greater was written by a newer ocppflow."""

APPLICATION: Final = 0x6F637066  # "ocpf": tells our files from other SQLite files

_TABLE: Final = (
    "CREATE TABLE kept (station TEXT NOT NULL, area TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, "
    "PRIMARY KEY (station, area, key)) WITHOUT ROWID"
)

Batch = list[tuple[str, Changes]]
"""Stations by identity, with their changes."""


class StoreFile:
    """An SQLite file, made if there is none, which is this process's alone as long as it is open.

    ::

        with StoreFile("/var/lib/ocpp/CS1.db") as file:
            station = CompleteStation("CS1", url, store=file.store("CS1"))

    ``inline``: a commit is written by the thread that asks for it, and is durable when ``commit()`` returns. Without it
    one thread writes for all stations of the file: what is committed while it is at work goes together with the next
    ``fsync``, so a thousand stations cost hardly more of them than one; and all that is committed without an ``await``
    in between goes together, so that a block may commit in the middle of what another one has begun. Either way a
    commit is whole or not at all there, in the order of the calls.

    Raises StoreFailed, in one line, for a file that cannot be opened, or is another process's, not a station's or of a
    newer format.
    """

    def __init__(self, path: str | Path, *, inline: bool = False) -> None:
        self.path = Path(path)
        self._lock = _lock(self.path)
        try:
            self._writer, self._reader = self._open()
        except BaseException:
            self._lock.release()
            raise
        self._made = _which(self.path)
        self._threads = None if inline else ThreadPoolExecutor(1, thread_name_prefix=f"commits {self.path.name}")
        self._waiting: dict[SqliteStationStore, None] = {}  # in the order in which they came
        self._flying: list[SqliteStationStore] = []
        self._outcome: Future[StoreFailed | None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_due = False
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<StoreFile {self.path}{' closed' if self._is_closed else ''}>"

    def _open(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        connections: list[sqlite3.Connection] = []
        _make_private(self.path)
        try:
            for _ in range(2):
                connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
                connections.append(connection)
                if len(connections) == 1:
                    self._prepare(connection)
            return connections[0], connections[1]
        except sqlite3.Error as exc:
            _close(connections)
            raise fault(self.path, exc) from None
        except BaseException:
            _close(connections)
            raise

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and application != APPLICATION:
            raise StoreFailed(f"{self.path} is another program's SQLite file: name a file that does not exist yet")
        if version > FORMAT:
            raise StoreFailed(f"{self.path} has format {version}, this ocppflow knows {FORMAT}: use a newer one")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        if not tables:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA application_id={APPLICATION}")
            connection.execute(f"PRAGMA user_version={FORMAT}")
            connection.execute("COMMIT")

    def store(self, identity: str) -> SqliteStationStore:
        """The part of the station ``identity``. Ask once for each."""
        identity.encode()
        return SqliteStationStore(self, identity)

    def stations(self) -> list[str]:
        """Of which stations something is kept."""
        return [name for (name,) in self._select("SELECT DISTINCT station FROM kept ORDER BY station")]

    def close(self) -> None:
        """Write what waits, and let the file go. It may be called twice."""
        if self._is_closed:
            return
        if self._threads is not None:
            self._threads.shutdown()
            self._landed(None)
        if self._waiting:
            self._write_here()
        self._is_closed = True
        _close((self._reader, self._writer))
        self._lock.release()

    def __enter__(self) -> StoreFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _kept(self, identity: str, area: str) -> dict[str, bytes]:
        return dict(self._select("SELECT key, value FROM kept WHERE station = ? AND area = ?", identity, area))

    def _select(self, query: str, *values: str) -> list[Any]:
        if self._is_closed:
            raise self._closed()
        try:
            return self._reader.execute(query, values).fetchall()
        except sqlite3.Error as exc:
            raise fault(self.path, exc) from None

    def _closed(self) -> StoreFailed:
        return StoreFailed(f"{self.path} has been closed here: open it again")

    # --- commits -------------------------------------------------------------------------------------------------

    def _commit(self, store: SqliteStationStore) -> None:
        """``store`` has changes to write."""
        self._waiting[store] = None
        if self._threads is None or self._is_closed:
            self._write_here()
            return
        loop = asyncio.get_running_loop()
        if self._outcome is not None:
            if loop is not self._loop:  # the one that was to hear of it may have ended
                self._listen(loop, self._outcome)
        elif not self._is_due or loop is not self._loop:
            self._is_due, self._loop = True, loop
            loop.call_soon(self._turn_over, loop)

    def _turn_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Whoever has committed has let others go on: what has been committed until now goes together."""
        self._is_due = False
        if self._waiting and self._outcome is None and self._threads is not None and not self._is_closed:
            self._write_there(loop, self._threads)

    def _batch(self) -> tuple[list[SqliteStationStore], Batch]:
        stores = list(self._waiting)
        self._waiting.clear()
        return stores, [(store.identity, store._take()) for store in stores]

    def _write_here(self) -> None:
        stores, batch = self._batch()
        why = self._write(batch)
        for store in stores:
            store._over(why)

    def _write_there(self, loop: asyncio.AbstractEventLoop, threads: ThreadPoolExecutor) -> None:
        self._flying, batch = self._batch()
        self._outcome = threads.submit(self._write, batch)
        self._listen(loop, self._outcome)

    def _listen(self, loop: asyncio.AbstractEventLoop, outcome: Future[StoreFailed | None]) -> None:
        self._loop = loop
        outcome.add_done_callback(lambda _: self._tell(loop))

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the loop has been closed meanwhile: nobody waits
            loop.call_soon_threadsafe(self._landed, loop)

    def _landed(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """What the thread wrote is written, or could not be."""
        if self._outcome is None or not self._outcome.done():
            return  # it has been seen to
        stores, self._flying = self._flying, []
        why, self._outcome = self._outcome.result(), None
        for store in stores:
            store._over(why)
        if self._waiting and loop is not None and self._threads is not None:
            self._write_there(loop, self._threads)

    def _write(self, batch: Batch) -> StoreFailed | None:
        """Make it durable; why that failed."""
        if self._is_closed:
            return self._closed()
        if self._is_gone():
            return StoreFailed(f"{self.path} has been removed or replaced: put it back, or start again")
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for identity, changes in batch:
                self._change(identity, changes)
            self._writer.execute("COMMIT")
        except sqlite3.Error as exc:
            with suppress(sqlite3.Error):
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
            return fault(self.path, exc)
        return None

    def _change(self, identity: str, changes: Changes) -> None:
        self._writer.executemany(
            "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)",
            [(identity, area, key, value) for (area, key), value in changes.items() if value is not None],
        )
        self._writer.executemany(
            "DELETE FROM kept WHERE station = ? AND area = ? AND key = ?",
            [(identity, area, key) for (area, key), value in changes.items() if value is None],
        )

    def _is_gone(self) -> bool:
        """Whether the file's name leads elsewhere now: SQLite would write on into what nobody finds again."""
        try:
            return _which(self.path) != self._made
        except OSError:
            return True


class SqliteStationStore(StationStore):
    """One station's part of a StoreFile."""

    __slots__ = ("_file", "_flying", "_waiting", "identity")

    def __init__(self, file: StoreFile, identity: str) -> None:
        super().__init__()
        self.identity = identity
        self._file = file
        self._flying: _Commit | None = None
        self._waiting: _Commit | None = None

    def _kept(self, area: str) -> dict[str, bytes]:
        kept = self._file._kept(self.identity, area)
        for commit in (self._flying, self._waiting):  # which go on whatever the station does
            for (where, key), value in commit.changes.items() if commit is not None else ():
                if where == area:
                    if value is None:
                        kept.pop(key, None)
                    else:
                        kept[key] = value
        return kept

    def _write(self, staged: Changes) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not staged and self._waiting is None and self._flying is None:
            done.set_result(None)
            return done
        if self._waiting is None:
            self._waiting = _Commit(staged, [done])
        else:
            self._waiting.changes.update(staged)
            self._waiting.futures.append(done)
        self._file._commit(self)
        return done

    def _take(self) -> Changes:
        """What waits is being written now."""
        self._flying, self._waiting = self._waiting, None
        return self._flying.changes if self._flying is not None else {}

    def _over(self, why: StoreFailed | None) -> None:
        """It has been written, or (``why``) could not be."""
        flown, self._flying = self._flying, None
        if flown is None:
            return
        if why is not None:
            if self._waiting is not None:
                self._waiting.changes = {**flown.changes, **self._waiting.changes}
            else:
                self._staged = {**flown.changes, **self._staged}
        for done in flown.futures:
            if why is None:
                self._succeeded(done)
            else:
                self._failed(done, why)

    def _unreadable(self, area: str, key: str, why: str) -> None:
        log.warning(
            "%s: %s %r in %s cannot be read, and is left alone: %s", self.identity, area, key, self._file.path, why
        )

    def close(self) -> None:
        """The file stays open for its other stations."""
        self._staged = {}


class _Commit:
    """Changes on their way to the disk, and who waits for that."""

    __slots__ = ("changes", "futures")

    def __init__(self, changes: Changes, futures: list[asyncio.Future[None]]) -> None:
        self.changes = changes
        self.futures = futures


def _which(path: Path) -> tuple[int, int]:
    """Which file a name leads to."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _make_private(path: Path) -> None:
    """A new file is for this user alone: passwords and private keys will be in it. SQLite makes the files beside it
    alike. What is wrong with the path, SQLite says better."""
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _close(connections: Iterable[sqlite3.Connection]) -> None:
    for connection in connections:
        with suppress(sqlite3.Error):
            connection.close()


def _lock(path: Path) -> ProcessLock:
    """Keep other processes away. Raises StoreFailed if one has the file, or where there can be none."""
    if path.is_dir():
        raise StoreFailed(f"{path} is a directory: name a file")
    try:
        return ProcessLock(path)
    except HeldElsewhere:
        raise StoreFailed(f"{path} is in use: end the process that has it open, or name another file") from None
    except sqlite3.Error as error:
        raise fault(path, error) from None
