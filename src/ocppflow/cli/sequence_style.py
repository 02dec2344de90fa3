"""The colours and type of a sequence diagram, for light and for dark pages.

The rules are spelled out for both rather than made of CSS variables, which several renderers of SVG do not know.
"""

from __future__ import annotations

from collections.abc import Mapping

_LIGHT = {
    "page": "#ffffff",
    "edge": "#d8dee6",
    "ink": "#1b2430",
    "soft": "#5b6776",
    "faint": "#8b97a6",
    "lane": "#dde3ea",
    "box": "#f5f7fa",
    "good": "#177245",
    "good_fill": "#e3f5ea",
    "warn": "#8a5a00",
    "warn_fill": "#fff4d6",
    "bad": "#c0262d",
    "bad_fill": "#fdeaea",
    "plain_fill": "#eef1f5",
    "c0": "#44505f",
    "c1": "#1f6feb",
    "c2": "#0f8a7e",
    "c3": "#8250df",
    "c4": "#bc4c00",
    "c5": "#a0307e",
    "c6": "#57701f",
}
_DARK = {
    "page": "#10151c",
    "edge": "#2b3440",
    "ink": "#e6ebf1",
    "soft": "#a3afbd",
    "faint": "#768392",
    "lane": "#2b3440",
    "box": "#1a212b",
    "good": "#5fd08f",
    "good_fill": "#14301f",
    "warn": "#e8b64c",
    "warn_fill": "#33290f",
    "bad": "#ff7b80",
    "bad_fill": "#3a1a1d",
    "plain_fill": "#232c37",
    "c0": "#9aa7b6",
    "c1": "#6aa8ff",
    "c2": "#3fc7b8",
    "c3": "#b798ff",
    "c4": "#ffa45c",
    "c5": "#f08bd0",
    "c6": "#a9c56a",
}

_SHAPES = """
text{font-family:"Inter","Segoe UI",Helvetica,Arial,"DejaVu Sans",sans-serif;font-size:12px}
.title{font-size:17px;font-weight:600}
.day,.time,.small{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:10px}
.small{font-size:9px;text-anchor:middle}
.day,.time{text-anchor:end}
.name{font-size:14px;font-weight:600;text-anchor:middle}
.under{font-size:10.5px;text-anchor:middle}
.label,.event,.remark{text-anchor:middle}
.strong{font-weight:600}
.weak,.said,.aside{font-size:11px}
.event{font-size:11px;font-weight:600}
.remark{font-style:italic}
.lane{stroke-width:1.5;stroke-dasharray:2 4}
.alive{stroke-width:3;stroke-linecap:round}
.line,.open{stroke-width:1.6;fill:none}
.back{stroke-dasharray:5 4}
.silence{stroke-width:1;stroke-dasharray:1 5}
.box,.pill,.note{stroke-width:1.2}
"""


def _colours(of: Mapping[str, str]) -> str:
    rules = [
        f".page{{fill:{of['page']};stroke:{of['edge']}}}",
        f".title,.name,.strong{{fill:{of['ink']}}}",
        f".weak,.under,.remark{{fill:{of['soft']}}}",
        f".day,.time,.small,.aside{{fill:{of['faint']}}}",
        f".lane,.silence{{stroke:{of['lane']}}}",
        f".box{{fill:{of['box']}}}",
        f".pill.plain{{fill:{of['plain_fill']};stroke:{of['lane']}}}",
        f".event.plain{{fill:{of['soft']}}}",
    ]
    for number in range(7):
        name = f"c{number}"
        rules.append(
            f".box.{name},.alive.{name},.line.{name},.open.{name}{{stroke:{of[name]}}}.head.{name}{{fill:{of[name]}}}"
        )
    rules.append(f".line.bad,.open.bad{{stroke:{of['bad']}}}.head.bad{{fill:{of['bad']}}}")
    for name in ("good", "warn", "bad"):
        rules.append(f".pill.{name},.note.{name}{{fill:{of[name + '_fill']};stroke:{of[name]}}}")
        rules.append(f".event.{name},.said.{name},.strong.{name}{{fill:{of[name]}}}")
    return "\n".join(rules)


STYLE = f"{_SHAPES}{_colours(_LIGHT)}\n@media (prefers-color-scheme:dark){{\n{_colours(_DARK)}\n}}\n"
