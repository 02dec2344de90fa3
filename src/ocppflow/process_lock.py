"""ProcessLock: a file belongs to one process at a time."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path


class HeldElsewhere(Exception):
    """Another process has the file, or this one twice."""


class ProcessLock:
    """Holds ``<file>-lock``, an empty SQLite file, in an exclusive transaction: a lock that every system has, and that
    is gone with the process, however that ends. The file itself stays open to those who only look into it.

    Raises HeldElsewhere; and sqlite3.Error where such a file cannot be made.
    """

    def __init__(self, file: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        name = file.with_name(file.name + "-lock")
        try:
            self._connection = sqlite3.connect(name, timeout=0, isolation_level=None, check_same_thread=False)
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self.release()
            if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise HeldElsewhere(file) from None
            raise

    def release(self) -> None:
        """Let others have it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()
