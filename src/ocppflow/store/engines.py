"""SQLAlchemy engines as the store wants them: durable, with readers beside the writer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import StaticPool

DATABASE: Final = "ocppflow.sqlite"


def create(where: str | Path) -> tuple[Engine, Path | None]:
    """The engine for an SQLAlchemy URL or a directory, and that directory."""
    if isinstance(where, str) and "://" in where:
        engine = create_engine(_with_driver(where), pool_size=5, pool_pre_ping=True)
        if engine.dialect.name == "sqlite":
            _prepare(engine, "WAL")
        return engine, None
    directory = Path(where)
    directory.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{directory / DATABASE}", connect_args={"check_same_thread": False})
    _prepare(engine, "WAL")
    return engine, directory


def create_in_memory() -> Engine:
    """SQLite in memory, with one connection for everything."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    _prepare(engine, "MEMORY")
    return engine


def _with_driver(url: str) -> str:
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _prepare(engine: Engine, journal: str) -> None:
    """Transactions begin where SQLAlchemy says so, and not at the driver's own discretion; a commit is on the disk."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for pragma in (
            f"journal_mode={journal}",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=10000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begins(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")
