"""Whatever a peer sends: receive() never raises, every readable CALL gets one answer, and no answer gets any."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
from hypothesis import example, given, settings

from ocppflow.messages import Role, Version, v21
from ocppflow.messages.tolerance import STRICT, TOLERANT, Policy
from ocppflow.rpc import careful
from ocppflow.rpc.codes import CODES, to_wire
from ocppflow.rpc.dialect import RawMessage, dialect
from ocppflow.rpc.events import CallAnswered, CallFailed, CallReceived, Event, Refused
from ocppflow.rpc.session import Session

ACTIONS = sorted(
    {
        action
        for version in Version
        for action in (*dialect(version, Role.CSMS).heard, *dialect(version, Role.CSMS).said)
    }
)

text = st.text(st.characters(exclude_categories=()), max_size=50)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | text
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=10
)
ids = st.sampled_from(["1", "", "x" * 36, "x" * 37, "é" * 36, 'q"\\', "\ud800"]) | text | anything
actions = st.sampled_from(ACTIONS) | st.sampled_from(["Heartbeat-Signed", "DataTransfer-Signed", "own"]) | anything
payloads = (
    st.sampled_from([{}, {"vendorId": "a"}, {"status": "Accepted"}, {"payload": "e30", "signature": ""}]) | anything
)
kinds = st.sampled_from([2, 2, 2, 3, 4, 5, 6, 7]) | anything
frames = st.one_of(
    st.tuples(kinds, ids, actions, payloads),
    st.tuples(kinds, ids, payloads),
    st.tuples(kinds, ids, actions, text, payloads),
    st.lists(anything, max_size=6),
)
spaces = st.sampled_from(["", " ", "\n\t ", "\x0b", "\ufeff"])


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """A frame as JSON: with or without escapes and spaces, whole or cut, some of its bytes changed."""
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\r")]))
    frame = draw(frames)
    raw = json.dumps(frame, ensure_ascii=draw(st.booleans()), separators=separators)
    data = (draw(spaces) + raw + draw(spaces)).encode("utf-8", draw(st.sampled_from(["surrogatepass", "replace"])))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=2)) + data[at + draw(st.integers(0, 2)) :]
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 0 else data


any_side = {
    "version": st.sampled_from(Version),
    "role": st.sampled_from(Role),
    "policy": st.sampled_from([STRICT, TOLERANT]),
}


def _session(version: Version, role: Role, policy: Policy, in_flight: bool) -> Session:
    session = Session(version, role, policy=policy)
    if in_flight:
        session.call(RawMessage("DataTransfer", b'{"vendorId":"a"}'), 0.0, message_id="1")
        session.data_to_send()
    return session


def _elements(data: bytes) -> list[Any] | None:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


@settings(max_examples=600, deadline=None)
@given(data=st.one_of(written(), written(), written(), st.binary(max_size=200)), in_flight=st.booleans(), **any_side)
@example(data=b"[" * 100_000, in_flight=True, version=Version.V21, role=Role.CSMS, policy=TOLERANT)
@example(
    data=b'[2,"1","DataTransfer",' + b'{"data":' * 5000,
    in_flight=True,
    version=Version.V16,
    role=Role.CS,
    policy=TOLERANT,
)
@example(
    data=b"[2," + b"9" * 5000 + b',"Heartbeat",{}]', in_flight=False, version=Version.V16, role=Role.CSMS, policy=STRICT
)
@example(data=b"[" + b"9" * 5000 + b',"1"]', in_flight=False, version=Version.V201, role=Role.CSMS, policy=STRICT)
def test_receive_never_raises_and_what_it_answers_is_sound(
    data: bytes, in_flight: bool, version: Version, role: Role, policy: Policy
) -> None:
    session = _session(version, role, policy, in_flight)
    events = session.receive(data, 1.0)
    answers = [json.loads(answer.decode()) for answer, _ in session.data_to_send()]
    for answer in answers:
        _sound(answer, version)
    elements = _elements(data)
    kind = elements[0] if elements and type(elements[0]) is int else None
    if kind in (3, 4):
        assert [answer for answer in answers if answer[0] == 4] == []
    if kind == 2:
        _answered_once(session, events, answers)
    assert len(answers) <= 1


def _sound(answer: list[Any], version: Version) -> None:
    kind, message_id, code, description, details = answer
    assert kind in ((4, 5) if version is Version.V21 else (4,))
    assert isinstance(message_id, str) or (version is Version.V16 and isinstance(message_id, int))
    assert code in {to_wire(each, version) for each in CODES}
    assert isinstance(description, str)
    assert 0 < len(description) <= 255
    assert details == {}


def _answered_once(session: Session, events: list[Event], answers: list[Any]) -> None:
    """A CALL is refused now, or waits for an answer, which is then the only one."""
    last = events[-1]
    if isinstance(last, Refused):
        assert len(answers) == 1
        assert session.waiting == {}
    else:
        assert isinstance(last, CallReceived)
        assert answers == []
        session.reply(last.message_id, b"{}", validate=False)
        [(answer, _)] = session.data_to_send()
        assert json.loads(answer) == [3, last.message_id, {}]


PAYLOADS: dict[str, list[Any]] = {
    "Heartbeat": [{}, {"customData": {"vendorId": "é\u2028", "]": "]"}}],
    "DataTransfer": [{"vendorId": "a"}, {"vendorId": "]", "data": "]]}"}],
    "ClearCache": [{}],
    "StatusNotification": [
        {"timestamp": "2026-01-01T00:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1},
        {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
    ],
}


@st.composite
def sound_calls(draw: st.DrawFn) -> bytes:
    action = draw(st.sampled_from(sorted(PAYLOADS)))
    frame = [2, draw(st.text(max_size=36)), action, draw(st.sampled_from(PAYLOADS[action]))]
    return _spread(draw, frame)


def _spread(draw: st.DrawFn, frame: list[Any]) -> bytes:
    white = st.text(" \t\r\n", max_size=3)
    escaped = draw(st.booleans())
    parts = [json.dumps(each, ensure_ascii=escaped) for each in frame]
    inner = (draw(white) + "," + draw(white)).join(parts)
    return (draw(white) + "[" + draw(white) + inner + draw(white) + "]" + draw(white)).encode()


def _seen(events: list[Event]) -> list[Any]:
    """What an event tells, however it was read."""
    return [
        (type(e), e.message_id, e.action, e.message, e.payload)
        if isinstance(e, CallReceived | CallAnswered)
        else (type(e), str(e) if not isinstance(e, CallFailed) else str(e.error))
        for e in events
    ]


@settings(max_examples=200, deadline=None)
@given(data=st.one_of(sound_calls(), written()), **any_side)
def test_the_fast_way_and_the_careful_way_agree_on_calls(
    data: bytes, version: Version, role: Role, policy: Policy
) -> None:
    fast, slow = _session(version, role, policy, False), _session(version, role, policy, False)
    assert _seen(fast.receive(data, 1.0)) == _seen(_carefully(slow, data))
    assert fast.data_to_send() == slow.data_to_send()
    assert list(fast.waiting) == list(slow.waiting)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), **any_side)
def test_the_fast_way_and_the_careful_way_agree_on_answers(
    data: st.DataObject, version: Version, role: Role, policy: Policy
) -> None:
    message_id = data.draw(st.text(min_size=1, max_size=36).filter(lambda text: text.isprintable()))
    answered = data.draw(st.sampled_from([message_id, message_id, message_id + "x", message_id[1:]]))
    payload = data.draw(
        st.sampled_from([{"status": "Accepted"}, {"status": "Accepted", "data": "]"}, {"status": "No"}, {}])
    )
    frame = data.draw(st.composite(_spread)([3, answered, payload]))
    sessions = [_session(version, role, policy, False) for _ in range(2)]
    for session in sessions:
        session.call(RawMessage("DataTransfer", b'{"vendorId":"a"}'), 0.0, message_id=message_id)
        session.data_to_send()
    fast, slow = sessions
    assert _seen(fast.receive(frame, 1.0)) == _seen(_carefully(slow, frame))
    assert fast.data_to_send() == slow.data_to_send()
    assert len(fast.own_calls) == len(slow.own_calls)


def _carefully(session: Session, data: bytes) -> list[Event]:
    """What the session would make of ``data`` if there were no fast way."""
    return session._careful(data, 1.0)


@settings(max_examples=150, deadline=None)
@given(data=written(), version=st.sampled_from(Version), role=st.sampled_from(Role))
def test_reading_with_care_has_no_state(data: bytes, version: Version, role: Role) -> None:
    session = Session(version, role)
    view, judge = dialect(version, role), careful.Judge(session.policy, "", session.history)
    first = careful.interpret(data, view, None, judge)
    assert repr(careful.interpret(data, view, None, judge)) == repr(first)
    assert session.data_to_send() == []


def test_the_example_actions_are_heard_in_2_1() -> None:
    assert v21.HeartbeatRequest.__action__ in ACTIONS
