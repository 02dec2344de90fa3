"""Plots of figures over time as SVG: lines over one axis, readable in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from typing import Final, NamedTuple

_WIDTH: Final = 900
_HEIGHT: Final = 240
_LEFT: Final = 64
_RIGHT: Final = 16
_TOP: Final = 34
_BOTTOM: Final = 34


class Line(NamedTuple):
    """One line of a plot: its name, its CSS class and its values, evenly spaced."""

    name: str
    style: str
    values: Sequence[float]


def plot(title: str, unit: str, seconds: float, lines: Sequence[Line]) -> str:
    """An SVG of lines over ``seconds``, from 0 on; ``unit`` is that of the values."""
    highest = _round_up(max((value for line in lines for value in line.values), default=0.0))
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<text class="title" x="{_LEFT}" y="18">{escape(title)}</text>',
        *_grid(highest, unit, seconds),
    ]
    for number, line in enumerate(lines):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in _points(line.values, highest))
        parts.append(f'<polyline class="{escape(line.style)}" points="{points}"/>')
        x = _WIDTH - _RIGHT - (len(lines) - number) * 110
        parts.append(f'<line class="{escape(line.style)}" x1="{x}" y1="14" x2="{x + 18}" y2="14"/>')
        parts.append(f'<text x="{x + 24}" y="18">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>"])


def _points(values: Sequence[float], highest: float) -> list[tuple[float, float]]:
    across = _WIDTH - _LEFT - _RIGHT
    step = across / max(1, len(values) - 1)
    return [(_LEFT + index * step, _y(value, highest)) for index, value in enumerate(values)]


def _y(value: float, highest: float) -> float:
    return _HEIGHT - _BOTTOM - value / highest * (_HEIGHT - _TOP - _BOTTOM)


def _grid(highest: float, unit: str, seconds: float) -> list[str]:
    parts = []
    for quarter in range(5):
        value = highest * quarter / 4
        y = _y(value, highest)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>')
        parts.append(f'<text class="axis" x="{_LEFT - 6}" y="{y + 4:.1f}">{value:g} {escape(unit)}</text>')
    for fifth in range(6):
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * fifth / 5
        place = "time last" if fifth == 5 else "time"
        parts.append(f'<text class="{place}" x="{x:.1f}" y="{_HEIGHT - 12}">{shown_time(seconds * fifth / 5)}</text>')
    return parts


def _round_up(value: float) -> float:
    """The next value of 1, 2, 4, 5, 8, 10 times a power of ten: quarters of it are easy to read."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(power * step for step in (1, 2, 4, 5, 8, 10) if value <= power * step * 1.0000001)


def shown_time(seconds: float) -> str:
    """A stretch of time as people write it."""
    if seconds < 120:
        return f"{seconds:g} s" if seconds == ceil(seconds) else f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
