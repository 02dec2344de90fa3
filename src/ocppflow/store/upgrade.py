"""A database is brought to this version's schema, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, inspect, text

from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.store.engines import WRITES, file_of
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
            f"{_name(engine)} was made by a newer ocppflow (its schema is {found}): install that one, or restore a "
            "backup of this one's"
        )
    file = file_of(engine)
    if found is not None and file is not None:
        log.info(
            "%s is brought from schema %s to %s; the old one is kept as %s", file, found, newest, _keep(file, found)
        )
    with _writing(engine) as connection:
        _run(connection, script)


def revision_of(connection: Connection) -> str | None:
    """The database's revision; None if it has no tables yet. Raises ConfigurationError if it has ours without one."""
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in tables:
        if ours := sorted(tables & SCHEMA.tables.keys()):
            raise ConfigurationError(
                f"{_name(connection.engine)} has tables that ocppflow did not make, such as {ours[0]}: name an empty "
                "database"
            )
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return revision


def _name(engine: Engine) -> str:
    return str(file_of(engine) or engine.url.render_as_string(hide_password=True))


def _keep(file: Path, revision: str) -> Path:
    """A copy of the file as it is, without what waits in its log being missed."""
    kept = file.with_name(f"{file.name}.before-upgrade-from-{revision}")
    unfinished = kept.with_name(kept.name + ".part")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    unfinished.replace(kept)
    return kept


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
                        f"{_name(engine)} cannot be upgraded, and was left as it is: {broken[0]} refers to what "
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
