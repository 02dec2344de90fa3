"""The scenarios: one async function for each official test case, registered by its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable
from fnmatch import fnmatchcase
from functools import cache
from typing import Final, NamedTuple

from ocppflow.check.trial import Trial
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version

Scenario = Callable[[Trial], Awaitable[None]]

TWO: Final = (Version.V201, Version.V21)


class CheckCase(NamedTuple):
    """One scenario. ``requirements`` are those that the official case names."""

    id: str
    title: str
    requirements: tuple[str, ...]
    versions: tuple[Version, ...]
    scenario: Scenario
    security_profiles: tuple[int, ...] = ()
    """At which it can be carried out; empty: at any."""

    @property
    def block(self) -> str:
        """The letter of its functional block."""
        return self.id.split("_")[1]


_CASES: dict[tuple[str, Version], CheckCase] = {}


def station_case(
    *requirements: str, versions: Iterable[Version] = TWO, security_profiles: Iterable[int] = ()
) -> Callable[[Scenario], Scenario]:
    """Decorator: a scenario for stations. Its function's name is the case's id, the first line of its docstring the
    title; ``requirements`` are the ids that the case names. ``versions``: where the texts differ, write one for each.
    ``security_profiles``: for a station that is connected by one of these.

    Raises ConfigurationError if there is one of that name and version already."""

    def register(scenario: Scenario) -> Scenario:
        name = scenario.__name__
        title = (scenario.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        case_id, wanted = name.removesuffix("_16").removesuffix("_21"), tuple(security_profiles)
        case = CheckCase(case_id, title, requirements, tuple(versions), scenario, wanted)
        for version in case.versions:
            if (case.id, version) in _CASES:
                raise ConfigurationError(f"{case.id} is written twice for OCPP {version}")
            _CASES[case.id, version] = case
        return scenario

    return register


@cache
def station_cases() -> dict[tuple[str, Version], CheckCase]:
    """All scenarios for stations, by id and version."""
    package = importlib.import_module("ocppflow.check.station")
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_CASES.items()))


def wanted_case(case_id: str, only: Iterable[str], blocks: Iterable[str]) -> bool:
    """Whether a case is among those asked for, by patterns such as ``TC_B_*`` and by letters of blocks."""
    only, blocks = list(only), {block.upper() for block in blocks}
    if only and not any(fnmatchcase(case_id, pattern) or fnmatchcase(case_id, f"{pattern}_CS") for pattern in only):
        return False
    return not blocks or case_id.split("_")[1] in blocks
