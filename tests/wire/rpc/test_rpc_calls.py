"""Calls in both directions, their ids and their ends (2.1 Part 4, 4.1.1, 4.1.4 and 4.2.4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from rpc_sides import V2, Side, every_side, sides

from ocppflow.errors import (
    CallError,
    CallTimeout,
    ConnectionLost,
    Expired,
    InvalidMessageId,
    InvalidResponse,
    NotConnected,
    QueueFull,
    RemoteCallError,
    UnknownAction,
)
from ocppflow.messages import Role, Version, v21
from ocppflow.rpc.dialect import RawMessage
from ocppflow.rpc.events import (
    CallAnswered,
    CallExpired,
    CallFailed,
    CallReceived,
    Ignored,
    LateAnswer,
    Refused,
    Repeated,
    SendReceived,
    Shared,
)
from ocppflow.rpc.history import History
from ocppflow.rpc.limits import Limits
from ocppflow.rpc.session import Session


@every_side
def test_J_4_1_1_one_call_is_in_flight_and_the_others_wait_in_order(side: Side) -> None:
    ids = [side.call() for _ in range(3)]
    assert side.sent() == [[2, ids[0], side.said, {}]]
    assert side.hear([3, ids[0], side.answer]) == [[2, ids[1], side.said, {}]]
    assert side.hear([4, ids[1], "GenericError", "", {}]) == [[2, ids[2], side.said, {}]]
    assert side.hear([3, ids[2], side.answer]) == []
    assert len(side.session.own_calls) == 0


@every_side
def test_J_4_1_1_the_queue_is_bounded_and_says_so(side: Side) -> None:
    side.session = Session(side.version, side.role, limits=Limits(queue=2))
    for _ in range(3):
        side.call()
    with pytest.raises(QueueFull, match="2 calls wait on this connection already"):
        side.call()
    assert len(side.sent()) == 1


@sides(versions=(Version.V21,), roles=(Role.CS,))
def test_J_4_2_4_a_send_goes_out_at_any_time_and_wants_no_answer(side: Side) -> None:
    side.call()
    side.sent()
    data = [v21.StreamDataElementType(t=0.5, v="230.4")]
    stream = v21.NotifyPeriodicEventStream(id=1, pending=0, basetime=datetime(2026, 1, 1, tzinfo=UTC), data=data)
    message_id = side.session.send(stream)
    [[kind, sent_id, action, payload]] = side.sent()
    assert (kind, sent_id, action, payload["data"]) == (
        6,
        message_id,
        "NotifyPeriodicEventStream",
        [{"t": 0.5, "v": "230.4"}],
    )
    assert len(side.session.own_calls) == 1


@sides(versions=(Version.V21,), roles=(Role.CSMS,))
@pytest.mark.parametrize(
    "message",
    [
        [6, "1", "NotifyPeriodicEventStream", {"id": 1}],
        [6, "1", "NotifyPeriodicEventStream", "x"],
        [6, "1", "Heartbeat", {}],
        [6, "1", "Nonsense", {}],
        [6, "1", ["x"], {}],
        [6, 1, "NotifyPeriodicEventStream", {}],
        [6, "x" * 40, "NotifyPeriodicEventStream", {}],
        [6, "1"],
        [6],
    ],
)
def test_J_4_2_4_a_send_is_never_answered_whatever_is_wrong_with_it(side: Side, message: Any) -> None:
    assert side.hear(message) == []
    assert isinstance(side.event, Ignored)


@sides(versions=(Version.V21,), roles=(Role.CSMS,))
def test_J_4_2_4_a_valid_send_is_delivered_and_not_answered(side: Side) -> None:
    payload = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 1, "v": "1"}]}
    assert side.hear([6, "s", "NotifyPeriodicEventStream", payload]) == []
    assert isinstance(side.event, SendReceived)
    assert json.loads(side.event.payload) == payload
    with pytest.raises(Expired):
        side.session.reply("s", b"{}")


@sides(versions=(Version.V21,), roles=(Role.CSMS,))
def test_J_4_2_4_what_comes_as_a_call_and_has_no_response_is_refused(side: Side) -> None:
    assert side.hear([2, "1", "NotifyPeriodicEventStream", {}])[0][:3] == [4, "1", "NotSupported"]


def test_J_4_2_4_a_request_is_not_sent_as_a_send_nor_a_send_called() -> None:
    session = Session(Version.V21, Role.CS)
    with pytest.raises(UnknownAction, match="call\\(\\) it"):
        session.send(v21.HeartbeatRequest())
    with pytest.raises(UnknownAction, match="send\\(\\) it"):
        session.call(RawMessage("NotifyPeriodicEventStream", b"{}"), 0.0, validate=False)
    assert session.data_to_send() == []


@every_side
def test_J_4_1_1_a_call_that_arrives_while_ours_is_in_flight_is_answered_at_once(side: Side) -> None:
    ours = side.call()
    side.sent()
    side.hear([2, "theirs", side.heard, {}])
    assert isinstance(side.event, CallReceived)
    assert side.reply("theirs", side.response) == [[3, "theirs", side.response]]
    side.hear([3, ours, side.answer])
    assert isinstance(side.event, CallAnswered)


@every_side
def test_J_4_1_1_both_sides_may_use_the_same_id_at_the_same_time(side: Side) -> None:
    side.call(message_id="1")
    side.sent()
    side.hear([2, "1", side.heard, {}])
    assert isinstance(side.event, CallReceived)
    side.hear([3, "1", side.answer])
    assert isinstance(side.event, CallAnswered)
    assert side.reply("1", side.response) == [[3, "1", side.response]]


@every_side
def test_J_4_1_1_a_call_times_out_and_the_next_one_goes(side: Side) -> None:
    first, second = side.call(timeout=10.0), side.call()
    side.sent()
    assert side.session.timer() == side.now + 10.0
    assert side.session.tick(side.now + 9.9) == []
    [failed] = side.session.tick(side.now + 10.0)
    assert isinstance(failed, CallFailed)
    assert failed.message_id == first
    assert isinstance(failed.error, CallTimeout)
    assert str(failed.error) == f"{side.said}: no answer within 10 s"
    assert side.sent() == [[2, second, side.said, {}]]


@every_side
@pytest.mark.parametrize("late", [[3, "{id}", {}], [4, "{id}", "GenericError", "", {}]])
def test_J_4_1_1_a_late_answer_is_ignored_and_harms_nothing(side: Side, late: list[Any]) -> None:
    first, second = side.call(timeout=10.0), side.call()
    side.now += 10.0
    side.session.tick(side.now)
    side.sent()
    assert side.hear([late[0], first, *late[2:]]) == []
    assert isinstance(side.event, Ignored)
    assert "had timed out" in side.event.reason
    side.hear([3, second, side.answer])
    assert isinstance(side.event, CallAnswered)
    assert side.event.message_id == second


@every_side
def test_J_4_1_1_when_the_connection_dies_all_pending_calls_fail_at_once(side: Side) -> None:
    ids = [side.call() for _ in range(3)]
    lost = side.session.lost()
    assert [event.message_id for event in lost if isinstance(event, CallFailed)] == ids
    assert all(isinstance(event, CallFailed) and isinstance(event.error, ConnectionLost) for event in lost)
    assert side.session.lost() == []
    assert side.sent() == []
    assert side.session.timer() is None
    with pytest.raises(NotConnected):
        side.call()


@every_side
def test_J_4_1_1_a_cancelled_call_leaves_the_queue_but_not_its_place_in_flight(side: Side) -> None:
    first, second, third = (side.call() for _ in range(3))
    side.sent()
    side.session.cancel(first)
    side.session.cancel(second)
    assert side.sent() == []  # the peer may still be at work: no second CALL before its answer (4.1.1)
    assert side.hear([3, first, side.answer]) == [[2, third, side.said, {}]]
    assert isinstance(side.event, Ignored)
    assert len(side.session.own_calls) == 1


@every_side
def test_J_4_1_1_the_time_out_frees_the_place_of_a_cancelled_call(side: Side) -> None:
    first, second = side.call(timeout=10.0), side.call()
    side.sent()
    side.session.cancel(first)
    [event] = side.session.tick(side.now + 10.0)
    assert isinstance(event, Ignored)
    assert [frame[1] for frame in side.sent()] == [second]


@every_side
def test_J_4_1_1_our_own_answer_has_a_time_out_and_the_peer_hears_of_it(side: Side) -> None:
    side.session = Session(side.version, side.role, limits=Limits(answer_timeout=5.0, silence="nobody was there"))
    side.hear([2, "1", side.heard, {}])
    assert side.session.timer() == side.now + 5.0
    assert side.session.tick(side.now + 4.9) == []
    assert side.session.tick(side.now + 5.0) == [CallExpired("1", side.heard)]
    assert side.sent() == [[4, "1", "InternalError", "nobody was there", {}]]
    with pytest.raises(Expired):
        side.reply("1", side.response)
    assert side.session.timer() is None


@every_side
def test_J_4_1_4_ids_are_unique_short_and_may_be_given(side: Side) -> None:
    others = [Session(side.version, side.role, limits=Limits(queue=500)) for _ in range(4)]
    ids = {session.call(side.request(), 0.0) for session in others for _ in range(200)}
    assert len(ids) == 800
    assert all(0 < len(each) <= 36 for each in ids)
    assert side.call(message_id="x" * 36) == "x" * 36
    for wrong in ("", "x" * 37):
        with pytest.raises(InvalidMessageId, match="1 to 36"):
            side.call(message_id=wrong)


@every_side
def test_J_4_1_4_a_retry_may_bear_the_same_id_but_not_while_it_is_in_progress(side: Side) -> None:
    side.call(message_id="retry", timeout=10.0)
    with pytest.raises(InvalidMessageId, match="in progress"):
        side.call(message_id="retry")
    side.now += 10.0
    side.session.tick(side.now)
    side.sent()
    side.call(message_id="retry")
    assert side.sent() == [[2, "retry", side.said, {}]]
    side.hear([3, "retry", side.answer])
    assert isinstance(side.event, CallAnswered)


@every_side
def test_J_4_1_4_an_id_that_is_too_long_gets_a_callerror(side: Side) -> None:
    assert side.hear([2, "x" * 37, side.heard, {}])[0][:3] == [4, "x" * 37, side.code("RpcFrameworkError")]
    assert side.hear([2, "x" * 3700, side.heard, {}])[0][:3] == [4, "-1", side.code("RpcFrameworkError")]


@every_side
def test_J_4_1_4_an_id_in_progress_gets_a_callerror_and_the_first_call_its_answer(side: Side) -> None:
    side.hear([2, "1", side.heard, {}])
    assert side.hear([2, "1", "DataTransfer", {"vendorId": "a"}])[0][:3] == [4, "1", side.code("RpcFrameworkError")]
    assert isinstance(side.event, Refused)
    assert side.reply("1", side.response) == [[3, "1", side.response]]


@every_side
def test_J_4_1_4_the_same_call_again_while_it_is_at_work_shares_the_one_answer(side: Side) -> None:
    side.hear([2, "1", side.heard, {}])
    assert side.hear([2, "1", side.heard, {}]) == []
    assert side.event == Shared("1", side.heard)
    assert side.reply("1", side.response) == [[3, "1", side.response]]


@every_side
def test_J_4_1_4_only_the_last_call_is_answered_from_memory_unless_it_concerns_a_transaction(side: Side) -> None:
    """A station that numbers every call "1" loses nothing."""
    first, other = [2, "1", "DataTransfer", {"vendorId": "a"}], [2, "1", "DataTransfer", {"vendorId": "b"}]
    for each in (first, other, first):
        side.hear(each)
        assert isinstance(side.event, CallReceived), each
        side.reply("1", {"status": "Accepted"})
    side.hear(first)
    assert isinstance(side.event, Repeated)


@every_side
def test_J_4_1_4_an_answer_that_was_overtaken_by_another_call_is_not_remembered(side: Side) -> None:
    side.hear([2, "1", "DataTransfer", {"vendorId": "a"}])
    side.hear([2, "2", "DataTransfer", {"vendorId": "b"}])
    side.reply("1", {"status": "Accepted"})
    side.hear([2, "1", "DataTransfer", {"vendorId": "a"}])
    assert isinstance(side.event, CallReceived)


@sides(roles=(Role.CS,))
def test_J_4_1_4_a_repeated_id_gets_the_same_answer_again(side: Side) -> None:
    side.hear([2, "1", "ClearCache", {}])
    first = side.reply("1", {"status": "Rejected"})
    for _ in range(3):
        assert side.hear([2, "1", "ClearCache", {}]) == first
        assert isinstance(side.event, Repeated)


@every_side
def test_J_4_1_4_a_new_call_with_an_old_id_is_a_new_call(side: Side) -> None:
    """A station that counts its ids from 1 after each start sends another message under the same id."""
    action, other = ("DataTransfer", {"vendorId": "b"})
    side.hear([2, "1", action, {"vendorId": "a"}])
    side.reply("1", {"status": "Accepted"})
    assert side.hear([2, "1", action, other]) == []
    assert isinstance(side.event, CallReceived)


@sides(versions=V2, roles=(Role.CS,))
def test_J_4_1_4_another_action_with_the_same_id_and_payload_is_another_call(side: Side) -> None:
    side.hear(b'[2,"1","ClearCache",null]')
    side.reply("1", {"status": "Accepted"})
    assert side.hear(b'[2,"1","GetLocalListVersion",null]') == []
    assert isinstance(side.event, CallReceived)
    assert side.event.action == "GetLocalListVersion"


@sides(roles=(Role.CSMS,))
def test_J_4_1_4_what_holds_the_time_is_never_answered_from_memory(side: Side) -> None:
    for _ in range(2):
        assert side.hear([2, "1", "Heartbeat", {}]) == []
        assert isinstance(side.event, CallReceived)
        side.reply("1", side.response)


def transaction(version: Version) -> tuple[str, dict[str, Any], dict[str, Any]]:
    if version is Version.V16:
        start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
        return "StartTransaction", start, {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}
    event = {
        "eventType": "Started",
        "timestamp": "2026-01-01T00:00:00Z",
        "triggerReason": "Authorized",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "T"},
    }
    return "TransactionEvent", event, {"totalCost": 1.5}


def successor(side: Side) -> Side:
    """The same station's next connection."""
    return Side(side.version, side.role, {"history": side.session.history}, side.now + 1)


@sides(roles=(Role.CSMS,))
def test_J_4_1_4_a_transaction_message_repeated_on_a_new_connection_gets_the_same_answer(side: Side) -> None:
    action, payload, response = transaction(side.version)
    side.hear([2, "t1", action, payload])
    first = side.reply("t1", response)
    side.session.lost()
    again = successor(side)
    assert again.hear([2, "t1", action, payload]) == first
    assert isinstance(again.event, Repeated)


@sides(roles=(Role.CSMS,))
def test_J_4_1_4_a_repetition_waits_for_the_handler_that_is_at_work_for_the_old_connection(side: Side) -> None:
    action, payload, response = transaction(side.version)
    side.hear([2, "t1", action, payload])
    side.session.lost()
    second = successor(side)
    assert second.hear([2, "t1", action, payload]) == []
    assert second.events == [Shared("t1", action)]
    second.session.lost()
    third = successor(side)
    assert third.hear([2, "t1", action, payload]) == []
    assert third.events == [Shared("t1", action)]
    late = side.session.reply("t1", json.dumps(response).encode())
    assert isinstance(late, LateAnswer)
    assert side.sent() == []
    second.session.pass_on(late)
    third.session.pass_on(late)
    assert (third.sent(), second.sent()) == ([[3, "t1", response]], [])
    assert third.session.waiting == {}
    assert third.hear([2, "t1", action, payload]) == [[3, "t1", response]]


@sides(roles=(Role.CSMS,))
def test_J_4_1_4_a_refusal_reaches_the_new_connection_too_and_is_not_remembered(side: Side) -> None:
    action, payload, _ = transaction(side.version)
    side.hear([2, "t1", action, payload])
    side.session.lost()
    again = successor(side)
    again.hear([2, "t1", action, payload])
    late = side.session.fail("t1", CallError.of("InternalError", "no"))
    assert late is not None
    again.session.pass_on(late)
    assert again.sent() == [[4, "t1", "InternalError", "no", {}]]
    assert again.hear([2, "t1", action, payload]) == []
    assert isinstance(again.event, CallReceived)


@sides(roles=(Role.CSMS,))
def test_J_4_1_4_a_handler_that_never_answers_does_not_swallow_every_repetition(side: Side) -> None:
    action, payload, _ = transaction(side.version)
    side.hear([2, "t1", action, payload])
    side.session.lost()
    again = successor(side)
    again.hear([2, "t1", action, payload])
    again.session.tick(again.now + 60.0)
    assert again.sent()[0][:3] == [4, "t1", "InternalError"]
    again.hear([2, "t1", action, payload])
    assert isinstance(again.event, CallReceived)


@sides(roles=(Role.CSMS,))
def test_J_4_1_4_what_is_remembered_of_a_station_is_bounded(side: Side) -> None:
    action, payload, response = transaction(side.version)
    history = History()
    for n in range(200):
        session = Session(side.version, side.role, history=history)
        for m, answered in enumerate((True, False)):
            session.receive(json.dumps([2, f"{n}-{m}", action, payload]).encode(), 0.0)
            if answered:
                session.reply(f"{n}-{m}", json.dumps(response).encode())
        session.lost()
    assert history.answers is not None
    assert len(history.answers) <= 8
    assert len(history.unfinished or ()) <= 32


@every_side
def test_a_call_that_fails_at_the_peer_says_how(side: Side) -> None:
    side.call(message_id="1")
    side.hear([4, "1", "NotSupported", "not here", {"why": 1}])
    assert isinstance(side.event, CallFailed)
    assert isinstance(side.event.error, RemoteCallError)
    error = side.event.error
    assert (error.code, error.description, error.details) == ("NotSupported", "not here", {"why": 1})


@every_side
def test_an_answer_that_breaks_the_schema_fails_the_call(side: Side) -> None:
    side.call(message_id="1")
    side.sent()
    side.hear([3, "1", {"nonsense": 1}])
    assert isinstance(side.event, CallFailed)
    assert isinstance(side.event.error, InvalidResponse)
    assert side.event.error.raw == b'{"nonsense": 1}'
    assert len(side.session.own_calls) == 0


@every_side
@pytest.mark.parametrize(
    "answer", [b'[3,"1",[]]', b'[3,"1",7]', b'[3,"1",{"a":"\xff"}]', b'[3,"1",{"a":"\xed\xa0\x80"}]']
)
def test_the_answer_to_an_unknown_action_is_at_least_a_json_object(side: Side, answer: bytes) -> None:
    side.session.call(RawMessage("Own", b"{}"), side.now, message_id="1", validate=False)
    side.sent()
    side.hear(answer)
    assert isinstance(side.event, CallFailed)
    assert isinstance(side.event.error, InvalidResponse)


@every_side
def test_the_answer_to_an_unknown_action_is_delivered_as_it_came(side: Side) -> None:
    side.session.call(RawMessage("Own", b'{"a":1}'), side.now, message_id="1", validate=False)
    assert side.sent() == [[2, "1", "Own", {"a": 1}]]
    side.hear(b' [3, "1" , {"b" : 2.50 } ] ')
    assert isinstance(side.event, CallAnswered)
    assert (side.event.message, side.event.payload) == (None, b'{"b" : 2.50 }')


@every_side
def test_a_call_that_has_waited_too_long_in_the_queue_is_not_sent_later(side: Side) -> None:
    side.call(message_id="1", timeout=30.0)
    side.call(message_id="2", give_up_after=5.0)
    side.call(message_id="3")
    side.sent()
    assert side.session.timer() == side.now + 5.0
    [failed] = side.session.tick(side.now + 5.0)
    assert isinstance(failed, CallFailed)
    assert (failed.message_id, failed.latency) == ("2", None)
    assert "not sent" in str(failed.error)
    assert [frame[1] for frame in side.hear([3, "1", side.answer])] == ["3"]


@every_side
def test_the_time_to_give_up_bounds_a_call_in_flight_too(side: Side) -> None:
    side.call(message_id="1", timeout=30.0, give_up_after=5.0)
    side.sent()
    [failed] = side.session.tick(side.now + 5.0)
    assert isinstance(failed, CallFailed)
    assert failed.latency == 5.0
