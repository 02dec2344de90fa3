"""What a block says in 2.1, put into 1.6, and the answer put back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from msgspec import UNSET, UnsetType

from ocppflow.errors import UnknownAction
from ocppflow.messages import Request, Response, v16, v21
from ocppflow.station.dialect_16.numbering import connector_id
from ocppflow.station.dialect_16.progress import DIAGNOSTICS, FIRMWARE_STEPS, UNSIGNED, UPLOAD_STEPS
from ocppflow.station.dialect_16.transactions_16 import say_transaction_event
from ocppflow.station.dialect_16.words import SECURITY_EVENTS, id_tag, meter_values_16, token_info_21

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_R = TypeVar("_R", bound=Response)

Saying = Callable[["CompleteStation", Any, float | None], Awaitable[Response]]


async def say_16(station: CompleteStation, request: Request[_R], timeout: float | None = None) -> _R:
    """Send what a 2.1 request means. Raises UnknownAction if 1.6 has no words for it, and what ``call`` raises."""
    saying = _SAYINGS.get(type(request))
    if saying is None:
        raise UnknownAction(f"{type(request).__action__} has no counterpart in OCPP 1.6")
    return cast(_R, await saying(station, request, timeout))


def has_words(kind: type[Request[Any]]) -> bool:
    """Whether 1.6 can say this at all."""
    return kind in _SAYINGS


async def _boot(
    station: CompleteStation, request: v21.BootNotificationRequest, timeout: float | None
) -> v21.BootNotificationResponse:
    told = request.charging_station
    modem = told.modem
    answer = await station.call(
        v16.BootNotificationRequest(
            charge_point_vendor=told.vendor_name[:20],
            charge_point_model=told.model[:20],
            charge_point_serial_number=told.serial_number,
            firmware_version=told.firmware_version,
            iccid=UNSET if isinstance(modem, UnsetType) else modem.iccid,
            imsi=UNSET if isinstance(modem, UnsetType) else modem.imsi,
        ),
        timeout=timeout,
    )
    return v21.BootNotificationResponse(
        current_time=answer.current_time, interval=answer.interval, status=answer.status
    )


async def _heartbeat(station: CompleteStation, _: v21.HeartbeatRequest, timeout: float | None) -> v21.HeartbeatResponse:
    answer = await station.call(v16.HeartbeatRequest(), timeout=timeout)
    return v21.HeartbeatResponse(current_time=answer.current_time)


async def _authorize(
    station: CompleteStation, request: v21.AuthorizeRequest, timeout: float | None
) -> v21.AuthorizeResponse:
    answer = await station.call(v16.AuthorizeRequest(id_tag=id_tag(request.id_token)), timeout=timeout)
    station.dialect_16.told_of(id_tag(request.id_token), answer.id_tag_info)
    return v21.AuthorizeResponse(id_token_info=token_info_21(answer.id_tag_info))


async def _status(
    station: CompleteStation, request: v21.StatusNotificationRequest, timeout: float | None
) -> v21.StatusNotificationResponse:
    station.dialect_16.tell_changes()
    return v21.StatusNotificationResponse()


async def _notify_event(
    station: CompleteStation, _: v21.NotifyEventRequest, timeout: float | None
) -> v21.NotifyEventResponse:
    """1.6 knows no events; what of them is a status of a connector is told as that."""
    station.dialect_16.tell_changes()
    return v21.NotifyEventResponse()


async def _meter_values(
    station: CompleteStation, request: v21.MeterValuesRequest, timeout: float | None
) -> v21.MeterValuesResponse:
    values = meter_values_16(request.meter_value)
    if values:
        number = connector_id(station.config, request.evse_id)
        await station.call(v16.MeterValuesRequest(connector_id=number, meter_value=values), timeout=timeout)
    return v21.MeterValuesResponse()


async def _data_transfer(
    station: CompleteStation, request: v21.DataTransferRequest, timeout: float | None
) -> v21.DataTransferResponse:
    if not isinstance(request.data, (str, UnsetType)):
        raise UnknownAction("DataTransfer.data is not text, and OCPP 1.6 carries nothing else")
    answer = await station.call(
        v16.DataTransferRequest(vendor_id=request.vendor_id, message_id=request.message_id, data=request.data),
        timeout=timeout,
    )
    return v21.DataTransferResponse(status=answer.status, data=answer.data)


async def _security_event(
    station: CompleteStation, request: v21.SecurityEventNotificationRequest, timeout: float | None
) -> v21.SecurityEventNotificationResponse:
    await station.call(
        v16.SecurityEventNotificationRequest(
            type=SECURITY_EVENTS.get(request.type, request.type),
            timestamp=request.timestamp,
            tech_info=request.tech_info,
        ),
        timeout=timeout,
    )
    return v21.SecurityEventNotificationResponse()


async def _sign_certificate(
    station: CompleteStation, request: v21.SignCertificateRequest, timeout: float | None
) -> v21.SignCertificateResponse:
    answer = await station.call(v16.SignCertificateRequest(csr=request.csr), timeout=timeout)
    return v21.SignCertificateResponse(status=answer.status)


async def _firmware(
    station: CompleteStation, request: v21.FirmwareStatusNotificationRequest, timeout: float | None
) -> v21.FirmwareStatusNotificationResponse:
    if request.request_id == UNSIGNED or isinstance(request.request_id, UnsetType):
        status = FIRMWARE_STEPS.get(request.status)
        if status is not None:
            await station.call(v16.FirmwareStatusNotificationRequest(status=status), timeout=timeout)
    else:
        await station.call(
            v16.SignedFirmwareStatusNotificationRequest(status=request.status, request_id=request.request_id),
            timeout=timeout,
        )
    return v21.FirmwareStatusNotificationResponse()


async def _log(
    station: CompleteStation, request: v21.LogStatusNotificationRequest, timeout: float | None
) -> v21.LogStatusNotificationResponse:
    if request.request_id == DIAGNOSTICS or isinstance(request.request_id, UnsetType):
        status = UPLOAD_STEPS.get(request.status, "UploadFailed")
        await station.call(v16.DiagnosticsStatusNotificationRequest(status=status), timeout=timeout)
    else:
        status_new = "UploadFailure" if request.status == "AcceptedCanceled" else request.status
        await station.call(
            v16.LogStatusNotificationRequest(status=status_new, request_id=request.request_id), timeout=timeout
        )
    return v21.LogStatusNotificationResponse()


_SAYINGS: Final[dict[type[Request[Any]], Saying]] = {
    v21.AuthorizeRequest: _authorize,
    v21.BootNotificationRequest: _boot,
    v21.DataTransferRequest: _data_transfer,
    v21.FirmwareStatusNotificationRequest: _firmware,
    v21.HeartbeatRequest: _heartbeat,
    v21.LogStatusNotificationRequest: _log,
    v21.MeterValuesRequest: _meter_values,
    v21.NotifyEventRequest: _notify_event,
    v21.SecurityEventNotificationRequest: _security_event,
    v21.SignCertificateRequest: _sign_certificate,
    v21.StatusNotificationRequest: _status,
    v21.TransactionEventRequest: say_transaction_event,
}
