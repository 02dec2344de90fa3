"""A backup has all that there was at one moment, and a database made of it is the same, whichever kinds they are."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select
from tests.any_store import AnyDatabase
from tests.postgresql_server import the_server

from ocppflow.errors import ConfigurationError
from ocppflow.store import SCHEMA, Store
from ocppflow.store.backup import backup, restore
from ocppflow.store.engines import DATABASE
from ocppflow.store.station_tables import CONNECTORS, REFUSED, SETTINGS, STATIONS

NOW = datetime(2026, 6, 1, 12, 30, 15, 250_000, tzinfo=UTC)


async def _fill(store: Store) -> None:
    def work(connection: Connection) -> None:
        connection.execute(insert(STATIONS), {"identity": "CS1", "created_at": NOW, "location": {"x": [1.5, None]}})
        status = {"station": "CS1", "evse": 1, "connector": 1, "status": "Available", "since": NOW}
        connection.execute(insert(CONNECTORS), status)
        refused = {"at": NOW, "identity": "x\n\u2603'\"", "address": "", "reason": ""}
        connection.execute(insert(REFUSED), [refused] * 2500)

    await store.write(work)


def _all(connection: Connection) -> dict[str, list[Any]]:
    return {name: sorted(connection.execute(select(table)).all()) for name, table in SCHEMA.tables.items()}


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a backup is restored to."""
    if request.param == "sqlite":
        yield str(tmp_path / "elsewhere")
        return
    name = the_server().new_database()
    yield the_server().url(name)
    the_server().drop(name)


async def test_what_is_restored_is_what_was_backed_up_while_it_was_in_use(
    any_database: AnyDatabase, elsewhere: str, tmp_path: Path
) -> None:
    store = any_database.open()
    await _fill(store)
    before = await store.read(_all)
    file = tmp_path / "backups" / "one.sqlite"
    await asyncio.to_thread(backup, any_database.where, file)
    await store.write(lambda c: c.execute(SETTINGS.insert(), {"name": "later"}))  # is not part of it
    await store.close()
    assert [each.name for each in file.parent.iterdir()] == ["one.sqlite"]
    assert await asyncio.to_thread(restore, file, elsewhere) is None
    restored = Store.open(elsewhere)
    assert await restored.read(_all) == before
    added = insert(REFUSED).returning(REFUSED.c.id)
    row = {"at": NOW, "identity": "", "address": "", "reason": ""}
    assert await restored.write(lambda c: c.execute(added, row).scalar()) == 2501  # ids go on
    await restored.close()


async def test_a_backup_is_consistent_while_somebody_writes(any_database: AnyDatabase, tmp_path: Path) -> None:
    store = any_database.open()
    await _fill(store)
    stop = False

    def pair(number: int) -> Any:
        rows = [{"name": f"{number}-{side}", "value": number} for side in ("a", "b")]
        return lambda c: c.execute(SETTINGS.insert(), rows)

    async def write() -> int:
        number = 0
        while not stop:
            await store.write(pair(number))
            number += 1
        return number

    writing = asyncio.create_task(write())
    await store.write(lambda c: None)
    for number in range(3):
        await asyncio.to_thread(backup, any_database.where, tmp_path / f"{number}.sqlite")
    stop = True
    assert await writing > 0
    await store.close()
    for number in range(3):
        with sqlite3.connect(tmp_path / f"{number}.sqlite") as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM settings")]
            (refused,) = connection.execute("SELECT count(*) FROM refused_connections").fetchone()
        connection.close()
        assert len(names) % 2 == 0
        assert refused == 2500


async def test_a_file_that_is_there_is_not_overwritten(any_database: AnyDatabase, tmp_path: Path) -> None:
    await any_database.open().close()
    file = tmp_path / "precious"
    file.write_text("x")
    with pytest.raises(ConfigurationError, match="precious is there already: name another file, or move it away"):
        backup(any_database.where, file)
    assert file.read_text() == "x"


def test_there_has_to_be_a_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no database"):
        backup(tmp_path / "nowhere", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


# --- restore ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def good(tmp_path: Path) -> Path:
    async def make() -> None:
        store = Store.open(tmp_path / "good")
        await _fill(store)
        await store.close()

    asyncio.run(make())
    backup(tmp_path / "good", tmp_path / "good.sqlite")
    return tmp_path / "good.sqlite"


async def _in_use(where: str | Path) -> Store:
    store = Store.open(where)
    await store.write(lambda c: c.execute(SETTINGS.insert(), {"name": "old"}))
    return store


async def test_what_was_there_is_kept_beside_it(good: Path, tmp_path: Path) -> None:
    await (await _in_use(tmp_path / "data")).close()
    kept = restore(good, tmp_path / "data")
    assert kept is not None
    assert kept.name.startswith(f"{DATABASE}.before-restore-2")
    store = Store.open(tmp_path / "data")
    assert await store.read(lambda c: c.execute(select(SETTINGS)).all()) == []
    assert len((await store.read(_all))["refused_connections"]) == 2500
    await store.close()
    restore(kept, tmp_path / "data")
    store = Store.open(tmp_path / "data")
    assert await store.read(lambda c: c.execute(select(SETTINGS.c.name)).scalars().all()) == ["old"]
    await store.close()


async def test_a_csms_that_runs_keeps_its_database(good: Path, tmp_path: Path) -> None:
    store = await _in_use(tmp_path / "data")
    with pytest.raises(ConfigurationError, match="is in use by another CSMS: end it"):
        await asyncio.to_thread(restore, good, tmp_path / "data")
    assert await store.read(lambda c: c.execute(select(SETTINGS.c.name)).scalars().all()) == ["old"]
    await store.close()


@pytest.mark.parametrize("any_database", ["postgresql"], indirect=True)
async def test_a_postgresql_database_that_has_something_is_left_as_it_is(good: Path, any_database: AnyDatabase) -> None:
    await (await _in_use(any_database.where)).close()
    with pytest.raises(ConfigurationError, match=r"is not empty \(settings\): restore into an empty database"):
        await asyncio.to_thread(restore, good, any_database.where)
    store = any_database.open()
    assert {name for name, rows in (await store.read(_all)).items() if rows} == {"settings"}
    await store.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(b"a letter to my aunt"),
        lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
        lambda file: file.write_bytes(b""),
    ],
    ids=["something else", "half of it", "empty"],
)
async def test_what_is_no_backup_is_not_restored(good: Path, tmp_path: Path, spoil: Any) -> None:
    await (await _in_use(tmp_path / "data")).close()
    spoil(good)
    with pytest.raises(ConfigurationError, match="is not a backup of ocppflow, or is damaged: nothing was changed"):
        restore(good, tmp_path / "data")
    with pytest.raises(ConfigurationError, match="there is no backup"):
        restore(tmp_path / "nowhere", tmp_path / "data")
    store = Store.open(tmp_path / "data")
    assert await store.read(lambda c: c.execute(select(SETTINGS.c.name)).scalars().all()) == ["old"]
    await store.close()
