"""A CSMS with the handlers that a usual program has, and peers that say what a field case says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from field_cases import CASES, frames

from ocppflow import CSMS, UNSET, Router, Station, v16, v201
from ocppflow.messages import Role
from ocppflow.testing import ScriptedPeer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
usual: Router[Station] = Router(Role.CSMS, "the usual handlers")
"""What they do with a message is what programs do: add numbers, compare times, look at each sampled value. What they
learn is left in ``station.data``."""


def _samples(values: list[v16.MeterValue] | Any) -> list[float]:
    return [float(each.value) for value in values for each in value.sampled_value if each.value.strip()]


def _age(moment: datetime) -> timedelta:
    return NOW - moment


@usual.on(v16.BootNotificationRequest)
def boot_16(station: Station, request: v16.BootNotificationRequest) -> v16.BootNotificationResponse:
    station.data.setdefault("boots", []).append(request.charge_point_vendor + request.charge_point_model)
    return v16.BootNotificationResponse(current_time=NOW, interval=300, status="Accepted")


@usual.on(v16.HeartbeatRequest)
def heartbeat_16(station: Station, request: v16.HeartbeatRequest) -> v16.HeartbeatResponse:
    return v16.HeartbeatResponse(current_time=NOW)


@usual.on(v16.StatusNotificationRequest)
def status_16(station: Station, request: v16.StatusNotificationRequest) -> v16.StatusNotificationResponse:
    if request.connector_id is not UNSET:
        station.data["status"] = {request.connector_id + 0: request.status.lower()}
    if request.timestamp is not UNSET:
        station.data["age"] = _age(request.timestamp)
    return v16.StatusNotificationResponse()


@usual.on(v16.MeterValuesRequest)
def meter_values_16(station: Station, request: v16.MeterValuesRequest) -> v16.MeterValuesResponse:
    station.data["samples"] = _samples(request.meter_value)
    return v16.MeterValuesResponse()


@usual.on(v16.AuthorizeRequest)
def authorize_16(station: Station, request: v16.AuthorizeRequest) -> v16.AuthorizeResponse:
    station.data["tag"] = request.id_tag.upper()
    return v16.AuthorizeResponse(id_tag_info=v16.IdTagInfo(status="Accepted"))


@usual.on(v16.StartTransactionRequest)
def start_16(station: Station, request: v16.StartTransactionRequest) -> v16.StartTransactionResponse:
    station.data["age"] = _age(request.timestamp)
    return v16.StartTransactionResponse(id_tag_info=v16.IdTagInfo(status="Accepted"), transaction_id=1)


@usual.on(v16.StopTransactionRequest)
def stop_16(station: Station, request: v16.StopTransactionRequest) -> v16.StopTransactionResponse:
    station.data.setdefault("stops", []).append((request.transaction_id, request.meter_stop + 0))
    station.data["samples"] = _samples(request.transaction_data or [])
    return v16.StopTransactionResponse()


@usual.on(v16.DataTransferRequest)
def data_transfer_16(station: Station, request: v16.DataTransferRequest) -> v16.DataTransferResponse:
    return v16.DataTransferResponse(status="UnknownVendorId")


@usual.on(v201.HeartbeatRequest)
def heartbeat_201(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
    return v201.HeartbeatResponse(current_time=NOW)


@usual.on(v201.MeterValuesRequest)
def meter_values_201(station: Station, request: v201.MeterValuesRequest) -> v201.MeterValuesResponse:
    station.data["samples"] = [each.value + 0 for value in request.meter_value for each in value.sampled_value]
    return v201.MeterValuesResponse()


@usual.on(v201.TransactionEventRequest)
def event_201(station: Station, request: v201.TransactionEventRequest) -> v201.TransactionEventResponse:
    station.data["events"] = [(request.event_type, request.seq_no + 0, _age(request.timestamp))]
    return v201.TransactionEventResponse()


async def said(peer: ScriptedPeer, name: str) -> list[Any]:
    """What the peer hears to the frames of a case, which it says one after the other."""
    heard = []
    for frame in frames(name):
        heard += await peer.say(frame)
    return heard


def ask(role: Any, name: str, **how: Any) -> asyncio.Future[Any]:
    """The call that a case begins with, from a Station or a ChargingStation."""
    action, payload = CASES[name]["call"]
    future: asyncio.Future[Any] = role.begin_raw(action, payload, **how)
    return future


async def answered(peer: ScriptedPeer, name: str) -> list[Any]:
    """What the peer hears when it answers, in the words of a case, the call that it has got."""
    [[kind, message_id, *_]] = await peer.hear()
    assert kind == 2
    heard = []
    for frame in frames(name):
        heard += await peer.say(frame.replace("$ID", message_id))
    return heard


def usual_csms(network: Any, **settings: Any) -> CSMS:
    """A CSMS on the network, with the usual handlers."""
    csms: CSMS = network.csms(**settings)
    csms.include(usual)
    return csms
