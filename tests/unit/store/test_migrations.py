"""A database is brought to this version's schema, or left as it is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, select, text
from tests.postgresql_server import the_server
from tests.tool_modules import tool_module

from ocppflow.errors import ConfigurationError
from ocppflow.store import SCHEMA, Store
from ocppflow.store.engines import DATABASE, engine_for, engine_in_memory, file_of
from ocppflow.store.station_tables import SETTINGS
from ocppflow.store.upgrade import MIGRATIONS, VERSION_TABLE, revision_of
from ocppflow.store.upgrade import upgrade as bring_up

ROOT = Path(__file__).parents[3]
STALE = "the tables have changed: .venv/bin/python tools/make_migration.py"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without anything."""
    if request.param == "sqlite":
        engine = engine_for(tmp_path)
        yield engine
        engine.dispose()
        return
    name = the_server().new_database()
    engine = engine_for(the_server().url(name))
    yield engine
    engine.dispose()
    the_server().drop(name)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return tool_module("make_migration")


def _described(engine: Engine) -> dict[str, Any]:
    """All that a database says of its tables, but for the order of columns."""
    look = inspect(engine)
    return {
        name: {
            "columns": {
                each["name"]: (str(each["type"]), each["nullable"], each["default"]) for each in look.get_columns(name)
            },
            "key": look.get_pk_constraint(name),
            "references": sorted(map(str, look.get_foreign_keys(name))),
            "unique": sorted(map(str, look.get_unique_constraints(name))),
            "indexes": sorted(map(str, look.get_indexes(name))),
        }
        for name in look.get_table_names()
        if name != VERSION_TABLE
    }


def _sqlite_text(engine: Engine) -> dict[str, set[str]]:
    """What SQLite keeps of each table, AUTOINCREMENT included; of its parts, as their order may differ."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
    return {
        name: {part.strip(" \t\n,") for part in re.split(r"\n|, (?=CONSTRAINT)", sql)}
        for name, sql in rows
        if VERSION_TABLE not in sql
    }


def test_the_migration_is_that_of_the_tables(tool: ModuleType) -> None:
    assert tool.TARGET.read_text(encoding="utf-8") == tool.initial(), STALE


def test_a_migrated_database_is_that_of_the_schema(empty: Engine) -> None:
    bring_up(empty)
    migrated = _described(empty)
    if empty.dialect.name == "sqlite":
        made = engine_in_memory()
        SCHEMA.create_all(made)
        assert _sqlite_text(empty) == _sqlite_text(made), STALE
        expected = _described(made)
        made.dispose()
    else:
        name = the_server().new_database()
        made = engine_for(the_server().url(name))
        SCHEMA.create_all(made)
        expected = _described(made)
        made.dispose()
        the_server().drop(name)
    assert len(migrated) > 30
    assert migrated == expected, STALE


def test_no_text_and_no_number_of_a_peer_is_too_long_for_postgresql() -> None:
    for table in SCHEMA.tables.values():
        for column in table.columns:
            assert not re.fullmatch(r"VARCHAR\(\d+\)|INTEGER", str(column.type)), f"{table.name}.{column.name}"


LATER = """
import sqlalchemy as sa
from alembic import op

revision = "later"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("stations", recreate="{recreate}") as table:
        table.add_column(sa.Column("later", sa.Text()))
    {then}
"""


@pytest.fixture
def later(tmp_path: Path) -> Any:
    """Let there be a later version: ``later(then)`` with what its migration does last."""
    folder = tmp_path / "migrations"

    def make(then: str = "pass", recreate: str = "auto") -> Path:
        shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        (folder / "versions" / "later.py").write_text(LATER.format(then=then, recreate=recreate))
        return folder

    return make


FILLED = (
    "INSERT INTO stations (identity, registration, is_disabled, note, vendor, model, firmware, serial_number, "
    "created_at, device_model) VALUES ('CS1', 'Accepted', false, '', '', '', '', '', 0, 'none')",
    "INSERT INTO connectors (station, evse, connector, status, since) VALUES ('CS1', 1, 1, 'Available', 0)",
)


def _fill(engine: Engine) -> None:
    with engine.begin() as connection:
        for statement in FILLED:
            connection.execute(text(statement))


def _count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return revision_of(connection)


@pytest.mark.parametrize("recreate", ["auto", "always"])
def test_an_older_database_is_upgraded_and_keeps_what_is_in_it(empty: Engine, later: Any, recreate: str) -> None:
    if recreate == "always" and empty.dialect.name != "sqlite":
        pytest.skip("only SQLite makes tables anew")
    bring_up(empty)
    _fill(empty)
    bring_up(empty, later(recreate=recreate))
    assert _revision(empty) == "later"
    assert "later" in {each["name"] for each in inspect(empty).get_columns("stations")}
    assert _count(empty, "connectors") == 1  # which refer to stations, a table that SQLite may have made anew


def test_before_an_upgrade_sqlite_is_kept_as_it_was(tmp_path: Path, later: Any) -> None:
    engine = engine_for(tmp_path)
    bring_up(engine)
    assert not list(tmp_path.glob("*before*"))  # there was nothing to keep
    _fill(engine)
    bring_up(engine, later())
    engine.dispose()
    (kept,) = tmp_path.glob("*before*")
    assert kept.name == f"{DATABASE}.before-upgrade-from-0001"
    old = engine_for(f"sqlite:///{kept}")
    assert _revision(old) == "0001"
    assert _count(old, "stations") == 1
    old.dispose()


def test_an_upgrade_that_fails_leaves_everything_as_it_was(empty: Engine, later: Any) -> None:
    bring_up(empty)
    _fill(empty)
    with pytest.raises(ZeroDivisionError):
        bring_up(empty, later("1 / 0"))
    assert _revision(empty) == "0001"
    assert "later" not in {each["name"] for each in inspect(empty).get_columns("stations")}
    assert _count(empty, "connectors") == 1


def test_an_upgrade_after_which_something_refers_to_nothing_is_taken_back(tmp_path: Path, later: Any) -> None:
    engine = engine_for(tmp_path)
    bring_up(engine)
    _fill(engine)
    with pytest.raises(ConfigurationError, match=r"cannot be upgraded.*connectors refers to what stations has not"):
        bring_up(engine, later("""op.execute("DELETE FROM stations")"""))
    assert _count(engine, "stations") == _count(engine, "connectors") == 1
    with engine.begin() as connection:  # what refers is looked after again
        connection.execute(text("DELETE FROM stations"))
    assert _count(engine, "connectors") == 0
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(empty: Engine, later: Any) -> None:
    bring_up(empty, later())
    before = _described(empty)
    where = file_of(empty)
    url = str(where.parent) if where else empty.url.render_as_string(hide_password=False)
    with pytest.raises(ConfigurationError, match=r"newer ocppflow \(its schema is later\): install that one, or"):
        Store.open(url)
    assert _described(empty) == before


def test_tables_of_somebody_else_are_not_touched(empty: Engine) -> None:
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE stations (x int)"))
    with pytest.raises(ConfigurationError, match="has tables that ocppflow did not make, such as stations"):
        bring_up(empty)
    assert _described(empty).keys() == {"stations"}


async def test_what_is_in_a_database_is_there_when_it_is_opened_again(empty: Engine) -> None:
    where = file_of(empty)
    url = str(where.parent) if where else empty.url.render_as_string(hide_password=False)
    for number in range(2):
        store = Store.open(url)
        known = await store.read(lambda c: c.execute(select(SETTINGS)).all())
        assert known == ([("a", 1)] if number else [])
        if not number:
            await store.write(lambda c: c.execute(SETTINGS.insert(), {"name": "a", "value": 1}))
        await store.close()
