"""What blocks have to do with variables: react to a new value, refuse one, tell one that is nowhere kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ocppflow.station.device_model.declaration import VariableKey
from ocppflow.station.device_model.value_rules import Refusal

Reaction = Callable[[Any, VariableKey, str], None]
"""``reaction(station, key, value)``: called after an Actual value has changed, whoever changed it."""

Checker = Callable[[Any, VariableKey, str], Refusal | str | None]
"""``checker(station, key, value)``: called before a CSMS's value is taken, once its type, limits and list of values are
in order. None takes it; a Refusal, or a text for a person, does not."""

Teller = Callable[[Any, VariableKey], str | None]
"""``teller(station, key)``: the Actual value now."""

REACTIONS: dict[tuple[str, str], list[Reaction]] = {}
CHECKERS: dict[tuple[str, str], list[Checker]] = {}
TELLERS: dict[tuple[str, str], Teller] = {}


def on_change(component: str, variable: str) -> Callable[[Reaction], Reaction]:
    """Decorator for a function of a block that has to do something when a variable gets a new value."""

    def register(reaction: Reaction) -> Reaction:
        REACTIONS.setdefault((component, variable), []).append(reaction)
        return reaction

    return register


def checked(component: str, variable: str) -> Callable[[Checker], Checker]:
    """Decorator for a function of a block that may refuse what a CSMS wants to set."""

    def register(checker: Checker) -> Checker:
        CHECKERS.setdefault((component, variable), []).append(checker)
        return checker

    return register


def told(component: str, variable: str) -> Callable[[Teller], Teller]:
    """Decorator for the function that tells the value of a variable that is declared without one, as long as none has
    been set: the time of day, for example."""

    def register(teller: Teller) -> Teller:
        TELLERS[component, variable] = teller
        return teller

    return register
