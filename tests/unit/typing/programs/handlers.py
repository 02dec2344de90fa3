"""Handlers are typed by the request they are registered for, in either role and in blocks."""

from __future__ import annotations

from ocppflow import CSMS, ChargingStation, IncomingCall, Router, Station, v16, v21, v201
from ocppflow.messages import Role

csms = CSMS()
cs = ChargingStation("CS1", "ws://127.0.0.1:9000/ocpp")
block: Router[Station] = Router(Role.CSMS, "meters")


@csms.on(v201.HeartbeatRequest)
async def heartbeat(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
    raise NotImplementedError


@csms.on(v21.HeartbeatRequest)
def heartbeat_plain(station: Station, request: v21.HeartbeatRequest) -> v21.HeartbeatResponse:
    raise NotImplementedError


@csms.on(v201.HeartbeatRequest)  # error: incompatible type
async def wrong_request(station: Station, request: v201.BootNotificationRequest) -> v201.HeartbeatResponse:
    raise NotImplementedError


@csms.on(v201.HeartbeatRequest)  # error: incompatible type
async def wrong_response(station: Station, request: v201.HeartbeatRequest) -> v201.BootNotificationResponse:
    raise NotImplementedError


@csms.on(v201.HeartbeatRequest)  # error: incompatible type
def wrong_response_plain(station: Station, request: v201.HeartbeatRequest) -> v16.HeartbeatResponse:
    raise NotImplementedError


@csms.on(v201.HeartbeatRequest)  # error: incompatible type
async def wrong_version(station: Station, request: v21.HeartbeatRequest) -> v21.HeartbeatResponse:
    raise NotImplementedError


@csms.on(v201.HeartbeatRequest)  # error: incompatible type
async def wrong_owner(station: ChargingStation, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
    raise NotImplementedError


csms.on(v201.HeartbeatResponse)  # error: cannot be "HeartbeatResponse"
csms.on("Heartbeat")  # error: No overload variant


@csms.on(v21.NotifyPeriodicEventStream)
async def stream(station: Station, message: v21.NotifyPeriodicEventStream) -> None: ...


@csms.on(v21.NotifyPeriodicEventStream)  # error: incompatible type
async def wrong_stream(station: Station, message: v21.HeartbeatRequest) -> None: ...


@cs.on(v201.ResetRequest)
async def reset(station: ChargingStation, request: v201.ResetRequest) -> v201.ResetResponse:
    answer = await station.call(v201.HeartbeatRequest())
    print(answer.status)  # error: has no attribute "status"
    return v201.ResetResponse(status="Scheduled")


@block.on(v21.MeterValuesRequest)
async def meter_values(station: Station, request: v21.MeterValuesRequest) -> v21.MeterValuesResponse:
    return v21.MeterValuesResponse()


@block.on(v21.MeterValuesRequest)  # error: incompatible type
async def wrong_in_a_block(station: Station, request: v21.MeterValuesRequest) -> v21.HeartbeatResponse:
    raise NotImplementedError


csms.include(block, without=["MeterValues"])
cs.include(block)  # error: incompatible type


@csms.on_any
async def everything_else(station: Station, call: IncomingCall) -> dict[str, object]:
    return {}
