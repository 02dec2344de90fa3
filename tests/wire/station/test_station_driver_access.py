"""C and G where transactions come into them: whose token starts and stops what, and what waits for a transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from charging_world import ChargingWorld
from connector_reports import MIXED, TWO, reports, up
from token_steps import info, setting, told, wire

from ocppflow.messages import Version
from ocppflow.station.station_config import ConnectorConfig, EvseConfig


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def one(request: pytest.FixtureRequest) -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(version=request.param) as world:
        await up(world)
        yield world


@pytest.fixture
async def two() -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(evses=TWO.evses) as world:
        await up(world)
        yield world


@pytest.fixture
async def mixed() -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(evses=MIXED.evses) as world:
        await up(world)
        yield world


async def charge(world: ChargingWorld, card: str = "CARD", evse: int = 1) -> None:
    world.hardware.plug(evse)
    world.hardware.swipe(card, evse)
    await world.settle()
    assert world.station.transactions.on_evse(evse) is not None


async def swipe(world: ChargingWorld, card: str, evse: int = 1) -> list[str]:
    """The events that come of it, and Authorize."""
    since = len(world.heard)
    world.hardware.swipe(card, evse)
    await world.settle()
    said = [payload.get("triggerReason", action) for action, payload in world.heard[since:]]
    return [each for each in said if each not in ("StatusNotification", "NotifyEvent")]


async def make(world: ChargingWorld, to: str, **evse: int) -> str:
    where = {"evse": evse} if evse else {}
    answer = await world.call("ChangeAvailability", {"operationalStatus": to, **where})
    await world.settle()
    status: str = answer["status"]
    return status


async def test_C01FR03a_the_same_token_stops_without_asking(one: ChargingWorld) -> None:
    await charge(one)
    assert await swipe(one, "card") == ["StopAuthorized"]


async def test_C09FR05_another_token_of_the_group_is_asked_about_and_stops(one: ChargingWorld) -> None:
    one.groups.update(CARD="FAMILY", SISTER="FAMILY")
    await charge(one)
    assert await swipe(one, "SISTER") == ["Authorize", "StopAuthorized"]
    assert one.events[-1]["idToken"] == wire("SISTER")


async def test_C01FR03b_C09FR07_one_that_is_known_locally_stops_without_asking(one: ChargingWorld) -> None:
    one.groups.update(CARD="FAMILY", SISTER="FAMILY")
    family = info(group="FAMILY")
    entry = {"idToken": wire("SISTER"), "idTokenInfo": family}
    await one.call("SendLocalList", {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [entry]})
    await charge(one)
    assert await swipe(one, "SISTER") == ["StopAuthorized"]


async def test_C09FR11_one_of_the_group_that_is_not_Accepted_does_not_stop(one: ChargingWorld) -> None:
    one.groups.update(CARD="FAMILY", SISTER="FAMILY")
    one.refused.add("SISTER")
    await charge(one)
    assert await swipe(one, "SISTER") == ["Authorize"]
    assert await swipe(one, "SISTER") == ["Authorize"]  # also when the cache knows it


async def test_C01_a_stranger_does_not_stop(one: ChargingWorld) -> None:
    await charge(one)
    assert await swipe(one, "STRANGER") == ["Authorize"]


async def test_C01FR23_when_the_authorization_has_ended_only_its_driver_goes_on(one: ChargingWorld) -> None:
    setting(one, TxCtrlr_TxStopPoint="EVConnected")
    await charge(one)
    await swipe(one, "CARD")
    assert await swipe(one, "STRANGER") == ["Authorize"]
    assert "Authorized" in await swipe(one, "CARD")


async def test_C12FR02_a_cached_token_charges_without_asking(one: ChargingWorld) -> None:
    setting(one, AuthCtrlr_LocalPreAuthorize=True)
    await charge(one)
    await swipe(one, "CARD")
    assert "Authorize" not in await swipe(one, "CARD")
    one.refused.add("CARD")  # C10.FR.05: the next TransactionEvent tells
    await swipe(one, "CARD")
    await swipe(one, "CARD")
    assert await swipe(one, "CARD") == ["Authorize"]


async def test_C16FR02_C16FR03_C16FR08_a_master_pass_stops_all_and_starts_nothing(two: ChargingWorld) -> None:
    setting(two, AuthCtrlr_MasterPassGroupId="POLICE", AuthCtrlr_LocalPreAuthorize=True)
    two.groups["OFFICER"] = "POLICE"
    two.hardware.plug(1)
    assert await swipe(two, "OFFICER") == ["Authorize"]
    two.hardware.unplug(1)
    await charge(two, "ONE", 1)
    await charge(two, "TWO", 2)
    await swipe(two, "OFFICER", 2)
    ended = [event for event in two.events if event["eventType"] == "Ended"]
    assert {event["transactionInfo"]["stoppedReason"] for event in ended} == {"MasterPass"}
    assert [(event["triggerReason"], event["idToken"]) for event in ended] == [
        ("StopAuthorized", wire("OFFICER")),
        ("StopAuthorized", wire("OFFICER")),
    ]
    assert not two.station.transactions.running


async def test_C01FR21_a_token_of_other_EVSEs_does_not_start_here(two: ChargingWorld) -> None:
    two.answers["Authorize"] = told(evseId=[2])
    two.hardware.plug(1)
    assert await swipe(two, "CARD", 1) == ["Authorize"]
    assert two.station.transactions.on_evse(1) is None
    two.hardware.plug(2)
    await swipe(two, "CARD", 2)
    assert two.station.transactions.on_evse(2) is not None


@pytest.mark.parametrize("where", [{}, {"id": 1}, {"id": 1, "connectorId": 1}], ids=["station", "evse", "connector"])
async def test_G03FR05_G04FR06_what_charges_is_Scheduled(one: ChargingWorld, where: dict[str, int]) -> None:
    await charge(one)
    since = len(one.heard)
    assert await make(one, "Inoperative", **where) == "Scheduled"
    assert not reports(one, since)
    assert await make(one, "Inoperative", **where) == "Scheduled"
    assert not one.station.availability.operative(1, 1)
    await swipe(one, "CARD")
    assert reports(one, since) == [(1, 1, "Unavailable")]
    one.hardware.unplug()
    await one.settle()
    one.hardware.plug()
    assert "Authorized" not in await swipe(one, "CARD")
    assert await make(one, "Operative", **where) == "Accepted"
    assert reports(one, since)[-1] == (1, 1, "Occupied")


async def test_G01FR05_with_EVConnected_it_becomes_Unavailable_when_the_EV_goes(one: ChargingWorld) -> None:
    setting(one, TxCtrlr_TxStopPoint="EVConnected")
    await charge(one)
    since = len(one.heard)
    assert await make(one, "Inoperative", id=1) == "Scheduled"
    await swipe(one, "CARD")
    assert not reports(one, since)
    one.hardware.unplug()
    await one.settle()
    assert reports(one, since) == [(1, 1, "Unavailable")]


async def test_G04FR06_what_does_not_charge_becomes_Unavailable_at_once(two: ChargingWorld) -> None:
    await charge(two)
    since = len(two.heard)
    assert await make(two, "Inoperative") == "Scheduled"
    assert reports(two, since) == [(2, 1, "Unavailable")]
    await swipe(two, "CARD")
    assert reports(two, since)[1:] == [(1, 1, "Unavailable")]


async def test_G03FR05_it_can_be_called_off(one: ChargingWorld) -> None:
    await charge(one)
    await make(one, "Inoperative", id=1)
    assert await make(one, "Operative", id=1) == "Accepted"
    since = len(one.heard)
    await swipe(one, "CARD")
    one.hardware.unplug()
    await one.settle()
    assert reports(one, since) == [(1, 1, "Available")]


async def test_G03_the_other_connector_of_an_EVSE_that_charges_is_not_Scheduled(mixed: ChargingWorld) -> None:
    await charge(mixed)
    since = len(mixed.heard)
    assert await make(mixed, "Inoperative", id=1, connectorId=2) == "Accepted"
    assert reports(mixed, since) == [(1, 2, "Unavailable")]


async def test_G01FR08_the_other_connector_is_not_told_when_a_cable_comes(mixed: ChargingWorld) -> None:
    since = len(mixed.heard)
    mixed.hardware.plug(1, 1)
    await mixed.settle()
    assert reports(mixed, since) == [(1, 1, "Occupied")]


async def test_G05FR01_G05FR02_a_cable_that_does_not_lock() -> None:
    async with ChargingWorld(evses=(EvseConfig(connectors=(ConnectorConfig("sType2"),)),)) as world:
        await up(world)
        world.hardware.evses[0].lock_works = False
        world.hardware.plug()
        world.hardware.swipe("CARD")
        await world.settle(1)
        problems = [_problem(event) for each in world.sent("NotifyEvent") for event in each["eventData"]]
        assert ("ConnectorPlugRetentionLock", "Delta", "true") in problems
        assert not world.events
        assert reports(world)[-1] == (1, 1, "Faulted")
        world.hardware.evses[0].lock_works = True
        world.hardware.unplug()
        await world.settle(1)
        assert reports(world)[-1] == (1, 1, "Available")
        await charge(world)


def _problem(event: dict[str, Any]) -> tuple[str, str, str]:
    assert event["variable"]["name"] in ("Problem", "AvailabilityState")
    return event["component"]["name"], event["trigger"], event["actualValue"]


async def test_a_fault_is_told_with_its_code_and_when_it_is_over(one: ChargingWorld) -> None:
    one.hardware.fault("GroundFailure", 1, 0)
    await one.settle(1)
    one.hardware.clear(1, 0)
    await one.settle(1)
    events = [event for each in one.sent("NotifyEvent") for event in each["eventData"]]
    told = [
        (each["component"]["name"], each["actualValue"]) for each in events if each["variable"]["name"] == "Problem"
    ]
    assert told == [("EVSE", "true"), ("EVSE", "false")]
    assert next(each["techCode"] for each in events if each["variable"]["name"] == "Problem") == "GroundFailure"


async def test_a_fault_that_does_not_matter_leaves_the_connector_as_it_is(one: ChargingWorld) -> None:
    one.hardware.fault("ReaderFailure", 1, 1)
    await one.settle(1)
    assert one.station.availability.status(1, 1) == "Available"
    await charge(one)
