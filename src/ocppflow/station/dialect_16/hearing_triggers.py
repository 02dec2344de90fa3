"""The Remote Trigger profile of 1.6, and its extension, as a station hears them.

What 1.6 has a message of its own for (statuses, progress, meter values) is said here; the rest is 2.1's TriggerMessage.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from msgspec import UNSET, UnsetType

from ocppflow.messages import v16, v21
from ocppflow.station.dialect_16.hearing import ask_status, dialect_16
from ocppflow.station.dialect_16.main_meter import main_meter_values
from ocppflow.station.dialect_16.numbering import place, places
from ocppflow.station.dialect_16.progress import DIAGNOSTICS, UNSIGNED, firmware_status_16
from ocppflow.station.dialect_16.transactions_16 import UNDELIVERED
from ocppflow.station.dialect_16.words import meter_values_16

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_Sending = Callable[[], Awaitable[object]]
_MEASURANDS: Final = "SampledDataCtrlr.TxUpdatedMeasurands"


@dialect_16.on(v16.TriggerMessageRequest)
async def trigger_message(station: CompleteStation, request: v16.TriggerMessageRequest) -> v16.TriggerMessageResponse:
    """1.6, 5.17. A connectorId that has nothing to do with the message is ignored."""
    match request.requested_message:
        case "DiagnosticsStatusNotification":
            status = _say(station, lambda: _diagnostics(station))
        case "FirmwareStatusNotification" if station.config.has("firmware"):
            status = _say(station, lambda: _firmware(station))
        case "StatusNotification" | "MeterValues" as wanted:
            status = _of_connectors(station, wanted, request.connector_id)
        case wanted:
            status = await _ask(station, wanted)
    return v16.TriggerMessageResponse(status=status)


@dialect_16.on(v16.ExtendedTriggerMessageRequest)
async def extended_trigger_message(
    station: CompleteStation, request: v16.ExtendedTriggerMessageRequest
) -> v16.ExtendedTriggerMessageResponse:
    """Security extension, 5.5: as the above, but progress is told by the messages of the extension."""
    match request.requested_message:
        case "LogStatusNotification":
            status = _say(station, lambda: _log(station))
        case "FirmwareStatusNotification" if station.config.has("firmware"):
            status = _say(station, lambda: _signed_firmware(station))
        case "StatusNotification" | "MeterValues" as wanted:
            status = _of_connectors(station, wanted, request.connector_id)
        case "SignChargePointCertificate":
            status = await _ask(station, "SignChargingStationCertificate")
        case wanted:
            status = await _ask(station, wanted)
    return v16.ExtendedTriggerMessageResponse(status=status)


async def _ask(station: CompleteStation, wanted: v21.MessageTriggerEnumType) -> v16.TriggerMessageStatus:
    asked = v21.TriggerMessageRequest(requested_message=wanted)
    status: v16.TriggerMessageStatus = await ask_status(station, asked, "NotImplemented")
    return status


def _say(station: CompleteStation, sending: _Sending) -> v16.TriggerMessageStatus:
    """Accept, and then send."""
    if not station.provisioning.may_answer:
        return "Rejected"
    station.respond_then(sending)
    return "Accepted"


# --- connectors --------------------------------------------------------------------------------------------------


def _of_connectors(station: CompleteStation, wanted: str, connector: int | UnsetType) -> v16.TriggerMessageStatus:
    """Without a connectorId all are meant, connector 0 as well."""
    number = None if isinstance(connector, UnsetType) else connector
    if number is not None and place(station.config, number) is None:
        return "Rejected"
    if wanted == "StatusNotification":
        return _say(station, lambda: station.dialect_16.tell(number))
    numbers = range(1, len(places(station.config)) + 1) if number is None else (number,)
    requests = [_meter_values(station, each) for each in numbers]
    sent = [each for each in requests if each is not None]
    return _say(station, lambda: _say_all(station, sent)) if sent else "Rejected"


async def _say_all(station: CompleteStation, requests: list[v16.MeterValuesRequest]) -> None:
    for request in requests:
        await station.say(request, asked=True)


def _meter_values(station: CompleteStation, number: int) -> v16.MeterValuesRequest | None:
    """The latest values of what MeterValuesSampledData names."""
    if number == 0:
        values = main_meter_values(station, "Trigger")
        return v16.MeterValuesRequest(connector_id=0, meter_value=values) if values else None
    evse, connector = places(station.config)[number - 1]
    transaction = station.transactions.on_evse(evse)
    if transaction is not None and transaction.connector != connector:
        transaction = None
    values = meter_values_16(station.metering.sample(evse, "Trigger", _MEASURANDS, transaction=transaction))
    if not values:
        return None
    known = None if transaction is None else station.dialect_16.known(transaction.id).number
    return v16.MeterValuesRequest(
        connector_id=number, meter_value=values, transaction_id=UNSET if known in (None, UNDELIVERED) else known
    )


# --- progress ----------------------------------------------------------------------------------------------------


async def _diagnostics(station: CompleteStation) -> None:
    busy = station.diagnostics.status().status == "Uploading"
    await station.say(v16.DiagnosticsStatusNotificationRequest(status="Uploading" if busy else "Idle"), asked=True)


async def _firmware(station: CompleteStation) -> None:
    status = firmware_status_16(station.firmware.report().status)
    await station.say(v16.FirmwareStatusNotificationRequest(status=status), asked=True)


async def _log(station: CompleteStation) -> None:
    notice = station.diagnostics.status()
    busy = notice.status == "Uploading"
    number = UNSET if notice.request_id == DIAGNOSTICS else notice.request_id
    message = v16.LogStatusNotificationRequest(status="Uploading" if busy else "Idle", request_id=number)
    await station.say(message, asked=True)


async def _signed_firmware(station: CompleteStation) -> None:
    notice = station.firmware.report()
    number = UNSET if notice.request_id == UNSIGNED else notice.request_id
    message = v16.SignedFirmwareStatusNotificationRequest(status=notice.status, request_id=number)
    await station.say(message, asked=True)
