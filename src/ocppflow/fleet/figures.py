"""Figures: what a fleet has measured, per action and over time."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from ocppflow.errors import CallTimeout, ConnectionLost, NotConnected, OCPPError, RemoteCallError
from ocppflow.fleet.latencies import Latencies

_MOST_SPANS: Final = 600
"""Points of a plot: when there are more, two and two become one, so that a week needs no more room than a minute."""


class ActionFigures:
    """Of one action: what was sent, and what became of it."""

    __slots__ = ("errors", "latencies")

    def __init__(self) -> None:
        self.latencies = Latencies()
        """Of what was answered with a response."""
        self.errors: Counter[str] = Counter()
        """Kind of failure -> how often."""

    @property
    def failed(self) -> int:
        """How many got no response."""
        return self.errors.total()


class TimeSpan:
    """What happened in one stretch of time."""

    __slots__ = ("answered", "connected", "failed", "latencies")

    def __init__(self) -> None:
        self.answered = 0
        self.failed = 0
        self.connected = 0
        """Stations, at its end."""
        self.latencies = Latencies()

    def merge(self, later: TimeSpan) -> None:
        """Let the next one be part of this."""
        self.answered += later.answered
        self.failed += later.failed
        self.connected = later.connected or self.connected
        self.latencies.merge(later.latencies)


class Figures:
    """All of it. Times are in the clock's seconds, from ``began`` on."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.span_seconds = 1.0
        """How long a span is; doubles when there are too many."""
        self.actions: dict[str, ActionFigures] = {}
        self.spans: list[TimeSpan] = []
        self.counts: Counter[str] = Counter()
        """What happened otherwise: ``connected``, ``lost``, ``refused``, ``sessions``, ``transactions`` ..."""

    def answered(self, action: str, latency: float, now: float) -> None:
        """A call was answered after ``latency`` seconds."""
        self._of(action).latencies.add(latency)
        span = self.span(now)
        span.answered += 1
        span.latencies.add(latency)

    def failed(self, action: str, error: BaseException, now: float) -> None:
        """A call got no response."""
        self._of(action).errors[failure_name(error)] += 1
        self.span(now).failed += 1

    def _of(self, action: str) -> ActionFigures:
        figures = self.actions.get(action)
        if figures is None:
            figures = self.actions[action] = ActionFigures()
        return figures

    def span(self, now: float) -> TimeSpan:
        """The stretch of time that ``now`` is in."""
        index = int(max(0.0, now - self.began) / self.span_seconds)
        while index >= _MOST_SPANS:
            self._halve()
            index = int(max(0.0, now - self.began) / self.span_seconds)
        while len(self.spans) <= index:
            self.spans.append(TimeSpan())
        return self.spans[index]

    def _halve(self) -> None:
        self.span_seconds *= 2
        pairs = [self.spans[index : index + 2] for index in range(0, len(self.spans), 2)]
        for pair in pairs:
            if len(pair) == 2:
                pair[0].merge(pair[1])
        self.spans = [pair[0] for pair in pairs]

    @property
    def latencies(self) -> Latencies:
        """Of all actions together."""
        together = Latencies()
        for figures in self.actions.values():
            together.merge(figures.latencies)
        return together

    def as_data(self) -> dict[str, Any]:
        """For JSON. Seconds are seconds, latencies milliseconds."""
        return {
            "actions": {
                action: {
                    **latencies_as_data(figures.latencies),
                    "failed": figures.failed,
                    "failures": dict(figures.errors),
                }
                for action, figures in sorted(self.actions.items())
            },
            "spanSeconds": self.span_seconds,
            "spans": [
                {
                    "answeredPerSecond": round(span.answered / self.span_seconds, 3),
                    "failed": span.failed,
                    "connected": span.connected,
                    "p50Ms": milliseconds(span.latencies.percentile(50)),
                    "p95Ms": milliseconds(span.latencies.percentile(95)),
                    "p99Ms": milliseconds(span.latencies.percentile(99)),
                }
                for span in self.spans
            ],
            "counts": dict(self.counts),
        }


def latencies_as_data(latencies: Latencies) -> dict[str, Any]:
    """The usual figures of some latencies."""
    return {
        "answered": latencies.count,
        "meanMs": milliseconds(latencies.mean),
        "p50Ms": milliseconds(latencies.percentile(50)),
        "p95Ms": milliseconds(latencies.percentile(95)),
        "p99Ms": milliseconds(latencies.percentile(99)),
        "maxMs": milliseconds(latencies.longest),
    }


def milliseconds(seconds: float) -> float:
    """To the microsecond."""
    return round(seconds * 1000, 3)


def failure_name(error: BaseException) -> str:
    """What kind of failure it was: a CALLERROR's code, or that there was no answer."""
    if isinstance(error, RemoteCallError):
        return error.code
    if isinstance(error, CallTimeout):
        return "no answer in time"
    if isinstance(error, (ConnectionLost, NotConnected)):
        return "connection lost"
    return type(error).__name__ if isinstance(error, OCPPError) else "crashed"
