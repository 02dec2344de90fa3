"""What a program pays to import the library, on top of starting Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.results import Figure, Measured, Ratio, ratios

ROUNDS = 7
PROGRAMS = {
    "ocppflow": "from ocppflow import CSMS, v201; CSMS",
    "PyPI ocpp": "import websockets.asyncio.server; from ocpp.v201 import ChargePoint, call, call_result",
}


def steps() -> int:
    return ROUNDS


def measure() -> Iterator[str | Measured]:
    taken: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for turn in range(ROUNDS):
        yield f"import, round {turn + 1}"
        nothing = _cpu("pass")
        for name, program in PROGRAMS.items():
            taken[name].append((_cpu(program) - nothing) * 1000)
    yield Measured(
        "Import of the CSMS role and 2.0.1: CPU time",
        [Figure(name, "ms", values) for name, values in taken.items()],
        [Ratio("of PyPI ocpp's", ratios(taken["ocppflow"], taken["PyPI ocpp"]))],
    )


def _cpu(program: str) -> float:
    before = os.times()
    subprocess.run([sys.executable, "-c", program], check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system
