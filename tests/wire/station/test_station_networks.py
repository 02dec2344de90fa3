"""B09 and B10: network connection profiles, and which of them the station connects with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from station_world import StationWorld

from ocppflow.csms import CSMS
from ocppflow.endpoint import Link
from ocppflow.errors import ConnectionRefused
from ocppflow.messages import Version
from ocppflow.station import CompleteStation, StoreFailed

HOME, OTHER, THIRD = "ws://memory/ocpp", "ws://other.example/ocpp", "ws://third.example/ocpp"
PROFILE = {
    "ocppInterface": "Wired0",
    "ocppTransport": "JSON",
    "ocppVersion": "OCPP20",
    "messageTimeout": 20,
    "ocppCsmsUrl": OTHER,
    "securityProfile": 0,
}


class TwoSystems(StationWorld):
    """Two CSMSs; ``tried`` has the URLs of all attempts, ``away`` those that are refused."""

    def __init__(self, version: Version = Version.V201) -> None:
        self.tried: list[str] = []
        self.away: set[str] = set()
        super().__init__(version)
        self.other: CSMS = self.network.csms()
        self.other.on_any(self._answer)

    def complete_station(self, **settings: Any) -> CompleteStation:
        async def dial() -> Link:
            self.tried.append(station.url)
            if station.url in self.away:
                raise ConnectionRefused("nobody there")
            csms = self.csms if station.url == HOME else self.other
            return await self.network.dial(csms, "CS1", station.versions)

        station = super().complete_station(dial=dial, **settings)
        return station

    async def set(self, variable: str, value: str) -> dict[str, Any]:
        """What the station says to a new value of an OCPPCommCtrlr variable."""
        where = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": variable}}
        answer = await self.call("SetVariables", {"setVariableData": [{**where, "attributeValue": value}]})
        result: dict[str, Any] = answer["setVariableResult"][0]
        return result

    async def profile(self, slot: int = 2, **changed: Any) -> dict[str, Any]:
        """What the station says to a profile."""
        data = {name: value for name, value in {**PROFILE, **changed}.items() if value is not None}
        return await self.call("SetNetworkProfile", {"configurationSlot": slot, "connectionData": data})

    async def reset(self) -> None:
        self.tried.clear()
        self.heard.clear()
        assert (await self.call("Reset", {"type": "OnIdle"}))["status"] == "Accepted"
        await self.clock.advance(6)

    async def told(self, slot: int, variable: str) -> dict[str, Any]:
        """A variable of a NetworkConfiguration, as GetVariables has it."""
        where = {"component": {"name": "NetworkConfiguration", "instance": str(slot)}, "variable": {"name": variable}}
        answer = await self.call("GetVariables", {"getVariableData": [where]})
        result: dict[str, Any] = answer["getVariableResult"][0]
        return result


@pytest.fixture
async def world() -> AsyncIterator[TwoSystems]:
    async with TwoSystems() as one:
        await one.station.connect()
        await one.clock.advance(0)
        yield one


@pytest.fixture
async def newer() -> AsyncIterator[TwoSystems]:
    async with TwoSystems(Version.V21) as one:
        await one.station.connect()
        await one.clock.advance(0)
        yield one


async def test_B09FR01_B10FR04_after_a_reboot_the_first_profile_is_used(world: TwoSystems) -> None:
    assert (await world.profile())["status"] == "Accepted"
    assert (await world.set("NetworkConfigurationPriority", "2,1"))["attributeStatus"] == "Accepted"
    await world.clock.advance(3600)
    assert world.tried == [HOME], "nothing is changed before a reboot"
    await world.reset()
    assert world.tried == [OTHER]
    assert "CS1" in world.other
    assert len(world.sent("BootNotification")) == 1
    model = world.station.device_model
    assert model.integer("OCPPCommCtrlr", "ActiveNetworkProfile") == 2
    assert model.integer("OCPPCommCtrlr", "MessageTimeout", variable_instance="Default") == 20


@pytest.mark.parametrize("attempts", [1, 2])
async def test_B10FR03_it_falls_back_to_the_next_profile(world: TwoSystems, attempts: int) -> None:
    await world.profile()
    await world.set("NetworkConfigurationPriority", "2,1")
    await world.set("NetworkProfileConnectionAttempts", str(attempts))
    world.away.add(OTHER)
    await world.reset()
    await world.clock.advance(60)
    assert world.tried == [OTHER] * attempts + [HOME]
    assert world.station.is_connected


async def test_B10FR07_after_all_have_failed_the_last_good_one_is_tried(world: TwoSystems) -> None:
    await world.profile()
    await world.set("NetworkConfigurationPriority", "2")
    await world.set("NetworkProfileConnectionAttempts", "1")
    await world.set("RetryBackOffRandomRange", "0")
    world.away |= {OTHER, HOME}
    await world.reset()
    await world.clock.advance(25)
    assert world.tried[:3] == [OTHER, HOME, HOME]
    world.away.discard(HOME)
    await world.clock.advance(200)
    assert world.station.is_connected


async def test_B10FR09_it_never_stops_and_comes_to_every_profile_again(world: TwoSystems) -> None:
    await world.profile()
    await world.set("NetworkConfigurationPriority", "2,1")
    world.away |= {OTHER, HOME}
    await world.reset()
    await world.clock.advance(6 * 3600)
    assert world.tried[-12:].count(OTHER) >= 1
    world.away.discard(OTHER)
    await world.clock.advance(6 * 3600)
    assert world.station.is_connected
    assert "CS1" in world.other


async def test_B10FR10_another_profile_needs_a_new_boot_notification(world: TwoSystems) -> None:
    await world.profile()
    await world.set("NetworkConfigurationPriority", "1,2")
    await world.reset()
    assert world.tried == [HOME]
    world.heard.clear()
    world.away.add(HOME)
    world.network.links[-1].break_()
    await world.clock.advance(300)
    assert world.tried == [HOME, HOME, HOME, HOME, OTHER]
    assert world.heard[0][0] == "BootNotification"
    world.heard.clear()
    world.network.links[-1].break_()
    await world.clock.advance(100)
    assert world.tried[-1] == OTHER, "after a loss the one that worked goes first"
    assert world.sent("BootNotification") == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"slot": 999}, "InvalidConfSlot"),
        ({"slot": 0}, "InvalidConfSlot"),
        ({"ocppCsmsUrl": "http://other.example"}, "InvalidNetworkConf"),
        ({"ocppCsmsUrl": "ws://"}, "InvalidNetworkConf"),
        ({"ocppCsmsUrl": "wss://other.example"}, "InvalidNetworkConf"),
        ({"securityProfile": 2}, "InvalidNetworkConf"),
        ({"securityProfile": 4}, "InvalidNetworkConf"),
        ({"messageTimeout": 0}, "InvalidNetworkConf"),
        ({"ocppTransport": "SOAP"}, "InvalidNetworkConf"),
        ({"ocppVersion": "OCPP15"}, "InvalidNetworkConf"),
        ({"apn": {"apn": "internet", "apnAuthentication": "NONE"}}, "InvalidNetworkConf"),
        ({"vpn": {"server": "v", "user": "u", "password": "p", "key": "k", "type": "IPSec"}}, "InvalidNetworkConf"),
    ],
)
async def test_B09FR02_B09FR05_what_makes_no_sense_is_rejected(
    world: TwoSystems, changed: dict[str, Any], reason: str
) -> None:
    answer = await world.profile(**changed)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", reason)
    assert (await world.set("NetworkConfigurationPriority", "2,1"))["attributeStatus"] == "Rejected"


async def test_B09FR03_what_cannot_be_kept_has_failed(world: TwoSystems) -> None:
    def full() -> None:
        raise StoreFailed("full")

    world.store.failing = full
    assert (await world.profile())["status"] == "Failed"
    world.store.failing = None
    assert (await world.set("NetworkConfigurationPriority", "2,1"))["attributeStatus"] == "Rejected"


@pytest.mark.parametrize(("allowed", "profile", "status"), [(False, 1, "Rejected"), (True, 1, "Rejected")])
async def test_B09FR04_B09FR31_no_lower_security_profile(
    newer: TwoSystems, allowed: bool, profile: int, status: str
) -> None:
    newer.station.device_model.set("SecurityCtrlr", "AllowSecurityProfileDowngrade", allowed)
    newer.station.device_model.set("SecurityCtrlr", "SecurityProfile", 2)
    answer = await newer.profile(securityProfile=profile, ocppVersion="OCPP21")
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == (status, "NoSecurityDowngrade")


async def test_B10FR02_a_priority_of_slots_without_a_profile_is_rejected(world: TwoSystems) -> None:
    for value in ("2,1", "1,3", "", "1,1", "9"):
        result = await world.set("NetworkConfigurationPriority", value)
        assert result["attributeStatus"] == "Rejected", value
    assert (await world.set("NetworkConfigurationPriority", "1"))["attributeStatus"] == "Accepted"


async def test_A05FR02_a_higher_profile_without_roots_is_rejected(world: TwoSystems) -> None:
    assert (await world.profile(securityProfile=2, ocppCsmsUrl="wss://other.example"))["status"] == "Accepted"
    result = await world.set("NetworkConfigurationPriority", "2,1")
    assert result["attributeStatus"] == "Rejected"
    assert "CSMSRootCertificate" in result["attributeStatusInfo"]["additionalInfo"]


# --- 2.1: profiles as variables ----------------------------------------------------------------------------------


async def test_B09FR09_a_profile_is_seen_in_the_device_model(newer: TwoSystems) -> None:
    password = "a-long-password-of-slot-2"
    assert (await newer.profile(ocppVersion="OCPP21", basicAuthPassword=password))["status"] == "Accepted"
    shown = {name: (await newer.told(2, name)).get("attributeValue") for name in ("OcppCsmsUrl", "MessageTimeout")}
    assert shown == {"OcppCsmsUrl": OTHER, "MessageTimeout": "20"}
    assert (await newer.told(2, "BasicAuthPassword"))["attributeStatus"] == "Rejected"
    assert (await newer.told(1, "OcppCsmsUrl"))["attributeValue"] == HOME
    await newer.set("NetworkConfigurationPriority", "2,1")
    await newer.reset()
    assert newer.station.password == password  # B09.FR.28


async def test_B09FR22_B09FR23_slots_are_set_by_variables_unless_they_may_be_dialled(newer: TwoSystems) -> None:
    async def put(slot: int, name: str, value: str) -> dict[str, Any]:
        where = {"component": {"name": "NetworkConfiguration", "instance": str(slot)}, "variable": {"name": name}}
        answer = await newer.call("SetVariables", {"setVariableData": [{**where, "attributeValue": value}]})
        result: dict[str, Any] = answer["setVariableResult"][0]
        return result

    refused = await put(1, "OcppCsmsUrl", OTHER)
    assert refused["attributeStatusInfo"]["reasonCode"] == "PriorityNetworkConf"
    for name, value in (("OcppCsmsUrl", OTHER), ("SecurityProfile", "0"), ("MessageTimeout", "7")):
        assert (await put(3, name, value))["attributeStatus"] == "Accepted"
    assert (await newer.set("NetworkConfigurationPriority", "3,1"))["attributeStatus"] == "Accepted"
    await newer.reset()
    assert newer.tried == [OTHER]
    assert newer.station.device_model.integer("OCPPCommCtrlr", "MessageTimeout", variable_instance="Default") == 7


async def test_B09FR27_a_password_set_for_the_station_goes_before_that_of_the_profile(
    newer: TwoSystems,
) -> None:
    await newer.profile(ocppVersion="OCPP21", basicAuthPassword="a-long-password-of-slot-2")
    await newer.set("NetworkConfigurationPriority", "2,1")
    await newer.reset()
    where = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    new = {"setVariableData": [{**where, "attributeValue": "a-newer-long-password"}]}
    answer = await newer.other["CS1"].call_raw("SetVariables", new)
    assert b"Accepted" in answer.payload
    await newer.clock.advance(30)
    assert newer.station.is_connected
    assert newer.station.password == "a-newer-long-password"


# --- waits -------------------------------------------------------------------------------------------------------


async def test_the_waits_are_those_of_the_variables(world: TwoSystems) -> None:
    for name, value in (("RetryBackOffWaitMinimum", "7"), ("RetryBackOffRandomRange", "0")):
        await world.set(name, value)
    await world.set("RetryBackOffRepeatTimes", "1")
    world.away.add(HOME)
    delays: list[float] = []
    world.station.on_retry(lambda station, attempt, delay, reason: delays.append(delay))
    world.network.links[-1].break_()
    await world.clock.advance(60)
    assert delays[:4] == [7, 14, 14, 14]
