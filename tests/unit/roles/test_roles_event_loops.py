"""One CSMS and one station object in one event loop after another, as a test suite uses those of a module."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from ocppflow import CSMS, ChargingStation, v201


def test_roles_work_in_a_second_event_loop() -> None:
    csms = CSMS()

    @csms.on(v201.HeartbeatRequest)
    def heartbeat(station: Any, request: Any) -> Any:
        return v201.HeartbeatResponse(current_time=datetime.now(UTC))

    station = ChargingStation("CS1", "ws://127.0.0.1:1/ocpp", versions=["2.0.1"])

    async def talk() -> None:
        async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
            station.url = listener.url
            async with station:
                await station.call(v201.HeartbeatRequest(), timeout=5)

    for _ in range(2):
        asyncio.run(asyncio.wait_for(talk(), 10))
    assert not csms.stations
