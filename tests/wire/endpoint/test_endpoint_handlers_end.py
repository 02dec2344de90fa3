"""How many handlers are at work at a time, and the end of those that do not end by themselves."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from endpoint_pairs import BEAT, HEARTBEAT, World, event, heartbeat_response
from hypothesis import given
from hypothesis import strategies as st

from ocppflow import IncomingCall, Limits, Station, Version, v201
from ocppflow.transport.clock import settle

LIMIT = 3
ANSWER, HANDLER = 10.0, 7.0
LIMITS = Limits(in_progress=LIMIT, answer_timeout=ANSWER, handler_timeout=HANDLER)

_STREAM = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 0, "v": "1"}]}


class Work:
    """A CSMS whose handlers wait until they are told, and what became of each message."""

    def __init__(self) -> None:
        self.world = World(Version.V21, limits=LIMITS)
        self.world.csms.on_any(self.handle)
        self.peer, _ = self.world.raw()
        self.begun: list[str] = []
        self.at_work: dict[str, asyncio.Future[None]] = {}
        self.cancelled: set[str] = set()
        self.answers: dict[str, int] = {}
        self.sent: list[str] = []

    async def handle(self, station: Station, call: IncomingCall) -> dict[str, Any]:
        self.begun.append(call.message_id)
        self.at_work[call.message_id] = asyncio.get_running_loop().create_future()
        try:
            await self.at_work[call.message_id]
        except asyncio.CancelledError:
            self.cancelled.add(call.message_id)
            raise
        finally:
            del self.at_work[call.message_id]
        return {"currentTime": "2026-01-01T00:00:00Z"}

    async def say(self, kind: str) -> None:
        message_id = f"{kind}{len(self.sent)}"
        self.sent.append(message_id)
        stream = [6, message_id, "NotifyPeriodicEventStream", _STREAM]
        await self.look(await self.peer.say([2, message_id, "Heartbeat", {}] if kind == "call" else stream))

    async def finish(self, number: int) -> None:
        if self.at_work:
            list(self.at_work.values())[number % len(self.at_work)].set_result(None)
        await self.look(await self.peer.hear())

    async def advance(self, seconds: float) -> None:
        await self.world.clock.advance(seconds)
        await self.look(await self.peer.hear())

    async def look(self, heard: list[Any]) -> None:
        for kind, message_id, *_ in heard:
            assert message_id not in self.answers, "a call has one answer"
            self.answers[message_id] = kind

    @property
    def expired(self) -> set[str]:
        return {message_id for message_id, kind in self.answers.items() if kind == 4}

    def check(self) -> None:
        counted = self.at_work.keys() - self.expired
        assert len(counted) <= LIMIT
        waiting = [one for one in self.sent if one not in self.begun and one not in self.expired]
        assert not waiting or len(counted) == LIMIT, "nobody waits for nothing"
        assert self.begun == [one for one in self.sent if one in self.begun], "in the order in which they came"


@given(
    st.lists(
        st.one_of(
            st.just(("call", 0)),
            st.just(("send", 0)),
            st.tuples(st.just("finish"), st.integers(0, 9)),
            st.tuples(st.just("advance"), st.sampled_from([1, 4, 9])),
        ),
        max_size=60,
    )
)
async def test_just_as_many_handlers_as_allowed_are_at_work_and_nobody_waits_for_nothing(
    steps: list[tuple[str, int]],
) -> None:
    work = Work()
    for what, number in steps:
        match what:
            case "finish":
                await work.finish(number)
            case "advance":
                await work.advance(number)
            case _:
                await work.say(what)
        work.check()
    for _ in range(2 * len(work.sent)):
        await work.finish(0)
        work.check()
    calls = {message_id for message_id in work.sent if message_id.startswith("call")}
    assert work.answers.keys() == calls
    assert set(work.begun) | work.expired == set(work.sent)
    assert not work.at_work
    await work.world.close()


async def _forever(*_: object) -> Any:
    await asyncio.get_running_loop().create_future()


async def test_a_handler_that_never_ends_is_cancelled_some_time_after_its_answer_has_expired(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(limits=LIMITS)
    world.csms.on(v201.HeartbeatRequest)(_forever)
    peer, station = world.raw()
    with caplog.at_level(logging.WARNING, "ocppflow"):
        for number in range(LIMIT):
            await peer.say([2, f"{number}", "Heartbeat", {}])
        await world.clock.advance(ANSWER)
        assert [answer[:2] for answer in await peer.hear()] == [[4, f"{number}"] for number in range(LIMIT)]
        assert len(station.handlers_at_work) == LIMIT
        await world.clock.advance(HANDLER - 0.1)
        assert len(station.handlers_at_work) == LIMIT
        await world.clock.advance(0.1)
        assert station.handlers_at_work == []
    said = [record.getMessage() for record in caplog.records if "cancelled" in record.getMessage()]
    assert said == [
        "CS1: the handler of Heartbeat does not end and is cancelled (Limits.handler_timeout is 7 s); others of this "
        "connection will be, without a word"
    ]
    assert await peer.hear() == []
    await world.close()


async def test_a_handler_that_ends_in_time_is_left_alone() -> None:
    world = World(limits=LIMITS)
    gate, ended = asyncio.Event(), []

    @world.csms.on(v201.HeartbeatRequest)
    async def slow(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        await gate.wait()
        ended.append(1)
        return heartbeat_response()

    peer, _ = world.raw()
    await peer.say(HEARTBEAT)
    await world.clock.advance(ANSWER + HANDLER - 0.1)
    gate.set()
    await settle()
    assert ended == [1]
    await world.clock.advance(100)
    await world.close()


async def test_a_handler_that_will_not_be_cancelled_is_cancelled_again() -> None:
    world = World(limits=LIMITS)
    times = 0

    @world.csms.on(v201.HeartbeatRequest)
    async def stubborn(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        nonlocal times
        while times < 3:
            try:
                await _forever()
            except asyncio.CancelledError:
                times += 1
        raise asyncio.CancelledError

    peer, station = world.raw()
    await peer.say(HEARTBEAT)
    await world.clock.advance(ANSWER + 3 * HANDLER)
    assert times == 3
    assert station.handlers_at_work == []
    await world.close()


async def test_a_handler_of_a_SEND_may_take_as_long_as_one_that_owes_an_answer() -> None:
    work = Work()
    await work.say("send")
    await work.advance(ANSWER + HANDLER - 0.1)
    assert not work.cancelled
    await work.advance(0.1)
    assert work.cancelled == {"send0"}
    await work.world.close()


async def test_without_a_limit_a_handler_may_go_on_for_ever() -> None:
    world = World(limits=Limits(answer_timeout=ANSWER, handler_timeout=0))
    world.csms.on(v201.HeartbeatRequest)(_forever)
    peer, station = world.raw()
    await peer.say(HEARTBEAT)
    await world.clock.advance(1000)
    assert len(station.handlers_at_work) == 1
    world.links[-1].break_()
    await world.clock.advance(1000)
    assert len(station.handlers_at_work) == 1
    await world.close()


@pytest.mark.parametrize("end", ["lost", "closed", "replaced"])
async def test_handlers_of_a_connection_that_is_gone_for_long_are_cancelled(end: str) -> None:
    world = World(limits=LIMITS)
    begun = 0

    async def begin(*_: object) -> Any:
        nonlocal begun
        begun += 1
        await _forever()

    world.csms.on(v201.TransactionEventRequest)(begin)
    peer, station = world.raw()
    for number in range(LIMIT + 2):
        await peer.say([2, f"{number}", "TransactionEvent", event(number)])
    match end:
        case "lost":
            world.links[-1].break_()
        case "closed":
            peer.link.close()
        case _:
            world.raw()
    await world.clock.advance(HANDLER - 0.1)
    assert len(station.handlers_at_work) == LIMIT
    await world.clock.advance(0.1)
    assert station.handlers_at_work == []
    assert begun == LIMIT, "what waited is not begun any more"
    assert not station.history.unfinished, "if the peer repeats it, it is a new call"
    await world.close()


async def test_until_then_the_answer_reaches_the_next_connection_and_then_a_refusal_does() -> None:
    world = World(limits=LIMITS)
    world.csms.on(v201.TransactionEventRequest)(_forever)
    peer, _ = world.raw()
    call = [2, "1", "TransactionEvent", event()]
    await peer.say(call)
    world.links[-1].break_()
    await settle()
    peer, _ = world.raw()
    assert await peer.say(call) == []
    await world.clock.advance(HANDLER)
    assert await peer.hear() == [[4, "1", "InternalError", "no answer in time", {}]]
    await world.close()


async def test_a_call_that_another_connection_answers_makes_room_for_the_next() -> None:
    world = World(limits=Limits(in_progress=1))
    gate = asyncio.Event()

    @world.csms.on(v201.TransactionEventRequest)
    async def slow(station: Station, request: v201.TransactionEventRequest) -> v201.TransactionEventResponse:
        await gate.wait()
        return v201.TransactionEventResponse()

    world.csms.on(v201.HeartbeatRequest)(lambda *_: heartbeat_response())
    peer, _ = world.raw()
    call = [2, "1", "TransactionEvent", event()]
    await peer.say(call)
    world.links[-1].break_()
    await settle()
    peer, _ = world.raw()
    assert await peer.say(call) == []  # the handler at work will answer this one
    assert await peer.say(HEARTBEAT) == []
    gate.set()
    assert await peer.hear() == [[3, "1", {}], BEAT]
    await world.close()


async def test_a_station_is_not_filled_with_handlers_by_its_csms() -> None:
    world = World(limits=LIMITS)
    station = world.station(limits=LIMITS)
    station.on(v201.ClearCacheRequest)(_forever)
    await station.connect()
    there: Station = world.csms["CS1"]
    calls = [asyncio.ensure_future(there.call(v201.ClearCacheRequest(), timeout=1)) for _ in range(3)]
    await world.clock.advance(ANSWER + HANDLER + 3)
    assert station.connection.handlers_at_work == []
    await asyncio.gather(*calls, return_exceptions=True)
    await world.close()
