"""DatabaseLock: an SQLite database belongs to one CSMS at a time."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from ocppflow.errors import ConfigurationError


class DatabaseLock:
    """Holds ``<file>-lock``, an empty SQLite file, in an exclusive transaction: a lock that every system has, and that
    is gone with the process, however that ends. Backup, export and pruning go on beside it.

    Raises ConfigurationError if another process has it, or this one twice.
    """

    def __init__(self, file: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = sqlite3.connect(
                file.with_name(file.name + "-lock"), timeout=0, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self.release()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                what = f"{file} is in use by another CSMS: end it, or name another directory"
                raise ConfigurationError(what) from None
            raise

    def release(self) -> None:
        """Let others have it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()
