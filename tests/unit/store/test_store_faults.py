"""The disk is full, the database away: nothing is told as written that is not, and nothing is written twice."""

from __future__ import annotations

import asyncio
import logging
import signal
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select
from tests.any_store import AnyDatabase
from tests.postgresql_server import PostgreSQLServer, the_server
from tests.unit.store.postgresql_proxy import BreakingProxy

import ocppflow.store.engines
from ocppflow.store import Store, StoreUnavailable
from ocppflow.store.engines import DATABASE
from ocppflow.store.group_commits import Work
from ocppflow.store.station_tables import REFUSED, SETTINGS

PATIENCE = 5.0


def _put(name: str, value: Any = None) -> Work[str]:
    """Not idempotent: a second time would fail."""

    def work(connection: Connection) -> str:
        connection.execute(insert(SETTINGS), {"name": name, "value": value})
        return name

    return work


async def _names(store: Store) -> set[str]:
    return set(await store.read(lambda c: c.execute(select(SETTINGS.c.name)).scalars().all()))


# --- the disk is full ------------------------------------------------------------------------------------------------


class Disk:
    """What an SQLite database may have."""

    def __init__(self, store: Store) -> None:
        self.pages = 1 << 30

        @event.listens_for(store.engine, "begin")
        def begins(connection: Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={self.pages}")


async def _fill(store: Store, disk: Disk) -> None:
    """Leave room for small texts, and not for large ones."""
    await store.write(_put("first", "x" * 20_000))
    await store.write(lambda c: c.execute(SETTINGS.delete()))  # whose pages are free
    disk.pages = 1


async def test_what_finds_no_room_is_refused_and_what_does_is_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    disk = Disk(store)
    await _fill(store, disk)
    works = [_put(str(number), "x" * (100_000 if number % 3 == 0 else 10)) for number in range(12)]
    outcomes = await asyncio.gather(*(store.write(work) for work in works), return_exceptions=True)
    for number, outcome in enumerate(outcomes):
        if number % 3 == 0:
            assert isinstance(outcome, StoreUnavailable)
            assert str(outcome) == "the store cannot be written: database or disk is full"
            assert not outcome.is_unknown
        else:
            assert outcome == str(number)
    written = {str(number) for number in range(12) if number % 3}
    assert await _names(store) == written
    disk.pages = 1 << 30
    assert await store.write(_put("0", "x" * 100_000)) == "0"
    assert store.failure is None
    await store.close()
    again = Store.open(tmp_path)
    assert await _names(again) == written | {"0"}
    await again.close()


async def test_a_full_disk_is_told_until_something_can_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store.open(tmp_path)
    disk = Disk(store)
    await _fill(store, disk)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.write(_put("large", "x" * 100_000))
        assert store.failure == "database or disk is full"
        await store.write(_put("small"))
        assert store.failure is None
    told = [each.getMessage() for each in caplog.records]
    assert told == ["the store cannot be written: database or disk is full", "the store can be written again"]
    await store.close()


# --- somebody else has locked it -------------------------------------------------------------------------------------


async def test_a_lock_of_another_process_is_waited_for_and_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocppflow.store.engines, "BUSY_SECONDS", 0.05)
    store = Store.open(tmp_path)
    other = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = await asyncio.gather(*(store.write(_put(str(n))) for n in range(50)), return_exceptions=True)
    assert {str(each) for each in refused} == {"the store cannot be written: database is locked"}
    assert await _names(store) == set()  # while readers see what was there
    other.execute("COMMIT")
    other.close()
    assert await store.write(_put("a")) == "a"
    assert await _names(store) == {"a"}
    await store.close()


async def test_a_writer_that_reads_first_waits_for_another_process_as_well(tmp_path: Path) -> None:
    """SQLite refuses at once whoever has read and then wants to write, if somebody has written meanwhile."""
    store = Store.open(tmp_path)
    other = sqlite3.connect(tmp_path / DATABASE, isolation_level=None, check_same_thread=False)
    read = threading.Event()

    def work(connection: Connection) -> int:
        number = connection.execute(select(func.count()).select_from(SETTINGS)).scalar_one()
        read.set()
        other_done.wait(0.2)  # has to wait for us
        connection.execute(insert(SETTINGS), {"name": "ours"})
        return int(number)

    other_done = threading.Event()

    def interfere() -> None:
        read.wait()
        other.execute("PRAGMA busy_timeout=5000")
        other.execute("INSERT INTO settings (name) VALUES ('theirs')")
        other_done.set()

    thread = threading.Thread(target=interfere)
    thread.start()
    assert await store.write(work) == 0
    await asyncio.to_thread(thread.join)
    other.close()
    assert await _names(store) == {"ours", "theirs"}
    await store.close()


# --- PostgreSQL is away ----------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[PostgreSQLServer]:
    one = the_server()
    yield one
    if not one.is_running:
        one.start()


@pytest.fixture
async def postgresql(any_database: AnyDatabase) -> AsyncIterator[Store]:
    store = Store.open(any_database.where, patience=PATIENCE)
    yield store
    await store.close()


on_postgresql = pytest.mark.parametrize("any_database", ["postgresql"], indirect=True)


@on_postgresql
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "killed"])
async def test_a_restart_of_postgresql_loses_and_doubles_nothing(
    postgresql: Store, server: PostgreSQLServer, how: signal.Signals
) -> None:
    done: list[str] = []
    failed: list[BaseException] = []
    enough = asyncio.Event()

    async def write(number: int) -> None:
        try:
            done.append(await postgresql.write(_put(str(number))))
        except Exception as error:  # none is expected: the restart is shorter than the patience
            failed.append(error)
        if len(done) >= 40:
            enough.set()

    async def load() -> None:
        for number in range(0, 400, 8):
            await asyncio.gather(*(write(n) for n in range(number, number + 8)))

    loading = asyncio.create_task(load())
    await enough.wait()
    await asyncio.to_thread(server.stop, how)
    server.start()
    await loading
    assert failed == []
    assert len(done) == 400
    assert await _names(postgresql) == {str(number) for number in range(400)}


@on_postgresql
async def test_while_postgresql_stays_away_whoever_waits_is_told(
    any_database: AnyDatabase, server: PostgreSQLServer
) -> None:
    store = Store.open(any_database.where, patience=0.2)
    await store.write(_put("before"))
    await asyncio.to_thread(server.stop)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="the store cannot be written: ") as caught:
            await store.write(_put("meanwhile"))
        assert not caught.value.is_unknown
        with pytest.raises(StoreUnavailable, match="the store cannot be read: "):
            await _names(store)
    assert store.failure is not None
    server.start()
    assert await store.write(_put("after")) == "after"
    assert await _names(store) == {"before", "after"}
    assert store.failure is None
    await store.close()


@pytest.fixture
async def proxied(any_database: AnyDatabase, server: PostgreSQLServer) -> AsyncIterator[tuple[Store, BreakingProxy]]:
    proxy = BreakingProxy(server.folder)
    name = any_database.where.partition("@/")[2].partition("?")[0]
    store = Store.open(server.url(name, proxy.folder), patience=1.0)
    await store.write(_put("before"))
    yield store, proxy
    proxy.is_down = False
    await store.close()
    proxy.close()


@on_postgresql
@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_commit_that_is_not_confirmed_is_looked_up_and_done_exactly_once(
    proxied: tuple[Store, BreakingProxy], cut: str
) -> None:
    store, proxy = proxied
    proxy.cut = cut
    results = await asyncio.gather(*(store.write(_put(str(number))) for number in range(5)))
    assert proxy.cuts == 1
    assert results == [str(number) for number in range(5)]
    assert await _names(store) == {"before", *results}


@on_postgresql
@pytest.mark.parametrize("cut", ["before", "after"])
async def test_what_became_of_a_commit_is_said_to_be_unknown_where_nobody_can_be_asked(
    proxied: tuple[Store, BreakingProxy], cut: str
) -> None:
    store, proxy = proxied
    proxy.cut, proxy.goes_down = cut, True
    with pytest.raises(StoreUnavailable, match="what came of it is unknown") as caught:
        await store.write(_put("a"))
    assert caught.value.is_unknown
    proxy.is_down = False
    assert await _names(store) == ({"before", "a"} if cut == "after" else {"before"})


@on_postgresql
async def test_a_transaction_that_wrote_nothing_needs_no_looking_up(proxied: tuple[Store, BreakingProxy]) -> None:
    store, proxy = proxied
    proxy.cut, proxy.goes_down = "before", False
    assert await store.write(lambda c: c.execute(select(func.count()).select_from(REFUSED)).scalar()) == 0
    assert await _names(store) == {"before"}
