"""What the bounds cost a message that keeps to them all: the default limits against none, and against themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.contenders import OURS, Running
from benchmarks.measures.throughput import Undisturbed
from benchmarks.results import Figure, Measured, Ratio, ratios
from benchmarks.samples import HEARTBEAT, TRANSACTION_EVENT

DEFAULT = "default limits"
AGAIN = "default limits, a second server"
OFF = "all bounds off (0)"
SERVERS = {DEFAULT: OURS, OFF: OURS.arguments("--unbounded"), AGAIN: OURS}
SAMPLES = (TRANSACTION_EVENT, HEARTBEAT)
MOST = 1.05
"""Times the processor time of a server without bounds: what two servers that are the same differ by."""


def steps(rounds: int) -> int:
    return len(SAMPLES) * _turns(rounds) * len(SERVERS)


def _turns(rounds: int) -> int:
    return max(1, rounds * 2 // 3)  # it is one server thrice, and differs less than others do


def measure(seconds: float, rounds: int) -> Iterator[str | Measured]:
    """All are up all the time, and take turns."""
    undisturbed = Undisturbed(spare_seconds=20.0)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(Running(contender)) for name, contender in SERVERS.items()}
        for sample in SAMPLES:
            cpu: dict[str, list[float]] = {name: [] for name in SERVERS}
            for turn in range(_turns(rounds)):
                for name, server in servers.items():
                    yield f"{sample.name}, {name}, round {turn + 1}"
                    cpu[name].append(undisturbed.run(server, sample, seconds)["cpu_us"])
            yield Measured(
                f"What the bounds cost: {sample.name}",
                [Figure(name, "µs", values) for name, values in cpu.items()],
                [
                    Ratio("times that without bounds", ratios(cpu[DEFAULT], cpu[OFF]), most=MOST),
                    Ratio("the noise: times that of the same server", ratios(cpu[DEFAULT], cpu[AGAIN])),
                ],
            )
