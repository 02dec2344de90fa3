"""Runner: takes a station through cases, one after another, and cleans up in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

from ocppflow.check.bench import Bench
from ocppflow.check.cases import CheckCase, station_cases, wanted_case
from ocppflow.check.catalogue import listings
from ocppflow.check.cleaning import clean
from ocppflow.check.heard import CheckFailed, Finding
from ocppflow.check.operator import Operator, OperatorCannot
from ocppflow.check.pics import Pics
from ocppflow.check.trial import NotForThis, NotPossible, Trial
from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.endpoint import sleep
from ocppflow.log_budget import budgeted
from ocppflow.messages import Version

log = budgeted("ocppflow.check")

_BOOTING = 5.0
"""Seconds in which a station that has connected sends its BootNotification, if it sends one."""


class PlannedCase:
    """A case that is asked for: the scenario, or why there is none to be carried out."""

    __slots__ = ("case", "id", "reason", "verdict", "version")

    def __init__(self, case_id: str, version: Version, case: CheckCase | None, reason: str) -> None:
        self.id = case_id
        self.version = version
        self.case = case
        self.reason = reason
        self.verdict: Verdict | None = None
        """None: it is to be carried out."""
        if reason:
            self.verdict = Verdict.NOT_APPLICABLE
        elif case is None:
            self.verdict, self.reason = Verdict.NOT_WRITTEN, "this tool does not have the case yet"

    def settled(self) -> CaseResult:
        """The result of a case that is not carried out."""
        title = self.case.title if self.case is not None else ""
        verdict = self.verdict or Verdict.NOT_WRITTEN
        return CaseResult(case=self.id, title=title, version=self.version, verdict=verdict, reason=self.reason)


def plan(version: Version, pics: Pics, only: Iterable[str] = (), blocks: Iterable[str] = ()) -> list[PlannedCase]:
    """The cases of a version that are asked for, written or not, applicable or not, in the order of their ids."""
    listed = listings(version)
    written = {case_id: case for (case_id, spoken), case in station_cases().items() if spoken is version}
    planned: list[PlannedCase] = []
    for case_id in sorted(listed.keys() | written.keys(), key=_order):
        if wanted_case(case_id, list(only), list(blocks)):
            reason = pics.applies(listed[case_id]) if case_id in listed else ""
            planned.append(PlannedCase(case_id, version, written.get(case_id), reason))
    return planned


def _order(case_id: str) -> tuple[str, int, str]:
    parts = case_id.split("_")
    number = parts[2] if len(parts) > 2 else ""
    return parts[1] if len(parts) > 1 else "", int(number) if number.isdigit() else 0, case_id


async def run_case(
    bench: Bench, operator: Operator, pics: Pics, case: CheckCase, *, cleaning: bool = True
) -> CaseResult:
    """Carry out one case, and put the station back as it was before. Never raises for what the station does."""
    begin, found = len(bench.records), len(bench.findings)
    since = bench.clock.now()
    trial = Trial(bench, operator, pics, case.id)
    result = CaseResult(
        case=case.id, title=case.title, version=bench.version, verdict=Verdict.PASS, requirements=case.requirements
    )
    await _play(trial, case, result)
    trial.usual_answers()
    result.findings = bench.findings[found:] + result.findings
    result.omitted = trial.omitted
    if result.findings:
        result.verdict, result.reason = Verdict.FAIL, result.findings[-1].text
    elif result.verdict is Verdict.PASS and trial.omitted:
        result.verdict = Verdict.PARTIAL
    result.seconds = bench.clock.now() - since
    if cleaning:
        result.not_cleaned = await clean(trial)
    result.records = bench.records[begin:]
    return result


async def _play(trial: Trial, case: CheckCase, result: CaseResult) -> None:
    try:
        await trial.connected(within=trial.settings.reboot_patience)
        _right_profile(trial, case)
        await case.scenario(trial)
    except CheckFailed as exc:
        own = exc.finding.requirements or case.requirements
        result.findings = [
            Finding(
                text=exc.finding.text, requirements=own, action=exc.finding.action, message_id=exc.finding.message_id
            )
        ]
    except NotForThis as exc:
        result.verdict, result.reason = Verdict.NOT_APPLICABLE, str(exc)
    except (NotPossible, OperatorCannot) as exc:
        result.verdict, result.reason = Verdict.ERROR, str(exc)
    except asyncio.CancelledError:
        raise
    except Exception as exc:
        log.exception("%s: the scenario failed", case.id)
        result.verdict, result.reason = Verdict.ERROR, f"the scenario itself failed: {type(exc).__name__}: {exc}"


def _right_profile(trial: Trial, case: CheckCase) -> None:
    profile = trial.bench.security_profile
    if case.security_profiles and profile not in case.security_profiles:
        wanted = " or ".join(map(str, case.security_profiles))
        raise NotForThis(f"for a station that is connected by security profile {wanted}; this one is by {profile}")


async def settled(bench: Bench) -> None:
    """Wait until the station is connected, registered and has nothing more to say. One that was accepted before in this
    boot, by another connection, does not send a BootNotification."""
    if await bench.until(lambda: bench.station, bench.settings.reboot_patience) is None:
        return

    def booted() -> bool | None:
        return True if any(heard.action == "BootNotification" for heard in bench.inbox) else None

    await bench.until(booted, min(_BOOTING, bench.settings.patience))
    count = -1
    while count != len(bench.inbox):
        count = len(bench.inbox)
        await sleep(bench.clock, 1.0)


async def run_plan(
    bench: Bench,
    operator: Operator,
    pics: Pics,
    planned: Iterable[PlannedCase],
    *,
    begun: Callable[[PlannedCase], object] = lambda _: None,
) -> AsyncIterator[CaseResult]:
    """The results of all these cases, as they come. ``begun`` is told of each that is carried out."""
    await settled(bench)
    for item in planned:
        if item.verdict is not None or item.case is None:
            yield item.settled()
            continue
        begun(item)
        yield await run_case(bench, operator, pics, item.case)
