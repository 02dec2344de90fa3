"""FileLock: a station's file belongs to one process at a time."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from ocppflow.station.station_store import StoreFailed
from ocppflow.station.store_faults import fault


class FileLock:
    """Holds ``<path>-lock``, an empty SQLite file, in an exclusive transaction: a lock that every system has, and that
    is gone with the process, however that ends. The file itself stays open to those who only look into it.

    Raises StoreFailed if another process has it, or this one twice.
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise StoreFailed(f"{path} is a directory: name a file")
        self._connection: sqlite3.Connection | None = None
        name = path.with_name(path.name + "-lock")
        try:
            self._connection = sqlite3.connect(name, timeout=0, isolation_level=None, check_same_thread=False)
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as exc:
            self.release()
            if getattr(exc, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
                raise StoreFailed(f"{path} is in use: end the process that has it open, or name another file") from None
            raise fault(path, exc) from None

    def release(self) -> None:
        """Let others have it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()
