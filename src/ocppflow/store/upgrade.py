"""A database is brought to this version's schema, in one transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.store.database_faults import opening_fault
from ocppflow.store.engines import WRITES, engine_for, file_of, name_of
from ocppflow.store.schema import SCHEMA

log = budgeted("ocppflow.store")

MIGRATIONS: Final = Path(__file__).parent / "migrations"

VERSION_TABLE: Final = "ocppflow_schema"
"""Not Alembic's usual name: a PostgreSQL database may be shared with an application that has that one."""

_ONE_AT_A_TIME: Final = 0x6F637070  # an advisory lock of PostgreSQL: "ocpp"


def upgrade(engine: Engine, migrations: Path = MIGRATIONS) -> None:
    """Bring the database to the newest revision in ``migrations``. Before one of SQLite that has something in it is
    changed, a copy is made beside it. Raises ConfigurationError for a database that is newer, or somebody else's."""
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(migrations))
    newest = script.get_current_head()
    with engine.connect() as connection:
        found = revision_of(connection)
        if file_of(engine) is not None:
            connection.exec_driver_sql("PRAGMA user_version=0")  # and rolled back: fails where nothing may be written
    if found == newest:
        return
    known = {each.revision for each in script.walk_revisions()}
    if found is not None and found not in known:
        raise ConfigurationError(
            f"{name_of(engine)} was made by a newer ocppflow (its schema is {found}): install that one, or restore a "
            "backup of this one's"
        )
    file = file_of(engine)
    if found is not None and file is not None:
        kept = copy_of(file, file.with_name(f"{file.name}.before-upgrade-from-{found}"))
        log.info("%s is brought from schema %s to %s; the old one is kept as %s", file, found, newest, kept)
    with _writing(engine) as connection:
        _run(connection, script)


@contextmanager
def opened_beside(where: str | Path) -> Iterator[Engine]:
    """An engine for a database that exists, beside a CSMS that may use it at the same time. Raises ConfigurationError
    if there is none, or if it is another version's."""
    from alembic.script import ScriptDirectory

    engine = engine_for(where)
    file = file_of(engine)
    try:
        if file is not None and not file.is_file():
            raise ConfigurationError(f"there is no database {file}: name the directory of a CSMS")
        try:
            with engine.connect() as connection:
                found = revision_of(connection)
        except SQLAlchemyError as error:
            raise opening_fault(engine, error) from None
        if found is None:
            raise ConfigurationError(f"{name_of(engine)} is empty: name the database of a CSMS")
        if found != ScriptDirectory(str(MIGRATIONS)).get_current_head():
            raise ConfigurationError(
                f"{name_of(engine)} is another version's (its schema is {found}): start ocppflow csms once, which "
                "brings an older one up to date"
            )
        yield engine
    finally:
        engine.dispose()


def revision_of(connection: Connection) -> str | None:
    """The database's revision; None if it has no tables yet. Raises ConfigurationError if it has ours without one."""
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in tables:
        if ours := sorted(tables & SCHEMA.tables.keys()):
            raise ConfigurationError(
                f"{name_of(connection.engine)} has tables that ocppflow did not make, such as {ours[0]}: name an empty "
                "database"
            )
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return revision


def copy_of(file: Path, target: Path) -> Path:
    """A copy of an SQLite database as it is at this moment, while others write it, in one file. It is there as a whole
    or not at all."""
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as copy:
            source.execute("PRAGMA busy_timeout=10000")
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return target


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    """A transaction in which tables may be made anew: SQLite would otherwise delete what refers to them. What does not
    fit together afterwards rolls everything back."""
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        driver: Any = connection.connection.dbapi_connection
        if is_sqlite:
            driver.execute("PRAGMA foreign_keys=OFF")  # means nothing within a transaction
        try:
            with connection.begin():
                if not is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
                yield connection
                if is_sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
                    raise ConfigurationError(
                        f"{name_of(engine)} cannot be upgraded, and was left as it is: {broken[0]} refers to what "
                        f"{broken[2]} has not"
                    )
        finally:
            if is_sqlite:
                driver.execute("PRAGMA foreign_keys=ON")


def _run(connection: Connection, script: Any) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    def steps(revision: Any, _: object) -> Any:
        return script._upgrade_revs("heads", revision)

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(
            connection=connection,
            target_metadata=SCHEMA,
            version_table=VERSION_TABLE,
            transactional_ddl=True,  # SQLite's as well, as our engines begin their transactions themselves
        )
        environment.run_migrations()
