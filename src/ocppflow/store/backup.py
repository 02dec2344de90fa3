"""A backup is one SQLite file, whichever database it comes from and goes to: so it is also the way from one to the
other. PostgreSQL's own ``pg_dump`` remains better for a large one."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, Integer, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from ocppflow.errors import ConfigurationError
from ocppflow.store.database_faults import directory_fault, opening_fault
from ocppflow.store.database_lock import lock_database
from ocppflow.store.engines import engine_for, file_of, name_of
from ocppflow.store.schema import SCHEMA
from ocppflow.store.upgrade import VERSION_TABLE, copy_of, opened_beside, upgrade

_AT_A_TIME: Final = 1000


def backup(where: str | Path, target: Path) -> None:
    """Write all that is in the database, as it is at one moment, to the file ``target``, while the CSMS goes on. Raises
    ConfigurationError if that file is there already or cannot be written, or if there is no database."""
    if target.exists():
        raise ConfigurationError(f"{target} is there already: name another file, or move it away")
    with opened_beside(where) as engine:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            file = file_of(engine)
            if file is not None:
                copy_of(file, target)
            else:
                _copy_out(engine, target)
        except OSError as error:
            raise directory_fault(target.parent, error) from None
        except (sqlite3.Error, SQLAlchemyError) as error:
            raise opening_fault(engine, error) from None


def _copy_out(engine: Engine, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="ocppflow-backup-", dir=target.parent) as folder:
        unfinished = Path(folder) / target.name
        copy = engine_for(f"sqlite:///{unfinished}")
        try:
            upgrade(copy)
            with (
                engine.connect().execution_options(isolation_level="REPEATABLE READ") as source,
                copy.begin() as connection,
            ):
                _copy_rows(source, connection)
        finally:
            copy.dispose()
        copy_of(unfinished, target)


def restore(source: Path, where: str | Path) -> Path | None:
    """Make the database what it was when ``source`` was written by :func:`backup`, and bring it to this version's
    schema. What is in an SQLite database is kept beside it, in the file that is returned; a PostgreSQL database has to
    be empty. The CSMS must not run. Raises ConfigurationError, with everything left as it was."""
    with tempfile.TemporaryDirectory(prefix="ocppflow-restore-") as folder:
        copy = Path(folder) / "backup.sqlite"
        _verified_copy(source, copy)
        engine = engine_for(where)
        file = file_of(engine)
        try:
            if file is not None:
                return _put_in_place(copy, file)
            with opened_beside(f"sqlite:///{copy}") as backed_up:
                _copy_in(backed_up, engine)
            return None
        except OSError as error:
            raise directory_fault(file.parent if file else source.parent, error) from None
        except (sqlite3.Error, SQLAlchemyError) as error:
            raise opening_fault(engine, error) from None
        finally:
            engine.dispose()


def _verified_copy(source: Path, copy: Path) -> None:
    """A copy of a backup, of this version's schema, after a look at whether all of it can be read."""
    if not source.is_file():
        raise ConfigurationError(f"there is no backup {source}")
    shutil.copyfile(source, copy)
    try:
        with closing(sqlite3.connect(copy)) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    except sqlite3.Error:
        names, sound = set(), False
    if not sound or VERSION_TABLE not in names:
        raise ConfigurationError(f"{source} is not a backup of ocppflow, or is damaged: nothing was changed")
    engine = engine_for(f"sqlite:///{copy}")
    try:
        upgrade(engine)
    finally:
        engine.dispose()


def _put_in_place(copy: Path, file: Path) -> Path | None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_database(file)
    try:
        kept = None
        if file.exists():
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            kept = copy_of(file, file.with_name(f"{file.name}.before-restore-{stamp}"))
            with closing(sqlite3.connect(file)) as old:  # its log is for itself, and not for what takes its place
                old.execute("PRAGMA journal_mode=DELETE")
        copy_of(copy, file)
    finally:
        lock.release()
    return kept


def _copy_in(source: Engine, engine: Engine) -> None:
    upgrade(engine)
    with source.connect() as read, engine.begin() as connection:
        for table in SCHEMA.sorted_tables:
            if connection.execute(select(func.count()).select_from(table.select().limit(1).subquery())).scalar():
                raise ConfigurationError(
                    f"{name_of(engine)} is not empty ({table.name}): restore into an empty database"
                )
        _copy_rows(read, connection)
        for table in SCHEMA.sorted_tables:
            key = table.autoincrement_column
            if key is not None and isinstance(key.type, Integer):
                connection.execute(  # ids go on after those that are there
                    text(
                        f"SELECT setval(pg_get_serial_sequence('{table.name}', '{key.name}'), "  # noqa: S608 - ours
                        f"(SELECT max({key.name}) FROM {table.name})) "
                        f"WHERE EXISTS (SELECT 1 FROM {table.name})"
                    )
                )


def _copy_rows(source: Connection, target: Connection) -> None:
    for table in SCHEMA.sorted_tables:
        rows = source.execution_options(yield_per=_AT_A_TIME).execute(select(table))
        for some in rows.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in some])
