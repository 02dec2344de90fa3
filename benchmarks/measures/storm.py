"""A reconnect storm: 1,000 stations with hashed passwords connect at once. The first time every hash is derived; the
second time, as after an outage of the network, the server remembers whom it has checked."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.contenders import OURS, Running
from benchmarks.results import Figure, Measured
from benchmarks.samples import HEARTBEAT
from benchmarks.servers.ours import password_of

STATIONS = 1000


def steps() -> int:
    return 2


def measure() -> Iterator[str | Measured]:
    passwords = {f"CS{number}": password_of(f"CS{number}") for number in range(STATIONS)}
    figures = []
    with Running(OURS.arguments("--passwords", str(STATIONS))) as server:
        for what in ("after a restart of the server", "after an outage of the network"):
            yield f"reconnect storm {what}"
            with server.load("storm", HEARTBEAT.name, passwords=passwords) as load:
                figures.append(Figure(f"{OURS.name}, {what}", "s", [load.result()["all_s"]]))
    yield Measured(f"Reconnect storm: until all of {STATIONS} stations with hashed passwords are in", figures)
