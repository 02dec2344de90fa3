"""How much energy a transaction took: a named table of rules over its readings. Pure functions.

Registers of lifetime, registers that begin anew with each session, registers that fall back or stand at 0 where they
were not read, sums of intervals, and power over time as the last resort.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from ocppflow.csms.books.readings import BEGIN, END, Reading

HIGHEST_POWER: Final = 1_000_000.0
"""W; the default of ``[books] highest_power``."""

_LEAP: Final = 250_000.0
"""Wh in one step from a register that stood at 0: no battery takes so much between two readings."""

_WELL_BELOW: Final = 3.0
"""How many times what was drawn elsewhere one step may be, for a start without connection."""

_ROUNDING: Final = 50.0
"""Wh that a register may fall without having been reset: meterStop is rounded, and samples come after the end."""

_SLACK: Final = 120.0
"""Seconds by which clocks of two readings may be apart."""

_BRIDGED: Final = 3600.0
"""Seconds between two readings of power beyond which nothing is known."""


class Energy(Struct, frozen=True):
    """What a transaction took, in Wh, None if nothing tells; ``source`` names the rule that told it. ``start_wh`` and
    ``end_wh`` are of the register, where it is one that rises from one to the other. ``doubts``: for whoever looks."""

    energy_wh: float | None
    source: str
    start_wh: float | None = None
    end_wh: float | None = None
    doubts: tuple[str, ...] = ()


class RegisterStep(Struct, frozen=True):
    """One reading of the register."""

    at: datetime
    wh: float
    context: str


class _Facts(Struct):
    readings: list[Reading]
    steps: list[RegisterStep]
    parts: list[list[RegisterStep]]
    highest: float
    is_offline_start: bool


def energy_of(
    readings: Sequence[Reading], *, highest_power: float = HIGHEST_POWER, is_offline_start: bool = False
) -> Energy:
    """By the first rule of RULES that can tell. ``readings`` in the order of the books; those of the transaction's
    begin go first and of its end last, the others by their time. ``highest_power`` in W: a register that rises faster
    is not believed. ``is_offline_start``: the transaction began while the station had no connection, when its meter
    may not have been read."""
    ordered = sorted(readings, key=lambda each: (_rank(each.context), each.timestamp))
    steps = _register(ordered)
    facts = _Facts(ordered, steps, [], highest_power, is_offline_start)
    facts.parts = _parts(facts, steps)
    for _, rule in RULES:
        if (energy := rule(facts)) is not None:
            return energy
    return Energy(None, "none")


def _rank(context: str) -> int:
    return 0 if context == BEGIN else 2 if context == END else 1


def _register(ordered: Sequence[Reading]) -> list[RegisterStep]:
    """The register's course. A begin that was only told later counts where there is no other; a 0 between two equal or
    rising values is a meter that did not answer."""
    steps = [RegisterStep(each.timestamp, wh, each.context) for each in ordered if (wh := each.register_wh) is not None]
    begun = [each for each in ordered if each.begin_wh is not None]
    if begun and (not steps or steps[0].context != BEGIN):
        first = begun[0]
        steps.insert(0, RegisterStep(first.timestamp, first.begin_wh or 0.0, BEGIN))
    kept: list[RegisterStep] = []
    for index, step in enumerate(steps):
        if step.wh == 0 and kept and kept[-1].wh > 0:
            after = next((each for each in steps[index:] if each.wh > 0), None)
            if (after is not None and after.wh >= kept[-1].wh) or (after is None and step.context == END):
                continue
        kept.append(step)
    return kept


# --- parts in which the register rises as a register does --------------------------------------------------------


def _parts(facts: _Facts, steps: Sequence[RegisterStep]) -> list[list[RegisterStep]]:
    """The course, cut where the register fell, or rose faster than energy can flow. One reading astray between two that
    go on from one another is left out."""
    parts: list[list[RegisterStep]] = []
    index = 0
    while index < len(steps):
        step = steps[index]
        if parts and _follows(facts, parts[-1][-1], step):
            parts[-1].append(step)
        elif parts and index + 1 < len(steps) and _is_astray(facts, parts[-1][-1], step, steps[index + 1]):
            parts[-1].append(steps[index + 1])
            index += 1
        else:
            parts.append([step])
        index += 1
    return parts


def _follows(facts: _Facts, one: RegisterStep, other: RegisterStep) -> bool:
    rise = other.wh - one.wh
    if rise < 0:
        return -rise <= min(_ROUNDING, one.wh / 2)
    return rise <= _most(facts.highest, one.at, other.at) and not (one.wh == 0 and rise > _LEAP)


def _most(power: float, since: datetime, until: datetime) -> float:
    """Wh that may flow between two moments."""
    return power * (max((until - since).total_seconds(), 0.0) + _SLACK) / 3600


def _is_astray(facts: _Facts, before: RegisterStep, step: RegisterStep, after: RegisterStep) -> bool:
    return (
        step.context not in (BEGIN, END) and _follows(facts, before, after) and not _follows(facts, step, after)
    )  # fmt: skip


def _rise(part: Sequence[RegisterStep]) -> float:
    return max(part[-1].wh - part[0].wh, 0.0)


def _risen(energy: float, source: str, part: Sequence[RegisterStep], *doubts: str) -> Energy:
    return Energy(round(energy, 3), source, part[0].wh, part[-1].wh, doubts)


# --- the rules ---------------------------------------------------------------------------------------------------


def _placeholder_zero(facts: _Facts) -> Energy | None:
    """The register stood at 0 at the begin because it was not read, and then at what it really is."""
    steps = facts.steps
    if len(steps) < 2 or steps[0].wh != 0:
        return None
    real = next((index for index, step in enumerate(steps) if step.wh > 0), None)
    if real is None or not _is_unbelievable(facts, steps[0], real):
        return None
    parts = _parts(facts, steps[real:])
    doubt = f"the register was 0 at the start and then {steps[real].wh:.0f} Wh, from where it counts"
    return _risen(sum(map(_rise, parts)), "placeholder-zero", steps[real:], doubt)


def _is_unbelievable(facts: _Facts, zero: RegisterStep, real: int) -> bool:
    step = facts.steps[real]
    if not _follows(facts, zero, step):
        return True
    if not facts.is_offline_start or (usual := _usual_power(facts, real)) is None:
        return False
    return step.wh > max(1000.0, _WELL_BELOW * _most(usual, zero.at, step.at))


def _usual_power(facts: _Facts, real: int) -> float | None:
    """W at most, of what was drawn after the register had been read."""
    rest = facts.steps[real:]
    rates = [
        max(other.wh - one.wh, 0.0) * 3600 / seconds
        for one, other in itertools.pairwise(rest)
        if (seconds := (other.at - one.at).total_seconds()) >= 1
    ]
    rates += [power for reading in facts.readings if (power := reading.power_w) is not None]
    return max(rates, default=None)


def _lifetime_register(facts: _Facts) -> Energy | None:
    """End less start, of a register that rises from one to the other."""
    if len(facts.parts) != 1 or len(facts.parts[0]) < 2 or facts.parts[0][0].wh == 0:
        return None
    return _risen(_rise(facts.parts[0]), "register", facts.parts[0])


def _session_register(facts: _Facts) -> Energy | None:
    """A register that is 0 when a transaction begins: what it says last. Also where the begin was told by the lifetime
    register and the samples come from that of the session."""
    parts = facts.parts
    if len(parts) == 1 and len(parts[0]) > 1 and parts[0][0].wh == 0:
        return _risen(_rise(parts[0]), "session-register", parts[0])
    if len(parts) != 2 or len(parts[0]) != 1 or parts[0][0].context != BEGIN:
        return None
    begin, first, last = parts[0][0], parts[1][0], parts[1][-1]
    if last.wh >= begin.wh or first.wh > _most(_usual(facts), begin.at, first.at):
        return None
    return _risen(last.wh, "session-register", parts[1], "the register fell to 0 when the transaction began")


def _usual(facts: _Facts) -> float:
    found = _usual_power(facts, 1)
    return facts.highest if not found else min(facts.highest, _WELL_BELOW * found)


def _two_registers(facts: _Facts) -> Energy | None:
    """Start and end are of the lifetime register, and what comes between of another one: end less start."""
    steps = facts.steps
    if len(steps) < 3 or steps[0].context != BEGIN or steps[-1].context != END or steps[0].wh == 0:
        return None
    between = _parts(facts, steps[1:-1])
    ends_agree = steps[-1].wh >= steps[0].wh and _follows(facts, steps[0], steps[-1])
    if not ends_agree or len(between) != 1 or _follows(facts, steps[0], between[0][0]):
        return None
    return _risen(_rise([steps[0], steps[-1]]), "register", [steps[0], steps[-1]], "samples are of another register")


def _rising_parts(facts: _Facts) -> Energy | None:
    """The register jumped (a reset, another meter): the sum of what it rose by between the jumps."""
    if len(facts.parts) < 2:
        return None
    jumps = "; ".join(f"{one[-1].wh:.0f} to {two[0].wh:.0f} Wh" for one, two in zip(facts.parts, facts.parts[1:]))  # noqa: B905
    return Energy(round(sum(map(_rise, facts.parts)), 3), "rising-parts", doubts=(f"the register jumped: {jumps}",))


def _intervals(facts: _Facts) -> Energy | None:
    """The sum of the energies of intervals, each once."""
    told = {reading.timestamp: wh for reading in facts.readings if (wh := reading.interval_wh) is not None}
    if not told:
        return None
    return Energy(round(sum(max(wh, 0.0) for wh in told.values()), 3), "intervals")


def _power_over_time(facts: _Facts) -> Energy | None:
    """Power times time, between readings that are near each other."""
    told = [(each.timestamp, max(power, 0.0)) for each in facts.readings if (power := each.power_w) is not None]
    told.sort()
    energy, gaps = 0.0, 0
    for (one, before), (other, after) in itertools.pairwise(told):
        seconds = (other - one).total_seconds()
        if seconds > _BRIDGED:
            gaps += 1
        else:
            energy += min((before + after) / 2, facts.highest) * seconds / 3600
    if len(told) < 2:
        return None
    doubts = ("power over time, for want of a register",)
    return Energy(round(energy, 3), "power", doubts=doubts + ((f"{gaps} gaps count nothing",) if gaps else ()))


def _one_reading(facts: _Facts) -> Energy | None:
    """One reading of the register alone: how far it has risen is not known, unless the transaction has only begun."""
    if len(facts.steps) != 1:
        return None
    only = facts.steps[0]
    return Energy(0.0, "register", only.wh, only.wh, ("there is one reading of the register only",))


RULES: Final[tuple[tuple[str, Callable[[_Facts], Energy | None]], ...]] = (
    ("a zero at the start that was not measured", _placeholder_zero),
    ("a lifetime register: end less start", _lifetime_register),
    ("start and end of one register, samples of another", _two_registers),
    ("a register that begins at 0 with each session", _session_register),
    ("a register that jumps: the sum of rising parts", _rising_parts),
    ("energies of intervals, summed", _intervals),
    ("power over time", _power_over_time),
    ("one reading only", _one_reading),
)
"""What a rule is for, and the rule; the first that can tell counts."""
