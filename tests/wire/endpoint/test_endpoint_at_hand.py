"""The message at hand: what was forgiven in it, and what is to follow its answer; calls that wait for their turn."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from endpoint_pairs import BEAT, HEARTBEAT, World, event, heartbeat_response

from ocppflow import LATER, Limits, Station, v16, v201
from ocppflow.messages import Version
from ocppflow.messages.tolerance import TOLERANT
from ocppflow.transport.clock import settle


@pytest.mark.parametrize("how", ["plain", "async"])
async def test_a_handler_may_call_the_station_after_it_has_answered(world: World, how: str) -> None:
    answers: list[Any] = []

    async def ask(station: Station) -> None:
        answers.append(await station.call(v201.ClearCacheRequest(), message_id="c"))

    def plain(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        station.respond_then(lambda: ask(station))
        return heartbeat_response()

    async def later(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        await asyncio.sleep(0)
        return plain(station, request)

    world.csms.on(v201.HeartbeatRequest)(plain if how == "plain" else later)
    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == [BEAT, [2, "c", "ClearCache", {}]]
    await peer.say([3, "c", {"status": "Accepted"}])
    assert answers == [v201.ClearCacheResponse(status="Accepted")]


async def test_what_follows_an_answer_belongs_to_its_own_call(world: World) -> None:
    order: list[str] = []
    gates = {"a": asyncio.Event(), "b": asyncio.Event()}

    @world.csms.on(v201.DataTransferRequest)
    async def transfer(station: Station, request: v201.DataTransferRequest) -> v201.DataTransferResponse:
        async def note() -> None:
            order.append(request.vendor_id)

        station.respond_then(note)
        await gates[request.vendor_id].wait()
        return v201.DataTransferResponse(status="Accepted")

    peer, _ = world.raw()
    await peer.say([2, "1", "DataTransfer", {"vendorId": "a"}])
    await peer.say([2, "2", "DataTransfer", {"vendorId": "b"}])
    gates["b"].set()
    await settle()
    assert order == ["b"]
    gates["a"].set()
    await settle()
    assert order == ["b", "a"]


async def test_a_catch_all_that_answers_later_can_have_something_follow(world: World) -> None:
    calls: list[Any] = []
    done: list[bool] = []
    world.csms.on_any(lambda station, call: calls.append(call) or LATER)

    async def note() -> None:
        done.append(True)

    peer, _ = world.raw()
    await peer.say(HEARTBEAT)
    calls[0].respond_then(note)
    await settle()
    assert not done
    calls[0].reply(heartbeat_response())
    assert await peer.hear() == [BEAT]
    assert done == [True]


async def test_outside_of_a_handler_there_is_no_message_at_hand(world: World) -> None:
    _, station = world.raw()
    assert station.current_call is None
    assert station.violations == ()
    with pytest.raises(RuntimeError, match="belongs into the handler"):
        station.respond_then(lambda: settle())


async def test_a_typed_handler_sees_what_was_forgiven_and_that_a_required_field_is_missing() -> None:
    world = World(Version.V16, policy=TOLERANT)
    seen: list[Any] = []

    @world.csms.on(v16.StatusNotificationRequest)
    async def status(station: Station, request: v16.StatusNotificationRequest) -> v16.StatusNotificationResponse:
        await asyncio.sleep(0)
        seen.append((request.connector_id, [violation.path for violation in station.violations]))
        return v16.StatusNotificationResponse()

    peer, _ = world.raw()
    await peer.say([2, "1", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}])
    await peer.say([2, "2", "StatusNotification", {"errorCode": "NoError", "status": "Available"}])
    from ocppflow import UNSET

    assert seen == [(1, []), (UNSET, ["$.connectorId"])]
    await world.close()


async def test_what_is_forgiven_is_in_the_log_and_what_is_refused_is_with_all_that_is_wrong(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "ocppflow")
    wrong = {"errorCode": "Odd", "status": "Available"}
    for policy in (TOLERANT, None):
        world = World(Version.V16, **({"policy": policy} if policy else {}))
        world.csms.on(v16.StatusNotificationRequest)(lambda *_: v16.StatusNotificationResponse())
        peer, _ = world.raw()
        await peer.say([2, "1", "StatusNotification", wrong])
        await world.close()
    said = [record.getMessage() for record in caplog.records if "$." in record.getMessage()]
    assert len(said) == 2
    assert said[0].startswith("CS1: forgiven in StatusNotification: ")
    assert said[1].startswith("CS1: refused: ")
    assert all("$.connectorId" in each and "$.errorCode" in each for each in said)


async def test_a_response_that_is_refused_is_a_warning_and_not_forgiven_in_the_trace(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    peer, station = world.raw()
    future = station.begin_raw("ClearCache", message_id="1")
    await peer.hear()
    await peer.say([3, "1", {"status": "Perhaps"}])
    with pytest.raises(Exception, match=r"\$\.status") as raised:
        await future
    assert [violation.path for violation in raised.value.violations] == ["$.status"]
    assert "CS1: refused: ClearCache response: " in caplog.text
    assert world.trace[-1].note.startswith("refused: ClearCache response: ")


# --- pressure ----------------------------------------------------------------------------------------------------


async def test_FC54_forty_stored_meter_values_at_once_are_all_answered_a_few_at_a_time() -> None:
    world = World(limits=Limits(in_progress=4))
    at_work: list[int] = []
    most = 0
    gate = asyncio.Event()

    @world.csms.on(v201.TransactionEventRequest)
    async def handle(station: Station, request: v201.TransactionEventRequest) -> v201.TransactionEventResponse:
        nonlocal most
        at_work.append(request.seq_no)
        most = max(most, len(at_work))
        await gate.wait()
        at_work.remove(request.seq_no)
        return v201.TransactionEventResponse()

    peer, _ = world.raw()
    for number in range(40):
        peer.link.send(json.dumps([2, f"m-{number}", "TransactionEvent", event(number)]).encode())
    assert await peer.hear() == []
    assert world.links[0]._paused  # nothing more is read until some are answered
    gate.set()
    heard = await peer.hear()
    assert sorted(answer[:2] for answer in heard) == sorted([3, f"m-{number}"] for number in range(40))
    assert most <= 4
    assert not world.links[0]._paused
    await world.close()


async def test_a_call_that_waited_too_long_for_its_turn_is_refused_and_never_handled() -> None:
    world = World(limits=Limits(in_progress=1, answer_timeout=5.0))
    handled: list[str] = []
    world.csms.on_any(lambda station, call: handled.append(call.message_id) or LATER)
    peer, _ = world.raw()
    peer.link.send(b'[2,"1","Heartbeat",{}]')
    await settle()
    await world.clock.advance(1.0)
    peer.link.send(b'[2,"2","Heartbeat",{}]')
    await settle()
    await world.clock.advance(4.0)
    assert [answer[:3] for answer in await peer.hear()] == [[4, "1", "InternalError"]]
    assert handled == ["1", "2"]
    await world.close()


async def test_answers_to_our_own_calls_are_read_while_the_peers_calls_wait() -> None:
    world = World(limits=Limits(in_progress=1))

    @world.csms.on(v201.DataTransferRequest)
    async def transfer(station: Station, request: v201.DataTransferRequest) -> v201.DataTransferResponse:
        answer = await station.call(v201.ClearCacheRequest(), message_id=f"c{request.vendor_id}")
        return v201.DataTransferResponse(status="Accepted", data=answer.status)

    peer, _ = world.raw()
    peer.link.send(b'[2,"1","DataTransfer",{"vendorId":"1"}]')
    heard = await peer.say([2, "2", "DataTransfer", {"vendorId": "2"}])
    assert heard == [[2, "c1", "ClearCache", {}]]
    heard = await peer.say([3, "c1", {"status": "Accepted"}])
    assert heard == [[3, "1", {"status": "Accepted", "data": "Accepted"}], [2, "c2", "ClearCache", {}]]
    await peer.say([3, "c2", {"status": "Accepted"}])
    await world.close()


async def test_FC49_the_same_call_again_while_the_first_is_at_work_is_handled_once(world: World) -> None:
    gate = asyncio.Event()
    handled: list[int] = []

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        handled.append(1)
        await gate.wait()
        return heartbeat_response()

    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == []
    assert await peer.say(HEARTBEAT) == []
    gate.set()
    assert await peer.hear() == [BEAT]
    assert handled == [1]


# --- on_connect --------------------------------------------------------------------------------------------------


async def test_async_hooks_of_on_connect_end_before_the_first_handler_runs(world: World) -> None:
    order: list[str] = []

    @world.csms.on_connect
    async def prepare(station: Station) -> None:
        answer = await station.call(v201.ClearCacheRequest(), message_id="c")
        order.append(f"prepared {answer.status}")

    @world.csms.on(v201.HeartbeatRequest)
    def heartbeat(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        order.append("heartbeat")
        return heartbeat_response()

    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == [[2, "c", "ClearCache", {}]]
    assert order == []
    assert await peer.say([3, "c", {"status": "Accepted"}]) == [BEAT]
    assert order == ["prepared Accepted", "heartbeat"]


async def test_a_hook_of_on_connect_that_fails_keeps_nobody_waiting(world: World) -> None:
    @world.csms.on_connect
    async def fail(station: Station) -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    world.csms.on(v201.HeartbeatRequest)(lambda *_: heartbeat_response())
    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == [BEAT]
