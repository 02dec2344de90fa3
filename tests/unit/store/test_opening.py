"""What cannot be opened is told in one line that says what to do, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from tests.postgresql_server import the_server

import ocppflow.store.engines
from ocppflow.errors import ConfigurationError
from ocppflow.store import Store
from ocppflow.store.engines import DATABASE
from ocppflow.store.station_tables import SETTINGS

NOBODY = 65534


def _refusal(where: str | Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Store.open(where)
    told = str(caught.value)
    assert "\n" not in told
    return told


@pytest.fixture
def as_nobody(tmp_path: Path) -> Iterator[None]:
    """Files that a user may not write: root may write all, so the tests are somebody else for a moment."""
    if os.geteuid() != 0:
        yield
        return
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder != Path("/") and folder.is_relative_to("/tmp/pytest-of-root"):
            folder.chmod(0o755)
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / DATABASE
    file.write_bytes(b"a letter to my aunt\n" * 100)
    before = file.read_bytes()
    assert _refusal(tmp_path) == f"{file} is not an SQLite database: move it away, or name another directory"
    assert file.read_bytes() == before


async def test_a_database_that_is_damaged_is_left_as_it_is(tmp_path: Path) -> None:
    await Store.open(tmp_path).close()
    file = tmp_path / DATABASE
    broken = bytearray(file.read_bytes())
    broken[100:4096] = b"\xff" * 3996  # the page that says where all others are
    file.write_bytes(broken)
    assert "is damaged" in (told := _refusal(tmp_path))
    assert "ocppflow csms restore" in told
    assert file.read_bytes() == broken


def test_a_directory_that_cannot_be_written(tmp_path: Path, as_nobody: None) -> None:
    assert f"{tmp_path / 'data'} cannot be used: Permission denied; give this user" in _refusal(tmp_path / "data")


def test_a_directory_in_which_nothing_can_be_made(tmp_path: Path, as_nobody: None) -> None:
    assert "cannot be opened: give this user the right to, or name another" in _refusal(tmp_path)


def test_a_database_that_cannot_be_written(tmp_path: Path, as_nobody: None) -> None:
    os.seteuid(os.getuid())
    asyncio.run(Store.open(tmp_path).close())
    (tmp_path / DATABASE).chmod(0o444)
    tmp_path.chmod(0o777)
    (tmp_path / f"{DATABASE}-lock").unlink()
    before = (tmp_path / DATABASE).read_bytes()
    if os.getuid() == 0:
        os.seteuid(NOBODY)
    assert _refusal(tmp_path) == (
        f"{tmp_path / DATABASE} cannot be written: give this user the right to, or name another directory"
    )
    assert (tmp_path / DATABASE).read_bytes() == before


def test_a_file_where_a_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    assert "data cannot be used: File exists" in _refusal(tmp_path / "data")
    assert (tmp_path / "data").read_text() == "x"


def test_a_database_that_another_program_has_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocppflow.store.engines, "BUSY_SECONDS", 0)
    other = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert f"{tmp_path / DATABASE} is locked by another program: end it" in _refusal(tmp_path)
    other.close()


async def test_a_directory_belongs_to_one_csms_and_is_free_again_when_that_has_ended(tmp_path: Path) -> None:
    first = Store.open(tmp_path)
    await first.write(lambda c: c.execute(SETTINGS.insert(), {"name": "a", "value": 1}))
    told = _refusal(tmp_path)
    assert told == f"{tmp_path / DATABASE} is in use by another CSMS: end it, or name another directory"
    assert "is in use by another CSMS" in _refusal(f"sqlite:///{tmp_path / DATABASE}")
    assert await first.read(lambda c: c.execute(select(SETTINGS)).all()) == [("a", 1)]
    await first.close()
    await Store.open(tmp_path).close()


def test_a_directory_is_free_again_when_the_process_was_killed(tmp_path: Path) -> None:
    script = f"from ocppflow.store import Store\nStore.open({str(tmp_path)!r})\nprint('open', flush=True)\ninput()"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"open\n"
    assert "is in use by another CSMS" in _refusal(tmp_path)
    process.kill()
    process.wait()
    process.stdout.close()
    process.stdin.close()
    asyncio.run(Store.open(tmp_path).close())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://user:s3cret@host/db", "a database of the kind 'mysql' cannot be used: the store takes"),
        ("postgresql+asyncpg://user:s3cret@host/db", "a database of the kind 'postgresql+asyncpg' cannot be used"),
        ("postgresql://user:s3cret@host:port/db", "the database's URL cannot be read: the store takes"),
        ("sqlite://", "the database's URL names no file: sqlite:///FILE"),
        ("sqlite:///:memory:", "the database's URL names no file: sqlite:///FILE"),
        ("://", "the database's URL cannot be read"),
    ],
)
def test_a_wrong_url(url: str, told: str) -> None:
    said = _refusal(url)
    assert told in said
    assert "s3cret" not in said


def test_a_server_that_is_not_there() -> None:
    told = _refusal("postgresql://user:s3cret@127.0.0.1:1/db")
    assert told.startswith("no connection to postgresql+psycopg://***@127.0.0.1:1/db: start it, or correct the URL")
    assert "s3cret" not in told


def test_a_database_that_the_server_does_not_have() -> None:
    assert 'database "nowhere" does not exist' in _refusal(the_server().url("nowhere"))


def test_a_user_who_may_make_no_tables() -> None:
    server = the_server()
    name = server.new_database()
    server.execute("DROP ROLE IF EXISTS guest")
    server.execute("CREATE ROLE guest LOGIN")
    told = _refusal(server.url(name).replace("tests@", "guest@"))
    assert "cannot be used: permission denied for schema public" in told
    server.drop(name)


def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert _refusal("postgresql://host/db") == "PostgreSQL needs psycopg: pip install 'ocppflow[postgresql]'"


@pytest.mark.parametrize("url", ["postgres://{rest}", "postgresql://{rest}", "postgresql+psycopg://{rest}"])
async def test_the_usual_ways_to_write_postgresql(url: str) -> None:
    name = the_server().new_database()
    store = Store.open(url.format(rest=the_server().url(name).partition("://")[2]))
    assert await store.read(lambda c: c.execute(text("SELECT 1")).scalar()) == 1
    await store.close()
    the_server().drop(name)
