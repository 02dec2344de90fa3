"""B04 and Part 4, 5.3: what a station says after it was offline, and how it comes back."""

from __future__ import annotations

import itertools

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connector_is, connector_reports, connectors_are, every_connector
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure
from ocppflow.messages import Version

_SLACK = 0.5
"""Seconds by which a wait may be shorter: clocks differ."""


async def _retries(trial: Trial, wait: int, threshold: int | None = None) -> None:
    """Set how the station reconnects: after ``wait`` seconds, without chance."""
    if threshold is not None:
        await configure(trial, "OCPPCommCtrlr", "OfflineThreshold", str(threshold))
    await configure(trial, "OCPPCommCtrlr", "RetryBackOffRandomRange", "0")
    await configure(trial, "OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(wait))


async def _plugged_offline(trial: Trial, seconds: float) -> int:
    """The EV is connected while the station is offline for so long; the mark of its coming back."""
    with trial.offline():
        await trial.operator.plug(trial.evse, trial.connector)
        await trial.wait(seconds)
    begin = trial.mark()
    await trial.connected(within=trial.settings.reboot_patience)
    return begin


@station_case("B04.FR.01")
async def TC_B_51_CS(trial: Trial) -> None:
    """After having been offline for longer than the threshold, all connectors are reported."""
    threshold = trial.settings.offline_threshold
    await _retries(trial, threshold + 2, threshold)
    begin = await _plugged_offline(trial, threshold + 1)
    others = {(trial.evse, trial.connector): "Occupied"}
    await connectors_are(trial, every_connector(trial, "Available", others), since=begin, by="B04.FR.01")


@station_case("B04.FR.02")
async def TC_B_52_CS(trial: Trial) -> None:
    """After having been offline for shorter than the threshold, what changed is reported."""
    threshold = trial.settings.offline_threshold
    wait = threshold // 2 if trial.version is Version.V21 else threshold - 2
    await _retries(trial, wait, threshold)
    begin = await _plugged_offline(trial, wait / 2)
    await connector_is(trial, "Occupied", since=begin, by="B04.FR.02")
    await trial.wait(1.0)
    for report in connector_reports(trial.bench.inbox[begin:]):
        if report.evse != trial.evse:
            raise report.heard.wrong(f"nothing has changed at EVSE {report.evse}", by="B04.FR.02")


@station_case()
async def TC_B_57_CS(trial: Trial) -> None:
    """The station reconnects, and waits longer each time (Part 4, 5.3)."""
    minimum = trial.settings.retry_wait_minimum
    if trial.version is Version.V21:
        await configure(trial, "OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "3")
    await configure(trial, "OCPPCommCtrlr", "RetryBackOffRepeatTimes", "2")
    await _retries(trial, minimum)
    first = await _back_after(trial, 0)
    trial.check(
        first[-1] >= minimum - _SLACK,
        f"the station came back after {first[-1]:.1f} s; RetryBackOffWaitMinimum is {minimum} s",
    )
    await trial.wait(1.0)
    second, third = await _back_after(trial, 1)
    least = 2 * (second if trial.version is Version.V201 else first[-1])
    trial.check(
        third >= least - 2 * _SLACK,
        f"after one failed attempt the station waited {third:.1f} s, and must wait twice as long: {least:.1f} s",
    )


async def _back_after(trial: Trial, refusals: int) -> list[float]:
    """The connection is closed and so many attempts to come back are refused; the waits before each attempt."""
    bench = trial.bench
    before = len(bench.attempts)
    since = bench.clock.now()
    if refusals:
        with trial.offline():
            seconds = trial.settings.reboot_patience
            came = await bench.until(lambda: True if len(bench.attempts) >= before + refusals else None, seconds)
            trial.check(came, f"the station does not try to connect within {seconds:g} s")
    else:
        bench.hang_up()
    await trial.connected(within=trial.settings.reboot_patience)
    times = [since, *bench.attempts[before:]]
    return [after - earlier for earlier, after in itertools.pairwise(times)]
