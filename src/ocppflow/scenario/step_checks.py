"""What can be wrong with a step is found before anything is played."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from ocppflow.errors import ConfigurationError, UnknownAction
from ocppflow.messages import Role, Version, action_info, actions
from ocppflow.scenario.conditions import STATION_CONDITIONS
from ocppflow.scenario.neutral_words import MESSAGES
from ocppflow.scenario.scenario import ScenarioHead, filled
from ocppflow.scenario.steps import (
    CallStep,
    DoStep,
    ExpectStep,
    NeverStep,
    PolicyStep,
    RepeatStep,
    SetStep,
    Step,
    WaitStep,
)
from ocppflow.scenario.wanted import CONDITIONS
from ocppflow.station.station_commands import CommandError, parse_command
from ocppflow.station.toml_faults import near_miss

BUILT_IN: Final = ("identity", "version")
"""Variables that there always are."""

_NAME: Final = re.compile(r"[A-Za-z]\w*", re.ASCII)
VARIABLE: Final = re.compile(r"([^.()]+)\.([^.()]+)(?:\(([^()]*)\))?")
"""``Component.Variable(instance)``."""

_MOST_REPETITIONS: Final = 10_000
_ANY: Final = "\x00"
"""Stands for the value of a variable that is not known yet."""


class _Known(dict[str, Any]):
    """Variables, some of which get their value later."""

    def __missing__(self, name: str) -> Any:
        return _ANY


def every_step(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, and those that are repeated."""
    for step in steps:
        yield step
        if isinstance(step, RepeatStep):
            yield from every_step(step.steps)


def checked_variables(head: ScenarioHead, steps: Iterable[Step]) -> None:
    """Names of variables, and whether each that is used is there. Raises ConfigurationError."""
    known = {*BUILT_IN, *head.variables}
    for step in every_step(steps):
        known.update(getattr(step, "capture", {}))
    for name in known:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"variables: {name!r} cannot be a name: letters, digits and _ are allowed")
    for number, step in enumerate(steps, 1):
        for inner in every_step([step]):
            try:
                for value in msgspec.structs.asdict(inner).values():
                    filled(value, dict.fromkeys(known, ""))
            except KeyError as exc:
                missing = str(exc.args[0])
                hint = near_miss(missing, sorted(known), "there are")
                raise ConfigurationError(f"step {number}: there is no variable ${missing}; {hint}") from None


def check_step(step: Step, head: ScenarioHead, where: str) -> None:
    """Raises ConfigurationError."""
    versions = tuple(version for version in step.versions or head.versions if version in head.versions)
    if not versions:
        raise ConfigurationError(f"{where}, versions: the scenario is for {', '.join(head.versions)} alone")
    _check_times(step, where)
    if isinstance(step, RepeatStep):
        _check_repetition(step, msgspec.structs.replace(head, versions=versions), where)
    match step:
        case DoStep():
            _check_words(filled(step.do, _Known(head.variables)), where)
        case ExpectStep() | NeverStep():
            _check_message(step, versions, where)
        case CallStep():
            _check_call(step, versions, where)
        case WaitStep():
            _check_condition(step, where)
        case PolicyStep():
            _check_policy(step, versions, where)
        case SetStep() if not VARIABLE.fullmatch(step.set):
            raise ConfigurationError(f"{where}, set: Component.Variable is wanted, not {step.set!r}")


def _check_call(step: CallStep, versions: Iterable[Version], where: str) -> None:
    for version in versions:
        _check_action(step.call, version, f"{where}, call")
    _check_wanted(step.must, f"{where}, must")


def _check_policy(step: PolicyStep, versions: Iterable[Version], where: str) -> None:
    for version in versions if step.answer != "*" else ():
        _check_action(step.answer, version, f"{where}, answer")


def _check_repetition(step: RepeatStep, head: ScenarioHead, where: str) -> None:
    if not 1 <= step.repeat <= _MOST_REPETITIONS:
        raise ConfigurationError(f"{where}, repeat: 1 to {_MOST_REPETITIONS} times, not {step.repeat}")
    for number, inner in enumerate(step.steps, 1):
        check_step(inner, head, f"{where}.{number}")


def _check_times(step: Step, where: str) -> None:
    for name in ("within", "during", "delay"):
        seconds = getattr(step, name, 0.0)
        if not 0 <= seconds < math.inf:
            raise ConfigurationError(f"{where}, {name}: seconds are wanted, not {seconds!r}")


def _check_words(words: Any, where: str) -> None:
    if _ANY in str(words):
        return
    try:
        parse_command(str(words))
    except CommandError as exc:
        raise ConfigurationError(f"{where}, do: {exc}") from None


def _check_message(step: ExpectStep | NeverStep, versions: Iterable[Version], where: str) -> None:
    for version in versions:
        action = _check_action(step.subject, version, f"{where}, {step.key}")
        for name in ("where", "must", "capture"):
            fields = getattr(step, name, {})
            paths = fields.values() if name == "capture" else fields
            for path in paths:
                _check_path(step.subject, action, path, version, f"{where}, {name}")
    if step.by not in ("", "station", "csms"):
        raise ConfigurationError(f"{where}, by: station or csms is wanted, not {step.by!r}")
    _check_wanted(step.where, f"{where}, where")
    _check_wanted(getattr(step, "must", {}), f"{where}, must")


def _check_action(name: str, version: Version, where: str) -> str:
    """The action in this version."""
    neutral = MESSAGES.get(name)
    action = neutral.action(version) if neutral is not None else name
    if action in actions(version):
        return action
    others = [other.value for other in Version if other is not version and action in actions(other)]
    if others:
        raise ConfigurationError(
            f"{where}: OCPP {version} has no action {action}: say versions = {others}, or use a neutral name "
            f"({', '.join(MESSAGES)})"
        )
    known = [*MESSAGES, *actions(version)]
    hint = near_miss(name, known, "") if near_miss(name, known, "").startswith("did") else "see docs/scenarios.md"
    raise ConfigurationError(f"{where}: there is no message {name!r}; {hint}")


def _check_path(message: str, action: str, path: str, version: Version, where: str) -> None:
    neutral = MESSAGES.get(message)
    if neutral is not None and neutral.path(path, version) is not None:
        return
    first = re.split(r"[.\[]", path.removeprefix("answer."))[0]
    info = action_info(version, action)
    of_answer = path.startswith("answer.")
    kind = info.response if of_answer else info.request
    fields = kind.__struct_encode_fields__ if kind is not None else ()
    if first not in fields:
        what = "answer" if of_answer else "message"
        known = [*(neutral.fields if neutral is not None else ()), *fields]
        hint = near_miss(first, known, "there are")
        raise ConfigurationError(f"{where}: the {what} {action} of OCPP {version} has no field {first[:40]}; {hint}")


def _check_wanted(wanted: dict[str, Any], where: str) -> None:
    for field, value in wanted.items():
        for name in value if isinstance(value, dict) else ():
            if name not in CONDITIONS:
                hint = near_miss(name, list(CONDITIONS), "there are")
                raise ConfigurationError(f"{where}, {field}: there is no condition {name!r}; {hint}")


def _check_condition(step: WaitStep, where: str) -> None:
    found = STATION_CONDITIONS.get(step.wait_for)
    if found is None:
        hint = near_miss(step.wait_for, list(STATION_CONDITIONS), "there are")
        raise ConfigurationError(f"{where}, wait_for: there is no {step.wait_for!r}; {hint}")
    if found.judged and step.be is None:
        raise ConfigurationError(f"{where}, be: it is missing; say what {step.wait_for} must be")
    if not found.judged and step.be is not None:
        raise ConfigurationError(f"{where}, be: {step.wait_for} has no value; leave it out")
    _check_wanted({"be": step.be}, where)


def sender(action: str, version: Version, by: str) -> str:
    """Who sends it: ``station`` or ``csms``; ``by`` if it is said, or nobody knows."""
    if by:
        return by
    try:
        return "station" if action_info(version, action).sent_by(Role.CS) else "csms"
    except UnknownAction:
        return "station"
