"""H: reservations, over restarts and lost answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from csms_world import START, CSMSWorld

from ocppflow import v21
from ocppflow.csms.blocks.reservation import NoSuchReservation, ReservationService
from ocppflow.csms.books.booked import Booked
from ocppflow.endpoint import LATER
from ocppflow.errors import CallTimeout, ConfigurationError, NotConnected, OCPPError
from ocppflow.messages import Version
from ocppflow.store import Store

TWO = [Version.V201, Version.V21]
TOKEN = v21.IdTokenType(id_token="T1", type="ISO14443")
HOUR = START + timedelta(hours=1)


def _desk(world: CSMSWorld) -> ReservationService:
    return world.csms.reservations


@pytest.mark.parametrize("version", TWO)
async def test_H01_an_evse_is_reserved_and_given_up(csms_world: CSMSWorld, version: Version) -> None:
    puppet = await csms_world.puppet("CS1", version)
    reserved = await _desk(csms_world).reserve("CS1", TOKEN, HOUR, evse=1)
    assert reserved.status == "accepted"
    asked = puppet.asked("ReserveNow")[0]
    assert (asked["id"], asked["evseId"]) == (reserved.id, 1)
    assert "connectorType" not in asked
    await _desk(csms_world).cancel(reserved.id)
    assert puppet.asked("CancelReservation") == [{"reservationId": reserved.id}]
    assert (await _desk(csms_world).get(reserved.id)).status == "cancelled"
    with pytest.raises(NoSuchReservation, match="cancelled already"):
        await _desk(csms_world).cancel(reserved.id)


@pytest.mark.parametrize("status", ["Occupied", "Faulted", "Unavailable", "Rejected"])
async def test_H01_a_refusal_is_kept_with_its_reason(csms_world: CSMSWorld, status: str) -> None:
    puppet = await csms_world.puppet("CS1")
    puppet.answers["ReserveNow"] = {"status": status}
    reserved = await _desk(csms_world).reserve("CS1", TOKEN, HOUR)
    assert (reserved.status, reserved.reason) == ("refused", status)
    assert await _desk(csms_world).live("CS1") == []


async def test_what_was_not_sent_is_refused_and_what_may_have_arrived_is_not(csms_world: CSMSWorld) -> None:
    await csms_world.csms.registry.add("CS1")
    with pytest.raises(NotConnected):
        await _desk(csms_world).reserve("CS1", TOKEN, HOUR)
    assert await _desk(csms_world).live("CS1") == []
    puppet = await csms_world.puppet("CS1")
    puppet.answers["ReserveNow"] = lambda call: LATER
    asking = csms_world.csms.background.add(_lost(csms_world))
    await csms_world.advance(60)
    await asking
    assert [each.status for each in await _desk(csms_world).live("CS1")] == ["asked"]


async def _lost(world: CSMSWorld) -> None:
    with pytest.raises(CallTimeout):
        await _desk(world).reserve("CS1", TOKEN, HOUR)


async def test_a_reservation_that_is_over_already_is_not_asked_for(csms_world: CSMSWorld) -> None:
    puppet = await csms_world.puppet("CS1")
    with pytest.raises(ConfigurationError, match="over already"):
        await _desk(csms_world).reserve("CS1", TOKEN, START)
    assert puppet.heard == []


@pytest.mark.parametrize(
    ("said", "status"), [("Expired", "expired"), ("Removed", "removed"), ("NoTransaction", "expired")]
)
async def test_H03_H04_the_station_says_what_became_of_it(csms_world: CSMSWorld, said: str, status: str) -> None:
    version = Version.V21 if said == "NoTransaction" else Version.V201
    puppet = await csms_world.puppet("CS1", version)
    other = await csms_world.puppet("CS2", version)
    reserved = await _desk(csms_world).reserve("CS1", TOKEN, HOUR)
    told = {"reservationId": reserved.id, "reservationUpdateStatus": said}
    assert await other.call("ReservationStatusUpdate", told) == {}
    assert (await _desk(csms_world).get(reserved.id)).status == "accepted"
    assert await puppet.call("ReservationStatusUpdate", told) == {}
    assert (await _desk(csms_world).get(reserved.id)).status == status


async def test_H03_FR_09_a_transaction_uses_it(csms_world: CSMSWorld) -> None:
    await csms_world.puppet("CS1")
    reserved = await _desk(csms_world).reserve("CS1", TOKEN, HOUR)
    booked = Booked(
        id=7, station="CS1", transaction_id="x", started_at=START, last_event_at=START, reservation_id=reserved.id
    )
    csms_world.csms.told_all("transaction_changed", booked)
    after = await _desk(csms_world).get(reserved.id)
    assert (after.status, after.transaction) == ("used", 7)


async def test_it_expires_in_time_and_over_a_restart(csms_world: CSMSWorld) -> None:
    await csms_world.puppet("CS1")
    first = await _desk(csms_world).reserve("CS1", TOKEN, START + timedelta(minutes=5))
    second = await _desk(csms_world).reserve("CS1", TOKEN, START + timedelta(hours=5))
    await csms_world.advance(300)
    assert [(await _desk(csms_world).get(each.id)).status for each in (first, second)] == ["expired", "accepted"]
    async with CSMSWorld(store=csms_world.store) as again:
        await again.advance(5 * 3600 + 1)
        assert (await _desk(again).get(second.id)).status == "expired"


async def test_no_number_is_given_twice_in_both_databases(any_store: Store) -> None:
    numbers: list[int] = []
    for _ in range(2):
        async with CSMSWorld(store=any_store) as world:
            if not numbers:
                await world.csms.registry.add("CS1")
            for _ in range(2):
                with pytest.raises(OCPPError):
                    await _desk(world).reserve("CS1", TOKEN, HOUR)
            numbers += [number for number in range(1, 9) if await _is_there(world, number)]
    assert numbers == [1, 2, 1, 2, 3, 4]


async def _is_there(world: CSMSWorld, number: int) -> bool:
    try:
        return (await _desk(world).get(number)).status == "refused"
    except NoSuchReservation:
        return False
