"""What an error of a database means: whose fault it is, and what came of the transaction."""

from __future__ import annotations

import sqlite3
from enum import Enum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from ocppflow.errors import ConfigurationError, OCPPError
from ocppflow.plain_text import one_line
from ocppflow.store.engines import name_of


class StoreUnavailable(OCPPError):
    """The database cannot be read or written now: full, locked, away. Nothing has been changed, unless ``is_unknown``:
    then the connection was lost while a commit was on its way, and could not be had back to ask what became of it."""

    def __init__(self, message: str, *, is_unknown: bool = False) -> None:
        super().__init__(message)
        self.is_unknown = is_unknown


class OutcomeUnknown(Exception):
    """Whether a transaction was committed cannot be found out."""


class DatabaseFault(Enum):
    """Kinds of errors in a transaction."""

    OWN = "of the work itself: a constraint, a wrong statement, or an error that it raised"
    AGAIN = "others were in the way, and the transaction was rolled back: it may succeed at once"
    AWAY = "the connection is lost or cannot be had"
    FULL = "there is no room for it"
    UNABLE = "the database is locked, read-only or damaged"
    UNKNOWN = "whether it was committed cannot be found out"


_SQLITE_UNABLE: Final = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY),
        *(sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_PERM),
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOTADB),
    }
)

_SQLSTATES: Final = {
    DatabaseFault.AGAIN: ("40001", "40P01"),  # serialization failure, deadlock
    DatabaseFault.AWAY: ("08", "57P"),  # connection exceptions; shutdown, crash, cannot connect now
    DatabaseFault.FULL: ("53100",),
    DatabaseFault.UNABLE: ("25006", "53", "55P03", "57014", "58", "XX"),
    # read-only, out of memory, lock not available, cancelled, the system's errors, damage
}
"""PostgreSQL's codes begin with these, looked at in this order. All others are the work's own."""


def fault_of(error: BaseException) -> DatabaseFault:
    """What kind of error it is."""
    if isinstance(error, OutcomeUnknown):
        return DatabaseFault.UNKNOWN
    if isinstance(error, NoConnectionFree):
        return DatabaseFault.AWAY
    if not isinstance(error, DBAPIError):
        return DatabaseFault.OWN
    if error.connection_invalidated:
        return DatabaseFault.AWAY
    if isinstance(error.orig, sqlite3.Error):
        return _fault_of_sqlite(error.orig)
    return _fault_of_postgresql(error.orig)


def _fault_of_sqlite(error: sqlite3.Error) -> DatabaseFault:
    code = _code(error)
    if code == sqlite3.SQLITE_FULL:
        return DatabaseFault.FULL
    return DatabaseFault.UNABLE if code in _SQLITE_UNABLE else DatabaseFault.OWN


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary code; 0 for an error of the module itself."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _fault_of_postgresql(error: Any) -> DatabaseFault:
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:  # psycopg itself: no connection, or a value that cannot be said
        is_away = type(error).__name__ in ("OperationalError", "ConnectionTimeout")
        return DatabaseFault.AWAY if is_away else DatabaseFault.OWN
    return next((fault for fault, states in _SQLSTATES.items() if state.startswith(states)), DatabaseFault.OWN)


def reason_of(error: BaseException) -> str:
    """In one line, without the statement and its values."""
    return one_line(str(getattr(error, "orig", None) or error).strip().partition("\n")[0])


def told(error: Exception, what: str) -> Exception:
    """The error as whoever waits hears it; ``what``: read or written."""
    fault = fault_of(error)
    if fault is DatabaseFault.OWN:
        return error
    if fault is DatabaseFault.UNKNOWN:
        reason = f"the connection to the database was lost during a commit, and what came of it is unknown: {error}"
        unavailable = StoreUnavailable(reason, is_unknown=True)
    else:
        unavailable = StoreUnavailable(f"the store cannot be {what}: {reason_of(error)}")
    unavailable.__cause__ = error
    return unavailable


_OPENING: Final = {
    sqlite3.SQLITE_NOTADB: "{name} is not an SQLite database: move it away, or name another directory",
    sqlite3.SQLITE_CORRUPT: "{name} is damaged ({reason}): restore a backup, with ocppflow csms restore",
    sqlite3.SQLITE_BUSY: "{name} is locked by another program: end it",
    sqlite3.SQLITE_LOCKED: "{name} is locked by another program: end it",
    sqlite3.SQLITE_READONLY: "{name} cannot be written: give this user the right to, or name another directory",
    sqlite3.SQLITE_CANTOPEN: "{name} cannot be opened: give this user the right to, or name another directory",
    sqlite3.SQLITE_PERM: "{name} cannot be opened: give this user the right to, or name another directory",
    sqlite3.SQLITE_FULL: "{name} cannot be written, as the disk is full: make room",
}


def opening_fault(engine: Engine, error: SQLAlchemyError | sqlite3.Error) -> ConfigurationError:
    """What to do about a database that cannot be opened. Nothing in it has been changed."""
    original: Any = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.Error):
        how = _OPENING.get(_code(original), "{name} cannot be opened: {reason}")
    elif fault_of(error) is DatabaseFault.AWAY:
        how = "no connection to {name}: start it, or correct the URL ({reason})"
    else:
        how = "{name} cannot be used: {reason}"
    return ConfigurationError(how.format(name=name_of(engine), reason=reason_of(error)))


def directory_fault(directory: Path, error: OSError) -> ConfigurationError:
    """The same for a directory that cannot be made."""
    why = error.strerror or str(error)
    return ConfigurationError(f"{directory} cannot be used: {why}; give this user the right to, or name another one")
