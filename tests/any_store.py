"""Fixtures that run a test on SQLite and on PostgreSQL. Known to all tests, see conftest.py.

``any_store`` is an open store with its threads; ``any_inline_store`` one for virtual time; ``any_database`` is where
one can be opened, again and again.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from ocppflow.store import SCHEMA, Store
from ocppflow.store.engines import DATABASE, engine_for
from ocppflow.store.upgrade import MIGRATIONS, VERSION_TABLE
from tests.postgresql_server import PostgreSQLServer, the_server

DATABASES = ("sqlite", "postgresql")


def make_tables(engine: Engine) -> None:
    """All tables as they are in SCHEMA now: migrations have their own tests."""
    SCHEMA.create_all(engine)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        context.stamp(ScriptDirectory(str(MIGRATIONS)), "heads")
    engine.dispose()


@cache
def _sqlite_with_schema() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ocppflow-store-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_tables(engine_for(folder))
    return folder / DATABASE


@dataclass
class AnyDatabase:
    """A database that has not been opened yet, and has the tables of this version."""

    kind: str
    """``sqlite`` or ``postgresql``"""
    where: str
    """What ``Store.open`` takes."""
    server: PostgreSQLServer | None = None

    def open(self, *, inline: bool = False) -> Store:
        return Store.open(self.where, inline=inline)


@pytest.fixture(params=DATABASES)
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyDatabase]:
    if request.param == "sqlite":
        (tmp_path / "data").mkdir()
        shutil.copy(_sqlite_with_schema(), tmp_path / "data" / DATABASE)
        yield AnyDatabase("sqlite", str(tmp_path / "data"))
        return
    server = the_server()
    name = server.database_with_schema(lambda url: make_tables(engine_for(url)))
    yield AnyDatabase("postgresql", server.url(name), server)
    the_server().drop(name)


@pytest.fixture
async def any_store(any_database: AnyDatabase) -> AsyncIterator[Store]:
    store = any_database.open()
    yield store
    await store.close()


@pytest.fixture
async def any_inline_store(any_database: AnyDatabase) -> AsyncIterator[Store]:
    store = any_database.open(inline=True)
    yield store
    await store.close()
