"""Tokens, settings of the device model, and losing and finding the network again, for tests of who may charge."""

from __future__ import annotations

from typing import Any

from station_world import StationWorld

from ocppflow.messages import v21


def token(text: str = "CARD1", kind: str = "ISO14443") -> v21.IdTokenType:
    return v21.IdTokenType(id_token=text, type=kind)


def wire(text: str = "CARD1", kind: str = "ISO14443") -> dict[str, str]:
    return {"idToken": text, "type": kind}


def info(status: str = "Accepted", group: str | None = None, **more: Any) -> dict[str, Any]:
    """An idTokenInfo in wire names."""
    made = {"status": status, **more}
    return {**made, "groupIdToken": wire(group, "Central")} if group is not None else made


def told(status: str = "Accepted", group: str | None = None, **more: Any) -> dict[str, Any]:
    """What a CSMS answers to Authorize."""
    return {"idTokenInfo": info(status, group, **more)}


def setting(world: StationWorld, **values: bool | int | str) -> None:
    """Set variables, such as ``AuthCtrlr_LocalPreAuthorize=True``."""
    for name, value in values.items():
        component, variable = name.split("_")
        world.station.device_model.set(component, variable, value)


async def lose(world: StationWorld) -> None:
    """The network is gone, and does not come back."""
    world.network.refusals.extend([ConnectionError("no network")] * 100)
    world.network.links[-1].break_()
    await world.clock.advance(0)


async def found(world: StationWorld) -> None:
    """The network is back, and the station connects to it."""
    world.network.refusals.clear()
    await world.clock.advance(200)


async def power_cut(world: StationWorld) -> int:
    """The power goes and comes; the station boots and connects. How many messages were heard before."""
    await world.station.stop()
    world.station.power_down()
    since = len(world.heard)
    world.station = world.complete_station(hardware=world.station.hardware)
    await world.station.connect()
    await world.clock.advance(1)
    return since
