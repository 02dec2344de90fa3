"""Handlers of every kind, and every way in which they can go wrong: the peer always gets an answer."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from endpoint_pairs import BEAT, HEARTBEAT, World, heartbeat_response

from ocppflow import LATER, IncomingCall, Limits, v21, v201
from ocppflow.errors import CallError, CallTimeout, ConnectionLost, Expired, InvalidMessage, NotConnected, SecurityError
from ocppflow.messages import Version
from ocppflow.transport.clock import settle


async def test_a_plain_handler_gets_the_station_and_the_message(world: World) -> None:
    seen: list[Any] = []

    @world.csms.on(v201.HeartbeatRequest)
    def heartbeat(station: Any, request: Any) -> Any:
        seen.append((station, request))
        return heartbeat_response()

    peer, station = world.raw()
    assert await peer.say(HEARTBEAT) == [BEAT]
    assert seen == [(station, v201.HeartbeatRequest())]


@pytest.mark.parametrize(
    "result", [heartbeat_response(), {"currentTime": "2026-01-01T00:00:00Z"}, b'{"currentTime":"2026-01-01T00:00:00Z"}']
)
@pytest.mark.parametrize("kind", ["plain", "async", "future"])
async def test_a_handler_returns_a_struct_a_dict_or_json(world: World, result: Any, kind: str) -> None:
    async def later() -> Any:
        await asyncio.sleep(0)
        return result

    def handler(station: Any, request: Any) -> Any:
        return {"plain": lambda: result, "async": later, "future": lambda: asyncio.ensure_future(later())}[kind]()

    world.csms.on(v201.HeartbeatRequest)(handler)
    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == [BEAT]


async def test_what_nobody_handles_is_not_supported(world: World) -> None:
    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == [[4, "h", "NotSupported", "Heartbeat is not supported here", {}]]


async def test_the_catch_all_gets_what_has_no_handler_of_its_own(world: World) -> None:
    seen: list[IncomingCall] = []

    @world.csms.on_any
    async def anything(station: Any, call: IncomingCall) -> Any:
        seen.append(call)
        return {"status": "Accepted"}

    @world.csms.on(v201.HeartbeatRequest)
    def heartbeat(station: Any, request: Any) -> Any:
        return heartbeat_response()

    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == [BEAT]
    raw = b'[2,"1","DataTransfer", {"vendorId":"a","data":1.50} ]'
    assert await peer.say(raw) == [[3, "1", {"status": "Accepted"}]]
    [call] = seen
    assert (call.action, call.message_id, call.payload) == ("DataTransfer", "1", b'{"vendorId":"a","data":1.50}')
    assert (call.data, call.message.vendor_id, call.confirmed) == ({"vendorId": "a", "data": 1.5}, "a", True)


@pytest.mark.parametrize("how", ["raise", "raise in a coroutine"])
async def test_a_handler_refuses_with_a_callerror(world: World, how: str) -> None:
    error = SecurityError("go away", {"why": "because"})

    async def later() -> None:
        raise error

    def handler(station: Any, request: Any) -> Any:
        if how == "raise":
            raise error
        return later()

    world.csms.on(v201.HeartbeatRequest)(handler)
    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == [[4, "h", "SecurityError", "go away", {"why": "because"}]]


@pytest.mark.parametrize("how", ["plain", "async"])
@pytest.mark.parametrize(
    "error", [ValueError("secret"), KeyError("secret"), asyncio.CancelledError("secret"), AssertionError()]
)
async def test_a_handler_that_fails_is_an_internal_error_without_its_secrets(
    world: World, how: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def later() -> None:
        raise error

    def handler(station: Any, request: Any) -> Any:
        if how == "plain":
            raise error
        return later()

    world.csms.on(v201.HeartbeatRequest)(handler)
    peer, _ = world.raw()
    with caplog.at_level(logging.WARNING, "ocppflow"):
        assert await peer.say(HEARTBEAT) == [[4, "h", "InternalError", "Heartbeat could not be processed", {}]]
    assert any("the handler of Heartbeat" in record.getMessage() for record in caplog.records)
    assert await peer.say([2, "2", "Nonsense", {}]) != []  # the connection lives on


@pytest.mark.parametrize("how", ["plain", "async"])
@pytest.mark.parametrize(
    "rubbish",
    [
        None,
        7,
        "text",
        [],
        object(),
        {},
        {"currentTime": "no time"},
        b"",
        b"[]",
        {"currentTime": object()},
        LATER,
        v201.HeartbeatRequest(),
    ],
    ids=lambda rubbish: repr(rubbish).split(" at 0x")[0],
)
async def test_a_handler_that_returns_rubbish_is_an_internal_error(world: World, how: str, rubbish: Any) -> None:
    async def later() -> Any:
        return rubbish

    world.csms.on(v201.HeartbeatRequest)(lambda *_: rubbish if how == "plain" else later())
    peer, _ = world.raw()
    [answer] = await peer.say(HEARTBEAT)
    assert answer[:3] == [4, "h", "InternalError"]
    assert answer[3].startswith("the answer made for Heartbeat is not valid: ")


async def test_a_handler_that_is_cancelled_still_answers(world: World) -> None:
    started: list[asyncio.Task[Any] | None] = []

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Any, request: Any) -> Any:
        started.append(asyncio.current_task())
        await asyncio.Event().wait()

    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == []
    assert started[0] is not None
    started[0].cancel()
    assert [answer[:3] for answer in await peer.hear()] == [[4, "h", "InternalError"]]


async def test_later_is_answered_later(world: World) -> None:
    calls: list[IncomingCall] = []

    @world.csms.on_any
    def anything(station: Any, call: IncomingCall) -> Any:
        calls.append(call)
        return LATER

    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == []
    with pytest.raises(InvalidMessage):
        calls[0].reply({"currentTime": 7})
    assert await peer.hear() == []
    calls[0].reply(heartbeat_response())  # the corrected one is taken
    assert await peer.hear() == [BEAT]
    for again in (lambda: calls[0].reply(heartbeat_response()), lambda: calls[0].fail(CallError("x"))):
        with pytest.raises(Expired):
            again()
    await peer.say([2, "2", "Heartbeat", {}])
    calls[1].fail(SecurityError("no"))
    assert await peer.hear() == [[4, "2", "SecurityError", "no", {}]]
    await peer.say([2, "3", "Heartbeat", {}])
    calls[2].reply({"nonsense": 1}, validate=False)
    assert await peer.hear() == [[3, "3", {"nonsense": 1}]]


async def test_a_catch_all_may_reply_by_itself_and_return_nothing(world: World) -> None:
    @world.csms.on_any
    async def anything(station: Any, call: IncomingCall) -> None:
        call.reply(heartbeat_response())

    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == [BEAT]


async def test_silence_is_answered_with_an_internal_error() -> None:
    world = World(limits=Limits(answer_timeout=10.0, silence="no answer from the flow"))
    calls: list[IncomingCall] = []

    @world.csms.on_any
    def anything(station: Any, call: IncomingCall) -> Any:
        calls.append(call)
        return LATER

    peer, _ = world.raw()
    await peer.say(HEARTBEAT)
    await world.clock.advance(9.9)
    assert await peer.hear() == []
    await world.clock.advance(0.2)
    assert await peer.hear() == [[4, "h", "InternalError", "no answer from the flow", {}]]
    with pytest.raises(Expired):
        calls[0].reply(heartbeat_response())
    await world.close()


async def test_a_slow_handler_is_too_late_and_harms_nothing() -> None:
    world = World(limits=Limits(answer_timeout=10.0))
    go = asyncio.Event()

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Any, request: Any) -> Any:
        await go.wait()
        return heartbeat_response()

    peer, _ = world.raw()
    await peer.say(HEARTBEAT)
    await world.clock.advance(10.0)
    assert [answer[:3] for answer in await peer.hear()] == [[4, "h", "InternalError"]]
    go.set()
    assert await peer.hear() == []
    assert await peer.say([2, "2", "Heartbeat", {}]) == [[3, "2", BEAT[2]]]
    await world.close()


async def test_J_4_1_1_a_handler_may_call_the_peer_while_both_directions_are_busy(world: World) -> None:
    async def nest(peer: Any, request: Any) -> Any:
        if request.data == "outer":
            answer = await peer.call(v201.DataTransferRequest(vendor_id="n", data="inner"))
            return v201.DataTransferResponse(status="Accepted", data=f"outer {answer.data}")
        return v201.DataTransferResponse(status="Accepted", data=request.data)

    world.csms.on(v201.DataTransferRequest)(nest)
    station = world.station()
    station.on(v201.DataTransferRequest)(nest)
    await station.connect()
    for first, second in ((station, world.csms["CS1"]), (world.csms["CS1"], station)):
        both = await asyncio.gather(
            first.call(v201.DataTransferRequest(vendor_id="n", data="outer")),
            second.call(v201.DataTransferRequest(vendor_id="n", data="plain")),
        )
        assert [answer.data for answer in both] == ["outer inner", "plain"]


async def test_J_4_1_1_what_waits_in_a_circle_ends_by_time_out(world: World) -> None:
    """With one CALL in flight per direction, two handlers that each wait for a call queued behind the other's cannot
    both be served; the time-out of the calls in flight ends it, and the connection works on."""

    async def nest(peer: Any, request: Any) -> Any:
        if request.data == "outer":
            await peer.call(v201.DataTransferRequest(vendor_id="n", data="inner"))
        return v201.DataTransferResponse(status="Accepted")

    world.csms.on(v201.DataTransferRequest)(nest)
    station = world.station()
    station.on(v201.DataTransferRequest)(nest)
    await station.connect()
    outer = v201.DataTransferRequest(vendor_id="n", data="outer")
    circle = [asyncio.ensure_future(end.call(outer)) for end in (station, world.csms["CS1"])]
    await settle()
    assert not any(call.done() for call in circle)
    await world.clock.advance(30.0)
    outcomes = [call.exception() for call in circle]
    assert isinstance(outcomes[0], CallTimeout)
    assert isinstance(outcomes[1], CallTimeout | None)  # it may be served as soon as the other has given way
    inner = v201.DataTransferRequest(vendor_id="n", data="inner")
    assert (await station.call(inner)).status == "Accepted"


@pytest.mark.parametrize("handled", ["typed", "catch-all", "failing", "nobody"])
async def test_J_4_2_4_a_send_reaches_its_handler_and_is_never_answered(handled: str) -> None:
    world = World(Version.V21)
    seen: list[Any] = []

    async def typed(station: Any, stream: Any) -> Any:
        seen.append(stream)
        if handled == "failing":
            raise CallError("no")
        return {"answer": "none"}

    async def any_kind(station: Any, call: IncomingCall) -> Any:
        seen.append(call.message)
        assert not call.confirmed
        with pytest.raises(Expired):
            call.reply({})
        return LATER

    if handled in ("typed", "failing"):
        world.csms.on(v21.NotifyPeriodicEventStream)(typed)
    elif handled == "catch-all":
        world.csms.on_any(any_kind)
    station = world.station()
    await station.connect()
    stream = v21.NotifyPeriodicEventStream(
        id=1, pending=0, basetime=heartbeat_response().current_time, data=[v21.StreamDataElementType(t=1, v="2")]
    )
    station.send(stream)
    station.connection.send_raw("NotifyPeriodicEventStream", {"id": 2}, validate=False)
    await settle()
    assert seen == ([] if handled == "nobody" else [stream])
    assert world.links[0].sent == []
    await world.close()


async def test_an_answer_after_the_end_of_the_connection_is_no_error_of_the_handler(world: World) -> None:
    go, ended = asyncio.Event(), asyncio.Event()

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Any, request: Any) -> Any:
        await go.wait()
        with pytest.raises(NotConnected):
            await station.call(v201.ClearCacheRequest())
        ended.set()
        return heartbeat_response()

    peer, station = world.raw()
    await peer.say(HEARTBEAT)
    peer.link.break_()
    await settle()
    assert not station.is_open
    go.set()
    await settle()
    assert ended.is_set()


async def test_a_call_of_a_handler_fails_when_the_connection_ends(world: World) -> None:
    failed: list[Exception] = []

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Any, request: Any) -> Any:
        try:
            await station.call(v201.ClearCacheRequest())
        except ConnectionLost as exc:
            failed.append(exc)
            raise

    peer, _ = world.raw()
    await peer.say(HEARTBEAT)
    peer.link.break_()
    await settle()
    assert len(failed) == 1


async def test_on_takes_request_types_only(world: World) -> None:
    for wrong in ("Heartbeat", v201, 7, dict):
        with pytest.raises(TypeError, match="on\\(\\) takes a request type"):
            world.csms.on(wrong)  # type: ignore[arg-type]


def test_later_tells_what_it_is() -> None:
    assert repr(LATER) == "LATER"
