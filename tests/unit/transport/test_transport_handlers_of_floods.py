"""Handlers are tasks, and a turn of the event loop runs all that are ready: floods start only so many of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from link_benches import TEXT, Wire, turn
from websockets.frames import Frame
from websockets.protocol import Side

from ocppflow import CSMS, Limits, Station, v201
from ocppflow.messages.base import Version
from ocppflow.transport.clock import ManualClock
from ocppflow.transport.link import Peer
from ocppflow.transport.link_context import LinkContext
from ocppflow.transport.settings import LinkLimits
from ocppflow.transport.socket_link import SocketLink
from ocppflow.transport.throttle import LEAST
from ocppflow.transport.turns import SLICE_FRAMES, TURN

FLOODS = 300
MESSAGES = 200
UNBOUNDED = LinkLimits(messages_per_second=0, share=0, ping_interval=0)
MOST = TURN / LEAST + SLICE_FRAMES
"""Messages that are taken up in one turn at the very most: on a clock that stands still, each costs the least."""


@pytest.mark.parametrize("waits", [0, 3])
async def test_floods_from_many_connections_start_only_so_many_handlers_in_a_turn(waits: int) -> None:
    clock = ManualClock()
    csms = CSMS(clock=clock, limits=Limits(in_progress=SLICE_FRAMES))
    context = LinkContext(Side.SERVER, UNBOUNDED, clock)
    steps = begun = 0

    @csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Station, request: v201.HeartbeatRequest) -> Any:
        nonlocal begun, steps
        begun += 1
        for _ in range(waits):
            steps += 1
            await asyncio.sleep(0)
        steps += 1
        return b'{"currentTime":"2026-01-01T00:00:00Z"}'

    links = [SocketLink(Wire(), Peer(f"CS{n}", Version.V201, "here"), context) for n in range(FLOODS)]
    for link in links:
        link._transport.is_reading = False  # type: ignore[attr-defined] # as the opening handshake leaves it
        csms.accept(link)
    await turn()
    frames = (Frame(TEXT, b'[2,"%d","Heartbeat",{}]' % n).serialize(mask=True) for n in range(MESSAGES))
    data = b"".join(frames)
    before = 0
    for link in links:
        link.data_received(data)
    while begun < FLOODS * MESSAGES:
        assert steps - before <= (waits + 2) * MOST
        before = steps
        await turn()
    await clock.advance(0)
    for link in links:
        link.connection_lost(None)
