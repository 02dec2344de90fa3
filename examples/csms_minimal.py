"""A CSMS that takes stations of OCPP 1.6, 2.0.1 and 2.1 through a charging session, and asks nothing of them.

Run it, by itself or with the options of the command line::

    python examples/csms_minimal.py
    ocppflow csms --app examples/csms_minimal.py:csms --listen ws://127.0.0.1:9000/ocpp --no-auth
"""

from __future__ import annotations

import itertools
import logging
from datetime import UTC, datetime

from ocppflow import CSMS, Station, v16, v21

csms = CSMS()
transaction_ids = itertools.count(1)


def now() -> datetime:
    return datetime.now(UTC)


# A handler of a 2.1 message serves stations of 2.0.1 as well: 2.1 has all of its words.


@csms.on(v21.BootNotificationRequest)
async def boot(station: Station, request: v21.BootNotificationRequest) -> v21.BootNotificationResponse:
    box = request.charging_station
    print(f"{station.identity}: {box.vendor_name} {box.model} has booted: {request.reason}")
    return v21.BootNotificationResponse(current_time=now(), interval=300, status="Accepted")


@csms.on(v21.HeartbeatRequest)
async def heartbeat(station: Station, request: v21.HeartbeatRequest) -> v21.HeartbeatResponse:
    return v21.HeartbeatResponse(current_time=now())


@csms.on(v21.StatusNotificationRequest)
async def status(station: Station, request: v21.StatusNotificationRequest) -> v21.StatusNotificationResponse:
    print(f"{station.identity} EVSE {request.evse_id} connector {request.connector_id}: {request.connector_status}")
    return v21.StatusNotificationResponse()


@csms.on(v21.NotifyEventRequest)
async def event(station: Station, request: v21.NotifyEventRequest) -> v21.NotifyEventResponse:
    for each in request.event_data:
        print(f"{station.identity} {each.component.name}.{each.variable.name}: {each.actual_value}")
    return v21.NotifyEventResponse()


@csms.on(v21.SecurityEventNotificationRequest)
async def security(
    station: Station, request: v21.SecurityEventNotificationRequest
) -> v21.SecurityEventNotificationResponse:
    print(f"{station.identity} security event: {request.type}")
    return v21.SecurityEventNotificationResponse()


@csms.on(v21.AuthorizeRequest)
async def authorize(station: Station, request: v21.AuthorizeRequest) -> v21.AuthorizeResponse:
    return v21.AuthorizeResponse(id_token_info=v21.IdTokenInfoType(status="Accepted"))


@csms.on(v21.TransactionEventRequest)
async def transaction(station: Station, request: v21.TransactionEventRequest) -> v21.TransactionEventResponse:
    info = request.transaction_info
    print(f"{station.identity} transaction {info.transaction_id} {request.event_type}: {request.trigger_reason}")
    if not request.id_token:
        return v21.TransactionEventResponse()
    return v21.TransactionEventResponse(id_token_info=v21.IdTokenInfoType(status="Accepted"))


@csms.on(v16.BootNotificationRequest)
async def boot_16(station: Station, request: v16.BootNotificationRequest) -> v16.BootNotificationResponse:
    print(f"{station.identity}: {request.charge_point_vendor} {request.charge_point_model} has booted")
    return v16.BootNotificationResponse(current_time=now(), interval=300, status="Accepted")


@csms.on(v16.HeartbeatRequest)
async def heartbeat_16(station: Station, request: v16.HeartbeatRequest) -> v16.HeartbeatResponse:
    return v16.HeartbeatResponse(current_time=now())


@csms.on(v16.StatusNotificationRequest)
async def status_16(station: Station, request: v16.StatusNotificationRequest) -> v16.StatusNotificationResponse:
    print(f"{station.identity} connector {request.connector_id}: {request.status}")
    return v16.StatusNotificationResponse()


@csms.on(v16.AuthorizeRequest)
async def authorize_16(station: Station, request: v16.AuthorizeRequest) -> v16.AuthorizeResponse:
    return v16.AuthorizeResponse(id_tag_info=v16.IdTagInfo(status="Accepted"))


@csms.on(v16.SecurityEventNotificationRequest)
async def security_16(
    station: Station, request: v16.SecurityEventNotificationRequest
) -> v16.SecurityEventNotificationResponse:
    print(f"{station.identity} security event: {request.type}")
    return v16.SecurityEventNotificationResponse()


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


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # who connects, who is refused, and why
    csms.run("ws://127.0.0.1:9000/ocpp")
