"""From the frame's bytes to a valid, typed message, against ``orjson.loads`` of the same bytes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from benchmarks.results import Figure, Measured, Ratio, ratios
from benchmarks.samples import HEARTBEAT, METER_VALUES, TRANSACTION_EVENT, Sample
from ocppflow import Role, Version, v16, v201
from ocppflow.rpc.dialect import dialect
from ocppflow.rpc.session import Session

COUNT = 2000
ROUNDS = 40
LIMIT = 2.0
_NOW = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)

CASES: tuple[tuple[Sample, Version, Any], ...] = (
    (TRANSACTION_EVENT, Version.V201, v201.TransactionEventResponse()),
    (METER_VALUES, Version.V16, v16.MeterValuesResponse()),
    (HEARTBEAT, Version.V201, v201.HeartbeatResponse(current_time=_NOW)),
)


def steps() -> int:
    return len(CASES)


def measure() -> Iterator[str | Measured]:
    for sample, version, response in CASES:
        yield f"frame to Struct: {sample.name}"
        frames = [sample.call(number) for number in range(COUNT)]
        tasks: dict[str, Callable[[], None]] = {
            "orjson.loads": _loads(frames),
            "frame to Struct": _to_struct(frames, version),
            "Session: receive and reply": _session(frames, version, response),
        }
        taken: dict[str, list[float]] = {name: [] for name in tasks}
        gc.collect()
        for _ in range(ROUNDS):
            for name, task in tasks.items():
                started = time.thread_time()
                task()
                taken[name].append((time.thread_time() - started) / COUNT * 1e6)
        base = taken["orjson.loads"]
        yield Measured(
            f"{sample.name}, {len(frames[0])} bytes: decoding",
            [Figure(name, "µs", values) for name, values in taken.items()],
            [
                Ratio("frame to Struct, times orjson.loads", ratios(taken["frame to Struct"], base), most=LIMIT),
                Ratio("receive and reply, times orjson.loads", ratios(taken["Session: receive and reply"], base)),
            ],
        )


def _loads(frames: list[bytes]) -> Callable[[], None]:
    loads = orjson.loads

    def task() -> None:
        for data in frames:
            loads(data)

    return task


def _to_struct(frames: list[bytes], version: Version) -> Callable[[], None]:
    """What ``Session.receive`` does to tell what came, and nothing of what it does with it."""
    readers = dialect(version, Role.CSMS).call_readers

    def task() -> None:
        for data in frames:
            readers[data.split(b'"', 4)[3]](data)

    return task


def _session(frames: list[bytes], version: Version, response: Any) -> Callable[[], None]:
    """All that a session does for a call, up to the bytes of the answer."""
    session = Session(version, Role.CSMS)

    def task() -> None:
        for data in frames:
            (event,) = session.receive(data, 1.0)
            session.reply(event.message_id, response)  # type: ignore[attr-defined]
            session.data_to_send()

    return task
