"""What was measured: figures with their spread, and the targets that they are held against."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Figure:
    """A quantity of one contender over all rounds."""

    contender: str
    unit: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.values), max(self.values)


@dataclass(slots=True)
class Ratio:
    """Ours against a peer's. Taken within each round, whose parts ran one after the other, so that whatever else the
    machine did meanwhile weighs on both; then the median over the rounds. ``most`` or ``least`` is the target."""

    text: str
    values: list[float]
    most: float | None = None
    least: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def target(self) -> str:
        if self.most is not None:
            return f"≤ {self.most:.3g}"
        return f"≥ {self.least:.3g}" if self.least is not None else ""

    @property
    def reached(self) -> bool | None:
        """None if there is no target."""
        if self.most is not None:
            return self.median <= self.most
        return None if self.least is None else self.median >= self.least


@dataclass(slots=True)
class Measured:
    """One row group of the report: a title, figures per contender, ratios, and what to know about them."""

    title: str
    figures: list[Figure]
    ratios: list[Ratio] = field(default_factory=list)
    note: str = ""


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Round by round."""
    return [a / b for a, b in zip(above, below, strict=True)]
