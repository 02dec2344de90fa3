"""How long an answer takes at moderate load: 500 TransactionEvents a second over 50 connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.contenders import OCPP_RPC, OCPP_TUNED, OURS, Contender, Running
from benchmarks.results import Figure, Measured, Ratio, ratios
from benchmarks.samples import TRANSACTION_EVENT

CONTENDERS = (OURS, OCPP_TUNED, OCPP_RPC)
RATE = 500.0


ROUNDS = 3
SECONDS = 1.5


def steps() -> int:
    return ROUNDS * len(CONTENDERS)


def measure() -> Iterator[str | Measured]:
    half: dict[Contender, list[float]] = {contender: [] for contender in CONTENDERS}
    most: dict[Contender, list[float]] = {contender: [] for contender in CONTENDERS}
    with ExitStack() as stack:
        servers = {contender: stack.enter_context(Running(contender)) for contender in CONTENDERS}
        for turn in range(ROUNDS):
            for contender, server in servers.items():
                yield f"latency, round {turn + 1}: {contender.name}"
                with server.load("latency", TRANSACTION_EVENT.name, seconds=SECONDS, rate=RATE) as load:
                    result = load.result()
                half[contender].append(result["p50_us"])
                most[contender].append(result["p99_us"])
    for name, taken in (("p50", half), ("p99", most)):
        yield Measured(
            f"{TRANSACTION_EVENT.name} at {RATE:g} a second: latency, {name}",
            [Figure(contender.name, "µs", values) for contender, values in taken.items()],
            [
                Ratio(f"of {contender.name}'s", ratios(taken[OURS], taken[contender]))
                for contender in CONTENDERS
                if contender is not OURS
            ],
        )
