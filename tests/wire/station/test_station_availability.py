"""G: the status of connectors, ChangeAvailability on three levels, faults."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest
from connector_reports import MIXED, TWO, reports, up
from station_world import StationWorld
from token_steps import found, lose, power_cut

from ocppflow.messages import Version
from ocppflow.station.hardware import Fault
from ocppflow.station.station_store import StoreFailed

EVSE_1 = {"evse": {"id": 1}}
EVSE_2 = {"evse": {"id": 2}}


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def two(request: pytest.FixtureRequest) -> AsyncIterator[StationWorld]:
    async with StationWorld(request.param, TWO) as one:
        yield one


@pytest.fixture
async def mixed() -> AsyncIterator[StationWorld]:
    async with StationWorld(config=MIXED) as one:
        yield one


async def change(world: StationWorld, to: str, where: dict[str, dict[str, int]] | None = None) -> str:
    answer = await world.call("ChangeAvailability", {"operationalStatus": to, **(where or {})})
    await world.clock.advance(0)
    status: str = answer["status"]
    return status


def state(world: StationWorld, component: str, evse: int = 0, connector: int = 0) -> str:
    return world.station.device_model.text(component, "AvailabilityState", evse=evse, connector=connector)


async def test_B01FR05_after_a_boot_it_says_the_status_of_each_connector(two: StationWorld) -> None:
    await up(two)
    assert reports(two) == [(1, 1, "Available"), (2, 1, "Available")]


async def test_G01_remark_2_1_prefers_NotifyEvent_and_2_0_1_knows_StatusNotification(two: StationWorld) -> None:
    await up(two)
    said = "NotifyEvent" if two.version is Version.V21 else "StatusNotification"
    assert len(two.sent(said)) == 2
    events = [payload["eventData"][0]["eventId"] for payload in two.sent("NotifyEvent")]
    assert len(set(events)) == len(events)


async def test_B02FR02_nothing_is_said_while_pending(two: StationWorld) -> None:
    two.answers["BootNotification"] = {"currentTime": "2026-01-01T00:00:00Z", "interval": 100, "status": "Pending"}
    await up(two)
    two.station.availability.fault(1, 1, Fault(code="GroundFailure"))
    await two.clock.advance(1)
    assert not reports(two)
    del two.answers["BootNotification"]
    await two.clock.advance(100)
    assert reports(two) == [(1, 1, "Faulted"), (2, 1, "Available")]


async def test_G03FR04_an_EVSE_becomes_Inoperative_and_Operative_again(two: StationWorld) -> None:
    since = await up(two)
    assert await change(two, "Inoperative", EVSE_1) == "Accepted"
    assert await change(two, "Operative", EVSE_1) == "Accepted"
    assert reports(two, since) == [(1, 1, "Unavailable"), (1, 1, "Available")]


async def test_G03FR01_the_answer_goes_before_the_new_status(two: StationWorld) -> None:
    order: list[str] = []

    def hears(message: str) -> object:
        return lambda call: order.append(message)

    since = await up(two)
    two.answers["StatusNotification"] = two.answers["NotifyEvent"] = hears("status")
    await two.csms["CS1"].call_raw("ChangeAvailability", {"operationalStatus": "Inoperative", **EVSE_1})
    order.append("answered")
    await two.clock.advance(0)
    assert order == ["answered", "status"]
    assert len(reports(two, since)) == 1


@pytest.mark.parametrize("where", [{}, EVSE_1, {"evse": {"id": 1, "connectorId": 1}}], ids=["station", "evse", "conn"])
@pytest.mark.parametrize("to", ["Operative", "Inoperative"])
async def test_G03FR03_what_is_so_already_is_Accepted_and_said(
    two: StationWorld, to: str, where: dict[str, dict[str, int]]
) -> None:
    await up(two)
    await change(two, to, where)
    since = len(two.heard)
    assert await change(two, to, where) == "Accepted"
    wanted = "Available" if to == "Operative" else "Unavailable"
    assert reports(two, since) == [(1, 1, wanted), (2, 1, wanted)][: None if not where else 1]


async def test_G04FR07_G04FR08_the_whole_station(two: StationWorld) -> None:
    since = await up(two)
    assert await change(two, "Inoperative") == "Accepted"
    assert not two.station.availability.operative(2, 1)
    assert await change(two, "Operative") == "Accepted"
    assert reports(two, since) == [
        *((1, 1, "Unavailable"), (2, 1, "Unavailable")),
        *((1, 1, "Available"), (2, 1, "Available")),
    ]


async def test_G03_note_1_levels_are_separate(mixed: StationWorld) -> None:
    since = await up(mixed)
    assert await change(mixed, "Inoperative", {"evse": {"id": 1, "connectorId": 2}}) == "Accepted"
    assert await change(mixed, "Inoperative", EVSE_1) == "Accepted"
    assert await change(mixed, "Inoperative") == "Accepted"
    assert await change(mixed, "Operative") == "Accepted"
    assert await change(mixed, "Operative", EVSE_1) == "Accepted"
    latest = {(evse, connector): status for evse, connector, status in reports(mixed, since)}
    assert latest == {(1, 1): "Available", (1, 2): "Unavailable", (2, 1): "Available"}
    assert mixed.station.availability.operative(1, 1)
    assert not mixed.station.availability.operative(1, 2)


@pytest.mark.parametrize(
    ("evse", "reason"),
    [
        ({"id": 3}, "UnknownEvse"),
        ({"id": 0, "connectorId": 1}, "UnknownEvse"),
        ({"id": 1, "connectorId": 3}, "UnknownConnectorId"),
    ],
)
async def test_G03FR02_what_is_not_there_is_Rejected(mixed: StationWorld, evse: dict[str, int], reason: str) -> None:
    since = await up(mixed)
    answer = await mixed.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": evse})
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", reason)
    await mixed.clock.advance(1)
    assert not reports(mixed, since)


async def test_G03FR08_G04FR09_what_was_set_outlives_a_power_cut(two: StationWorld) -> None:
    await up(two)
    await change(two, "Inoperative", EVSE_2)
    since = await power_cut(two)
    assert reports(two, since) == [(1, 1, "Available"), (2, 1, "Unavailable")]
    await change(two, "Operative", EVSE_2)
    await change(two, "Inoperative")
    since = await power_cut(two)
    assert reports(two, since) == [(1, 1, "Unavailable"), (2, 1, "Unavailable")]


async def test_G03FR02_what_cannot_be_kept_is_Rejected_and_not_done(two: StationWorld) -> None:
    since = await up(two)

    def full() -> None:
        raise StoreFailed("disk full")

    two.store.failing = full
    assert await change(two, "Inoperative", EVSE_1) == "Rejected"
    assert two.station.availability.operative(1)
    assert not reports(two, since)
    two.store.failing = None
    two.station.store.commit()
    assert await power_cut(two)
    assert two.station.availability.operative(1)


async def test_G03FR06_a_broken_EVSE_makes_its_connectors_Unavailable(mixed: StationWorld) -> None:
    since = await up(mixed)
    mixed.station.availability.fault(1, 0, Fault(code="GroundFailure"))
    await mixed.clock.advance(0)
    assert reports(mixed, since) == [(1, 1, "Unavailable"), (1, 2, "Unavailable")]
    assert state(mixed, "EVSE", 1) == "Faulted"
    assert mixed.station.availability.is_faulted(1)
    assert not mixed.station.availability.is_faulted(2)
    mixed.station.availability.clear(1, 0)
    await mixed.clock.advance(0)
    assert reports(mixed, since)[2:] == [(1, 1, "Available"), (1, 2, "Available")]


async def test_G03FR06_a_broken_connector_stays_Faulted_on_an_Inoperative_EVSE(mixed: StationWorld) -> None:
    since = await up(mixed)
    mixed.station.availability.fault(1, 2, Fault(code="ConnectorLockFailure"))
    await change(mixed, "Inoperative", EVSE_1)
    latest = {(evse, connector): status for evse, connector, status in reports(mixed, since)}
    assert latest == {(1, 1): "Unavailable", (1, 2): "Faulted"}
    assert not mixed.station.availability.operative(1, 2)


async def test_G04FR07_a_broken_station(two: StationWorld) -> None:
    since = await up(two)
    two.station.availability.fault(0, 0, Fault(code="InternalError"))
    await two.clock.advance(0)
    assert reports(two, since) == [(1, 1, "Unavailable"), (2, 1, "Unavailable")]
    assert [state(two, "ChargingStation"), state(two, "EVSE", 1)] == ["Faulted", "Unavailable"]


async def test_G01_AvailabilityState_is_right_on_three_levels(mixed: StationWorld) -> None:
    await up(mixed)

    def states() -> Iterator[str]:
        yield from (state(mixed, "ChargingStation"), state(mixed, "EVSE", 1), state(mixed, "EVSE", 2))
        yield from (state(mixed, "Connector", 1, 1), state(mixed, "Connector", 1, 2), state(mixed, "Connector", 2, 1))

    assert set(states()) == {"Available"}
    await change(mixed, "Inoperative", {"evse": {"id": 1, "connectorId": 1}})
    assert list(states()) == ["Available", "Available", "Available", "Unavailable", "Available", "Available"]
    await change(mixed, "Inoperative", EVSE_2)
    assert list(states()) == ["Available", "Available", "Unavailable", "Unavailable", "Available", "Unavailable"]
    await change(mixed, "Inoperative")
    assert set(states()) == {"Unavailable"}


async def test_B04FR01_after_a_long_time_offline_it_says_all(two: StationWorld) -> None:
    since = await up(two)
    await lose(two)
    await two.clock.advance(61)
    await found(two)
    assert reports(two, since) == [(1, 1, "Available"), (2, 1, "Available")]


async def test_B04FR02_after_a_short_time_offline_it_says_what_has_changed(two: StationWorld) -> None:
    since = await up(two)
    two.station.device_model.set("OCPPCommCtrlr", "OfflineThreshold", 1000)
    await lose(two)
    two.station.availability.fault(1, 1, Fault(code="GroundFailure"))
    two.station.availability.clear(1, 1)
    two.station.availability.fault(2, 1, Fault(code="GroundFailure"))
    await two.clock.advance(61)
    await found(two)
    assert reports(two, since) == [(2, 1, "Faulted")]


async def test_G01_what_the_CSMS_refused_to_hear_is_said_again(two: StationWorld) -> None:
    def refuse(call: object) -> object:
        raise RuntimeError("the CSMS has a bad day")

    two.answers["StatusNotification"] = two.answers["NotifyEvent"] = refuse
    await up(two)
    two.answers.clear()
    since = len(two.heard)
    two.station.availability.refresh()
    await two.clock.advance(0)
    assert reports(two, since) == [(1, 1, "Available"), (2, 1, "Available")]


async def test_G01_a_slow_CSMS_hears_each_change_in_order_and_a_flood_is_bounded(two: StationWorld) -> None:
    since = await up(two)
    two.network.links[-1].hold()  # the CSMS's answers stay on the way
    for _ in range(1000):
        two.station.availability.fault(1, 1, Fault(code="GroundFailure"))
        two.station.availability.clear(1, 1)
    two.station.availability.fault(2, 1, Fault(code="GroundFailure"))
    await two.clock.advance(1)
    two.network.links[-1].release()
    for _ in range(5):
        await two.clock.advance(1)
    said = reports(two, since)
    assert len(said) <= 70
    assert said[-1] == (2, 1, "Faulted")
    assert said[-2] == (1, 1, "Available")
    assert all(before[2] != after[2] for before, after in itertools.pairwise(said[:-1]))
