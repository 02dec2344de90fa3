"""E16 (2.1): transactions with a limit of energy, time or cost that the CSMS sets."""

from __future__ import annotations

from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, Heard
from ocppflow.check.reusable_states import authorized, ev_connected_pre_session
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure, configure_if_there, members
from ocppflow.check.visit import Visit, stop_points, transaction_event, visit_of
from ocppflow.messages import Version, v21

_LIMITS = ("maxEnergy", "maxTime", "maxCost")
_IN_21 = (Version.V21,)


def _next_answer(trial: Trial, **content: Any) -> None:
    """The next TransactionEvent is answered with this besides the usual."""
    trial.answer(v21.TransactionEventRequest, lambda heard: {**trial.bench.usual(heard), **content}, once=True)


async def _with_limit(trial: Trial, limit: str, value: float) -> Visit:
    """A transaction of which the first TransactionEvent after plugging in is answered with a limit."""
    if limit not in await members(trial, "TxCtrlr", "SupportedLimits"):
        raise NotForThis(f"TxCtrlr.SupportedLimits does not contain {limit}")
    await configure(trial, "SampledDataCtrlr", "TxUpdatedInterval", str(trial.settings.sampled_interval))
    await authorized(trial)
    _next_answer(trial, transactionLimit={limit: value})
    await ev_connected_pre_session(trial)
    visit = visit_of(trial)
    await _limit_set(trial, visit, limit, value)
    return visit


async def _limit_set(trial: Trial, visit: Visit, limit: str, value: float) -> None:
    event = await transaction_event(trial, visit, {"triggerReason": "LimitSet"}, by="E16.FR.05")
    event.must("eventType", "Updated", by="E16.FR.05")
    _limits(event, limit, value)


def _limits(event: Heard[Any], limit: str, value: float) -> None:
    for each in _LIMITS:
        event.must(f"transactionInfo.transactionLimit.{each}", value if each == limit else ABSENT, by="E16.FR.05")


async def _reached(trial: Trial, visit: Visit, *reasons: str, within: float) -> Heard[Any]:
    """The limit is reached, and no energy flows any more."""
    ends = "EnergyTransfer" in await stop_points(trial)
    event = await transaction_event(trial, visit, {"triggerReason": reasons}, within=within, by="E16.FR.08")
    event.must("eventType", "Ended" if ends else "Updated", by="E16.FR.08")
    event.must("transactionInfo.chargingState", *(("EVConnected", "SuspendedEVSE") if ends else ("SuspendedEVSE",)))
    return event


async def _periodic(trial: Trial) -> None:
    """Another TransactionEvent comes, and does not repeat the limit."""
    event = await trial.expect(v21.TransactionEventRequest, {"triggerReason": "MeterValuePeriodic"})
    event.must("eventType", "Updated")
    event.must("transactionInfo.transactionLimit", ABSENT, by="E16.FR.06")


@station_case("E16.FR.02", "E16.FR.05", "E16.FR.06", "E16.FR.08", versions=_IN_21)
async def TC_E_100_CS(trial: Trial) -> None:
    """The CSMS limits the energy."""
    visit = await _with_limit(trial, "maxEnergy", 2000)
    _next_answer(trial, transactionLimit={"maxEnergy": 200})
    await _periodic(trial)
    await _limit_set(trial, visit, "maxEnergy", 200)
    await _reached(trial, visit, "EnergyLimitReached", within=trial.settings.reboot_patience * 4)


@station_case("E16.FR.02", "E16.FR.05", "E16.FR.06", "E16.FR.08", "E16.FR.09", versions=_IN_21)
async def TC_E_105_CS(trial: Trial) -> None:
    """The CSMS limits the time."""
    begin = trial.bench.clock.now()
    visit = await _with_limit(trial, "maxTime", 3600)
    _next_answer(trial, transactionLimit={"maxTime": 300})
    await _periodic(trial)
    await _limit_set(trial, visit, "maxTime", 300)
    event = await _reached(trial, visit, "TimeLimitReached", within=300 + trial.settings.patience)
    passed = event.when - begin
    near = abs(passed - 300) <= trial.settings.tolerance + trial.settings.sampled_interval
    trial.check(near, f"the limit of 300 s was reached after {passed:.0f} s", at=event, by="E16.FR.09")


@station_case("E16.FR.02", "E16.FR.05", "E16.FR.06", "E16.FR.07", "E16.FR.08", "E16.FR.11", versions=_IN_21)
async def TC_E_104_CS(trial: Trial) -> None:
    """The CSMS limits the cost, and calculates it."""
    await configure_if_there(trial, "TariffCostCtrlr", "Enabled", "false", instance="Tariff")
    await configure_if_there(trial, "TariffCostCtrlr", "Enabled", "false", instance="Cost")
    visit = await _with_limit(trial, "maxCost", 99.13)
    _next_answer(trial, totalCost=50.34)
    await _periodic(trial)
    _next_answer(trial, totalCost=120.34)
    await _periodic(trial)
    await _reached(trial, visit, "CostLimitReached", within=trial.settings.patience)
