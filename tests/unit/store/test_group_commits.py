"""Works in a group have the results and the effects that they would have one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError
from tests.postgresql_server import the_server

from ocppflow.store import upsert
from ocppflow.store.engines import engine_for, engine_in_memory
from ocppflow.store.group_commits import GroupCommits, WaitingWork, Work
from ocppflow.store.station_tables import SETTINGS


class Refused(Exception):
    """What a work may raise on purpose."""


def put(name: str, value: int) -> Work[None]:
    return lambda c: upsert(c, SETTINGS, {"name": name, "value": value})


def add(name: str, value: int) -> Work[str]:
    def work(connection: Connection) -> str:
        connection.execute(insert(SETTINGS), {"name": name, "value": value})  # fails where it is there already
        return f"added {name}"

    return work


def count(name: str, value: int) -> Work[int]:
    def work(connection: Connection) -> int:
        before = connection.execute(select(SETTINGS.c.value).where(SETTINGS.c.name == name)).scalar() or 0
        put(name, before + value)(connection)
        return int(before + value)

    return work


def refuse(name: str, value: int) -> Work[None]:
    def work(connection: Connection) -> None:
        put(name, -value)(connection)
        raise Refused(name)

    return work


def remove(name: str, value: int) -> Work[int]:
    return lambda c: c.execute(delete(SETTINGS).where(SETTINGS.c.name == name)).rowcount


def try_add(name: str, value: int) -> Work[bool]:
    """With its own savepoint, so that what it catches has no consequences."""

    def work(connection: Connection) -> bool:
        put("tried", value)(connection)
        try:
            with connection.begin_nested():
                add(name, value)(connection)
        except IntegrityError:
            return False
        return True

    return work


def catch(name: str, value: int) -> Work[str]:
    """Without one: in PostgreSQL the transaction cannot go on then, which must not be taken for success."""

    def work(connection: Connection) -> str:
        try:
            add(name, value)(connection)
        except IntegrityError:
            return "caught"
        return "added"

    return work


WORKS = (put, add, count, refuse, remove, try_add, catch)
GROUPS = st.lists(
    st.lists(st.tuples(st.sampled_from(WORKS), st.sampled_from("abc"), st.integers(0, 9)), min_size=1, max_size=8),
    max_size=5,
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engines(request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Engine]]:
    if request.param == "sqlite":
        pair = (engine_in_memory(), engine_in_memory())
        names = []
    else:
        names = [the_server().new_database() for _ in range(2)]
        pair = tuple(engine_for(the_server().url(name)) for name in names)
    for each in pair:
        SETTINGS.create(each)
    yield pair
    for each in pair:
        each.dispose()
    for name in names:
        the_server().drop(name)


def _outcome(waiting: WaitingWork) -> tuple[Any, str | None]:
    return waiting.result, None if waiting.error is None else type(waiting.error).__name__


def _all(engine: Engine) -> set[Any]:
    with engine.connect() as connection:
        return {tuple(each) for each in connection.execute(select(SETTINGS)).all()}


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=GROUPS)
def test_results_and_effects_are_those_of_one_by_one(engines: tuple[Engine, Engine], groups: Any) -> None:
    grouped, alone = (GroupCommits(engine) for engine in engines)
    for engine in engines:
        with engine.begin() as connection:
            connection.execute(delete(SETTINGS))
    for group in groups:
        together = [WaitingWork(make(name, value)) for make, name, value in group]
        apart = [WaitingWork(make(name, value)) for make, name, value in group]
        grouped.carry_out(together)
        for each in apart:
            alone.carry_out([each])
        assert [_outcome(each) for each in together] == [_outcome(each) for each in apart]
        assert _all(engines[0]) == _all(engines[1])
    assert grouped.failure is None


def test_a_group_without_faults_is_done_once_in_one_commit() -> None:
    engine = engine_in_memory()
    SETTINGS.create(engine)
    statements: list[str] = []

    def runs(number: int) -> Work[None]:
        return lambda c: statements.append(c.get_transaction().__class__.__name__) or put(str(number), number)(c)

    GroupCommits(engine).carry_out([WaitingWork(runs(number)) for number in range(20)])
    assert statements == ["RootTransaction"] * 20
    assert len(_all(engine)) == 20
    engine.dispose()


def test_one_fault_costs_a_second_time_and_no_more() -> None:
    engine = engine_in_memory()
    SETTINGS.create(engine)
    times: list[int] = []

    def work(number: int) -> Work[None]:
        def runs(connection: Connection) -> None:
            times.append(number)
            (refuse if number in (7, 150) else put)(str(number), number)(connection)

        return runs

    group = [WaitingWork(work(number)) for number in range(200)]
    GroupCommits(engine).carry_out(group)
    assert len(times) == 8 + 200
    assert [number for number, each in enumerate(group) if each.error] == [7, 150]
    assert len(_all(engine)) == 198
    engine.dispose()
