"""Memory per idle connection: what the process grows by, divided by the connections. Each has had one message."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.contenders import OCPP, OCPP_RPC, OURS, Contender, Running
from benchmarks.processes import resident_bytes
from benchmarks.results import Figure, Measured, Ratio
from benchmarks.samples import HEARTBEAT

OURS_COUNT = 5000
OTHERS_COUNT = 1000
LIMIT_KIB = 3.5
DEFLATE = {OURS: OURS, OCPP: OCPP, OCPP_RPC: OCPP_RPC.arguments("--deflate")}


def steps() -> int:
    return 2 * len(DEFLATE) + 1


def measure() -> Iterator[str | Measured]:
    for deflate in (False, True):
        figures: dict[Contender, Figure] = {}
        for plain, with_deflate in DEFLATE.items():
            count = OURS_COUNT if plain is OURS else OTHERS_COUNT
            yield f"{count} idle connections{', permessage-deflate' if deflate else ''}: {plain.name}"
            kib = _growth(with_deflate if deflate else plain, count, deflate=deflate)
            figures[plain] = Figure(f"{plain.name} ({count} connections)", "KiB", [kib])
        ours = figures[OURS].values
        if not deflate:
            yield f"{OURS_COUNT} idle connections, by tracemalloc: {OURS.name}"
            traced = Figure(f"{OURS.name}, Python's own share (tracemalloc)", "KiB", [_traced(OURS_COUNT)])
        yield Measured(
            f"Memory per idle connection, {'permessage-deflate' if deflate else 'plain'}",
            [*figures.values(), *(() if deflate else (traced,))],
            [
                *(() if deflate else (Ratio("KiB per connection", ours, most=LIMIT_KIB),)),
                Ratio("of PyPI ocpp's", [ours[0] / figures[OCPP].values[0]]),
                Ratio("of npm ocpp-rpc's", [ours[0] / figures[OCPP_RPC].values[0]]),
            ],
        )


def _growth(contender: Contender, count: int, *, deflate: bool) -> float:
    with Running(contender) as server:
        _settle(server, deflate=deflate)
        before = resident_bytes(server.pid)
        with server.load("idle", HEARTBEAT.name, connections=count, deflate=deflate) as load:
            load.result()
            time.sleep(0.5)  # the last answers are written, the handshake's garbage is on its way out
            return (resident_bytes(server.pid) - before) / count / 1024


def _traced(count: int) -> float:
    with Running(OURS, PYTHONTRACEMALLOC="1") as server:
        _settle(server, deflate=False)
        before = int(server.ask("traced"))
        with server.load("idle", HEARTBEAT.name, connections=count) as load:
            load.result()
            return (int(server.ask("traced")) - before) / count / 1024


def _settle(server: Running, *, deflate: bool) -> None:
    """The first connections import and compile what the others share."""
    with server.load("idle", HEARTBEAT.name, connections=20, deflate=deflate) as load:
        load.result()
    time.sleep(0.2)
