"""A week of a fleet, in virtual time: what it holds in memory does not grow."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from ocppflow.endpoint import LoopClock, sleep
from ocppflow.fleet import Arrivals, Fleet, FleetPlan
from ocppflow.messages import Version
from ocppflow.station import StationConfig, VariableConfig
from ocppflow.testing import MemoryNetwork, run_in_virtual_time

DAY = 86_400.0
SELDOM = (VariableConfig(component="SampledDataCtrlr", variable="TxUpdatedInterval", value="300"),)
MAKES = tuple(StationConfig(versions=(version,), variables=SELDOM) for version in (Version.V21, Version.V16))


def _answer(station: Any, call: Any) -> dict[str, Any]:
    now = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    match call.action:
        case "BootNotification":
            return {"currentTime": now, "interval": 3600, "status": "Accepted"}
        case "Heartbeat":
            return {"currentTime": now}
        case "Authorize" if station.version is Version.V16:
            return {"idTagInfo": {"status": "Accepted"}}
        case "Authorize":
            return {"idTokenInfo": {"status": "Accepted"}}
        case "StartTransaction":
            return {"idTagInfo": {"status": "Accepted"}, "transactionId": int(call.received_at)}
    return {}


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.slow
def test_memory_is_flat_over_a_week(traced: None) -> None:
    held: list[int] = []
    sessions: list[int] = []

    async def week() -> None:
        clock = LoopClock()
        network = MemoryNetwork(clock)
        csms = network.csms(versions=list(Version))
        csms.on_any(_answer)
        plan = FleetPlan(url="ws://memory/ocpp", count=2, configs=MAKES, arrivals=Arrivals("rate", 1 / 3600), seed=5)
        fleet = Fleet(plan, clock=clock, dial=partial(network.dial, csms))
        await fleet.start()
        for _ in range(7):
            await sleep(clock, DAY)
            for link in network.links:
                link.sent.clear()  # which memory links keep for tests
                link._other.sent.clear()
            fleet.figures.spans.clear()  # up to 600 of them, whatever the time: they rise and fall
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
            sessions.append(fleet.figures.counts["sessions"])
            assert fleet.queued <= 2
        await fleet.stop()
        await csms.close()

    run_in_virtual_time(week())
    assert sessions[-1] > 100
    kib = [bytes_ / 1024 for bytes_ in held]
    assert kib[-1] - kib[1] < 300, f"KiB held at the end of each day: {[round(each) for each in kib]}"
