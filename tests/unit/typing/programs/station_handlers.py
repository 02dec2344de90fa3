"""A complete station takes handlers and blocks of its own kind and of any station's; a plain one only the latter."""

from __future__ import annotations

from ocppflow import ChargingStation, Router, v201
from ocppflow.messages import Role
from ocppflow.station import CompleteStation

complete = CompleteStation("CS1", "ws://127.0.0.1:9000/ocpp")
plain = ChargingStation("CS2", "ws://127.0.0.1:9000/ocpp")
for_complete: Router[CompleteStation] = Router(Role.CS, "needs all of it")
for_any: Router[ChargingStation] = Router(Role.CS, "needs a connection")


@complete.on(v201.ResetRequest)
async def reset(station: CompleteStation, request: v201.ResetRequest) -> v201.ResetResponse:
    await station.power_cut(1)
    raise NotImplementedError


@complete.on(v201.ClearCacheRequest)
def clear(station: ChargingStation, request: v201.ClearCacheRequest) -> v201.ClearCacheResponse:
    raise NotImplementedError


@complete.on(v201.ClearCacheRequest)  # error: incompatible type
def wrong(station: CompleteStation, request: v201.ClearCacheRequest) -> v201.ResetResponse:
    raise NotImplementedError


@plain.on(v201.ClearCacheRequest)  # error: incompatible type
def too_much(station: CompleteStation, request: v201.ClearCacheRequest) -> v201.ClearCacheResponse:
    raise NotImplementedError


complete.include(for_complete)
complete.include(for_any)
plain.include(for_any)
plain.include(for_complete)  # error: incompatible type
