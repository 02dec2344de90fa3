"""Quotas: who may say how much, so that nobody fills a log and nobody who is noisy hides the others.

One idea, used wherever a peer decides how often something is told: by the loggers (``log_budget.py``), for refusals,
and in the log of ``ocppflow csms``.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

MOST_SUBJECTS: Final = 8192
"""Subjects that are counted one by one in a period, a few hundred bytes each; all others share one count."""

BURST: Final = 10.0
"""Seconds' worth of the common supply that may be told at once, after a quiet time."""


class Tally:
    """One subject in one period: how often it came, how often it was left out, and room for an example of that."""

    __slots__ = ("came", "example", "left_out")

    def __init__(self) -> None:
        self.came = 0
        self.left_out = 0
        self.example: Any = None


class Quotas:
    """In each ``period`` (s) a subject may be told of ``each`` times, and all of them ``per_second`` times a second in
    the long run. 0 switches either bound off.

    The common supply is shared fairly: its upper half is for everybody; then what is not ``urgent`` has to wait; the
    last quarter is for subjects that have not been told of in this period, so that one, or a few, who are noisy cannot
    hide others. What is left out is counted, to be told at the end of the period. Time is an argument.
    """

    __slots__ = ("_began", "_supplied_at", "_supply", "_tallies", "each", "per_second", "period")

    def __init__(self, each: int, per_second: float, period: float) -> None:
        self.each = each
        self.per_second = per_second
        self.period = period
        self._tallies: dict[Hashable, Tally] = {}
        self._began = 0.0
        self._supply: float | None = None  # None: full
        self._supplied_at = 0.0

    def tally(self, subject: Hashable, now: float, *, urgent: bool = True) -> Tally | None:
        """None if ``subject`` may be told of; else what counts it, which is one more already."""
        tallies = self._tallies
        if not tallies:
            self._began = now
        tally = tallies.get(subject)
        if tally is None:
            tally = tallies.setdefault(subject if len(tallies) < MOST_SUBJECTS else None, Tally())
        first = not tally.came
        tally.came += 1
        if (not self.each or tally.came <= self.each) and self._spend(now, first=first, urgent=urgent):
            return None
        tally.left_out += 1
        return tally

    def _spend(self, now: float, *, first: bool, urgent: bool) -> bool:
        if not self.per_second:
            return True
        full = max(1.0, self.per_second * BURST)
        gained = max(0.0, now - self._supplied_at) * self.per_second
        supply = full if self._supply is None else min(full, self._supply + gained)
        self._supply, self._supplied_at = supply, now
        kept = 0.5 if not urgent else 0.0 if first else 0.25
        if supply < max(1.0, kept * full):
            return False
        self._supply = supply - 1
        return True

    @property
    def ends_at(self) -> float | None:
        """When the period is over; None before anything came."""
        return self._began + self.period if self._tallies else None

    def is_over(self, now: float) -> bool:
        """Whether the period has ended; also if the clock went back."""
        return bool(self._tallies) and not 0 <= now - self._began < self.period

    def end(self) -> dict[Hashable, Tally]:
        """End the period: what was left out, by subject; None stands for the subjects that were not counted one by
        one."""
        ended = {subject: tally for subject, tally in self._tallies.items() if tally.left_out}
        self._tallies.clear()
        return ended

    def refill(self) -> None:
        """Let the common supply be full."""
        self._supply = None
