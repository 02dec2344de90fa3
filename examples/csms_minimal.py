"""A CSMS that takes stations of OCPP 1.6, 2.0.1 and 2.1 through a charging session, and asks nothing of them.

Run it::

    ocppflow csms --app examples/csms_minimal.py:csms --listen ws://127.0.0.1:9000/ocpp --no-auth
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from ocppflow import CSMS, Station, v16, v21, v201

csms = CSMS()
transaction_ids = itertools.count(1)


def now() -> datetime:
    return datetime.now(UTC)


@csms.on(v201.BootNotificationRequest, v21.BootNotificationRequest)
async def boot(station: Station, request: Any) -> Any:
    box = request.charging_station
    print(f"{station.identity} is a {box.vendor_name} {box.model}, booted because of {request.reason}")
    return {"currentTime": now(), "interval": 300, "status": "Accepted"}


@csms.on(v201.HeartbeatRequest, v21.HeartbeatRequest)
async def heartbeat(station: Station, request: Any) -> Any:
    return {"currentTime": now()}


@csms.on(v201.StatusNotificationRequest, v21.StatusNotificationRequest)
async def status(station: Station, request: Any) -> Any:
    print(f"{station.identity} EVSE {request.evse_id} connector {request.connector_id}: {request.connector_status}")
    return {}


@csms.on(v201.TransactionEventRequest, v21.TransactionEventRequest)
async def transaction(station: Station, request: Any) -> Any:
    info = request.transaction_info
    print(f"{station.identity} transaction {info.transaction_id} {request.event_type}: {request.trigger_reason}")
    return {"idTokenInfo": {"status": "Accepted"}} if request.id_token else {}


@csms.on(v16.BootNotificationRequest)
async def boot_16(station: Station, request: v16.BootNotificationRequest) -> v16.BootNotificationResponse:
    print(f"{station.identity} is a {request.charge_point_vendor} {request.charge_point_model}")
    return v16.BootNotificationResponse(current_time=now(), interval=300, status="Accepted")


@csms.on(v16.HeartbeatRequest)
async def heartbeat_16(station: Station, request: v16.HeartbeatRequest) -> v16.HeartbeatResponse:
    return v16.HeartbeatResponse(current_time=now())


@csms.on(v16.StatusNotificationRequest)
async def status_16(station: Station, request: v16.StatusNotificationRequest) -> v16.StatusNotificationResponse:
    print(f"{station.identity} connector {request.connector_id}: {request.status}")
    return v16.StatusNotificationResponse()


@csms.on(v16.StartTransactionRequest)
async def start_16(station: Station, request: v16.StartTransactionRequest) -> v16.StartTransactionResponse:
    number = next(transaction_ids)
    print(f"{station.identity} transaction {number} started by {request.id_tag} at {request.meter_start} Wh")
    return v16.StartTransactionResponse(id_tag_info=v16.IdTagInfo(status="Accepted"), transaction_id=number)


@csms.on(v16.MeterValuesRequest)
async def meter_values_16(station: Station, request: v16.MeterValuesRequest) -> v16.MeterValuesResponse:
    return v16.MeterValuesResponse()


@csms.on(v16.StopTransactionRequest)
async def stop_16(station: Station, request: v16.StopTransactionRequest) -> v16.StopTransactionResponse:
    print(f"{station.identity} transaction {request.transaction_id} stopped at {request.meter_stop} Wh")
    return v16.StopTransactionResponse()
