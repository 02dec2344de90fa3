"""What SQLite says when a file cannot be read or written, in one line that also says what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from ocppflow.station.station_store import StoreFailed

_WHAT: Final = {
    "SQLITE_FULL": "the disk is full: make room",
    "SQLITE_BUSY": "another process has locked the file: end it, or name another file",
    "SQLITE_LOCKED": "another connection has locked the file: close it",
    "SQLITE_READONLY": "the file or its directory may not be written to: change its owner or permissions",
    "SQLITE_PERM": "the file or its directory may not be written to: change its owner or permissions",
    "SQLITE_CANTOPEN": "the file cannot be opened or made: make its directory, and let this user write to it",
    "SQLITE_NOTADB": "it is not an SQLite file: name another one",
    "SQLITE_CORRUPT": "the file is damaged: put back a copy of it, or name another one",
    "SQLITE_IOERR": "the disk failed to read or write: look for errors of the disk in the system's log",
}


def fault(path: Path, error: sqlite3.Error) -> StoreFailed:
    """``error`` as a StoreFailed."""
    name = getattr(error, "sqlite_errorname", "") or ""
    base = "_".join(name.split("_")[:2])
    return StoreFailed(f"{path}: {_WHAT.get(base, f'SQLite failed: {error}')}" + (f" ({name})" if name else ""))
