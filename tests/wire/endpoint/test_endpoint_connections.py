"""Connections come, are replaced, end and come back, and nothing of them is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from endpoint_pairs import BEAT, HEARTBEAT, World, event, heartbeat_response

from ocppflow import LATER, ChargingStation, IncomingCall, Limits, Station, v201
from ocppflow.errors import (
    CallTimeout,
    ConnectionLost,
    ConnectionRefused,
    InvalidMessageId,
    NotConnected,
    QueueFull,
    RemoteCallError,
)
from ocppflow.transport.backoff import Backoff
from ocppflow.transport.clock import settle
from ocppflow.transport.memory import memory_pair

CLEAR = v201.ClearCacheRequest()


def ids(heard: list[Any]) -> list[str]:
    return [frame[1] for frame in heard]


async def test_a_call_returns_its_response_and_call_raw_its_bytes(world: World) -> None:
    peer, station = world.raw()
    typed = asyncio.ensure_future(station.call(CLEAR, message_id="1"))
    raw = asyncio.ensure_future(station.call_raw("ClearCache", message_id="2"))
    assert await peer.hear() == [[2, "1", "ClearCache", {}]]
    await world.clock.advance(1.5)
    assert await peer.say([3, "1", {"status": "Accepted"}]) == [[2, "2", "ClearCache", {}]]
    await world.clock.advance(2.5)
    await peer.say(b'[3,"2",{ "status":"Rejected" }]')
    assert (await typed).status == "Accepted"
    answer = await raw
    assert (answer.payload, answer.message.status, answer.latency) == (b'{ "status":"Rejected" }', "Rejected", 2.5)


async def test_J_4_1_1_a_call_times_out_on_the_injected_clock(world: World) -> None:
    peer, station = world.raw()
    call = asyncio.ensure_future(station.call(CLEAR, timeout=7.0))
    await world.clock.advance(6.9)
    assert not call.done()
    await world.clock.advance(0.2)
    with pytest.raises(CallTimeout, match="ClearCache: no answer within 7 s"):
        await call
    [[_, message_id, *_]] = await peer.hear()
    assert await peer.say([3, message_id, {"status": "Accepted"}]) == []  # late, and harmless


async def test_cancelling_a_waiting_call_frees_its_place() -> None:
    world = World(limits=Limits(queue=1))
    peer, station = world.raw()
    first = asyncio.ensure_future(station.call(CLEAR, message_id="1"))
    second = asyncio.ensure_future(station.call(CLEAR, message_id="2"))
    await settle()
    with pytest.raises(QueueFull):
        await station.call(CLEAR)
    second.cancel()
    await settle()
    third = asyncio.ensure_future(station.call(CLEAR, message_id="3"))
    assert ids(await peer.hear()) == ["1"]
    assert ids(await peer.say([3, "1", {"status": "Accepted"}])) == ["3"]
    first_answer = await first
    assert first_answer.status == "Accepted"
    third.cancel()
    await settle()
    fourth = asyncio.ensure_future(station.call(CLEAR, message_id="4"))
    assert await peer.hear() == []  # the third is still in flight for the peer
    assert ids(await peer.say([3, "3", {"status": "Accepted"}])) == ["4"]
    await peer.say([3, "4", {"status": "Rejected"}])
    assert (await fourth).status == "Rejected"
    await world.close()


async def test_a_call_cancelled_in_the_moment_it_fails_leaves_no_unheard_exception(world: World) -> None:
    peer, station = world.raw()
    call = asyncio.ensure_future(station.call(CLEAR, message_id="1"))
    await peer.hear()
    station.received(b'[4,"1","GenericError","",{}]')
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_begun_call_has_its_outcome_in_a_future(world: World) -> None:
    peer, station = world.raw()
    future = station.begin_raw("ClearCache", message_id="1")
    with pytest.raises(InvalidMessageId):
        station.begin_raw("ClearCache", message_id="1")
    assert ids(await peer.hear()) == ["1"]
    await peer.say([4, "1", "NotSupported", "no", {}])
    with pytest.raises(RemoteCallError, match="NotSupported: no"):
        await future
    other = station.begin_raw("ClearCache", message_id="1")
    other.cancel()
    await settle()
    assert other.cancelled()


# --- the newest connection wins --------------------------------------------------------------------------------------


async def test_the_newest_connection_wins_at_once(world: World) -> None:
    gone: list[Any] = []
    world.csms.on_disconnect(lambda station, code, reason: gone.append((station, code)))
    world.csms.on(v201.HeartbeatRequest)(lambda *_: heartbeat_response())
    old_peer, old = world.raw()
    waiting = [asyncio.ensure_future(old.call(CLEAR)) for _ in range(2)]
    await settle()
    new_peer, new = world.raw()
    assert world.csms["CS1"] is new
    assert len(world.csms) == 1
    assert gone == [(old, 1000)]
    await settle()
    for call in waiting:
        with pytest.raises(ConnectionLost):
            await call
    assert old_peer.ended is not None
    assert old_peer.ended[0] == 1000
    assert world.csms["CS1"] is new
    assert gone == [(old, 1000)]
    assert await new_peer.say(HEARTBEAT) == [BEAT]


async def test_the_end_of_an_old_connection_that_dies_late_does_not_touch_the_new_one(world: World) -> None:
    gone: list[Any] = []
    world.csms.on_disconnect(lambda station, code, reason: gone.append(station))
    old_peer, old = world.raw()
    old_peer.link.hold()  # half-open: the closing handshake gets no answer
    _, new = world.raw()
    call = asyncio.ensure_future(new.call(CLEAR))
    await world.clock.advance(11.0)
    assert not old.is_open
    assert world.csms["CS1"] is new
    assert new.is_open
    assert not call.done()
    assert gone == [old]
    call.cancel()
    await settle()


async def test_what_still_comes_on_a_replaced_connection_has_no_effect(world: World) -> None:
    handled: list[Any] = []
    world.csms.on(v201.HeartbeatRequest)(lambda *each: handled.append(each) or heartbeat_response())
    old_peer, _ = world.raw()
    old_peer.link.send(b'[2,"1","Heartbeat",{}]')  # on the way when the new connection comes
    new_peer, _ = world.raw()
    await settle()
    assert handled == []
    assert old_peer.heard == []
    assert await new_peer.say(HEARTBEAT) == [BEAT]


async def test_J_4_1_4_a_retry_on_a_new_connection_gets_the_answer_of_the_handler_at_work(world: World) -> None:
    started: list[Station] = []
    go = asyncio.Event()

    @world.csms.on(v201.TransactionEventRequest)
    async def transaction(station: Station, request: Any) -> Any:
        started.append(station)
        await go.wait()
        return v201.TransactionEventResponse(total_cost=1.5)

    message = [2, "t", "TransactionEvent", event()]
    first, _ = world.raw()
    await first.say(message)
    second, _ = world.raw()
    assert await second.say(message) == []
    third, station = world.raw()
    assert await third.say(message) == []
    go.set()
    assert await third.hear() == [[3, "t", {"totalCost": 1.5}]]
    assert len(started) == 1
    assert await third.say(message) == [[3, "t", {"totalCost": 1.5}]]
    assert len(started) == 1
    assert (first.heard, second.heard, station.is_open) == ([], [], True)


async def test_J_4_1_4_the_same_for_what_a_catch_all_answers_later(world: World) -> None:
    calls: list[IncomingCall] = []

    @world.csms.on_any
    def anything(station: Any, call: IncomingCall) -> Any:
        calls.append(call)
        return LATER

    message = [2, "t", "TransactionEvent", event()]
    first, _ = world.raw()
    await first.say(message)
    first.link.break_()
    await settle()
    second, _ = world.raw()
    await second.say(message)
    calls[0].reply({})
    assert await second.hear() == [[3, "t", {}]]
    assert len(calls) == 1


# --- who is connected ------------------------------------------------------------------------------------------------


async def test_wait_for_iteration_and_lookup(world: World) -> None:
    waiting = [asyncio.ensure_future(world.csms.wait_for("CS1")) for _ in range(2)]
    await settle()
    with pytest.raises(NotConnected, match="station 'CS1' is not connected"):
        world.csms["CS1"]
    with pytest.raises(TimeoutError, match="station 'CS9' did not connect within 0 s"):
        await world.csms.wait_for("CS9", timeout=0)
    _, one = world.raw()
    assert [await each for each in waiting] == [one, one]
    assert await world.csms.wait_for("CS1") is one
    _, two = world.raw("CS2")
    assert list(world.csms) == [one, two]
    assert world.csms.stations == {"CS1": one, "CS2": two}
    assert ("CS2" in world.csms, "CS3" in world.csms) == (True, False)
    assert world.csms._waiting == {}
    for _ in world.csms:  # whoever walks over them may close them
        await two.close()
    assert list(world.csms) == [one]


async def test_hooks_plain_and_async_and_one_that_fails(world: World, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []

    @world.csms.on_connect
    def broken(station: Station) -> None:
        raise ValueError("a hook's own fault")

    @world.csms.on_connect
    async def also_broken(station: Station) -> None:
        raise ValueError("another one")

    @world.csms.on_connect
    async def connected(station: Station) -> None:
        seen.append(("connected", station.identity))
        answer = await station.call(CLEAR)
        seen.append(answer.status)

    @world.csms.on_disconnect
    async def disconnected(station: Station, code: int, reason: str) -> None:
        await asyncio.sleep(0)
        seen.append(("disconnected", code))

    peer, _ = world.raw()
    [[_, message_id, *_]] = await peer.hear()
    await peer.say([3, message_id, {"status": "Accepted"}])
    peer.link.close(1001)
    await settle()
    assert seen == [("connected", "CS1"), "Accepted", ("disconnected", 1001)]
    said = [record.getMessage() for record in caplog.records]
    assert "a hook for on_connect failed" in said
    assert "a hook failed" in said


async def test_notes_on_a_station_live_as_long_as_its_connection(world: World) -> None:
    peer, station = world.raw()
    station.data["note"] = 1
    assert station.data == {"note": 1}
    _, new = world.raw()
    assert new.data == {}
    assert repr(new) == "<Station CS1 2.0.1 open>"
    assert repr(station) == "<Station CS1 2.0.1 closed>"
    assert peer.link.peer.identity == new.identity


# --- closing in order ------------------------------------------------------------------------------------------------


async def test_closing_lets_a_handler_finish_and_answer(world: World) -> None:
    go = asyncio.Event()

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Any, request: Any) -> Any:
        await go.wait()
        return heartbeat_response()

    peer, station = world.raw()
    await peer.say(HEARTBEAT)
    closing = asyncio.ensure_future(world.csms.close())
    await settle()
    assert peer.ended is None
    with pytest.raises(NotConnected):
        await station.call(CLEAR)
    go.set()
    assert await peer.hear() == [BEAT]
    await closing
    assert peer.ended == (1001, "going away")
    assert len(world.csms) == 0


async def test_closing_waits_for_the_answers_to_our_calls(world: World) -> None:
    peer, station = world.raw()
    calls = [asyncio.ensure_future(station.call(CLEAR, message_id=str(n))) for n in range(2)]
    await peer.hear()
    closing = asyncio.ensure_future(station.close(1001, grace=5.0))
    await settle()
    assert ids(await peer.say([3, "0", {"status": "Accepted"}])) == ["1"]
    await peer.say([3, "1", {"status": "Rejected"}])
    await closing
    assert [(await call).status for call in calls] == ["Accepted", "Rejected"]


async def test_closing_leaves_time_for_answers_and_nobody_is_left_in_silence(world: World) -> None:
    @world.csms.on_any
    async def anything(station: Any, call: IncomingCall) -> Any:
        if call.action == "Heartbeat":
            await asyncio.Event().wait()
        return LATER

    peer, station = world.raw()
    await peer.say(HEARTBEAT)
    await peer.say([2, "d", "DataTransfer", {"vendorId": "a"}])
    ours = asyncio.ensure_future(station.call(CLEAR))
    await peer.hear()
    closing = asyncio.ensure_future(world.csms.close())
    await world.clock.advance(2.9)
    assert peer.ended is None
    await world.clock.advance(0.2)
    await closing
    heard = await peer.hear()
    assert [frame[:3] for frame in heard] == [[4, "h", "InternalError"], [4, "d", "InternalError"]]
    assert peer.ended == (1001, "going away")
    with pytest.raises(ConnectionLost):
        await ours
    assert station.handlers_at_work == []


async def test_a_handler_may_close_its_own_connection(world: World) -> None:
    station = world.station()

    @station.on(v201.ResetRequest)
    async def reset(me: ChargingStation, request: Any) -> Any:
        await me.stop(1000, "reset", grace=5.0)
        return v201.ResetResponse(status="Accepted")

    await station.connect()
    with pytest.raises(RemoteCallError, match="being closed"):
        await world.csms["CS1"].call(v201.ResetRequest(type="Immediate"))
    await settle()
    assert not station.is_connected


async def test_the_connection_breaks_while_it_is_being_closed(world: World) -> None:
    peer, station = world.raw()
    call = asyncio.ensure_future(station.call(CLEAR))
    await peer.hear()
    closing = [asyncio.ensure_future(station.close(1001, grace=5.0)) for _ in range(2)]
    await settle()
    peer.link.break_()
    await asyncio.wait_for(asyncio.gather(*closing), 5)
    with pytest.raises(ConnectionLost):
        await call


async def test_handlers_of_a_lost_connection_are_ended_with_the_csms(world: World) -> None:
    ended: list[str] = []

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Any, request: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    peer, _ = world.raw()
    await peer.say(HEARTBEAT)
    peer.link.break_()
    await settle()
    assert ended == []  # it may have half a transaction done, so it goes on
    closing = asyncio.ensure_future(world.csms.close())
    await world.clock.advance(5.0)
    await closing
    assert ended == ["cancelled"]


async def test_a_connection_that_ended_before_it_was_accepted(world: World) -> None:
    theirs, ours = memory_pair("CS1", clock=world.clock)
    theirs.break_()
    station = world.csms.accept(ours)
    await settle()
    assert not station.is_open


# --- the station reconnects (5.4) ------------------------------------------------------------------------------------


async def test_J_5_4_reconnects_with_doubled_waits_and_starts_over_after_success(world: World) -> None:
    waits: list[float] = []
    station = world.station(backoff=Backoff(10, 4, 2, uniform=lambda low, high: 3.0))
    station.on_retry(lambda me, attempt, delay, reason: waits.append(delay))
    await station.connect()
    world.network.refusals = [ConnectionRefused("busy") for _ in range(4)]
    world.links[-1].break_()
    await settle()
    assert not station.is_connected
    assert station.is_running
    with pytest.raises(NotConnected):
        await station.call(v201.HeartbeatRequest())
    for wait in (13.0, 23.0, 43.0, 43.0, 43.0):
        assert station.next_attempt_at == world.clock.now() + wait
        await world.clock.advance(wait)
    assert station.is_connected
    assert station.next_attempt_at is None
    assert waits == [13.0, 23.0, 43.0, 43.0, 43.0]
    world.links[-1].break_()
    await settle()
    assert waits[-1] == 13.0


async def test_J_5_4_a_retry_after_of_the_csms_is_kept(world: World) -> None:
    station = world.station()
    refusal = ConnectionRefused("busy", status=503)
    refusal.retry_after = 60.0  # type: ignore[attr-defined]
    world.network.refusals = [refusal]
    station.start()
    await settle()
    assert station.next_attempt_at == world.clock.now() + 60.0
    await world.clock.advance(60.0)
    assert station.is_connected


async def test_J_5_4_an_attempt_that_fails_oddly_is_followed_by_another(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    station = world.station()
    world.network.refusals = [OSError("no network")]
    station.start()
    await world.clock.advance(11.0)
    assert station.is_connected
    assert any("the attempt to connect" in record.getMessage() for record in caplog.records)


async def test_J_5_4_the_first_attempt_says_why_it_failed(world: World) -> None:
    station = world.station()
    world.network.refusals = [ConnectionRefused("401: wrong password", status=401)]
    with pytest.raises(ConnectionRefused, match="wrong password"):
        await station.connect()
    assert not station.is_running


async def test_J_5_4_no_reconnect_when_told_so_or_stopped(world: World) -> None:
    once = world.station("CS1", reconnect=False)
    stopped = world.station("CS2")
    await once.connect()
    await stopped.connect()
    for link in world.links:
        link.break_()
    await settle()
    assert not once.is_running
    await stopped.stop()
    await world.clock.advance(1000.0)
    assert len(world.csms) == 0
    assert not stopped.is_running


async def test_stopping_while_it_connects(world: World) -> None:
    theirs, ours = memory_pair("CS1", clock=world.clock)
    world.csms.accept(ours)
    arrived: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    station = world.station(dial=lambda: arrived)
    connecting = asyncio.ensure_future(station.connect())
    await settle()
    await station.stop()
    arrived.set_result(theirs)
    with pytest.raises(ConnectionRefused, match="stopped while it connected"):
        await connecting
    await settle()
    assert not station.is_connected
    assert len(world.csms) == 0


async def test_J_5_4_no_boot_notification_because_of_a_reconnect(world: World) -> None:
    station = world.station()
    await station.connect()
    world.links[-1].break_()
    await world.clock.advance(11.0)
    assert station.is_connected
    await world.clock.advance(3600.0)
    assert [record.event for record in world.trace] == ["connected", "disconnected", "connected"]


async def test_pending_calls_of_a_station_fail_when_the_connection_does(world: World) -> None:
    station = world.station()
    await station.connect()
    world.csms.on_any(lambda *_: LATER)
    call = asyncio.ensure_future(station.call(v201.HeartbeatRequest()))
    await settle()
    world.links[-1].break_()
    with pytest.raises(ConnectionLost):
        await call


async def test_the_hooks_of_a_station(world: World) -> None:
    seen: list[Any] = []
    station = world.station()
    station.on_connect(lambda me: seen.append(("up", me.version)))
    station.on_disconnect(lambda me, code, reason: seen.append(("down", code)))
    async with station:
        assert repr(station) == "<ChargingStation CS1 connected>"
    assert seen == [("up", "2.0.1"), ("down", 1001)]
    assert station.version is None
    assert repr(station) == "<ChargingStation CS1 stopped>"
