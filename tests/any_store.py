"""Fixtures that run a test on SQLite and on PostgreSQL. Known to all tests, see conftest.py.

``any_store`` is an open store with its threads; ``any_inline_store`` one for virtual time; ``any_database`` is where
one can be opened, again and again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ocppflow.store import Store
from tests.postgresql_server import PostgreSQLServer, the_server

DATABASES = ("sqlite", "postgresql")


@dataclass
class AnyDatabase:
    """A database that has not been opened yet, and has the tables of this version where it is PostgreSQL."""

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
        yield AnyDatabase("sqlite", str(tmp_path / "data"))
        return
    server = the_server()
    name = server.database_with_schema()
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
