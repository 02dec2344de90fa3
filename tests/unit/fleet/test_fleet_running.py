"""A fleet in memory: stations of several makes and versions, EVs that come, charge and leave."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from ocppflow.errors import ConnectionRefused
from ocppflow.fleet import Arrivals, Fleet, FleetPlan, report_data, report_page
from ocppflow.messages import Version
from ocppflow.station import EvseConfig, StationConfig
from ocppflow.testing import MemoryNetwork

MAKES = (
    StationConfig(versions=(Version.V21,)),
    StationConfig(model="Post", versions=(Version.V201,), evses=(EvseConfig(), EvseConfig())),
    StationConfig(model="Old", versions=(Version.V16,)),
)


class FleetWorld:
    """A fleet of three makes and the CSMS that accepts all it says."""

    def __init__(self, network: MemoryNetwork, **plan: Any) -> None:
        self.network = network
        self.csms = network.csms(versions=list(Version))
        self.csms.on_any(self._answer)
        self.heard: dict[tuple[str, str], int] = {}
        made = {"url": "ws://memory/ocpp", "count": 6, "configs": MAKES, "seed": 3, "arrivals": Arrivals("all"), **plan}
        made.setdefault("per_second", 10_000.0)  # all at once: nobody moves the clock meanwhile
        dial = partial(network.dial, self.csms)
        self.fleet = Fleet(FleetPlan(**made), clock=network.clock, dial=dial)

    def _answer(self, station: Any, call: Any) -> dict[str, Any]:
        key = (station.identity, call.action)
        self.heard[key] = self.heard.get(key, 0) + 1
        match call.action:
            case "BootNotification":
                return {"currentTime": "2026-01-01T00:00:00Z", "interval": 600, "status": "Accepted"}
            case "Heartbeat":
                return {"currentTime": "2026-01-01T00:00:00Z"}
            case "Authorize" if station.version is Version.V16:
                return {"idTagInfo": {"status": "Accepted"}}
            case "Authorize":
                return {"idTokenInfo": {"status": "Accepted"}}
            case "StartTransaction":
                return {"idTagInfo": {"status": "Accepted"}, "transactionId": sum(self.heard.values())}
        return {}

    def count(self, action: str) -> int:
        return sum(number for (_, name), number in self.heard.items() if name == action)


async def test_evs_come_charge_and_leave_at_stations_of_all_versions() -> None:
    async with MemoryNetwork() as network:
        world = FleetWorld(network)
        await world.fleet.start()
        await network.clock.advance(3 * 3600)
        fleet = world.fleet
        assert (fleet.connected, fleet.registered) == (6, 6)
        assert fleet.figures.counts["sessions"] >= 8
        assert world.count("TransactionEvent") > 50
        assert world.count("StartTransaction") >= 2
        assert 0 <= world.count("StartTransaction") - world.count("StopTransaction") <= 2
        assert fleet.queued == 0
        data = report_data(fleet)
        heard = {action: world.count(action) for _, action in world.heard}
        assert {action: figures["answered"] for action, figures in data["actions"].items()} == heard
        assert data["all"]["failed"] == 0
        assert len(data["spans"]) * data["spanSeconds"] >= 3 * 3600
        page = report_page(json.loads(json.dumps(data)))
        assert page.count("<svg") == 3
        assert "TransactionEvent" in page
        await fleet.stop()


async def test_one_seed_is_one_run() -> None:
    heard = []
    for _ in range(2):
        async with MemoryNetwork() as network:
            world = FleetWorld(network, count=3)
            await world.fleet.start()
            await network.clock.advance(1800)
            await world.fleet.stop()
            heard.append(world.heard)
    assert heard[0] == heard[1]


async def test_stations_that_are_refused_are_counted_and_come_again() -> None:
    async with MemoryNetwork() as network:
        world = FleetWorld(network, count=3, arrivals=Arrivals("none"))
        network.refusals += [ConnectionRefused("full")] * 2
        await world.fleet.start()
        await network.clock.advance(600)
        assert world.fleet.connected == 3
        assert world.fleet.figures.counts["attempts that failed"] == 2
        await world.fleet.stop()


async def test_no_more_connect_in_a_second_than_are_planned() -> None:
    async with MemoryNetwork() as network:
        world = FleetWorld(network, count=30, arrivals=Arrivals("none"), per_second=10.0)
        starting = asyncio.ensure_future(world.fleet.start())
        await network.clock.advance(1)
        assert 8 <= world.fleet.connected <= 12
        await network.clock.advance(2)
        await starting
        assert world.fleet.connected == 30
        await world.fleet.stop()
