"""The durable store: what was committed is there, whole; what could not be kept is said."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocppflow.station import StoreFailed, StoreFile
from ocppflow.station.store_file import FORMAT, SqliteStationStore

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stations.db"


def all_of(store: SqliteStationStore, area: str = "a") -> dict[str, Any]:
    return store.load(area, Any)


def fill_up(file: StoreFile) -> None:
    """No page more fits: what SQLite says then is what it says on a full disk."""
    (pages,) = file._writer.execute("PRAGMA page_count").fetchone()
    file._writer.execute(f"PRAGMA max_page_count={pages}")


def make_room(file: StoreFile) -> None:
    file._writer.execute("PRAGMA max_page_count=1000000")


async def test_what_is_committed_is_there_when_the_file_is_opened_again(path: Path) -> None:
    with StoreFile(path) as file:
        one, two = file.store("CS1"), file.store("CS2")
        one.put("a", "k", {"x": [1, None, "é"]})
        two.put("a", "k", 2)
        two.put("b", "k", 3)
        await asyncio.gather(one.commit(), two.commit())
        assert file.stations() == ["CS1", "CS2"]
    with StoreFile(path) as file:
        assert all_of(file.store("CS1")) == {"k": {"x": [1, None, "é"]}}
        assert all_of(file.store("CS2")) == {"k": 2}
        assert file.store("CS2").load("b", int) == {"k": 3}
        assert all_of(file.store("CS3")) == {}


async def test_in_line_a_commit_is_durable_when_it_returns(path: Path) -> None:
    with StoreFile(path, inline=True) as file:
        store = file.store("CS1")
        store.put("a", "k", 1)
        assert store.commit().done()
        with sqlite3.connect(path) as looking:  # as somebody else may
            assert looking.execute("SELECT value FROM kept").fetchall() == [(b"1",)]
        looking.close()


async def test_commits_that_come_while_one_is_written_go_together(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    with StoreFile(path) as file:
        write = file._write
        monkeypatch.setattr(file, "_write", lambda batch: batches.append(len(batch)) or write(batch))
        stores = [file.store(f"CS{number}") for number in range(200)]
        for store in stores:
            store.put("a", "k", 1)
        first = stores[0].commit()
        await asyncio.sleep(0)  # now it is being written
        await asyncio.gather(first, *(store.commit() for store in stores[1:]))
        assert batches == [1, 199]


async def test_what_is_committed_without_an_await_in_between_goes_together(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[list[tuple[str, str]]] = []
    with StoreFile(path) as file:
        write = file._write
        monkeypatch.setattr(
            file, "_write", lambda batch: batches.append([key for _, all_of in batch for key in all_of]) or write(batch)
        )
        store = file.store("CS1")
        store.put("queue", "1", "a message")
        committed = [store.commit()]
        store.put("hardware", "1", "a register")
        committed.append(store.commit())
        store.put("transactions", "1", "a transaction")
        committed.append(store.commit())
        await asyncio.gather(*committed)
        assert batches == [[("queue", "1"), ("hardware", "1"), ("transactions", "1")]]


async def test_a_value_of_another_kind_is_left_out_and_left_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with StoreFile(path, inline=True) as file:
        store = file.store("CS1")
        store.put("a", "old", 1)
        store.put("a", "new", "text")
        await store.commit()
        assert store.load("a", int) == {"old": 1}
        assert "'new'" in caplog.text
        assert all_of(store) == {"old": 1, "new": "text"}


@pytest.mark.parametrize("inline", [True, False])
async def test_a_full_disk_is_said_and_the_changes_go_with_the_next_commit(path: Path, inline: bool) -> None:
    outcomes: list[StoreFailed | None] = []
    with StoreFile(path, inline=inline) as file:
        store = file.store("CS1")
        store.on_outcome = outcomes.append
        fill_up(file)
        store.put("a", "big", "x" * 100_000)
        store.put("a", "k", 1)
        with pytest.raises(StoreFailed, match="the disk is full: make room"):
            await store.commit()
        store.put("a", "k", 2)
        with pytest.raises(StoreFailed):
            await store.commit()
        assert store.failure is not None
        assert outcomes == [outcomes[0]], "it is said once"
        assert all_of(store) == {}
        make_room(file)
        store.put("a", "more", 3)
        await store.commit()
        assert outcomes[1:] == [None]
        assert store.failure is None
        assert all_of(store) == {"big": "x" * 100_000, "k": 2, "more": 3}


async def test_after_a_failure_an_older_value_does_not_come_over_a_newer_one(path: Path) -> None:
    with StoreFile(path) as file:
        store = file.store("CS1")
        fill_up(file)
        store.put("a", "k", "old" * 50_000)
        first = store.commit()
        store.put("a", "k", "new")
        store.put("a", "big", "x" * 50_000)
        second = store.commit()  # waits while the first is at work, and fails as well
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        assert all(isinstance(each, StoreFailed) for each in outcomes)
        make_room(file)
        await store.commit()
        assert all_of(store) == {"k": "new", "big": "x" * 50_000}


async def test_what_is_on_its_way_counts_as_kept(path: Path) -> None:
    with StoreFile(path) as file:
        store = file.store("CS1")
        for number in range(3):
            store.put("a", str(number), number)
            store.commit()
        store.put("a", "3", 3)
        store.discard()  # the power goes; what was committed before goes its way
        assert all_of(store) == {"0": 0, "1": 1, "2": 2}
        store.remove("a", "0")
        store.commit()
        assert all_of(store) == {"1": 1, "2": 2} == {str(n): n for n in (1, 2)}
        assert store.keys("a") == {"1", "2"}
    with StoreFile(path) as file:
        assert all_of(file.store("CS1")) == {"1": 1, "2": 2}


async def test_a_waiter_that_is_cancelled_does_not_cancel_another(path: Path) -> None:
    with StoreFile(path) as file:
        store = file.store("CS1")
        store.put("a", "k", 1)
        first, second = store.commit(), store.commit()
        first.cancel()
        await second
        assert all_of(store) == {"k": 1}


async def test_a_key_that_could_never_be_written_is_refused_at_once(path: Path) -> None:
    with StoreFile(path) as file, pytest.raises(UnicodeEncodeError):
        file.store("CS1").put("a", "\ud800", 1)


# --- what can be wrong with a file -------------------------------------------------------------------------------


def test_two_that_open_one_file_are_told(path: Path) -> None:
    with StoreFile(path), pytest.raises(StoreFailed, match="is in use"):
        StoreFile(path)
    StoreFile(path).close()


def test_another_process_is_told_that_the_file_is_in_use(path: Path) -> None:
    program = "import sys; from ocppflow.station import StoreFile; StoreFile(sys.argv[1])"
    with StoreFile(path):
        ran = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert "is in use: end the process that has it open" in ran.stderr


@pytest.mark.parametrize("inline", [True, False])
async def test_a_lock_of_somebody_else_is_said(path: Path, inline: bool) -> None:
    with StoreFile(path, inline=inline) as file:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        store = file.store("CS1")
        store.put("a", "k", 1)
        with pytest.raises(StoreFailed, match="another process has locked the file"):
            await store.commit()
        other.close()
        await store.commit()
        assert all_of(store) == {"k": 1}


async def test_a_file_that_is_gone_is_said(path: Path) -> None:
    with StoreFile(path) as file:
        store = file.store("CS1")
        os.rename(path, path.with_suffix(".moved"))
        store.put("a", "k", 1)
        with pytest.raises(StoreFailed, match="has been removed or replaced"):
            await store.commit()


async def test_a_closed_file_is_said(path: Path) -> None:
    file = StoreFile(path)
    store = file.store("CS1")
    file.close()
    file.close()
    store.put("a", "k", 1)
    with pytest.raises(StoreFailed, match="has been closed"):
        await store.commit()
    with pytest.raises(StoreFailed, match="has been closed"):
        store.load("a", int)


async def test_closing_writes_what_was_committed(path: Path) -> None:
    file = StoreFile(path)
    store = file.store("CS1")
    commits = []
    for number in range(50):
        store.put("a", str(number), number)
        commits.append(store.commit())
    file.close()
    await asyncio.gather(*commits)
    with StoreFile(path) as file:
        assert len(all_of(file.store("CS1"))) == 50


def test_a_file_outlives_an_event_loop(path: Path) -> None:
    file = StoreFile(path)
    store = file.store("CS1")

    async def one(value: int, wait: bool) -> None:
        store.put("a", "k", value)
        done = store.commit()
        if wait:
            await done

    asyncio.run(one(1, False))
    asyncio.run(one(2, True))
    assert all_of(store) == {"k": 2}
    file.close()


def other_program(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()


def newer(path: Path) -> None:
    StoreFile(path).close()
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version={FORMAT + 1}")
    other.close()


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: path.write_text("nonsense " * 200), "it is not an SQLite file: name another one"),
        (other_program, "another program's SQLite file"),
        (newer, f"has format {FORMAT + 1}, this ocppflow knows {FORMAT}"),
        (lambda path: path.mkdir(), "is a directory: name a file"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(path: Path, prepare: Callable[[Path], Any], message: str) -> None:
    prepare(path)
    with pytest.raises(StoreFailed, match=message) as refused:
        StoreFile(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(StoreFailed, match=message):
        StoreFile(path)  # and not "in use"


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="cannot be opened or made: make its directory"):
        StoreFile(tmp_path / "nowhere" / "CS1.db")


# --- against a model ---------------------------------------------------------------------------------------------

_KEYS = st.sampled_from(["k", "l", "m"])
_AREAS = st.sampled_from(["a", "b"])
_STEP = st.one_of(
    st.tuples(st.just("put"), _AREAS, _KEYS, st.integers()),
    st.tuples(st.just("remove"), _AREAS, _KEYS),
    st.tuples(st.just("replace"), _AREAS, st.dictionaries(_KEYS, st.integers())),
    st.tuples(st.just("commit")),
    st.tuples(st.just("cut")),
    st.tuples(st.just("reopen")),
    st.tuples(st.just("fail")),
)


class Model:
    """What has to be there: two dicts, and no idea of files or threads."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], int] = {}
        self.now: dict[tuple[str, str], int] = {}

    def do(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("put", area, key, value):
                self.now[area, key] = value
            case ("remove", area, key):
                self.now.pop((area, key), None)
            case ("replace", area, values):
                self.now = {place: value for place, value in self.now.items() if place[0] != area}
                self.now |= {(area, key): value for key, value in values.items()}
            case ("commit",):
                self.kept = dict(self.now)
            case ("cut",) | ("reopen",):
                self.now = dict(self.kept)


async def _try(file: StoreFile, store: SqliteStationStore, step: tuple[Any, ...]) -> None:
    match step:
        case ("put", area, key, value):
            store.put(area, key, value)
        case ("remove", area, key):
            store.remove(area, key)
        case ("replace", area, values):
            store.replace(area, values)
        case ("commit",):
            await store.commit()
        case ("cut",):
            store.discard()
        case ("fail",):
            lock = sqlite3.connect(file.path, isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            wrote = await asyncio.gather(store.commit(), return_exceptions=True)
            assert wrote == [None] or isinstance(wrote[0], StoreFailed)
            lock.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, max_size=25), inline=st.booleans())
def test_puts_removes_commits_and_power_cuts_do_as_a_dict_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]], inline: bool
) -> None:
    async def run() -> None:
        model = Model()
        path = tmp_path_factory.mktemp("model") / "stations.db"
        file = StoreFile(path, inline=inline)
        store = file.store("CS1")
        for step in steps:
            if step == ("reopen",):
                file.close()
                file = StoreFile(path, inline=inline)
                store = file.store("CS1")
            await _try(file, store, step)
            model.do(step)
            for area in ("a", "b"):
                assert store.keys(area) == {key for where, key in model.now if where == area}
                kept = {key: value for (where, key), value in model.kept.items() if where == area}
                assert store.load(area, int) == kept
        file.close()

    asyncio.run(run())


@pytest.mark.skipif(os.name != "posix", reason="other systems have other rights")
def test_A01FR10_a_new_file_is_for_its_user_alone(tmp_path: Path) -> None:
    with StoreFile(tmp_path / "CS1.db", inline=True) as file:
        store = file.store("CS1")
        store.put("own_certificates", "a", "a private key")
        asyncio.run(_commit(store))
        modes = {each.name: each.stat().st_mode & 0o077 for each in tmp_path.iterdir() if "lock" not in each.name}
    assert set(modes.values()) == {0}


async def _commit(store: SqliteStationStore) -> None:
    await store.commit()
