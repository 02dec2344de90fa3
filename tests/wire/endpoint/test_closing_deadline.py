"""A closing is over at its deadline, whatever peers, handlers and hooks do."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from endpoint_pairs import BEAT, HEARTBEAT, World, heartbeat_response
from hypothesis import given, settings
from hypothesis import strategies as st

from ocppflow import CSMS, ChargingStation, StationState, v201
from ocppflow.endpoint import Deadline, ManualClock
from ocppflow.errors import ConfigurationError
from ocppflow.transport.clock import settle

CLEAR = v201.ClearCacheRequest()


class Stubborn:
    """Work that swallows each cancellation until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.cancelled = 0

    async def __call__(self, *_: object) -> Any:
        while not self.go.is_set():
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
        return heartbeat_response()


async def _seconds(world: World, closing: asyncio.Future[Any], most: float = 60.0) -> float:
    """How long ``closing`` takes, on the world's clock, to a tenth of a second."""
    begun = world.clock.now()
    await settle()
    while not closing.done():
        assert world.clock.now() - begun < most, "closing does not end"
        await world.clock.advance(0.1)
    closing.result()
    return round(world.clock.now() - begun, 1)


async def test_a_peer_that_does_not_answer_the_close_is_dropped_before_the_deadline(world: World) -> None:
    peer, _ = world.raw("deaf")
    good, _ = world.raw("good")
    peer.link.hold()
    assert await _seconds(world, asyncio.ensure_future(world.csms.close())) == 4.0
    assert good.ended == (1001, "going away")
    assert len(world.csms) == 0


async def test_a_pending_call_and_a_deaf_peer_do_not_add_up(world: World) -> None:
    peer, station = world.raw()
    call = asyncio.ensure_future(station.call(CLEAR))
    await peer.hear()
    peer.link.hold()
    assert await _seconds(world, asyncio.ensure_future(world.csms.close())) == 4.0
    with pytest.raises(ConnectionError):
        await call


async def test_a_handler_that_swallows_its_cancellation_is_left_behind_and_named(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    stubborn = Stubborn()

    @world.csms.on(v201.HeartbeatRequest)
    async def refuses_to_end(station: Any, request: Any) -> Any:
        return await stubborn()

    peer, _ = world.raw()
    await peer.say(HEARTBEAT)
    with caplog.at_level(logging.WARNING):
        assert await _seconds(world, asyncio.ensure_future(world.csms.close())) <= 5.0
    assert peer.ended == (1001, "going away")
    assert stubborn.cancelled >= 1
    assert any("refuses_to_end; left behind" in record.getMessage() for record in caplog.records)
    stubborn.go.set()
    await settle()


async def test_a_hook_that_swallows_its_cancellation_is_left_behind(world: World) -> None:
    stubborn = Stubborn()
    world.csms.on_disconnect(stubborn)
    peer, _ = world.raw()
    assert await _seconds(world, asyncio.ensure_future(world.csms.close())) == 5.0
    assert peer.ended == (1001, "going away")
    stubborn.go.set()
    await settle()


async def test_a_hook_may_end_by_itself_and_one_that_is_cancelled_may_clean_up(world: World) -> None:
    done: list[str] = []

    @world.csms.on_disconnect
    async def slow(*_: object) -> None:
        from ocppflow.transport.clock import sleep

        await sleep(world.clock, 4.0)
        done.append("slow")

    @world.csms.on_disconnect
    async def cleans_up(*_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            done.append("cleaned up")

    world.raw()
    assert await _seconds(world, asyncio.ensure_future(world.csms.close())) == 4.5
    assert done == ["slow", "cleaned up"]


async def test_listeners_close_side_by_side(world: World) -> None:
    peers = []
    listeners = [await world.csms.listen(f"ws://127.0.0.1:0/{n}").start() for n in range(3)]
    for number, listener in enumerate(listeners):
        peer, station = world.raw(f"CS{number}")
        station.listener = listener
        peer.link.hold()
        peers.append(peer)
    assert await _seconds(world, asyncio.ensure_future(world.csms.close())) == 4.0
    assert not any(listener.is_active for listener in listeners)
    assert len(world.csms) == 0


async def test_thousands_of_deaf_stations_take_no_longer_than_one(world: World) -> None:
    for number in range(2000):
        peer, _ = world.raw(f"CS{number}")
        peer.link.hold()
    assert await _seconds(world, asyncio.ensure_future(world.csms.close())) == 4.0
    assert len(world.csms) == 0


async def test_without_grace_nothing_pending_is_waited_for_and_the_link_has_its_own_time(world: World) -> None:
    peer, station = world.raw()
    call = asyncio.ensure_future(station.call(CLEAR))
    await peer.hear()
    assert await _seconds(world, asyncio.ensure_future(station.close())) == 0.0
    with pytest.raises(ConnectionError):
        await call
    deaf, station = world.raw()
    deaf.link.hold()
    assert await _seconds(world, asyncio.ensure_future(station.close())) == 10.0


async def test_a_grace_of_0_is_over_at_once(world: World) -> None:
    world.csms.grace = 0
    peer, _ = world.raw()
    peer.link.hold()
    assert await _seconds(world, asyncio.ensure_future(world.csms.close())) == 0.0


async def test_a_handler_that_closes_the_csms_is_not_waited_for(world: World) -> None:
    closed = asyncio.Event()

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Any, request: Any) -> Any:
        await world.csms.close()
        closed.set()
        return heartbeat_response()

    peer, _ = world.raw()
    await peer.say(HEARTBEAT)
    await _seconds(world, asyncio.ensure_future(closed.wait()), 1.0)
    assert peer.ended == (1001, "going away")


async def test_a_station_with_a_deaf_csms_and_a_stubborn_handler_ends_in_time(world: World) -> None:
    stubborn = Stubborn()
    station = world.station()
    station.on(v201.ResetRequest)(stubborn)
    await station.connect()
    call = asyncio.ensure_future(world.csms["CS1"].call(v201.ResetRequest(type="Immediate")))
    await settle()
    world.links[-1].hold()
    assert await _seconds(world, asyncio.ensure_future(station.close())) <= 5.0
    assert station.state is StationState.STOPPED
    call.cancel()
    stubborn.go.set()
    await settle()


async def test_a_link_that_never_ends_does_not_keep_the_closing_open(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A Link of somebody else's (``dial=``, ``accept``) may not keep its contract."""
    peer, station = world.raw()
    never = asyncio.Event()
    station._link.wait_closed = never.wait  # type: ignore[attr-defined, method-assign, assignment]
    assert await _seconds(world, asyncio.ensure_future(world.csms.close())) <= 5.3
    assert any("closing was not over in time" in record.getMessage() for record in caplog.records)
    never.set()
    await settle()
    assert peer.ended == (1001, "going away")


@pytest.mark.parametrize("grace", [-1, float("nan"), float("inf"), True, "5"])
def test_a_grace_that_cannot_be_one_is_refused(grace: Any) -> None:
    for make in (lambda: CSMS(grace=grace), lambda: ChargingStation("CS1", "ws://a", grace=grace)):
        with pytest.raises(ConfigurationError, match="grace is"):
            make()


def test_a_grace_that_was_set_later_is_checked_too() -> None:
    with pytest.raises(ConfigurationError, match="grace is 'x'"):
        Deadline(ManualClock(), "x")  # type: ignore[arg-type]


KINDS = ("good", "deaf", "asked", "answers", "stubborn", "hooked")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=8), st.sampled_from([0.0, 0.5, 5.0, 60.0]))
def test_closing_is_over_at_the_deadline_whoever_is_connected(kinds: list[str], grace: float) -> None:
    asyncio.run(_close_all(kinds, grace))


async def _close_all(kinds: list[str], grace: float) -> None:
    world = World()
    stubborn = Stubborn()

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Any, request: Any) -> Any:
        if station.identity.startswith("answers"):
            await asyncio.sleep(0)
            return heartbeat_response()
        return await stubborn()

    @world.csms.on_disconnect
    async def ended(station: Any, *_: object) -> None:
        if station.identity.startswith("hooked"):
            await stubborn()

    peers = {}
    calls = []
    for number, kind in enumerate(kinds):
        peer, station = world.raw(f"{kind}{number}")
        peers[f"{kind}{number}"] = peer
        if kind == "deaf":
            peer.link.hold()
        elif kind == "asked":
            calls.append(asyncio.ensure_future(station.call(CLEAR)))
        elif kind == "stubborn":
            await peer.say(HEARTBEAT)
        elif kind == "answers":
            peer.link.send(b'[2,"h","Heartbeat",{}]')
    await settle(2)
    world.csms.grace = grace
    assert await _seconds(world, asyncio.ensure_future(world.csms.close()), grace + 1) <= grace + 0.3
    assert len(world.csms) == 0
    await settle()
    if grace:
        assert all(peer.ended == (1001, "going away") for name, peer in peers.items() if not name.startswith("deaf"))
        assert all(BEAT in peer.heard for name, peer in peers.items() if name.startswith("answers"))
    await asyncio.gather(*calls, return_exceptions=True)
    stubborn.go.set()
    await settle()
