"""What was found, for people, for programs, and as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.chart import Bars, draw
from benchmarks.report import environment
from rich.table import Table
from rich.text import Text

from tests.attack.attack import MIB, Bounds
from tests.attack.trial import Result

_LIMIT = "the bound"


def line(result: Result) -> Text:
    """One trial, when it is over; its findings below."""
    mark, colour = ("✗", "red") if result.findings else ("✓", "green")
    text = Text(f"{mark} {result.name:<18} ", colour)
    text.append(f"{result.target}: worst {result.worst:.2f} s, +{result.growth / MIB:.0f} MiB", "default")
    for finding in result.findings:
        text.append(f"\n    {finding}", "red")
    return text


def table(results: Sequence[Result]) -> Table:
    """All figures."""
    table = Table(title="attacks", pad_edge=False)
    table.add_column("attack")
    table.add_column("target")
    for name in (
        "worst wait",
        "newcomers",
        "median",
        "MiB start",
        "peak",
        "end",
        "CPU",
        "log KiB/s",
        "SIGTERM",
        "thrown",
    ):
        table.add_column(name, justify="right")
    for each in results:
        seconds = each.seconds or 1.0
        table.add_row(
            Text(each.name, "red" if each.findings else "green"),
            each.target,
            f"{each.worst:.2f} s" + (f" ({each.worst_wall:.1f})" if each.worst_wall > each.worst + 0.3 else ""),
            f"{each.let_in}/{each.newcomers}",
            f"{each.newcomer_median:.2f} s",
            *(f"{size / MIB:.0f}" for size in (each.memory_start, each.memory_peak, each.memory_end)),
            f"{each.cpu:.0%}",
            f"{each.log / seconds / 1024:,.0f}",
            f"{each.stop:.1f} s",
            ", ".join(f"{number:,} {what}" for what, number in each.thrown.items() if what != "bytes")[:60],
        )
    return table


def conclusion(results: Sequence[Result], folder: Path, seconds: float) -> str:
    """The last line."""
    bad = [result for result in results if result.findings]
    found = sum(len(result.findings) for result in bad)
    verdict = f"[red]{found} findings in {len(bad)}[/]" if bad else "[green]no findings in any[/]"
    return f"{verdict} of {len(results)} trials, {seconds:.0f} s; figures, logs and pictures are in {folder}"


def write(folder: Path, results: Sequence[Result], seconds: float) -> None:
    """``results.json``, and a picture for waits and one for memory."""
    data = {"environment": environment(), "seconds": seconds, "trials": [result.as_dict() for result in results]}
    (folder / "results.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    bounds = Bounds()
    waits = [(_label(each), each.worst) for each in results if each.calls or each.worst]
    sizes = [(_label(each), max(0.0, each.growth / MIB)) for each in results if each.memory_start]
    foot = f"{len(results)} trials; {environment()}"[:110]
    for name, title, unit, values, limit in (
        ("waits", "The worst wait of the well-behaved", "seconds", waits, bounds.wait),
        ("memory", "Memory above that at the start, at most", "MiB", sizes, bounds.memory / MIB),
    ):
        if values:
            bars = Bars("while each attack went on", unit, [*values, (_LIMIT, limit)])
            (folder / f"{name}.svg").write_text(draw(title, [bars], foot))


def _label(result: Result) -> str:
    return result.name
