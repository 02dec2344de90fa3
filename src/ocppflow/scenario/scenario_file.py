"""Reading a scenario: a TOML file, or a Python file with an async function; and those that are shipped."""

from __future__ import annotations

import importlib.util
import inspect
import tomllib
import traceback
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.scenario.answer_policies import AnswerPolicy
from ocppflow.scenario.scenario import Scenario, ScenarioHead
from ocppflow.scenario.step_checks import check_step, checked_variables
from ocppflow.scenario.steps import STEPS, RepeatStep, Step
from ocppflow.station.config_file import config_of, make_config
from ocppflow.station.line_faults import FaultPlan
from ocppflow.station.station_config import StationConfig
from ocppflow.station.toml_faults import near_miss, worded_fault

_LONGEST_FILE: Final = 1_000_000

SHIPPED: Final = (
    "blocked-card",
    "faulted-while-charging",
    "flapping-connection",
    "late-meter-values",
    "limit-while-charging",
    "offline-session",
    "power-cut-in-session",
    "reboot-while-pending",
    "remote-start-without-cable",
    "zombie-transaction",
)
"""Scenarios that come with ocppflow."""


def shipped_text(name: str) -> str:
    """The file of a shipped scenario, as it is."""
    return resources.files("ocppflow.scenario").joinpath("shipped", f"{name}.toml").read_text(encoding="utf-8")


def read_scenario(name: str) -> Scenario:
    """The scenario in a file (``.toml`` or ``.py``), or a shipped one. Raises ConfigurationError, one line: the file,
    the step, the key, what is wanted."""
    if name in SHIPPED:
        return parse_scenario(shipped_text(name), name)
    file = Path(name)
    if file.suffix not in (".toml", ".py"):
        raise ConfigurationError(
            f"there is no scenario {name!r}; {near_miss(name, SHIPPED, 'a file ends in .toml or .py, and shipped are')}"
        )
    try:
        raw = file.read_bytes()
    except OSError as exc:
        raise ConfigurationError(f"{file}: {exc.strerror or exc}") from None
    if len(raw) > _LONGEST_FILE:
        raise ConfigurationError(f"{file}: a scenario has at most {_LONGEST_FILE} bytes, not {len(raw)}")
    try:
        if file.suffix == ".py":
            return _from_python(file)
        return parse_scenario(raw.decode("utf-8"), file.stem)
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: the text is not UTF-8") from None
    except ConfigurationError as exc:
        raise ConfigurationError(f"{file}: {exc}") from None


def parse_scenario(text: str, name: str = "scenario") -> Scenario:
    """The scenario in TOML. Raises ConfigurationError: the step, the key, what is wanted."""
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise ConfigurationError(f"not TOML: {exc}") from None
    steps = content.pop("steps", [])
    head = _converted(content, ScenarioHead, _head_fields)
    station_config(head)
    if not isinstance(steps, list) or not steps:
        raise ConfigurationError("steps: there are none; a step begins with [[steps]]")
    made = tuple(_step(each, f"step {number}") for number, each in enumerate(steps, 1))
    checked_variables(head, made)
    for number, step in enumerate(made, 1):
        check_step(step, head, f"step {number}")
    return Scenario(name=name, head=head, steps=made)


def station_config(head: ScenarioHead, base: StationConfig | None = None) -> StationConfig:
    """The station's make-up: the scenario's own; or ``base``, with the variables that the scenario wants. Raises
    ConfigurationError."""
    table = dict(head.station)
    make = table.pop("make", None)
    try:
        own = config_of(table)
        if make is not None and base is None:
            base = make_config(str(make))
    except ConfigurationError as exc:
        raise ConfigurationError(f"station: {exc}") from None
    if base is None:
        return own
    changes: dict[str, Any] = {} if make is None else {name: getattr(own, name) for name in table}
    return msgspec.structs.replace(base, **{**changes, "variables": base.variables + own.variables})


# --- steps -----------------------------------------------------------------------------------------------------------


def _step(table: Any, where: str) -> Step:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where}: a table is wanted")
    keys = [key for key in STEPS if key in table]
    if not keys:
        unknown = next((key for key in table if key not in ("within", "versions", "note", "where", "must")), "")
        hint = near_miss(unknown, list(STEPS), "a step has one of")
        raise ConfigurationError(f"{where}: nothing says what kind of step it is; {hint}")
    if len(keys) > 1:
        raise ConfigurationError(f"{where}: it is {' and '.join(keys)} at once; make it {len(keys)} steps")
    kind = STEPS[keys[0]]
    if kind is RepeatStep:
        inner = table.get("steps")
        if not isinstance(inner, list) or not inner:
            raise ConfigurationError(f"{where}, steps: there are none; each begins with [[steps.steps]]")
        made = tuple(_step(each, f"{where}.{number}") for number, each in enumerate(inner, 1))
        repeat: RepeatStep = _converted({**table, "steps": []}, RepeatStep, kind.__struct_fields__, where)
        repeat.steps = made
        return repeat
    step: Step = _converted(table, kind, kind.__struct_fields__, where)
    return step


def _converted(content: dict[str, Any], kind: type[Any], fields: Any, where: str = "") -> Any:
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as exc:
        at = fields if callable(fields) else lambda _: fields
        said = worded_fault(str(exc), at, _choices)
        raise ConfigurationError(f"{where}, {said}" if where else said) from None


def _head_fields(path: str) -> tuple[str, ...]:
    if path.startswith("answers["):
        return AnswerPolicy.__struct_fields__
    if path == "faults":
        return FaultPlan.__struct_fields__
    return (*ScenarioHead.__struct_fields__, "steps")


def _choices(path: str) -> list[str]:
    if "versions" in path:
        return [version.value for version in Version]
    return ["stopped", "connected", "registered"]


# --- Python ----------------------------------------------------------------------------------------------------------


def _from_python(file: Path) -> Scenario:
    """``async def scenario(play)``, whose docstring's first line is the title; what else a head has are variables of
    the module, such as ``versions``."""
    module = _imported(file)
    run = getattr(module, "scenario", None)
    if not inspect.iscoroutinefunction(run):
        raise ConfigurationError("it has no `async def scenario(play)`")
    title, _, proves = (inspect.getdoc(run) or file.stem).partition("\n")
    named = {
        name: getattr(module, name)
        for name in ("versions", "begin", "variables", "station", "answers", "faults")
        if hasattr(module, name)
    }
    head = _converted({"title": title, "proves": proves.strip(), **named}, ScenarioHead, _head_fields)
    station_config(head)
    return Scenario(name=file.stem, head=head, run=run)


def _imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"ocppflow_scenario_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigurationError("it cannot be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as exc:
        raise ConfigurationError(f"line {exc.lineno}: {exc.msg}") from None
    except Exception as exc:
        lines = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == str(file)]
        raise ConfigurationError(f"line {lines[-1] if lines else '?'}: {type(exc).__name__}: {exc}") from None
    return module
