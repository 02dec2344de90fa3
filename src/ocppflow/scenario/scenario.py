"""Scenario: what a station does against a CSMS, and what has to come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ocppflow.messages import Version
from ocppflow.scenario.answer_policies import AnswerPolicy
from ocppflow.scenario.steps import Step
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.station.line_faults import FaultPlan

if TYPE_CHECKING:
    from ocppflow.scenario.play import Play

Begin = Literal["stopped", "connected", "registered"]
Value = str | int | float | bool


class ScenarioHead(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A scenario's file, but for its steps."""

    __repr__ = discreet_repr

    title: str
    """One line."""
    proves: str = ""
    """What is known of a CSMS with which it passes."""
    versions: tuple[Version, ...] = (Version.V21, Version.V201, Version.V16)
    """Of OCPP, in which it can be played."""
    begin: Begin = "registered"
    """How the station stands before the first step: ``registered`` (the CSMS has accepted it), ``connected``, or
    ``stopped`` (``do = "online"`` connects it)."""
    variables: dict[str, Value] = {}
    """By name, used as ``$name``; ``ocppflow run --set name=value`` gives other values."""
    station: dict[str, Any] = {}
    """The station's make-up, as in its own file; ``make`` names a shipped one to begin from."""
    faults: FaultPlan = FaultPlan()
    """What goes wrong on the line, as in ``ocppflow station --faults``."""
    answers: list[AnswerPolicy] = []
    """How the station answers from the beginning, as in the step ``answer``."""


class Scenario(msgspec.Struct, kw_only=True):
    """A scenario that has been read. ``run`` is that of a scenario in Python, which has no ``steps``."""

    name: str
    head: ScenarioHead
    steps: tuple[Step, ...] = ()
    run: Callable[[Play], Awaitable[object]] | None = None

    @property
    def title(self) -> str:
        """One line."""
        return self.head.title


def filled(value: Any, variables: dict[str, Any]) -> Any:
    """``value`` with the variables' values in it, in texts, lists and tables. A text that is nothing but ``$name``
    becomes the value itself; ``$$`` is a ``$``. Raises KeyError for an unknown name."""
    if isinstance(value, str):
        return _filled_text(value, variables) if "$" in value else value
    if isinstance(value, list):
        return [filled(each, variables) for each in value]
    if isinstance(value, dict):
        return {name: filled(each, variables) for name, each in value.items()}
    return value


def _filled_text(text: str, variables: dict[str, Any]) -> Any:
    parts: list[str] = []
    place = 0
    while (mark := text.find("$", place)) >= 0:
        parts.append(text[place:mark])
        end = mark + 1
        if text.startswith("$", end):
            parts.append("$")
            place = end + 1
            continue
        while end < len(text) and (text[end].isalnum() or text[end] == "_"):
            end += 1
        value = variables[text[mark + 1 : end]]
        if mark == 0 and end == len(text):
            return value
        parts.append(str(value))
        place = end
    return "".join([*parts, text[place:]])
