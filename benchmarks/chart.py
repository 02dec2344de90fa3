"""A small bar chart as SVG: one row of bars per measure, each contender relative to ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LABEL, _BAR, _GAP = 760, 190, 22, 6
_COLOURS = {"ocppflow": "#0b7a5c", "floor": "#9aa5b1"}
_OTHER = "#d9822b"


@dataclass(frozen=True, slots=True)
class Bars:
    """One group: a title, what better means, and name -> value."""

    title: str
    unit: str
    values: Sequence[tuple[str, float]]


def draw(title: str, groups: Sequence[Bars], foot: str) -> str:
    """The chart as a whole SVG document; it carries its own background, for pages light or dark."""
    parts: list[str] = []
    y = 44
    for group in groups:
        parts.append(_text(16, y + 18, group.title, "h"))
        parts.append(_text(_WIDTH - 16, y + 18, group.unit, "u"))
        y += 30
        longest = max(value for _, value in group.values)
        for name, value in group.values:
            width = max(2.0, (_WIDTH - _LABEL - 120) * value / longest)
            parts.append(_text(_LABEL - 8, y + 16, name, "n"))
            colour = _COLOURS.get(name, _OTHER)
            parts.append(f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="3" fill="{colour}"/>')
            parts.append(_text(_LABEL + width + 6, y + 16, _number(value), "v"))
            y += _BAR + _GAP
        y += 14
    height = y + 24
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
            f'height="{height}" role="img" aria-label="{escape(title, quote=True)}">',
            "<style>text{font:13px system-ui,sans-serif;fill:#1f2933}.t{font-size:17px;font-weight:600}"
            ".h{font-weight:600}.u,.f{fill:#616e7c;font-size:12px}.u,.n{text-anchor:end}</style>",
            f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
            _text(16, 30, title, "t"),
            *parts,
            _text(16, height - 12, foot, "f"),
            "</svg>",
            "",
        ]
    )


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
