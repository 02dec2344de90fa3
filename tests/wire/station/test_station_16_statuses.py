"""OCPP 1.6: whatever happens at a connector, its status goes only the ways of the table of 4.9."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st
from world_16 import World16

from ocppflow.station import ConnectorConfig, EvseConfig
from ocppflow.station.hardware import EvDemand

NEXT: Final = {
    "Available": {"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Reserved", "Unavailable", "Faulted"},
    "Preparing": {"Available", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Faulted"},
    "Charging": {"Available", "SuspendedEV", "SuspendedEVSE", "Finishing", "Unavailable", "Faulted"},
    "SuspendedEV": {"Available", "Charging", "SuspendedEVSE", "Finishing", "Unavailable", "Faulted"},
    "SuspendedEVSE": {"Available", "Charging", "SuspendedEV", "Finishing", "Unavailable", "Faulted"},
    "Finishing": {"Available", "Preparing", "Unavailable", "Faulted"},
    "Reserved": {"Available", "Preparing", "Unavailable", "Faulted"},
    "Unavailable": {"Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Faulted"},
    "Faulted": {
        *("Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved"),
        "Unavailable",
    },
}
"""4.9 with errata 3.20, written down from the text."""

NOT_IN_THE_TABLE: Final = ("Preparing", "Unavailable")
"""A connector is taken out of service while a cable is in that nobody charges with: 5.2 wants it told, and the table
does not have it."""

STEPS: Final = (
    *("plug", "unplug", "swipe", "pause", "go on", "pull at the EV", "fault", "mend", "out of service"),
    *("in service", "reserve", "cancel", "remote stop", "limit to 0", "no limit", "wait"),
)


def _is_a_way(before: str, after: str) -> bool:
    """By the table, or over a Preparing that lasted so shortly that it was not told."""
    shortly = "Preparing" in NEXT[before] and after in NEXT["Preparing"]
    return after in NEXT[before] or shortly or (before, after) == NOT_IN_THE_TABLE


PROFILE: Final = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 0.0}]},
}

DEMANDS: Final = {"pause": EvDemand.CONNECTED, "go on": EvDemand.READY, "pull at the EV": EvDemand.NONE}


def _at_the_station(world: World16, step: str) -> None:
    hardware, evse = world.hardware, world.hardware.evses[0]
    match step:
        case "plug" if not evse.connector:
            hardware.plug()
        case "unplug" if evse.connector and not evse.locked:
            hardware.unplug()
        case "swipe":
            hardware.swipe("TAG1")
        case "pause" | "go on" | "pull at the EV" if evse.connector:
            hardware.ev(DEMANDS[step])
        case "fault":
            hardware.fault("GroundFailure")
        case "mend" if hardware.broken:
            hardware.broken.clear()
            world.station.transactions.cleared(1, 0)


def _asked(world: World16, step: str) -> tuple[str, dict[str, Any]] | None:
    """What the CSMS asks for."""
    until = (world.now() + timedelta(minutes=5)).isoformat()
    booking = {"connectorId": 1, "idTag": "TAG1", "reservationId": 1, "expiryDate": until}
    return {
        "out of service": ("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}),
        "in service": ("ChangeAvailability", {"connectorId": 1, "type": "Operative"}),
        "reserve": ("ReserveNow", booking),
        "cancel": ("CancelReservation", {"reservationId": 1}),
        "remote stop": ("RemoteStopTransaction", {"transactionId": len(world.sent("StartTransaction"))}),
        "limit to 0": ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE}),
        "no limit": ("ClearChargingProfile", {}),
    }.get(step)


async def _step(world: World16, step: str) -> None:
    asked = _asked(world, step)
    if asked is not None:
        await world.call(*asked)
    else:
        _at_the_station(world, step)
    await world.settle(100 if step == "wait" else 2)


@given(st.lists(st.sampled_from(STEPS), max_size=25))
def test_statuses_go_the_ways_of_the_table(steps: list[str]) -> None:
    async def play() -> tuple[World16, int]:
        async with World16(evses=(EvseConfig(connectors=(ConnectorConfig("sType2"),)),)) as world:
            await world.online()
            for step in steps:
                await _step(world, step)
            return world, len(world.station.transactions.running)

    world, running = asyncio.run(play())
    told = world.statuses(1)
    for before, after in pairwise(told):
        assert _is_a_way(before, after), f"{before} -> {after} in {told}"
    assert set(world.statuses(0)) <= {"Available", "Unavailable", "Faulted"}
    begun, ended = len(world.sent("StartTransaction")), len(world.sent("StopTransaction"))
    assert begun - ended == running
