"""Latencies, counted in buckets that grow with them: small, quick to add to, and good to a few percent at any size."""

from __future__ import annotations

import math
from array import array
from typing import Final

_SMALLEST: Final = 1e-4
"""Seconds: what is faster counts as this fast."""

_GROWTH: Final = 1.05
"""Each bucket is 5 percent wider than the one before: that is how exact a percentile is."""

_BUCKETS: Final = math.ceil(math.log(1e7) / math.log(_GROWTH))
"""Up to 1,000 seconds."""


class Latencies:
    """How many answers took how long. Percentiles are those of the bucket's upper end, so never too good."""

    __slots__ = ("_counts", "count", "longest", "total")

    def __init__(self) -> None:
        self._counts = array("L", bytes(array("L").itemsize * _BUCKETS))
        self.count = 0
        """How many there are."""
        self.total = 0.0
        """Seconds, all together."""
        self.longest = 0.0
        """Seconds."""

    def add(self, seconds: float) -> None:
        """Count one."""
        self.count += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)
        bucket = 0 if seconds <= _SMALLEST else math.ceil(math.log(seconds / _SMALLEST) / math.log(_GROWTH))
        self._counts[min(bucket, _BUCKETS - 1)] += 1

    def merge(self, other: Latencies) -> None:
        """Count all of the other's as well."""
        self.count += other.count
        self.total += other.total
        self.longest = max(self.longest, other.longest)
        for bucket, count in enumerate(other._counts):
            if count:
                self._counts[bucket] += count

    def percentile(self, percent: float) -> float:
        """Seconds within which this share of the answers came; 0 if there were none."""
        wanted = math.ceil(self.count * percent / 100)
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_SMALLEST * _GROWTH**bucket, self.longest)
        return self.longest

    @property
    def mean(self) -> float:
        """Seconds; 0 if there were none."""
        return self.total / self.count if self.count else 0.0
