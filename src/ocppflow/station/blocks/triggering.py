"""F, Remote control: TriggerMessage (F06). What is Accepted is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.messages import Role, v21
from ocppflow.station.blocks.certificate_renewal import Use
from ocppflow.station.blocks.reasons import because
from ocppflow.station.blocks.registration_table import RegistrationState

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

triggering: Router[CompleteStation] = Router(Role.CS, "triggered messages")


class _No(NamedTuple):
    """Why a message is not sent."""

    reason: str
    info: str
    status: v21.TriggerMessageStatusEnumType = "Rejected"


_NOT_IMPLEMENTED: Final = _No("UnsupportedRequest", "this station never sends it", "NotImplemented")

_Sending = Callable[[], Awaitable[object]]
_Trigger = Callable[["CompleteStation", v21.TriggerMessageRequest], "_Sending | _No"]


def _evses(station: CompleteStation, request: v21.TriggerMessageRequest) -> list[int] | _No:
    """Which EVSEs it is about; absent means all (F06.FR.11)."""
    known = range(1, len(station.config.evses) + 1)
    if request.evse is UNSET:
        return list(known)
    if request.evse.id not in known:
        return _No("UnknownEvse", f"there is no EVSE {request.evse.id}")
    return [request.evse.id]


def _boot(station: CompleteStation, request: v21.TriggerMessageRequest) -> _Sending | _No:
    if station.provisioning.registration is RegistrationState.ACCEPTED:  # F06.FR.17
        return _No("InvalidState", "the last BootNotification was Accepted")

    async def send() -> None:
        station.provisioning.boot_soon("Triggered")

    return send


def _heartbeat(station: CompleteStation, request: v21.TriggerMessageRequest) -> _Sending | _No:
    return lambda: station.provisioning.beat(asked=True)


def _status(station: CompleteStation, request: v21.TriggerMessageRequest) -> _Sending | _No:
    evses = _evses(station, request)
    if isinstance(evses, _No):
        return evses
    if request.evse is UNSET or request.evse.connector_id is UNSET:  # F06.FR.12
        return _No("MissingParam", "a status is that of a connector: evse.connectorId is needed")
    evse, connector = evses[0], request.evse.connector_id
    if not 1 <= connector <= len(station.config.evses[evse - 1].connectors):
        return _No("UnknownConnectorId", f"EVSE {evse} has no connector {connector}")
    return lambda: station.say(station.availability.notification(evse, connector), asked=True)


def _meter_values(station: CompleteStation, request: v21.TriggerMessageRequest) -> _Sending | _No:
    """F06.FR.06."""
    evses = _evses(station, request)
    if isinstance(evses, _No):
        return evses
    samples = {evse: station.metering.sample(evse, "Trigger", "AlignedDataCtrlr.Measurands") for evse in evses}
    messages = [v21.MeterValuesRequest(evse_id=evse, meter_value=each) for evse, each in samples.items() if each]
    if not messages:
        return _No("NotEnabled", "AlignedDataCtrlr.Measurands names nothing that the meter has")

    async def send() -> None:
        for message in messages:
            await station.say(message, asked=True)

    return send


def _transaction_event(station: CompleteStation, request: v21.TriggerMessageRequest) -> _Sending | _No:
    """F06.FR.07. It goes the way of all transaction messages, after those that wait."""
    evses = _evses(station, request)
    if isinstance(evses, _No):
        return evses
    if not station.provisioning.may_send:
        return _No("InvalidState", "transaction messages wait until the station is accepted")
    transactions = station.transactions
    running = [each for evse in evses if (each := transactions.on_evse(evse)) is not None]
    if not running:
        return _No("TxNotFound", "there is no transaction")

    async def send() -> None:
        for each in running:
            if each.id in transactions.running:
                values = station.metering.sample(
                    each.evse, "Trigger", "SampledDataCtrlr.TxUpdatedMeasurands", transaction=each
                )
                transactions.touch(each, "Trigger", values=values)

    return send


def _log_status(station: CompleteStation, request: v21.TriggerMessageRequest) -> _Sending | _No:
    return lambda: station.say(station.diagnostics.status(), asked=True)  # F06.FR.14, F06.FR.15


def _firmware_status(station: CompleteStation, request: v21.TriggerMessageRequest) -> _Sending | _No:
    if not station.config.has("firmware"):
        return _NOT_IMPLEMENTED
    return lambda: station.say(station.firmware.report(), asked=True)  # F06.FR.16


def _signing(use: Use) -> _Trigger:
    def sign(station: CompleteStation, request: v21.TriggerMessageRequest) -> _Sending | _No:
        if not station.security.can_renew(use):
            return _NOT_IMPLEMENTED
        if not station.provisioning.may_send:
            return _No("InvalidState", "certificates are asked for once the station is accepted")

        async def send() -> None:
            station.security.begin_renewal(use)

        return send

    return sign


_TRIGGERS: Final[dict[v21.MessageTriggerEnumType, _Trigger]] = {
    "BootNotification": _boot,
    "Heartbeat": _heartbeat,
    "StatusNotification": _status,
    "MeterValues": _meter_values,
    "TransactionEvent": _transaction_event,
    "LogStatusNotification": _log_status,
    "FirmwareStatusNotification": _firmware_status,
    "SignChargingStationCertificate": _signing("ChargingStationCertificate"),
    "SignV2GCertificate": _signing("V2GCertificate"),
}
"""Not SignCombinedCertificate, SignV2G20Certificate, PublishFirmwareStatusNotification and CustomTrigger: see F06.FR.08
and F06.FR.19."""


@triggering.on(v21.TriggerMessageRequest)
async def _trigger(station: CompleteStation, request: v21.TriggerMessageRequest) -> v21.TriggerMessageResponse:
    trigger = _TRIGGERS.get(request.requested_message)
    found = _NOT_IMPLEMENTED if trigger is None else trigger(station, request)
    if not isinstance(found, _No) and trigger is not _boot and not station.provisioning.may_answer:
        found = _No("InvalidState", "the CSMS has not answered the BootNotification yet")
    if isinstance(found, _No):
        return v21.TriggerMessageResponse(status=found.status, status_info=because(found.reason, found.info))
    station.respond_then(found)  # F06.FR.04
    return v21.TriggerMessageResponse(status="Accepted")
