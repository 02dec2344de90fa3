"""H: an EVSE is kept for somebody; and G01, G03 where a cable comes into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from charging_world import ChargingWorld
from connector_reports import MIXED, TWO, reports, up
from token_steps import found, lose, power_cut, setting, wire

from ocppflow.messages import Version
from ocppflow.station import StationConfig
from ocppflow.station.station_store import StoreFailed

ONE = StationConfig()


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


async def reserve(world: ChargingWorld, number: int = 1, card: str = "MINE", seconds: float = 600, **more: Any) -> Any:
    until = (world.now() + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    answer = await world.call("ReserveNow", {"id": number, "expiryDateTime": until, "idToken": wire(card), **more})
    await world.settle()
    return answer["status"] if answer["status"] != "Rejected" else answer["statusInfo"]["reasonCode"]


async def cancel(world: ChargingWorld, number: int = 1) -> str:
    status: str = (await world.call("CancelReservation", {"reservationId": number}))["status"]
    await world.settle()
    return status


def updates(world: ChargingWorld) -> list[tuple[int, str]]:
    said = world.sent("ReservationStatusUpdate")
    return [(each["reservationId"], each["reservationUpdateStatus"]) for each in said]


def statuses(world: ChargingWorld) -> list[str]:
    """As the CSMS knows them."""
    latest = {(evse, connector): status for evse, connector, status in reports(world)}
    assert latest == {place: world.station.availability.status(*place) for place in latest}
    return [latest[place] for place in sorted(latest)]


def charges(world: ChargingWorld) -> bool:
    return bool(world.told()) and world.told()[-1][2] == "Charging"


async def test_H01FR23_H03FR01_H03FR10_who_has_reserved_charges(one: ChargingWorld) -> None:
    setting(one, TxCtrlr_TxStartPoint="Authorized")
    since = await up_to_date(one)
    assert await reserve(one, 7, evseId=1) == "Accepted"
    assert reports(one, since) == [(1, 1, "Reserved")]
    one.hardware.swipe("mine")
    await one.settle()
    assert reports(one, since) == [(1, 1, "Reserved"), (1, 1, "Available")]
    one.hardware.plug()
    await one.settle()
    assert reports(one, since)[2:] == [(1, 1, "Occupied")]
    assert [each.get("reservationId") for each in one.events][:1] == [7]  # H01.FR.15
    assert charges(one)
    assert not len(one.station.reservations)
    assert await cancel(one, 7) == "Rejected"  # H03.FR.09


async def up_to_date(world: ChargingWorld) -> int:
    await world.settle()
    return len(world.heard)


async def test_G01FR06_G03FR09_a_cable_does_not_change_Reserved_until_the_token_comes(one: ChargingWorld) -> None:
    since = await up_to_date(one)
    await reserve(one, evseId=1)
    one.hardware.plug()
    await one.settle()
    assert reports(one, since) == [(1, 1, "Reserved")]
    one.hardware.swipe("OTHER")
    await one.settle()
    assert not charges(one)
    one.hardware.swipe("MINE")
    await one.settle()
    assert reports(one, since) == [(1, 1, "Reserved"), (1, 1, "Occupied")]
    assert charges(one)
    one.hardware.unplug()
    await one.settle()
    assert statuses(one) == ["Available"]


async def test_F01FR21_F01FR22_a_remote_start_for_somebody_else_is_Rejected(one: ChargingWorld) -> None:
    await reserve(one, evseId=1, groupIdToken=wire("FAMILY", "Central"))
    start = {"idToken": wire("OTHER"), "remoteStartId": 5, "evseId": 1}
    assert (await one.call("RequestStartTransaction", start))["status"] == "Rejected"
    start["groupIdToken"] = wire("STRANGERS", "Central")
    assert (await one.call("RequestStartTransaction", start))["status"] == "Rejected"
    start["groupIdToken"] = wire("family", "Central")
    assert (await one.call("RequestStartTransaction", start))["status"] == "Accepted"
    one.hardware.plug()
    await one.settle()
    assert charges(one)
    assert one.events[0].get("reservationId") == 1


async def test_H03FR04_H03FR08_the_group_is_asked_for(one: ChargingWorld) -> None:
    one.groups["SISTER"] = "FAMILY"
    await reserve(one, evseId=1, groupIdToken=wire("FAMILY", "Central"))
    one.hardware.plug()
    one.hardware.swipe("SISTER")
    await one.settle()
    assert charges(one)


@pytest.mark.parametrize("evse", [{"evseId": 1}, {}])
async def test_H01FR11_reserved_already(one: ChargingWorld, evse: dict[str, int]) -> None:
    assert await reserve(one, 1, **evse) == "Accepted"
    assert await reserve(one, 2, "OTHER", **evse) == "Occupied"


@pytest.mark.parametrize("evse", [{"evseId": 1}, {}])
async def test_H01FR11_occupied(one: ChargingWorld, evse: dict[str, int]) -> None:
    one.hardware.plug()
    assert await reserve(one, 1, **evse) == "Occupied"
    one.hardware.swipe("OTHER")
    await one.settle()
    assert await reserve(one, 1, **evse) == "Occupied"


@pytest.mark.parametrize("evse", [{"evseId": 1}, {}])
async def test_H01FR12_faulted(one: ChargingWorld, evse: dict[str, int]) -> None:
    one.hardware.fault("GroundFailure")
    assert await reserve(one, 1, **evse) == "Faulted"


@pytest.mark.parametrize("evse", [{"evseId": 1}, {}])
async def test_H01FR14_unavailable(one: ChargingWorld, evse: dict[str, int]) -> None:
    await one.call("ChangeAvailability", {"operationalStatus": "Inoperative"})
    assert await reserve(one, 1, **evse) == "Unavailable"


async def test_H01FR01_H01FR19_what_is_not_accepted(one: ChargingWorld) -> None:
    assert await reserve(one, evseId=2) == "UnknownEvse"
    assert await reserve(one, evseId=1, connectorType="cCCS2") == "UnknownConnectorType"
    assert await reserve(one, connectorType="cCCS2") == "UnknownConnectorType"
    assert await reserve(one, seconds=-1, evseId=1) == "InvalidValue"
    setting(one, ReservationCtrlr_NonEvseSpecific=False)
    assert await reserve(one) == "UnsupportedParam"
    assert await reserve(one, connectorType="cType2") == "UnsupportedParam"
    setting(one, ReservationCtrlr_Enabled=False)
    assert await reserve(one, evseId=1) == "NotEnabled"
    assert statuses(one) == ["Available"]


async def test_H01FR02_the_same_id_replaces(two: ChargingWorld) -> None:
    await reserve(two, 1, evseId=1)
    assert await reserve(two, 1, "OTHER", evseId=2) == "Accepted"
    assert statuses(two) == ["Available", "Reserved"]
    two.hardware.plug(2)
    two.hardware.swipe("MINE", 2)
    await two.settle()
    assert not charges(two)
    two.hardware.swipe("OTHER", 2)
    await two.settle()
    assert charges(two)


async def test_H02_a_reservation_is_cancelled(one: ChargingWorld) -> None:
    assert await cancel(one) == "Rejected"
    await reserve(one, evseId=1)
    since = await up_to_date(one)
    assert await cancel(one) == "Accepted"
    assert reports(one, since) == [(1, 1, "Available")]
    assert not updates(one)


async def test_H04FR01_H04FR03_it_expires_and_the_status_is_told_first(one: ChargingWorld) -> None:
    await reserve(one, 3, seconds=60, evseId=1)
    await one.settle(59)
    assert statuses(one) == ["Reserved"]
    since = len(one.heard)
    await one.settle(2)
    assert reports(one, since) == [(1, 1, "Available")]
    assert updates(one) == [(3, "Expired")]
    assert one.heard[-1][0] == "ReservationStatusUpdate"
    one.hardware.plug()
    one.hardware.swipe("OTHER")
    await one.settle()
    assert charges(one)


async def test_H04_a_clock_that_is_set_moves_the_expiry(one: ChargingWorld) -> None:
    await reserve(one, seconds=1000, evseId=1)
    later = (one.now() + timedelta(seconds=2000)).isoformat().replace("+00:00", "Z")
    one.answers["Heartbeat"] = {"currentTime": later}
    await one.settle(290)
    assert not updates(one)
    await one.settle(20)
    assert updates(one) == [(1, "Expired")]


async def test_B11FR05_a_strangers_cable_does_not_free_it_over_a_power_cut(one: ChargingWorld) -> None:
    await reserve(one, evseId=1)
    one.hardware.plug()
    await power_cut(one)
    assert statuses(one) == ["Reserved"]
    one.hardware.swipe("OTHER")
    await one.settle()
    assert not charges(one)
    one.hardware.swipe("MINE")
    await one.settle()
    assert charges(one)


async def test_a_transaction_that_goes_on_after_a_power_cut_is_Occupied(two: ChargingWorld) -> None:
    two.hardware.plug(1)
    two.hardware.swipe("CARD", 1)
    await two.settle()
    await reserve(two, 1, "A")
    since = await power_cut(two)
    assert reports(two, since) == [(1, 1, "Occupied"), (2, 1, "Reserved")]


async def test_H01FR16_a_fault_removes_it(one: ChargingWorld) -> None:
    await reserve(one, 4, evseId=1)
    since = await up_to_date(one)
    one.hardware.fault("GroundFailure", connector=1)
    await one.settle()
    assert reports(one, since) == [(1, 1, "Faulted")]
    assert updates(one) == [(4, "Removed")]
    one.hardware.clear(connector=1)
    await one.settle()
    assert statuses(one) == ["Available"]


async def test_H01FR17_ChangeAvailability_removes_it_after_the_new_status(one: ChargingWorld) -> None:
    await reserve(one, 4, evseId=1)
    since = await up_to_date(one)
    answer = await one.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
    await one.settle()
    assert answer["status"] == "Accepted"
    assert reports(one, since) == [(1, 1, "Unavailable")]
    assert (updates(one), one.heard[-1][0]) == ([(4, "Removed")], "ReservationStatusUpdate")
    await one.call("ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 1}})
    await one.settle()
    assert statuses(one) == ["Available"]


async def test_what_happened_offline_is_told_later_and_outlives_a_power_cut(one: ChargingWorld) -> None:
    await reserve(one, 4, evseId=1)
    await lose(one)
    one.hardware.fault("GroundFailure", connector=1)
    one.hardware.clear(connector=1)
    await one.settle(1)
    assert not updates(one)
    one.network.refusals.clear()
    await power_cut(one)
    assert updates(one) == [(4, "Removed")]
    await power_cut(one)
    assert len(updates(one)) == 1


async def test_a_reserved_driver_may_charge_offline(one: ChargingWorld) -> None:
    one.hardware.swipe("MINE")  # the cache learns it
    await one.settle(100)
    await reserve(one, 9, evseId=1)
    await lose(one)
    one.hardware.plug()
    one.hardware.swipe("MINE")
    await one.settle()
    await found(one)
    assert one.events[0].get("reservationId") == 9


async def test_B11FR05_it_outlives_a_power_cut(one: ChargingWorld) -> None:
    await reserve(one, 5, seconds=500, evseId=1)
    await power_cut(one)
    assert statuses(one) == ["Reserved"]
    await one.settle(500)
    assert updates(one) == [(5, "Expired")]
    await power_cut(one)
    assert statuses(one) == ["Available"]


async def test_it_ends_while_the_station_is_off(one: ChargingWorld) -> None:
    await reserve(one, 5, seconds=100, evseId=1)
    await one.station.stop()
    one.station.power_down()
    await one.settle(200)
    one.station = one.complete_station(hardware=one.hardware)
    await up(one)
    assert (statuses(one), updates(one)) == (["Available"], [(5, "Expired")])


async def test_what_cannot_be_kept_is_Rejected_and_not_done(one: ChargingWorld) -> None:
    def full() -> None:
        raise StoreFailed("disk full")

    one.store.failing = full
    assert await reserve(one, evseId=1) == "OutOfStorage"
    assert statuses(one) == ["Available"]
    one.store.failing = None
    await reserve(one, evseId=1)
    one.store.failing = full
    assert await cancel(one) == "Rejected"
    assert await reserve(one, 1, "OTHER", evseId=1) == "OutOfStorage"
    one.store.failing = None
    await power_cut(one)
    reserved = one.station.reservations.at(1)
    assert reserved is not None
    assert reserved.token.id_token == "MINE"


async def test_H01FR04_H01FR20_unspecified_reservations_keep_as_many_EVSEs_free(two: ChargingWorld) -> None:
    assert await reserve(two, 1, "A") == "Accepted"
    assert statuses(two) == ["Available", "Available"]
    assert await reserve(two, 2, "B") == "Accepted"
    assert statuses(two) == ["Reserved", "Reserved"]
    assert await reserve(two, 3, "C") == "Occupied"
    await cancel(two, 1)
    assert statuses(two) == ["Available", "Available"]


async def test_H01FR07_a_stranger_takes_what_is_not_needed_and_no_more(two: ChargingWorld) -> None:
    await reserve(two, 1, "A")
    two.hardware.plug(1)
    two.hardware.swipe("STRANGER", 1)
    await two.settle()
    assert charges(two)
    assert statuses(two) == ["Occupied", "Reserved"]
    two.hardware.plug(2)
    two.hardware.swipe("OTHER", 2)
    await two.settle()
    assert two.station.transactions.on_evse(2) is None
    assert statuses(two) == ["Occupied", "Reserved"]
    two.hardware.swipe("A", 2)
    await two.settle()
    assert statuses(two) == ["Occupied", "Occupied"]
    assert two.events[-1].get("reservationId", 1) == 1


async def test_H03FR03_two_reserve_one_charges_the_other_still_has_a_place(two: ChargingWorld) -> None:
    setting(two, TxCtrlr_TxStartPoint="Authorized")
    await reserve(two, 1, "A")
    await reserve(two, 2, "B")
    two.hardware.swipe("A", 1)
    await two.settle()
    assert statuses(two) == ["Available", "Reserved"]
    two.hardware.swipe("STRANGER", 2)
    await two.settle()
    assert two.station.transactions.on_evse(2) is None
    two.hardware.swipe("B", 2)
    await two.settle()
    assert statuses(two) == ["Available", "Available"]


async def test_H01FR06_H01FR24_a_connector_type(mixed: ChargingWorld) -> None:
    assert await reserve(mixed, 1, "A", connectorType="cCCS2") == "Accepted"
    assert statuses(mixed) == ["Reserved", "Reserved", "Available"]  # all connectors of the EVSE
    assert await reserve(mixed, 2, "B", connectorType="cCCS2") == "Occupied"
    assert await reserve(mixed, 2, "B", connectorType="cType2") == "Accepted"
    assert statuses(mixed) == ["Reserved", "Reserved", "Reserved"]
    mixed.hardware.plug(1, 2)
    mixed.hardware.swipe("B", 1)  # whose reservation is served by EVSE 2 alone
    await mixed.settle()
    assert not charges(mixed)
    mixed.hardware.swipe("A", 1)
    await mixed.settle()
    assert charges(mixed)
    assert statuses(mixed) == ["Available", "Occupied", "Reserved"]


async def test_H01FR16_of_unspecified_ones_the_newest_goes_that_can_no_longer_be_kept(two: ChargingWorld) -> None:
    await reserve(two, 1, "A")
    await reserve(two, 2, "B")
    two.hardware.fault("GroundFailure", 1, 1)
    await two.settle()
    assert updates(two) == [(2, "Removed")]
    assert statuses(two) == ["Faulted", "Reserved"]


async def test_a_fault_of_one_connector_leaves_the_EVSE_to_the_other(mixed: ChargingWorld) -> None:
    await reserve(mixed, 1, "A", evseId=1)
    mixed.hardware.fault("ConnectorLockFailure", 1, 1)
    await mixed.settle()
    assert not updates(mixed)
    assert statuses(mixed) == ["Faulted", "Reserved", "Available"]
    mixed.hardware.fault("ConnectorLockFailure", 1, 2)
    await mixed.settle()
    assert updates(mixed) == [(1, "Removed")]


async def test_H03FR11_who_had_reserved_does_not_begin(one: ChargingWorld) -> None:
    setting(one, TxCtrlr_EVConnectionTimeOut=30)
    await reserve(one, 6, evseId=1)
    one.hardware.swipe("MINE")
    await one.settle(40)
    assert updates(one) == ([(6, "NoTransaction")] if one.version is Version.V21 else [])
    assert await reserve(one, 7, evseId=1) == "Accepted"


async def test_a_reader_for_all_EVSEs_sends_who_has_reserved_to_that_EVSE(two: ChargingWorld) -> None:
    from ocppflow.messages.v21 import IdTokenType

    setting(two, TxCtrlr_TxStartPoint="Authorized")
    await reserve(two, 1, "MINE", evseId=2)
    assert two.hardware.events is not None
    two.hardware.events.presented(0, IdTokenType(id_token="MINE", type="ISO14443"))
    await two.settle()
    transaction = two.station.transactions.on_evse(2)
    assert transaction is not None
    assert transaction.reservation_id == 1


async def test_a_driver_of_a_shared_reader_cannot_plug_in_where_it_is_reserved(two: ChargingWorld) -> None:
    from ocppflow.messages.v21 import IdTokenType

    await reserve(two, 1, "MINE", evseId=2)
    assert two.hardware.events is not None
    two.hardware.events.presented(0, IdTokenType(id_token="OTHER", type="ISO14443"))
    await two.settle()
    two.hardware.plug(2)
    await two.settle()
    assert not charges(two)
    two.hardware.unplug(2)
    two.hardware.plug(1)
    await two.settle()
    assert charges(two)
