"""In Node-RED: a CSMS node, one function node that answers, and back; our package against Argonne's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.measures.throughput import Undisturbed
from benchmarks.node_red_servers import ARGONNE, MOST_STATIONS, OURS, NodeRed, Package
from benchmarks.results import Figure, Measured, Ratio, ratios
from benchmarks.samples import HEARTBEAT, TRANSACTION_EVENT, Sample

PACKAGES = (OURS, ARGONNE)
SAMPLES = (TRANSACTION_EVENT, HEARTBEAT)
RATE_GOALS = {TRANSACTION_EVENT: 8.0, HEARTBEAT: 1.5}
CPU_GOALS = {TRANSACTION_EVENT: 1 / 4}
HOP_US = 100.0
"""The most that a message's way between Node-RED and the engine may cost, on either side."""


def steps(rounds: int) -> int:
    return len(SAMPLES) * rounds * len(PACKAGES) + len(PACKAGES)


def measure(seconds: float, rounds: int) -> Iterator[str | Measured]:
    """Both Node-REDs are up all the time, and take turns."""
    undisturbed = Undisturbed()
    with ExitStack() as stack:
        servers = {package: stack.enter_context(NodeRed(package)) for package in PACKAGES}
        for sample in SAMPLES:
            cpu: dict[Package, list[float]] = {package: [] for package in PACKAGES}
            rate: dict[Package, list[float]] = {package: [] for package in PACKAGES}
            engine: list[float] = []
            for turn in range(rounds):
                for package, server in servers.items():
                    yield f"Node-RED, {sample.name}, round {turn + 1}: {package.name}"
                    result = undisturbed.run(server, sample, seconds)
                    cpu[package].append(result["cpu_us"])
                    rate[package].append(result["rate"])
                    if package is OURS:
                        engine.append(result["helper_cpu_us"])
            yield _by_rate(sample, rate)
            yield _by_cpu(sample, cpu, engine)
    figures = {}
    for package in PACKAGES:
        yield f"Node-RED, {MOST_STATIONS} idle connections: {package.name}"
        figures[package] = Figure(package.name, "KiB", [_growth(package)])
    kib = {package: figure.values[0] for package, figure in figures.items()}
    yield Measured(
        f"In Node-RED, memory per idle connection ({MOST_STATIONS} of them)",
        list(figures.values()),
        [Ratio(f"of {ARGONNE.name}'s", [kib[OURS] / kib[ARGONNE]], most=1.0)],
        "Node-RED and the engine together",
    )


def _by_rate(sample: Sample, rate: dict[Package, list[float]]) -> Measured:
    return Measured(
        f"In Node-RED, {sample.name}: round trips per second",
        [Figure(package.name, "/s", values) for package, values in rate.items()],
        [Ratio(f"times {ARGONNE.name}'s", ratios(rate[OURS], rate[ARGONNE]), least=RATE_GOALS[sample])],
        "all processes of a server on one core",
    )


def _by_cpu(sample: Sample, cpu: dict[Package, list[float]], engine: list[float]) -> Measured:
    node_red = [whole - part for whole, part in zip(cpu[OURS], engine, strict=True)]
    return Measured(
        f"In Node-RED, {sample.name}: CPU per message, Node-RED and engine together",
        [
            *(Figure(package.name, "µs", values) for package, values in cpu.items()),
            Figure(f"{OURS.name}: Node-RED's part", "µs", node_red),
            Figure(f"{OURS.name}: the engine's part", "µs", engine),
        ],
        [
            Ratio(f"of {ARGONNE.name}'s", ratios(cpu[OURS], cpu[ARGONNE]), most=CPU_GOALS.get(sample)),
            Ratio("µs of Node-RED's, all in all", node_red, most=HOP_US),
            Ratio("µs of the engine's, all in all", engine, most=HOP_US),
        ],
    )


def _growth(package: Package) -> float:
    """KiB that a connection takes, which has had one message."""
    with NodeRed(package) as server:
        with server.load("idle", HEARTBEAT.name, connections=20) as load:
            load.result()
        time.sleep(1)  # what the first connections need once is there, their rubbish is on its way out
        before = server.resident_bytes()
        with server.load("idle", HEARTBEAT.name, connections=MOST_STATIONS) as load:
            load.result()
            time.sleep(1)
            return (server.resident_bytes() - before) / MOST_STATIONS / 1024
