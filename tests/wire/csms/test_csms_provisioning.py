"""B: boots, what may be said before and after, resets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from csms_world import START, CSMSWorld, Puppet, changed

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.csms_config import CSMSConfig
from ocppflow.csms.station import Station
from ocppflow.errors import NotSupported, RemoteCallError
from ocppflow.messages import Version

ALL = list(Version)


class Listening(CSMSBlock):
    title = "listening"

    def __init__(self, csms: Any) -> None:
        super().__init__(csms)
        self.heard: list[str] = []

    def accepted(self, station: Station) -> None:
        self.heard.append(station.identity)


@pytest.fixture
def listening(csms_world: CSMSWorld) -> Listening:
    block = Listening(csms_world.csms)
    csms_world.csms.blocks += (block,)
    return block


async def _pending(world: CSMSWorld) -> Puppet:
    """A station that waits for somebody's decision."""
    await world.csms.registry.add("CS1", registration="Pending")
    puppet = await Puppet(world, "CS1", Version.V201).connect()
    await puppet.boot()
    return puppet


@pytest.mark.parametrize("version", ALL)
async def test_B01_FR_01_a_known_station_is_accepted_and_who_it_is_is_kept(
    csms_world: CSMSWorld, listening: Listening, version: Version
) -> None:
    await csms_world.csms.registry.add("CS1")
    puppet = await Puppet(csms_world, "CS1", version).connect()
    answer = await puppet.boot(firmware="2.3", serial="S77")
    assert datetime.fromisoformat(answer["currentTime"]) == START
    assert (answer["status"], answer["interval"]) == ("Accepted", 300)
    entry = await csms_world.csms.registry.get("CS1")
    assert (entry.vendor, entry.model, entry.firmware, entry.serial_number) == ("Acme", "One", "2.3", "S77")
    assert entry.booted_at == START
    assert listening.heard == ["CS1"]


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize("registration", ["Pending", "Rejected"])
async def test_B02_B03_a_station_that_is_not_accepted_is_held_back_over_a_restart(
    csms_world: CSMSWorld, listening: Listening, version: Version, registration: str
) -> None:
    await csms_world.csms.registry.add("CS1", registration=registration)
    puppet = await Puppet(csms_world, "CS1", version).connect()
    answer = await puppet.boot()
    assert (answer["status"], answer["interval"]) == (registration, 60)
    assert listening.heard == []
    with pytest.raises(RemoteCallError):
        await puppet.call("Heartbeat")
    async with CSMSWorld(store=csms_world.store) as again:
        other = await Puppet(again, "CS1", version).connect()
        with pytest.raises(RemoteCallError):
            await other.call("Heartbeat")
        await again.csms.registry.change("CS1", registration="Accepted")
        assert (await other.boot())["status"] == "Accepted"
        await other.call("Heartbeat")


async def test_a_person_decides_and_the_station_is_asked_to_boot_at_once(csms_world: CSMSWorld) -> None:
    puppet = await _pending(csms_world)
    await csms_world.csms.provisioning.set_registration("CS1", "Accepted")
    assert puppet.asked("TriggerMessage") == [{"requestedMessage": "BootNotification"}]
    assert (await puppet.boot())["status"] == "Accepted"


async def test_a_station_that_cannot_be_asked_hears_of_it_at_its_next_boot(csms_world: CSMSWorld) -> None:
    puppet = await _pending(csms_world)
    puppet.answers["TriggerMessage"] = NotSupported("no")
    await csms_world.csms.provisioning.set_registration("CS1", "Accepted")
    assert (await puppet.boot())["status"] == "Accepted"


async def test_a_station_that_merely_connects_again_is_accepted_after_a_while(
    csms_world: CSMSWorld, listening: Listening
) -> None:
    puppet = await csms_world.puppet("CS1")
    await puppet.disconnect()
    listening.heard.clear()
    await puppet.connect()
    await csms_world.advance(4)
    assert listening.heard == []
    await csms_world.advance(1)
    assert listening.heard == ["CS1"]


async def test_a_station_that_boots_after_connecting_is_accepted_once(
    csms_world: CSMSWorld, listening: Listening
) -> None:
    puppet = await csms_world.puppet("CS1")
    await puppet.disconnect()
    listening.heard.clear()
    await puppet.connect()
    await puppet.boot()
    await csms_world.advance(60)
    assert listening.heard == ["CS1"]


async def test_strangers_are_what_the_configuration_says() -> None:
    config = changed(CSMSConfig(), stations={"admit": True, "admit_as": "Pending", "boot_retry_interval": 7})
    async with CSMSWorld(config) as world:
        puppet = await Puppet(world, "CS1", Version.V201).connect()
        answer = await puppet.boot()
        assert (answer["status"], answer["interval"]) == ("Pending", 7)


@pytest.mark.parametrize(("evse", "sent"), [(0, {}), (2, {"evseId": 2})])
async def test_B11_B12_a_reset(csms_world: CSMSWorld, evse: int, sent: dict[str, Any]) -> None:
    puppet = await csms_world.puppet("CS1")
    puppet.answers["Reset"] = {"status": "Scheduled"}
    answer = await csms_world.csms.provisioning.reset("CS1", "OnIdle", evse)
    assert answer.status == "Scheduled"
    assert puppet.asked("Reset") == [{"type": "OnIdle", **sent}]


async def test_a_users_handler_goes_before(csms_world: CSMSWorld) -> None:
    from ocppflow import v21

    @csms_world.csms.on(v21.BootNotificationRequest)
    async def boot(station: Station, request: v21.BootNotificationRequest) -> v21.BootNotificationResponse:
        return v21.BootNotificationResponse(
            current_time=csms_world.now() + timedelta(hours=1), interval=1, status="Accepted"
        )

    for identity, version in (("A", Version.V16), ("B", Version.V201), ("C", Version.V21)):
        puppet = await Puppet(csms_world, identity, version).connect()
        assert (await puppet.boot())["interval"] == 1
