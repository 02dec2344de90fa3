"""``python -m benchmarks``: ocppflow against others and against the floor; one interleaved run of about five minutes.

The server runs on one core, the load generator on the other. Look at processor time per message: it suffers less from a
busy machine than rates do. Contenders take short turns within each round, and ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import report
from benchmarks.contenders import Failed
from benchmarks.measures import bounds, decoding, fleet, imports, latency, log_cost, memory, node_red, storm, throughput
from benchmarks.results import Measured

Steps = Iterator[str | Measured]

MEASURES: dict[str, tuple[Callable[[float, int], int], Callable[[float, int], Steps]]] = {
    "throughput": (lambda s, r: throughput.steps(r), throughput.measure),
    "decoding": (lambda s, r: decoding.steps(), lambda s, r: decoding.measure()),
    "memory": (lambda s, r: memory.steps(), lambda s, r: memory.measure()),
    "latency": (lambda s, r: latency.steps(), lambda s, r: latency.measure()),
    "fleet": (lambda s, r: fleet.steps(), lambda s, r: fleet.measure()),
    "storm": (lambda s, r: storm.steps(), lambda s, r: storm.measure()),
    "node-red": (lambda s, r: node_red.steps(r), node_red.measure),
    "bounds": (lambda s, r: bounds.steps(r), bounds.measure),
    "log": (lambda s, r: log_cost.steps(r), log_cost.measure),
    "imports": (lambda s, r: imports.steps(), lambda s, r: imports.measure()),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=MEASURES, action="append", help="measure this alone; may be repeated")
    parser.add_argument("--seconds", type=float, default=0.6, help="how long each server is loaded at a time")
    parser.add_argument("--rounds", type=int, default=12, help="how many turns each server gets")
    parser.add_argument("--json", type=Path, help="write all values to this file")
    parser.add_argument("--chart", type=Path, default=Path("out/bench.svg"), help="where the chart goes")
    options = parser.parse_args()
    if options.seconds <= 0 or options.rounds < 1:
        parser.error("--seconds and --rounds must be above 0")
    if not hasattr(os, "sched_setaffinity") or not Path("/proc/self/stat").exists():
        parser.error("the benchmarks need Linux: they pin processes and read processor time from /proc")
    console = Console(width=None if sys.stdout.isatty() else 110)
    measured = _run(options.only or list(MEASURES), options.seconds, options.rounds)
    if not measured:
        return 1
    report.show(console, measured)
    if options.json:
        report.write_json(options.json, measured)
    report.write_chart(options.chart, measured)
    return 0


def _run(names: list[str], seconds: float, rounds: int) -> list[Measured]:
    measured: list[Measured] = []
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=sum(MEASURES[name][0](seconds, rounds) for name in names))
        for name in names:
            try:
                for step in MEASURES[name][1](seconds, rounds):
                    if isinstance(step, Measured):
                        measured.append(step)
                    else:
                        progress.update(task, description=step)
                        progress.advance(task)
                        if not console.is_terminal:
                            console.print(f"{time.strftime('%H:%M:%S')} {step}")
            except Failed as error:
                console.print(f"[red]{name}: {error}[/]")
    return measured


if __name__ == "__main__":
    sys.exit(main())
