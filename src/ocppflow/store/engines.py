"""SQLAlchemy engines as the store wants them: durable, with readers beside the writer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from ocppflow.errors import ConfigurationError

DATABASE: Final = "ocppflow.sqlite"
"""The file in a directory."""

WRITES: Final = "ocppflow_writes"
"""The execution option of a connection that is going to write: in SQLite it takes the right to do so when its
transaction begins, and so waits for it; one that asked for it in the middle would be refused at once."""

BUSY_SECONDS: Final = 10
"""How long is waited while another process, such as ``ocppflow csms prune``, writes."""

_CONNECT_SECONDS: Final = 10
_CONNECTIONS: Final = 8  # the writer, the readers, and one to look after an unknown outcome
_KEPT_LOG: Final = 64 * 1024 * 1024  # bytes of SQLite's log that are kept after a long reader has gone
_HINT: Final = "the store takes a directory, or a URL such as postgresql://USER@HOST/DATABASE"


def engine_for(where: str | Path) -> Engine:
    """The engine for an SQLAlchemy URL or a directory, without a connection yet. Raises ConfigurationError for what can
    be neither."""
    url = _url(where)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"check_same_thread": False})
        _prepare(engine, "WAL")
        return engine
    try:
        arguments = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_SECONDS}
        engine = create_engine(url, pool_size=_CONNECTIONS, pool_pre_ping=True, connect_args=arguments)
    except ModuleNotFoundError as error:
        missing = f"PostgreSQL needs {error.name}: pip install 'ocppflow[postgresql]'"
        raise ConfigurationError(missing) from None
    _without_nul(engine)
    return engine


def engine_in_memory() -> Engine:
    """SQLite in memory, with one connection for everything."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    _prepare(engine, "MEMORY")
    return engine


def file_of(engine: Engine) -> Path | None:
    """The file of an SQLite database; None for any other."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)


def name_of(engine: Engine) -> str:
    """The database as people know it: its file, or its URL without the password."""
    return str(file_of(engine) or engine.url.render_as_string(hide_password=True))


def _url(where: str | Path) -> URL:
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(Path(where) / DATABASE))
    try:
        url = make_url(where)
    except (ArgumentError, ValueError):  # which quote it, and so its password
        raise ConfigurationError(f"the database's URL cannot be read: {_HINT}") from None
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if not url.database or url.database == ":memory:" or url.query:
            raise ConfigurationError("the database's URL names no file: sqlite:///FILE, or a directory alone")
        return url
    raise ConfigurationError(f"a database of the kind {url.drivername!r} cannot be used: {_HINT}")


def _prepare(engine: Engine, journal: str) -> None:
    """Transactions begin where SQLAlchemy says so, and not at the driver's own discretion; a commit is on the disk."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_SECONDS * 1000}",
            f"journal_mode={journal}",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"journal_size_limit={_KEPT_LOG}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begins(connection: Any) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _without_nul(engine: Engine) -> None:
    """PostgreSQL cannot keep U+0000 in a text, and what a peer sends may not fail for that: it gets the sign for what
    cannot be shown. Where it is looked for, it is said likewise."""
    from psycopg.types.string import StrDumper

    class NulFreeDumper(StrDumper):
        def dump(self, obj: Any) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.adapters.register_dumper(str, NulFreeDumper)
