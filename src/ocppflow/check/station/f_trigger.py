"""F06: the CSMS asks for messages."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connector_is
from ocppflow.check.heard import ABSENT, PRESENT
from ocppflow.check.reusable_states import energy_transfer_started, ev_connected_pre_session
from ocppflow.check.trial import Trial
from ocppflow.check.variables import members
from ocppflow.check.visit import visit_of
from ocppflow.messages import Version, v21

_ASKED = "F06.FR.04"


async def _trigger(
    trial: Trial,
    what: v21.MessageTriggerEnumType,
    evse: int = 0,
    connector: int = 0,
    *,
    status: str = "Accepted",
    by: str = _ASKED,
) -> int:
    """Ask for a message; the mark from which on it counts."""
    request = v21.TriggerMessageRequest(requested_message=what)
    if evse:
        request.evse = v21.EVSEType(id=evse, connector_id=connector) if connector else v21.EVSEType(id=evse)
    answer = await trial.call(request)
    begin = len(trial.bench.inbox) - len(trial.since())
    answer.must("status", status, by=by)
    return begin


@station_case("F06.FR.02", "F06.FR.04", "F06.FR.05", "F06.FR.06", "F06.FR.10")
async def TC_F_11_CS(trial: Trial) -> None:
    """MeterValues of an EVSE."""
    await _trigger(trial, "MeterValues", trial.evse)
    values = await trial.expect(v21.MeterValuesRequest, by="F06.FR.06")
    values.must("evseId", trial.evse, by="F06.FR.02")
    values.must("meterValue[0].sampledValue[0].context", "Trigger", by="F06.FR.06")


@station_case("F06.FR.04", "F06.FR.05", "F06.FR.06", "F06.FR.10", "F06.FR.11")
async def TC_F_12_CS(trial: Trial) -> None:
    """MeterValues of all EVSEs."""
    await _trigger(trial, "MeterValues")
    for evse in range(1, len(trial.settings.connectors) + 1):
        values = await trial.expect(v21.MeterValuesRequest, {"evseId": evse}, by="F06.FR.11")
        values.must("meterValue[0].sampledValue[0].context", "Trigger", by="F06.FR.06")


async def _triggered_event(trial: Trial, evse: int) -> None:
    transaction = visit_of(trial, evse).transaction
    where = {"transactionInfo.transactionId": transaction, "triggerReason": "Trigger"}
    event = await trial.expect(v21.TransactionEventRequest, where, by="F06.FR.07")
    event.must("evse.id", evse, ABSENT, by="F06.FR.02")
    event.must("transactionInfo.chargingState", "Charging", by="F06.FR.07")
    event.must("meterValue", PRESENT, by="F06.FR.07")
    event.must("meterValue[0].sampledValue[0].context", "Trigger", by="F06.FR.07")


@station_case("F06.FR.02", "F06.FR.04", "F06.FR.05", "F06.FR.07", "F06.FR.10")
async def TC_F_13_CS(trial: Trial) -> None:
    """TransactionEvent of an EVSE."""
    await energy_transfer_started(trial)
    await _trigger(trial, "TransactionEvent", trial.evse)
    await _triggered_event(trial, trial.evse)


@station_case("F06.FR.04", "F06.FR.05", "F06.FR.07", "F06.FR.10", "F06.FR.11")
async def TC_F_14_CS(trial: Trial) -> None:
    """TransactionEvents of all EVSEs."""
    evses = range(1, len(trial.settings.connectors) + 1)
    for evse in evses:
        await energy_transfer_started(trial, evse)
    await _trigger(trial, "TransactionEvent")
    for evse in evses:
        await _triggered_event(trial, evse)


@station_case("F06.FR.04", "F06.FR.05", "F06.FR.10", "F06.FR.15")
async def TC_F_15_CS(trial: Trial) -> None:
    """LogStatusNotification while no log is sent."""
    await _trigger(trial, "LogStatusNotification")
    said = await trial.expect(v21.LogStatusNotificationRequest, by="F06.FR.15")
    said.must("status", "Idle", by="F06.FR.15")


@station_case("F06.FR.03", "F06.FR.04", "F06.FR.05", "F06.FR.10")
async def TC_F_17_CS(trial: Trial) -> None:
    """FirmwareStatusNotification, asked of an EVSE, which does not matter."""
    await _trigger(trial, "FirmwareStatusNotification", trial.evse)
    said = await trial.expect(v21.FirmwareStatusNotificationRequest, by="F06.FR.03")
    said.must("status", "Idle", by="F06.FR.16")


@station_case("F06.FR.04", "F06.FR.05", "F06.FR.10", "F06.FR.16", "L01.FR.25")
async def TC_F_18_CS(trial: Trial) -> None:
    """FirmwareStatusNotification while no firmware is loaded."""
    await _trigger(trial, "FirmwareStatusNotification")
    said = await trial.expect(v21.FirmwareStatusNotificationRequest, by="F06.FR.16")
    said.must("status", "Idle", by="F06.FR.16")


@station_case("F06.FR.04", "F06.FR.05", "F06.FR.10")
async def TC_F_20_CS(trial: Trial) -> None:
    """Heartbeat."""
    await _trigger(trial, "Heartbeat")
    await trial.expect(v21.HeartbeatRequest, by=_ASKED)


@station_case("F06.FR.02", "F06.FR.04", "F06.FR.05", "F06.FR.10")
async def TC_F_23_CS(trial: Trial) -> None:
    """The status of a connector that is available."""
    begin = await _trigger(trial, "StatusNotification", trial.evse, trial.connector)
    await connector_is(trial, "Available", since=begin, by=_ASKED)


@station_case("F06.FR.02", "F06.FR.04", "F06.FR.05", "F06.FR.10")
async def TC_F_24_CS(trial: Trial) -> None:
    """The status of a connector that is occupied."""
    await ev_connected_pre_session(trial)
    begin = await _trigger(trial, "StatusNotification", trial.evse, trial.connector)
    await connector_is(trial, "Occupied", since=begin, by=_ASKED)


@station_case("F06.FR.04", "F06.FR.05", "F06.FR.17")
async def TC_F_26_CS(trial: Trial) -> None:
    """BootNotification is not sent again once it was accepted."""
    await _trigger(trial, "BootNotification", status="Rejected", by="F06.FR.17")
    await trial.nothing(v21.BootNotificationRequest, by="F06.FR.17")


@station_case("F06.FR.08")
async def TC_F_27_CS(trial: Trial) -> None:
    """A message that the station does not send by a trigger."""
    await _trigger(trial, "SignCombinedCertificate", status="NotImplemented", by="F06.FR.08")


@station_case("F06.FR.04", "F06.FR.10", "F06.FR.18", "F06.FR.19", versions=[Version.V21])
async def TC_F_100_CS(trial: Trial) -> None:
    """A trigger of the manufacturer's own."""
    known = await members(trial, "CustomizationCtrlr", "CustomTriggers")
    trial.check(known, "CustomizationCtrlr.CustomTriggers has no value", by="F06.FR.18")
    own = sorted(known)[0]
    for name, status in ((own, "Accepted"), ("no-such-trigger", "NotImplemented")):
        request = v21.TriggerMessageRequest(requested_message="CustomTrigger", custom_trigger=name)
        (await trial.call(request)).must("status", status, by="F06.FR.18")
    request = v21.TriggerMessageRequest(requested_message="Heartbeat", custom_trigger=own)
    (await trial.call(request)).must("status", "Accepted", by="F06.FR.19")
    await trial.expect(v21.HeartbeatRequest, by="F06.FR.19")
