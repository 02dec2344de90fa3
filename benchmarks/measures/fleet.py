"""Complete stations in one process on one core, a bare CSMS of ours in another process on the other."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.contenders import ROOT, Contender, Failed, Running
from benchmarks.processes import cores
from benchmarks.results import Figure, Measured, Ratio

HOSPITABLE = Contender("ocppflow", (sys.executable, "-m", "benchmarks.servers.hospitable"))
BOOTING = 1000
CONNECTED = 9000  # with the descriptors that a process usually may have, on either side
CHARGING = 1000
CHARGING_SECONDS = 60.0


def steps() -> int:
    return 3


def measure() -> Iterator[str | Measured]:
    yield f"{BOOTING} complete stations boot"
    booted = [_booted(BOOTING)["seconds"] for _ in range(3)]
    yield Measured(
        f"Complete stations: until all of {BOOTING} are accepted and have said all there is to say",
        [Figure("ocppflow", "s", booted)],
        [Ratio("seconds", booted, most=5.0)],
    )
    yield f"{CONNECTED} complete stations are connected"
    connected = _booted(CONNECTED)
    yield Measured(
        f"Memory per complete station, {CONNECTED} connected, each with EVSE, device model and queue",
        [Figure("ocppflow", "KiB", [connected["kib"]]), Figure("until all are accepted", "s", [connected["seconds"]])],
        [Ratio("KiB per station", [connected["kib"]], most=60.0)],
    )
    yield f"{CHARGING} transactions with meter values every second, for {CHARGING_SECONDS:g} s"
    late, fleet = _charging()
    yield Measured(
        f"{CHARGING} transactions at once, meter values every second for {CHARGING_SECONDS:g} s",
        [
            Figure("oldest value as it came", "s", [late["worst"]]),
            Figure("values a second", "/s", [late["count"] / CHARGING_SECONDS]),
            Figure("processor, stations", "cores", [fleet["cpu"] / CHARGING_SECONDS]),
        ],
        [Ratio("seconds of the oldest value", [late["worst"]], most=1.0)],
        note=f"{late['late']} of {late['count']} values came more than a second late; {fleet['failed']} calls failed.",
    )


class _Fleet:
    """A fleet's process."""

    def __init__(self, port: int, count: int, *options: str) -> None:
        command = [sys.executable, "-m", "benchmarks.fleet_load", str(port), str(count), str(cores()[1]), *options]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        figures: dict[str, Any] = json.loads(line) if line else {"error": 1}
        if figures.get("error"):
            self._process.kill()
            raise Failed("the stations did not all come to be accepted")
        return figures

    def end(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.close()
        figures = self.read()
        self._process.wait(120)
        return figures


def _booted(count: int) -> dict[str, Any]:
    with Running(HOSPITABLE) as server:
        fleet = _Fleet(server.port, count)
        figures = fleet.read()
        fleet.end()
        return figures


def _charging() -> tuple[dict[str, Any], dict[str, Any]]:
    with Running(HOSPITABLE) as server:
        fleet = _Fleet(server.port, CHARGING, "--charging")
        fleet.read()
        fleet.read()
        time.sleep(5)  # what the start has piled up is worked off
        server.ask("late")
        time.sleep(CHARGING_SECONDS)
        late: dict[str, Any] = json.loads(server.ask("late"))
        return late, fleet.end()
