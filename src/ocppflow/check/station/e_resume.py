"""E17 and B13 (2.1): transactions that go on, or do not, after a loss of power or a reset."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connectors_are, every_connector
from ocppflow.check.reusable_states import energy_transfer_started, reported_restart
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure, configure_if_there, get_variable
from ocppflow.check.visit import maybe_event, visit_of
from ocppflow.messages import Version, v21

_IN_21 = (Version.V21,)


async def _resumption(trial: Trial, seconds: int, energy: bool | None = None) -> None:
    await configure(trial, "TxCtrlr", "ResumptionTimeout", str(seconds))
    if energy is not None:
        await configure(trial, "TxCtrlr", "AllowEnergyTransferResumption", "true" if energy else "false")


async def _without_power(trial: Trial, seconds: float) -> int:
    begin = trial.mark()
    await trial.operator.power_cycle(seconds)
    await _boots(trial, begin)
    return begin


async def _boots(trial: Trial, begin: int) -> None:
    patience = trial.settings.reboot_patience
    await trial.expect(v21.BootNotificationRequest, since=begin, within=patience, by="B01.FR.01")


async def _goes_on(trial: Trial, begin: int, state: str, *, by: str) -> None:
    """The transaction is taken up again, in this charging state."""
    visit = visit_of(trial)
    others = {(trial.evse, trial.connector): "Occupied"}
    await connectors_are(trial, every_connector(trial, "Available", others), since=begin, by="B01.FR.05")
    await reported_restart(trial, begin)
    where = {"transactionInfo.transactionId": visit.transaction, "triggerReason": "TxResumed"}
    event = await trial.expect(v21.TransactionEventRequest, where, since=begin, by=by)
    visit.saw(event)
    event.must("eventType", "Updated", by=by)
    event.must("transactionInfo.chargingState", state, by=by)


@station_case("E17.FR.01", "E17.FR.10", "E17.FR.12", "E17.FR.14", versions=_IN_21)
async def TC_E_112_CS(trial: Trial) -> None:
    """After a loss of power the transaction goes on, without energy."""
    await _resumption(trial, 999, False)
    await energy_transfer_started(trial)
    begin = await _without_power(trial, trial.settings.transaction_seconds)
    await _goes_on(trial, begin, "SuspendedEVSE", by="E17.FR.12")


@station_case("E17.FR.01", "E17.FR.10", "E17.FR.11", "E17.FR.14", versions=_IN_21)
async def TC_E_113_CS(trial: Trial) -> None:
    """After a loss of power the transaction goes on, with energy."""
    await _resumption(trial, 999, True)
    await energy_transfer_started(trial)
    begin = await _without_power(trial, trial.settings.transaction_seconds)
    await _goes_on(trial, begin, "Charging", by="E17.FR.11")


@station_case("E17.FR.01", versions=_IN_21)
async def TC_E_114_CS(trial: Trial) -> None:
    """A station that cannot resume transactions does not."""
    if await get_variable(trial, "TxCtrlr", "ResumptionTimeout") is not None:
        raise NotForThis("TxCtrlr.ResumptionTimeout is there")
    await energy_transfer_started(trial)
    begin = await _without_power(trial, 30.0)
    await trial.wait(trial.settings.quiet)
    for heard in trial.since(begin):
        if heard.at("triggerReason") == "TxResumed":
            raise heard.wrong("the station says that it cannot resume transactions", by="E17.FR.01")


async def _is_over(trial: Trial, begin: int, *, by: str) -> None:
    visit = visit_of(trial)
    where = {"transactionInfo.transactionId": visit.transaction, "eventType": "Ended"}
    event = await trial.expect(v21.TransactionEventRequest, where, since=begin, by=by)
    event.must("triggerReason", "AbnormalCondition", by=by)
    event.must("transactionInfo.stoppedReason", "PowerLoss", "Reboot", by=by)


@station_case("E17.FR.01", "E17.FR.20", "E17.FR.21", "E18.FR.22", versions=_IN_21)
async def TC_E_115_CS(trial: Trial) -> None:
    """After a loss of power the transaction is over, where none is resumed."""
    await _resumption(trial, 0)
    await energy_transfer_started(trial)
    await _is_over(trial, await _without_power(trial, 30.0), by="E17.FR.20")


@station_case("E17.FR.01", "E17.FR.20", "E17.FR.21", versions=_IN_21)
async def TC_E_116_CS(trial: Trial) -> None:
    """After too long a loss of power the transaction is over."""
    seconds = max(1, round(trial.settings.transaction_seconds))
    await _resumption(trial, seconds)
    await energy_transfer_started(trial)
    await _is_over(trial, await _without_power(trial, seconds + 1.0), by="E17.FR.20")


async def _reset_and_resume(trial: Trial) -> int:
    answer = await trial.call(v21.ResetRequest(type="ImmediateAndResume"))
    begin = len(trial.bench.inbox) - len(trial.since())
    answer.must("status", "Accepted", by="B13.FR.03")
    await _boots(trial, begin)
    return begin


@station_case("B13.FR.03", "B13.FR.04", "B13.FR.20", "B13.FR.23", "B13.FR.25", "B13.FR.30", versions=_IN_21)
async def TC_B_102_CS(trial: Trial) -> None:
    """Reset ImmediateAndResume: the transaction goes on, without energy."""
    await _resumption(trial, 999, False)
    await energy_transfer_started(trial)
    await _goes_on(trial, await _reset_and_resume(trial), "SuspendedEVSE", by="B13.FR.25")


@station_case("B13.FR.03", "B13.FR.04", "B13.FR.20", "B13.FR.23", "B13.FR.24", "B13.FR.30", versions=_IN_21)
async def TC_B_103_CS(trial: Trial) -> None:
    """Reset ImmediateAndResume: the transaction goes on, with energy."""
    await _resumption(trial, 999, True)
    await energy_transfer_started(trial)
    await _goes_on(trial, await _reset_and_resume(trial), "Charging", by="B13.FR.24")


@station_case("B13.FR.02", versions=_IN_21)
async def TC_B_104_CS(trial: Trial) -> None:
    """Reset ImmediateAndResume without a transaction."""
    await _resumption(trial, 999)
    begin = await _reset_and_resume(trial)
    await connectors_are(trial, every_connector(trial, "Available"), since=begin, by="B01.FR.05")
    event = await maybe_event(trial, visit_of(trial))
    if event is not None:
        raise event.wrong("there was no transaction", by="B13.FR.02")
    trial.check(visit_of(trial).transaction is None, "there was no transaction", by="B13.FR.02")


@station_case("B13.FR.01", versions=_IN_21)
async def TC_B_101_CS(trial: Trial) -> None:
    """Reset ImmediateAndResume is rejected where transactions are not resumed."""
    await configure_if_there(trial, "TxCtrlr", "ResumptionTimeout", "0")
    answer = await trial.call(v21.ResetRequest(type="ImmediateAndResume"))
    answer.must("status", "Rejected", by="B13.FR.01")
