"""ElectricVehicle: what is known of a simulated EV, and how its battery fills."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import msgspec

from ocppflow.errors import ConfigurationError

_HOUR = 3600.0

TAPER = ((0.0, 0.85), (10.0, 1.0), (55.0, 1.0), (80.0, 0.45), (100.0, 0.04))
"""A common shape: cold at the bottom, constant to the middle, and slower and slower towards the top."""


class ElectricVehicle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A simulated EV as it arrives. What it draws is the least of what is offered, what its charger can take, and what
    its battery takes at this state of charge. Raises ConfigurationError, naming the field, for what cannot be."""

    capacity: float = 60_000.0
    """Wh."""
    soc: float = 40.0
    """Percent, on arrival."""
    target_soc: float = 100.0
    """Percent at which it asks for no more."""
    wants: float | None = None
    """Wh from the station after which it asks for no more, if that comes first."""
    phases: int = 3
    max_amps: float = 16.0
    """Per phase, AC."""
    min_amps: float = 6.0
    """Offered less, AC, it pauses (IEC 61851-1)."""
    max_watts: float = 100_000.0
    """Into the battery, at the best state of charge."""
    curve: tuple[tuple[float, float], ...] = TAPER
    """(percent, share of ``max_watts``), with straight lines between; from 0 to 100 percent."""
    voltage: float = 400.0
    """Of the battery, for DC."""
    efficiency: float = 0.92
    """What arrives in the battery of what the meter has counted."""
    reaction: float = 0.5
    """Seconds until it obeys a new offer, or draws after the contactor has closed. IEC 61851-1 allows 5."""
    ready_after: float = 0.0
    """Seconds after it was plugged in until it asks for energy: a timer in the car."""
    feeds_back: float = 0.0
    """W that it can give back at most, for an offer below zero."""
    tells_soc: bool = True
    """Whether it tells the station its state of charge: over DC or ISO 15118."""

    def __post_init__(self) -> None:
        ranges = (
            ("capacity", 1.0, 2e6),
            ("soc", 0.0, 100.0),
            ("target_soc", 0.0, 100.0),
            ("phases", 1, 3),
            ("max_amps", 0.1, 1000.0),
            ("min_amps", 0.0, 1000.0),
            ("max_watts", 1.0, 5e6),
            ("voltage", 1.0, 2000.0),
            ("efficiency", 0.1, 1.0),
            ("reaction", 0.0, 60.0),
            ("ready_after", 0.0, 1e7),
            ("feeds_back", 0.0, 5e6),
        )
        for name, low, high in ranges:
            if not low <= getattr(self, name) <= high:
                raise ConfigurationError(f"an EV's {name} is from {low:g} to {high:g}, not {getattr(self, name):g}")
        if self.wants is not None and not 0 <= self.wants < math.inf:
            raise ConfigurationError(f"an EV's wants is Wh, 0 or more, not {self.wants:g}")
        _check_curve(self.curve)


def _check_curve(curve: tuple[tuple[float, float], ...]) -> None:
    rises = all(before[0] < after[0] for before, after in pairwise(curve))
    if len(curve) < 2 or curve[0][0] != 0 or curve[-1][0] != 100 or not rises:
        raise ConfigurationError("an EV's curve begins at 0 percent, ends at 100, and rises in between")
    if not all(0 < share <= 1 for _, share in curve):
        raise ConfigurationError("the shares in an EV's curve are above 0, and at most 1")


class _Piece(NamedTuple):
    """A stretch of filling over which the power into the battery changes evenly with what is in it."""

    start: float
    """Wh in the battery."""
    end: float
    power: float
    """W at the start."""
    slope: float
    """W for each Wh."""

    @property
    def seconds(self) -> float:
        if not self.slope:
            return (self.end - self.start) * _HOUR / self.power
        return _HOUR / self.slope * math.log1p(self.slope * (self.end - self.start) / self.power)

    def after(self, seconds: float) -> float:
        if not self.slope:
            return self.start + self.power * seconds / _HOUR
        return self.start + self.power / self.slope * math.expm1(self.slope * seconds / _HOUR)


class Battery:
    """How the battery of one EV fills and empties. All is exact for any stretch of time: the power is a straight line
    over the state of charge, piece by piece, so that its integral is a sum of exponentials.

    ``grid`` is W at the meter, from the station into the EV if positive. ``content`` is Wh."""

    __slots__ = ("ceiling", "ev")

    def __init__(self, ev: ElectricVehicle, ceiling: float | None = None) -> None:
        self.ev = ev
        wanted = ev.capacity * ev.target_soc / 100
        if ev.wants is not None:
            wanted = min(wanted, self.arrived + ev.wants * ev.efficiency)
        self.ceiling = wanted if ceiling is None else ceiling
        """Wh at which it is done."""

    @property
    def arrived(self) -> float:
        """What was in it on arrival."""
        return self.ev.capacity * self.ev.soc / 100

    @property
    def floor(self) -> float:
        """It gives nothing back below this."""
        return min(self.ev.capacity / 5, self.arrived)

    def takes(self, content: float) -> float:
        """W into the battery at most."""
        percent = content * 100 / self.ev.capacity
        for (low, share), (high, next_share) in pairwise(self.ev.curve):
            if percent <= high:
                return self.ev.max_watts * (share + (next_share - share) * (percent - low) / (high - low))
        return self.ev.max_watts * self.ev.curve[-1][1]

    def power(self, content: float, grid: float) -> float:
        """W at the meter while ``grid`` is allowed."""
        if grid > 0:
            return 0.0 if content >= self.ceiling else min(grid, self.takes(content) / self.ev.efficiency)
        return 0.0 if content <= self.floor else max(grid, -self.ev.feeds_back)

    def after(self, content: float, seconds: float, grid: float) -> float:
        """What is in it after so many seconds."""
        if grid <= 0:
            drained = -self.power(content, grid) / self.ev.efficiency * seconds / _HOUR
            return max(min(self.floor, content), content - drained)
        for piece in self._pieces(content, grid * self.ev.efficiency):
            taken = piece.seconds
            if seconds < taken:
                return min(piece.end, piece.after(seconds))
            seconds -= taken
            content = piece.end
        return content

    def seconds_until_done(self, content: float, grid: float) -> float:
        """Until it asks for no more; infinite if that is not how it ends."""
        if grid <= 0:
            return math.inf
        return sum(piece.seconds for piece in self._pieces(content, grid * self.ev.efficiency))

    def _pieces(self, content: float, limit: float) -> Iterator[_Piece]:
        """From ``content`` to the ceiling, with at most ``limit`` W into the battery."""
        capacity = self.ev.capacity
        for (low, share), (high, next_share) in pairwise(self.ev.curve):
            start, end = low * capacity / 100, high * capacity / 100
            first, last = share * self.ev.max_watts, next_share * self.ev.max_watts
            slope = (last - first) / (end - start)
            edges = [start, end]
            if min(first, last) < limit < max(first, last):
                edges.insert(1, start + (limit - first) / slope)
            for a, b in pairwise(edges):
                a, b = max(a, content), min(b, self.ceiling)
                if a < b:
                    at_a, middle = first + slope * (a - start), first + slope * ((a + b) / 2 - start)
                    is_free = middle < limit and slope != 0
                    yield _Piece(a, b, at_a if is_free else min(limit, middle), slope if is_free else 0.0)
