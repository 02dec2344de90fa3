"""D: full and differential lists, versions, refusals, and that a list is kept whole or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from connector_reports import up
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from station_world import StationWorld
from token_steps import info, power_cut, setting, token, wire

from ocppflow.messages import Version
from ocppflow.station.station_store import StoreFailed


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[StationWorld]:
    async with StationWorld(request.param) as one:
        await up(one)
        yield one


def item(text: str, status: str | None = "Accepted", **more: Any) -> dict[str, Any]:
    return {"idToken": wire(text), **({} if status is None else {"idTokenInfo": info(status, **more)})}


async def send(world: StationWorld, kind: str, version: int, *items: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = {"updateType": kind, "versionNumber": version}
    return await world.call("SendLocalList", {**payload, **({"localAuthorizationList": list(items)} if items else {})})


async def version(world: StationWorld) -> int:
    number: int = (await world.call("GetLocalListVersion"))["versionNumber"]
    return number


def listed(world: StationWorld, *names: str) -> dict[str, str]:
    found = {name: world.station.local_list.find(token(name)) for name in names}
    return {name: said.status for name, said in found.items() if said is not None}


async def test_D02FR02_there_is_no_list_at_first(world: StationWorld) -> None:
    assert await version(world) == 0


async def test_D01FR15_a_full_list_replaces_what_was_there(world: StationWorld) -> None:
    assert (await send(world, "Full", 7, item("A"), item("B")))["status"] == "Accepted"
    assert (await send(world, "Full", 3, item("b", "Blocked"), item("C")))["status"] == "Accepted"
    assert await version(world) == 3  # D02.FR.01
    assert listed(world, "A", "B", "C") == {"B": "Blocked", "C": "Accepted"}
    assert world.station.device_model.integer("LocalAuthListCtrlr", "Entries") == 2  # D01.FR.12
    assert world.station.device_model.integer("LocalAuthListCtrlr", "Storage") > 20


async def test_D01FR16_D01FR17_a_differential_list_adds_changes_and_removes(world: StationWorld) -> None:
    await send(world, "Full", 1, item("A"), item("B"), item("C"))
    answer = await send(world, "Differential", 2, item("B", None), item("C", "Blocked"), item("D"), item("E", None))
    assert answer["status"] == "Accepted"
    assert await version(world) == 2
    assert listed(world, *"ABCDE") == {"A": "Accepted", "C": "Blocked", "D": "Accepted"}


async def test_D01FR04_an_empty_full_list_removes_all_and_has_a_version(world: StationWorld) -> None:
    await send(world, "Full", 1, item("A"))
    assert (await send(world, "Full", 2))["status"] == "Accepted"
    assert (await version(world), listed(world, "A")) == (2, {})


async def test_D01FR05_an_empty_differential_list_changes_the_version_alone(world: StationWorld) -> None:
    await send(world, "Full", 1, item("A"))
    assert (await send(world, "Differential", 2))["status"] == "Accepted"
    assert (await version(world), listed(world, "A")) == (2, {"A": "Accepted"})


@pytest.mark.parametrize("number", [4, 5])
async def test_D01FR19_a_version_that_is_not_newer_is_a_VersionMismatch(world: StationWorld, number: int) -> None:
    await send(world, "Full", 5, item("A"))
    assert (await send(world, "Differential", number, item("B")))["status"] == "VersionMismatch"
    assert (await version(world), listed(world, "A", "B")) == (5, {"A": "Accepted"})


@pytest.mark.parametrize("number", [0, -1])
async def test_D01FR18_a_version_is_greater_than_0(world: StationWorld, number: int) -> None:
    answer = await send(world, "Full", number, item("A"))
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "ValuePositiveOnly")


@pytest.mark.parametrize("kind", ["Full", "Differential"])
async def test_D01FR06_an_idToken_occurs_once(world: StationWorld, kind: str) -> None:
    answer = await send(world, kind, 1, item("CARD"), item("B"), item("card"))
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "InvalidValue")
    assert await version(world) == 0


async def test_D01_a_full_list_has_an_idTokenInfo_for_each(world: StationWorld) -> None:
    answer = await send(world, "Full", 1, item("A", None))
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "MissingParam")


async def test_D01FR13_D02FR03_a_disabled_list(world: StationWorld) -> None:
    await send(world, "Full", 1, item("A"))
    setting(world, LocalAuthListCtrlr_Enabled=False)
    assert (await version(world), listed(world, "A")) == (0, {})
    answer = await send(world, "Full", 2, item("B"))
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "NotEnabled")
    setting(world, LocalAuthListCtrlr_Enabled=True)
    assert (await version(world), listed(world, "A")) == (1, {"A": "Accepted"})


async def test_D01FR10_it_outlives_a_power_cut(world: StationWorld) -> None:
    await send(world, "Full", 1, item("A"), item("B"))
    await send(world, "Differential", 2, item("A", None), item("C"))
    await power_cut(world)
    assert (await version(world), listed(world, *"ABC")) == (2, {"B": "Accepted", "C": "Accepted"})
    assert world.station.device_model.integer("LocalAuthListCtrlr", "Entries") == 2


async def test_what_cannot_be_kept_is_Failed_and_the_old_list_stays_whole(world: StationWorld) -> None:
    await send(world, "Full", 1, item("A"), item("B", "Blocked"))

    def full() -> None:
        raise StoreFailed("disk full")

    for kind in ("Full", "Differential"):
        world.store.failing = full
        answer = await send(world, kind, 2, item("B"), item("C"))
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "OutOfStorage")
        world.store.failing = None
        world.station.store.commit()
        for _ in range(2):
            assert (await version(world), listed(world, *"ABC")) == (1, {"A": "Accepted", "B": "Blocked"})
            await power_cut(world)


names = st.sampled_from("ABCDE")
step = st.tuples(
    st.sampled_from(["Full", "Differential"]),
    st.integers(0, 4),
    st.dictionaries(names, st.sampled_from(["Accepted", "Blocked", None]), max_size=4),
    st.booleans(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(step, max_size=8))
async def test_D01_any_run_of_lists_and_power_cuts_is_as_a_dictionary(steps: list[Any]) -> None:
    wanted: dict[str, str] = {}
    number = 0
    async with StationWorld() as world:
        await up(world)
        for kind, new, items, cut in steps:
            answer = await send(world, kind, new, *(item(name, status) for name, status in items.items()))
            bad = new < 1 or (kind == "Full" and None in items.values())
            if bad:
                assert answer["status"] == "Failed"
            elif kind == "Differential" and new <= number:
                assert answer["status"] == "VersionMismatch"
            else:
                assert answer["status"] == "Accepted"
                number, wanted = new, {**({} if kind == "Full" else wanted), **items}
                wanted = {name: status for name, status in wanted.items() if status is not None}
            if cut:
                await power_cut(world)
            assert (await version(world), listed(world, *"ABCDE")) == (number, wanted)
