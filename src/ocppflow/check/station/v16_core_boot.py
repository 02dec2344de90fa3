"""OCPP 1.6, Core: booting, registration, resets (4.2, 4.6, 5.14)."""

from __future__ import annotations

from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, PRESENT, Heard
from ocppflow.check.steps_16 import V16, charging, number_of, reboot_over, status, stopped
from ocppflow.check.trial import Trial
from ocppflow.check.usual_answers import wire_time
from ocppflow.messages import v16

_INTERVAL = 20


@station_case("1.6/4.2", "1.6/errata-3.22", versions=V16)
async def TC_001_CS(trial: Trial) -> None:
    """Cold boot: the station registers, and tells the status of every connector."""
    mark = trial.mark()
    await trial.operator.reboot()
    await reboot_over(trial, mark, by="1.6/4.2")
    first = trial.since(mark)[0]
    trial.check(first.action == "BootNotification", f"{first.action} came first", at=first, by="1.6/4.2")


def _verdict(trial: Trial, verdict: str) -> dict[str, Any]:
    return {"status": verdict, "interval": _INTERVAL, "currentTime": wire_time(trial.now())}


async def _refused_boot(trial: Trial, verdict: str) -> Heard[v16.BootNotificationRequest]:
    """The station boots, and the first answer is not Accepted."""
    trial.answer(v16.BootNotificationRequest, lambda _: _verdict(trial, verdict), once=True)
    mark = trial.mark()
    await trial.operator.reboot()
    patience = trial.settings.reboot_patience
    return await trial.expect(v16.BootNotificationRequest, since=mark, within=patience, by="1.6/4.2")


async def _second_boot(trial: Trial, first: Heard[Any]) -> None:
    slack = trial.settings.tolerance
    second = await trial.expect(v16.BootNotificationRequest, within=_INTERVAL + 3 * slack, by="1.6/4.2")
    waited = second.when - first.when
    trial.check(waited >= _INTERVAL - slack, f"it came after {waited:.0f} s, not {_INTERVAL}", at=second, by="1.6/4.2")
    await status(trial, ("Available", "Preparing"), by="1.6/errata-3.22")


@station_case("1.6/4.2", versions=V16)
async def TC_002_CS(trial: Trial) -> None:
    """Cold boot, Pending: the station answers, sends what is triggered and nothing else."""
    first = await _refused_boot(trial, "Pending")
    answer = await trial.call(v16.GetConfigurationRequest())
    answer.must("configurationKey", PRESENT, by="1.6/4.2")
    start = v16.RemoteStartTransactionRequest(id_tag=trial.settings.token, connector_id=number_of(trial))
    (await trial.call(start)).must("status", "Rejected", by="1.6/4.2")
    begin = trial.mark()
    answered = await trial.call(
        v16.TriggerMessageRequest(requested_message="StatusNotification", connector_id=number_of(trial))
    )
    if answered.at("status") == "Accepted":
        await trial.expect(v16.StatusNotificationRequest, since=begin, by="1.6/4.2")
    await trial.silence(trial.settings.quiet, besides=("BootNotification",), by="1.6/4.2")
    await _second_boot(trial, first)


@station_case("1.6/4.2", versions=V16)
async def TC16_BOOT_01_CS(trial: Trial) -> None:
    """Cold boot, Rejected: nothing is sent until the interval is over."""
    first = await _refused_boot(trial, "Rejected")
    await trial.silence(_INTERVAL / 2, by="1.6/4.2")
    await _second_boot(trial, first)


@station_case("1.6/4.6", versions=V16)
async def TC16_BOOT_02_CS(trial: Trial) -> None:
    """Heartbeats come in the interval that BootNotification.conf has given."""
    trial.answer(v16.BootNotificationRequest, lambda _: _verdict(trial, "Accepted"))
    mark = trial.mark()
    await trial.operator.reboot()
    await reboot_over(trial, mark, by="1.6/4.2")
    trial.mark()
    late = _INTERVAL + 2 * trial.settings.tolerance
    await trial.expect(v16.HeartbeatRequest, within=late, by="1.6/4.2 1.6/4.6")


async def _reset(trial: Trial, kind: v16.ResetType) -> int:
    answer = await trial.call(v16.ResetRequest(type=kind))
    answer.must("status", "Accepted", by="1.6/5.14")
    return len(trial.bench.inbox) - len(trial.since())


@station_case("1.6/5.14", versions=V16)
async def TC_013_CS(trial: Trial) -> None:
    """Hard reset without a transaction."""
    await reboot_over(trial, await _reset(trial, "Hard"), by="1.6/5.14")


@station_case("1.6/5.14", versions=V16)
async def TC_014_CS(trial: Trial) -> None:
    """Soft reset without a transaction."""
    await reboot_over(trial, await _reset(trial, "Soft"), by="1.6/5.14")


@station_case("1.6/5.14", "1.6/errata-3.82", versions=V16)
async def TC_015_CS(trial: Trial) -> None:
    """Hard reset with a transaction, which is told to have ended, before or after."""
    await charging(trial)
    mark = await _reset(trial, "Hard")
    patience = trial.settings.reboot_patience
    await stopped(trial, ("HardReset", "PowerLoss", "Reboot"), since=mark, within=patience, by="1.6/5.14")
    await reboot_over(trial, mark, by="1.6/5.14")


@station_case("1.6/5.14", "1.6/errata-3.36", versions=V16)
async def TC_016_CS(trial: Trial) -> None:
    """Soft reset with a transaction, which ends before."""
    await charging(trial)
    mark = await _reset(trial, "Soft")
    ended = await stopped(trial, "SoftReset", since=mark, by="1.6/5.14")
    ended.must("idTag", ABSENT, trial.settings.token[:20], by="1.6/4.10")
    await reboot_over(trial, mark, by="1.6/5.14")
