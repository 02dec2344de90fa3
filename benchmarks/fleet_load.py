"""A fleet of complete stations as a load: ``python -m benchmarks.fleet_load PORT COUNT CORE [--charging]``.

It says a line of JSON when all are accepted by the CSMS; with ``--charging`` another when all charge, with meter values
every second; then it runs until its standard input ends."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable

from benchmarks.processes import cpu_seconds, pin, resident_bytes
from ocppflow.fleet import Arrivals, Fleet, FleetPlan
from ocppflow.station import StationConfig, VariableConfig
from ocppflow.transport.loop import run

_PATIENCE = 180.0
"""Seconds."""


def _say(**figures: float) -> None:
    print(json.dumps(figures), flush=True)


async def _until(reached: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not reached():
        if time.monotonic() - began > _PATIENCE:
            _say(error=1)
            sys.exit(1)
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def main(port: int, count: int, *, charging: bool) -> None:
    every_second = VariableConfig(component="SampledDataCtrlr", variable="TxUpdatedInterval", value="1")
    config = StationConfig(variables=(every_second,) if charging else ())
    arrivals = Arrivals("all", stay=36_000.0) if charging else Arrivals()
    url = f"ws://127.0.0.1:{port}"
    plan = FleetPlan(url=url, count=count, configs=(config,), arrivals=arrivals, per_second=5000.0)
    await _warm_up(url)
    before = resident_bytes(os.getpid())
    began = time.monotonic()
    fleet = Fleet(plan)
    fleet.build()
    await fleet.start()
    await _until(lambda: fleet.registered == count and not fleet.queued)
    seconds = time.monotonic() - began
    gc.collect()
    _say(seconds=seconds, kib=(resident_bytes(os.getpid()) - before) / count / 1024)
    if charging:
        took = await _until(lambda: fleet.running == count)
        _say(seconds=took)
    cpu = cpu_seconds(os.getpid())
    ended = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), lambda: ended.done() or ended.set_result(None))
    await ended
    _say(cpu=cpu_seconds(os.getpid()) - cpu, queued=fleet.queued, failed=_failed(fleet))
    await fleet.stop()


async def _warm_up(url: str) -> None:
    """The first stations import, declare and compile what the others share."""
    fleet = Fleet(FleetPlan(url=url, count=5, prefix="WARM", per_second=5000.0))
    await fleet.start()
    await _until(lambda: fleet.registered == 5)
    await fleet.stop()


def _failed(fleet: Fleet) -> int:
    return sum(figures.failed for figures in fleet.figures.actions.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("core", type=int)
    parser.add_argument("--charging", action="store_true")
    given = parser.parse_args()
    pin(given.core)
    run(main(given.port, given.count, charging=given.charging))
