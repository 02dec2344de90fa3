"""Playing a scenario from its first step to its last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ocppflow.errors import ConfigurationError, OCPPError
from ocppflow.messages import Version
from ocppflow.scenario.play import Asker, Play, ScenarioBroken, ScenarioFailed, StationMaker
from ocppflow.scenario.scenario import Scenario, filled
from ocppflow.scenario.scenario_result import ScenarioResult
from ocppflow.scenario.steps import (
    AskStep,
    CallStep,
    DoStep,
    ExpectStep,
    NeverStep,
    PolicyStep,
    RepeatStep,
    ReplaceStep,
    SetStep,
    Step,
    WaitStep,
)
from ocppflow.station.toml_faults import near_miss

Told = Callable[[str], object]
"""Gets each step, in words, when it begins."""


def given(scenario: Scenario, settings: Sequence[str]) -> dict[str, Any]:
    """The variables of a scenario, with ``name=value`` in place of its own. Raises ConfigurationError."""
    variables: dict[str, Any] = dict(scenario.head.variables)
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in variables:
            hint = near_miss(name, list(variables), "there are") if variables else "it has none"
            raise ConfigurationError(f"--set {setting}: {scenario.name} has no such variable; {hint}")
        kind = type(variables[name])
        try:
            variables[name] = text.lower() == "true" if kind is bool else kind(text)
        except ValueError:
            raise ConfigurationError(f"--set {setting}: a number is wanted, as {variables[name]!r} is") from None
    return variables


async def play_scenario(
    scenario: Scenario,
    make: StationMaker,
    *,
    variables: Mapping[str, Any] | None = None,
    ask: Asker | None = None,
    told: Told = lambda _: None,
) -> ScenarioResult:
    """Play it with stations that ``make`` makes. Never raises for what the CSMS does."""
    play = Play(make, scenario.head.variables if variables is None else variables, ask, scenario.head.faults)
    result = ScenarioResult(scenario=scenario.name, title=scenario.title)
    began = play.station.clock.now()
    try:
        await _played(scenario, play, result, told)
    except ScenarioFailed as exc:
        result.verdict, result.reason = "fail", str(exc)
    except OCPPError as exc:
        result.verdict, result.reason = "error", str(exc)
    finally:
        await play.close()
    result.version = play.variables["version"]
    result.seconds = play.station.clock.now() - began
    result.records, result.omitted, result.variables = play.log.records, play.omitted, play.variables
    return result


async def _played(scenario: Scenario, play: Play, result: ScenarioResult, told: Told) -> None:
    for policy in scenario.head.answers:
        play.policies.set(policy)
    result.step = f"0 (the station is {scenario.head.begin})"
    await play.begin(scenario.head.begin)
    if scenario.run is not None:
        result.step = ""
        try:
            await scenario.run(play)
        except AssertionError as exc:
            raise ScenarioFailed(str(exc) or "an assertion of the scenario does not hold") from exc
    else:
        await _steps(scenario.steps, play, result, told, "")
    result.step = "at the end"
    await play.finish()
    result.step = ""


async def _steps(steps: Sequence[Step], play: Play, result: ScenarioResult, told: Told, before: str) -> None:
    for number, step in enumerate(steps, 1):
        if step.versions and not _is_for(step, play):
            continue
        words = f"{before}{number} ({step.key} {step.subject})"
        if isinstance(step, RepeatStep):
            for time in range(1, step.repeat + 1):
                await _steps(step.steps, play, result, told, f"{before}{number}, time {time}, ")
            continue
        result.step = f"{words[:-1]}; {step.note})" if step.note else words
        told(result.step)
        await _step(_with_values(step, play.variables), play)


def _is_for(step: Step, play: Play) -> bool:
    return play.version in step.versions


def _with_values(step: Step, variables: dict[str, Any]) -> Any:
    try:
        changes = {
            name: filled(value, variables)
            for name in step.__struct_fields__
            if isinstance(value := getattr(step, name), str | list | dict)
        }
    except KeyError as exc:
        raise ScenarioBroken(f"the variable ${exc.args[0]} has no value yet") from None
    return msgspec.structs.replace(step, **changes)


async def _step(step: Step, play: Play) -> None:
    match step:
        case DoStep():
            await play.do(str(step.do))
        case ExpectStep():
            await play.expect(
                step.expect,
                step.where,
                must=step.must,
                error=step.error,
                capture=step.capture,
                by=step.by,
                within=step.within,
            )
        case NeverStep():
            await play.never(step.never, step.where, during=step.during, by=step.by)
        case WaitStep():
            await play.wait_for(step.wait_for, step.be, evse=step.evse, connector=step.connector, within=step.within)
        case CallStep():
            await play.call(
                step.call, step.data, must=step.must, error=step.error, capture=step.capture, within=step.within
            )
        case PolicyStep():
            how = {name: getattr(step, name) for name in ("ignore", "error", "override", "delay", "once")}
            play.answer(step.answer, **how)
        case SetStep():
            await play.set(step.set, step.to)
        case AskStep():
            await play.ask(step.ask, step.name)
        case ReplaceStep():
            await play.replace()


def versions_of(scenario: Scenario, wanted: Sequence[Version]) -> list[Version]:
    """Those of ``wanted`` in which it can be played. Raises ConfigurationError if there are none."""
    found = [version for version in wanted if version in scenario.head.versions]
    if not found:
        able = ", ".join(scenario.head.versions)
        raise ConfigurationError(f"{scenario.name} can be played in OCPP {able} alone")
    return found
