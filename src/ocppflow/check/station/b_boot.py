"""B01, B02, B03: booting, accepted, pending and rejected."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connectors_are, every_connector
from ocppflow.check.operator import OperatorCannot
from ocppflow.check.reusable_states import booted
from ocppflow.check.trial import Trial
from ocppflow.check.usual_answers import wire_time
from ocppflow.check.variables import component_type, report_parts, variable_type
from ocppflow.messages import v21


def _boot_answer(trial: Trial, status: str, interval: int) -> None:
    """Answer the next BootNotification so."""
    trial.answer(
        v21.BootNotificationRequest,
        lambda _: {"currentTime": wire_time(trial.now()), "interval": interval, "status": status},
        once=True,
    )


async def _rebooting(trial: Trial) -> None:
    """The station restarts by the operator's hand, or else by a reset."""
    try:
        await trial.operator.reboot()
    except OperatorCannot:
        await trial.call(v21.ResetRequest(type="Immediate"))


@station_case("B01.FR.01", "B01.FR.05", "B01.FR.09")
async def TC_B_01_CS(trial: Trial) -> None:
    """Cold boot, accepted."""
    await booted(trial, "power")


@station_case("B02.FR.01", "B02.FR.02", "B02.FR.04", "B02.FR.05", "B02.FR.06", "B02.FR.08", "F06.FR.17")
async def TC_B_02_CS(trial: Trial) -> None:
    """Cold boot, pending: the CSMS configures, and nothing else goes."""
    _boot_answer(trial, "Pending", trial.settings.heartbeat_interval)
    await _rebooting(trial)
    begin = trial.mark()
    patience = trial.settings.reboot_patience
    await trial.expect(v21.BootNotificationRequest, since=begin, within=patience, by="B01.FR.01")
    threshold = v21.SetVariableDataType(
        component=component_type("OCPPCommCtrlr"), variable=variable_type("OfflineThreshold"), attribute_value="300"
    )
    trial.changed["OCPPCommCtrlr", "OfflineThreshold", "", 0] = str(trial.settings.offline_threshold)
    answer = await trial.call(v21.SetVariablesRequest(set_variable_data=[threshold]))
    answer.must("setVariableResult[0].attributeStatus", "Accepted", by="B02.FR.05")
    asked = v21.GetVariableDataType(
        component=component_type("OCPPCommCtrlr"), variable=variable_type("OfflineThreshold")
    )
    got = await trial.call(v21.GetVariablesRequest(get_variable_data=[asked]))
    got.must("getVariableResult[0].attributeStatus", "Accepted", by="B02.FR.05")
    number = trial.request_id()
    report = await trial.call(v21.GetBaseReportRequest(request_id=number, report_base="FullInventory"))
    report.must("status", "Accepted", by="B02.FR.05")
    await report_parts(trial, number)
    start = await trial.call(v21.RequestStartTransactionRequest(id_token=trial.token, remote_start_id=1, evse_id=1))
    start.must("status", "Rejected", by="B02.FR.05")
    _only_provisioning(trial, begin)
    trigger = await trial.call(v21.TriggerMessageRequest(requested_message="BootNotification"))
    triggered = trigger.must("status", "Accepted", "NotImplemented", by="F06.FR.17") == "Accepted"
    within = trial.settings.patience if triggered else trial.settings.heartbeat_interval + trial.settings.patience
    again = await trial.expect(v21.BootNotificationRequest, within=within, by="B02.FR.06")
    if triggered:
        again.must("reason", "Triggered", by="F06.FR.17")
    await connectors_are(trial, every_connector(trial, "Available"), since=begin, by="B01.FR.05")


def _only_provisioning(trial: Trial, begin: int) -> None:
    """While pending, a station says nothing that it was not asked for (B02.FR.02)."""
    for heard in trial.since(begin):
        if heard.action not in ("BootNotification", "NotifyReport"):
            raise heard.wrong("it must not be sent while the CSMS has answered Pending", by="B02.FR.02")


@station_case("B03.FR.02", "B03.FR.04", "B03.FR.06")
async def TC_B_03_CS(trial: Trial) -> None:
    """Cold boot, rejected: nothing is said until the interval has passed."""
    interval = max(10, round(trial.settings.patience))
    _boot_answer(trial, "Rejected", interval)
    begin = trial.mark()
    await _rebooting(trial)
    patience = trial.settings.reboot_patience
    boot = await trial.expect(v21.BootNotificationRequest, since=begin, within=patience, by="B01.FR.01")
    again = await trial.expect(v21.BootNotificationRequest, since=begin, within=interval + patience, by="B03.FR.06")
    passed = again.when - boot.when
    trial.check(
        passed >= interval - 0.5,
        f"it came {passed:.1f} s after the one that was rejected, the interval is {interval} s",
        at=again,
        by="B03.FR.06",
    )
    between = [heard for heard in trial.since(begin) if boot.when < heard.when < again.when]
    for heard in between:
        raise heard.wrong("it must not be sent while the CSMS has answered Rejected", by="B03.FR.02")
    await connectors_are(trial, every_connector(trial, "Available"), since=begin, by="B01.FR.05")


@station_case("B03.FR.08")
async def TC_B_30_CS(trial: Trial) -> None:
    """What the CSMS asks of a station that it has rejected is answered SecurityError."""
    _boot_answer(trial, "Rejected", 10)
    begin = trial.mark()
    await _rebooting(trial)
    patience = trial.settings.reboot_patience
    await trial.expect(v21.BootNotificationRequest, since=begin, within=patience, by="B01.FR.01")
    if trial.bench.station is None:
        return  # a station may disconnect until it tries again (B03.FR.05): nothing is sent then
    number = trial.request_id()
    request = v21.GetBaseReportRequest(request_id=number, report_base="FullInventory")
    await trial.refused(request, "SecurityError", by="B03.FR.08")
    await trial.expect(v21.BootNotificationRequest, within=patience)
