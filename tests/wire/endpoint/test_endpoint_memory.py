"""A connected station costs little, and traffic does not make it grow."""

from __future__ import annotations

import gc
import json
import logging
import tracemalloc

import pytest
from endpoint_pairs import World, event, heartbeat_response

from ocppflow import CSMS, v201
from ocppflow.transport.memory import memory_pair

STATIONS = 200


async def test_a_connected_station_costs_less_than_2560_bytes_without_its_link(world: World) -> None:
    world.csms = CSMS(clock=world.clock)  # without the trace, which keeps everything
    pairs = [memory_pair(f"CS{n}", clock=world.clock)[1] for n in range(STATIONS + 1)]
    first = pairs.pop()
    world.csms.accept(first)  # what is made once is made now
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for link in pairs:
            world.csms.accept(link)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / STATIONS < 2560
    for link in [first, *pairs]:
        link.break_()


async def test_traffic_does_not_make_a_station_grow(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "ocppflow")  # kept log records would be counted
    world.csms = CSMS(clock=world.clock)  # without the trace, which keeps everything
    world.csms.on(v201.HeartbeatRequest)(lambda *_: heartbeat_response())
    world.csms.on(v201.TransactionEventRequest)(lambda *_: {})
    peer, station = world.raw()

    async def talk(first: int) -> None:
        for n in range(first, first + 40):
            for message in ([2, f"t-{n}", "TransactionEvent", event(n)], [2, f"n-{n}", "Nonsense", {}], [3, "x", {}]):
                station.received(json.dumps(message).encode())
            station.received(b"{")
            station.received(json.dumps([2, f"h-{n}", "Heartbeat", {}]).encode())
        assert len(await peer.hear()) == 160
        world.links[0].sent.clear()
        gc.collect()

    tracemalloc.start()
    try:
        for round_ in range(8):  # free lists of the interpreter fill up
            await talk(round_ * 100)
        before, _ = tracemalloc.get_traced_memory()
        for round_ in range(8, 12):
            await talk(round_ * 100)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 4 * 160 * 24  # less for each message than the smallest object there is
