"""Two Sessions over a link that loses messages and breaks: no call is answered twice, lost silently or mismatched."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
from hypothesis import event as note
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ocppflow.errors import CallError, CallTimeout, ConnectionLost, InvalidMessageId, QueueFull, RemoteCallError
from ocppflow.messages import Role, Version
from ocppflow.rpc.dialect import RawMessage
from ocppflow.rpc.events import (
    CallAnswered,
    CallExpired,
    CallFailed,
    CallReceived,
    Event,
    Ignored,
    Refused,
    Repeated,
    Shared,
)
from ocppflow.rpc.history import History
from ocppflow.rpc.limits import Limits
from ocppflow.rpc.session import Session

LIMITS = Limits(call_timeout=10.0, answer_timeout=30.0, queue=3)


@dataclass
class Call:
    """A call of one side, and all that became of it."""

    number: int
    session: Session
    outcomes: list[Event] = field(default_factory=list)
    cancelled: bool = False


@dataclass
class End:
    """One side through all its connections. ``at_work`` holds the calls whose handlers run: session, id, number."""

    role: Role
    session: Session
    history: History = field(default_factory=History)
    calls: dict[tuple[int, str], Call] = field(default_factory=dict)
    at_work: list[tuple[Session, str, int]] = field(default_factory=list)
    wire: deque[bytes] = field(default_factory=deque)  # on the way from this end
    in_flight: int = 0


class TwoSessions(RuleBasedStateMachine):
    @initialize(version=st.sampled_from(Version))
    def connect_first(self, version: Version) -> None:
        self.version = version
        self.now = 0.0
        self.count = self.key = 0
        self.handled: dict[int, int] = {}
        """Number of a transaction message that a handler works on, or has answered -> answers given before."""
        self.answers = 0
        self.ends = [End(role, Session(version, role, limits=LIMITS)) for role in (Role.CS, Role.CSMS)]
        for end in self.ends:
            end.session = Session(version, end.role, limits=LIMITS, history=end.history)

    # --- what the two sides do -----------------------------------------------------------------------------------

    @rule(side=st.integers(0, 1), old_id=st.booleans())
    def call(self, side: int, old_id: bool) -> None:
        """A call bears its number, so that its answer can be told from all others."""
        failed = self._failed(side)
        self.count += 1
        self._call(side, self.count, failed[-1][0] if old_id and failed else None)

    @rule(side=st.integers(0, 1))
    def retry(self, side: int) -> None:
        """The same message again, under the same id."""
        failed = self._failed(side)
        if failed:
            message_id, call = failed[-1]
            self._call(side, call.number, message_id)

    def _failed(self, side: int) -> list[tuple[str, Call]]:
        """The calls of a side that ended without the peer's word, with their ids."""
        return [
            (key[1], call)
            for key, call in self.ends[side].calls.items()
            if call.outcomes
            and isinstance(call.outcomes[0], CallFailed)
            and not isinstance(call.outcomes[0].error, RemoteCallError)
        ]

    def _call(self, side: int, number: int, message_id: str | None) -> None:
        end = self.ends[side]
        for (_, used), call in end.calls.items():
            if used == message_id and call.session is end.session and call.number != number:
                return  # over one connection nobody could tell the answer to one from that to the other
        payload = json.dumps({"vendorId": "v", "data": str(number)}).encode()
        action = "DataTransfer"
        if side == 0 and number % 4:
            action, payload = self._transaction(number)
        try:
            message_id = end.session.call(RawMessage(action, payload), self.now, message_id=message_id)
        except (QueueFull, InvalidMessageId):
            return
        self.key += 1
        end.calls[self.key, message_id] = Call(number, end.session)
        self._send(end)

    def _transaction(self, number: int) -> tuple[str, bytes]:
        if self.version is Version.V16:
            start: dict[str, Any] = {
                "connectorId": 1,
                "idTag": "A",
                "meterStart": number,
                "timestamp": "2026-01-01T00:00:00Z",
            }
            return "StartTransaction", json.dumps(start).encode()
        event = {
            "eventType": "Updated",
            "timestamp": "2026-01-01T00:00:00Z",
            "triggerReason": "Trigger",
            "seqNo": number,
        }
        return "TransactionEvent", json.dumps({**event, "transactionInfo": {"transactionId": "T"}}).encode()

    def _response(self, number: int, action: str) -> dict[str, Any]:
        if action == "StartTransaction":
            return {"transactionId": number, "idTagInfo": {"status": "Accepted"}}
        if action == "TransactionEvent":
            return {"totalCost": number}
        return {"status": "Accepted", "data": str(number)}

    @rule(side=st.integers(0, 1), which=st.integers(0, 9), refuse=st.sampled_from([False, False, False, True]))
    def answer(self, side: int, which: int, refuse: bool) -> None:
        self._finish(side, which, refuse=refuse)

    def _finish(self, side: int, which: int, *, refuse: bool) -> None:
        end = self.ends[side]
        if not end.at_work:
            return
        session, message_id, number = end.at_work.pop(which % len(end.at_work))
        if refuse:
            late = session.fail(message_id, CallError.of("GenericError", str(number)))
            self.handled.pop(number, None)
        else:
            self.answers += 1
            action = session.waiting[message_id].action
            late = session.reply(message_id, json.dumps(self._response(number, action)).encode())
        assert (late is not None) is (session is not end.session)
        if late is not None:
            end.session.pass_on(late)
            assert session.data_to_send() == []  # nothing is said on a connection that is gone
        self._send(end)

    @rule(side=st.integers(0, 1), which=st.integers(0, 9))
    def cancel(self, side: int, which: int) -> None:
        end = self.ends[side]
        waiting = [(key, call) for key, call in end.calls.items() if not call.outcomes and not call.cancelled]
        if waiting:
            (_, message_id), call = waiting[which % len(waiting)]
            call.cancelled = True
            end.session.cancel(message_id)
            self._send(end)

    # --- what the link does --------------------------------------------------------------------------------------

    @rule(side=st.integers(0, 1), fates=st.lists(st.sampled_from([1, 1, 1, 1, 0, 2]), min_size=1, max_size=6))
    def deliver(self, side: int, fates: list[int]) -> None:
        """In order; each message arrives once, not at all, or twice."""
        end, other = self.ends[side], self.ends[1 - side]
        for copies in fates:
            if end.wire:
                data = end.wire.popleft()
                for _ in range(copies):
                    self._heard(other, other.session.receive(data, self.now))

    @rule()
    def a_good_moment(self) -> None:
        """All arrives, and all handlers finish."""
        for _ in range(2 * LIMITS.queue):
            for side in (0, 1):
                self.deliver(side, [1, 1])
                self._finish(side, 0, refuse=False)

    @rule(seconds=st.sampled_from([0.1, 9.0, 10.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for end in self.ends:
            due = end.session.timer()
            if due is not None and due <= self.now:
                self._heard(end, end.session.tick(self.now))
            due = end.session.timer()
            assert due is None or due > self.now

    @rule()
    def reconnect(self) -> None:
        for end in self.ends:
            end.wire.clear()
            self._heard(end, end.session.lost())
            assert all(call.outcomes or call.cancelled for call in end.calls.values())
            end.session = Session(self.version, end.role, limits=LIMITS, history=end.history)
            end.in_flight = 0

    @rule(breaks=st.integers(1, 3), then=st.integers(0, 2))
    def cut_off_while_a_handler_is_at_work(self, breaks: int, then: int) -> None:
        """The station repeats its last message on each new connection, and the handler finishes some time."""
        self.call(0, False)
        self.deliver(0, [1] * 8)
        for _ in range(breaks):
            self.reconnect()
            self.retry(0)
            self.deliver(0, [1])
        if then:
            self._finish(1, -1, refuse=then == 2)
            self.deliver(1, [1])

    @rule(steps=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 1)), min_size=10, max_size=40))
    def a_busy_hour(self, steps: list[tuple[int, int]]) -> None:
        """Many of the above, in the proportions that make for long conversations."""
        for what, side in steps:
            match what:
                case 0 | 1:
                    self.call(side, False)
                case 2:
                    self.retry(side)
                case 3 | 4:
                    self.deliver(side, [1, 1])
                case 5:
                    self._finish(side, 0, refuse=False)
                case 6:
                    self.wait(9.0)
                case 7 if side:
                    self.reconnect()
                case 7:
                    self.deliver(0, [0])

    # --- what must hold ------------------------------------------------------------------------------------------

    def _send(self, end: End) -> None:
        for data, _ in end.session.data_to_send():
            end.wire.append(data)
            if data.startswith(b"[2"):
                assert end.in_flight == 0, "a second CALL in flight"
                end.in_flight = 1

    def _heard(self, end: End, events: list[Event]) -> None:
        for event in events:
            note(type(event).__name__)
            if isinstance(event, CallReceived):
                self._started(end, event)
            elif isinstance(event, CallAnswered | CallFailed):
                self._ended(end, event)
            elif isinstance(event, CallExpired):
                for entry in [e for e in end.at_work if e[0] is end.session and e[1] == event.message_id]:
                    end.at_work.remove(entry)
                self.handled.clear()  # the peer was told InternalError, so it may try anew
            else:
                assert isinstance(event, Refused | Repeated | Shared | Ignored), event
        flying = end.session.own_calls.in_flight
        if flying is None or not any(data.startswith(b"[2") for data, _ in end.session.out):
            end.in_flight = int(flying is not None)
        else:
            end.in_flight = 0
        self._send(end)

    def _started(self, end: End, event: CallReceived) -> None:
        number = _number(event)
        end.at_work.append((end.session, event.message_id, number))
        if event.action in {"StartTransaction", "TransactionEvent"}:
            forgotten = self.answers - self.handled.get(number, -9) >= 8
            assert forgotten, "a transaction message was handled twice"
            self.handled[number] = self.answers

    def _ended(self, end: End, event: CallAnswered | CallFailed) -> None:
        [call] = [
            call
            for (_, message_id), call in end.calls.items()
            if message_id == event.message_id and not call.outcomes and not call.cancelled
        ]
        call.outcomes.append(event)
        assert call.session is end.session
        if isinstance(event, CallAnswered):
            assert json.loads(event.payload) == self._response(call.number, event.action), "somebody else's answer"
        elif (
            isinstance(event.error, RemoteCallError)
            and event.error.code == "GenericError"
            and event.error.description.isdigit()
        ):
            assert event.error.description == str(call.number), "somebody else's error"
        else:
            assert isinstance(event.error, CallTimeout | ConnectionLost | RemoteCallError)

    @invariant()
    def everything_is_bounded(self) -> None:
        for end in self.ends:
            session = end.session
            assert len(session.own_calls) <= LIMITS.queue + 1
            assert len(end.history.answers or ()) <= 8
            assert len(end.history.unfinished or ()) <= 32
            assert len(session.own_calls._late or ()) <= 16

    def teardown(self) -> None:
        """In the end every call has exactly one outcome."""
        if not hasattr(self, "ends"):
            return
        self.reconnect()
        for end in self.ends:
            for call in end.calls.values():
                assert len(call.outcomes) == (0 if call.cancelled and not call.outcomes else 1)


def _number(event: CallReceived) -> int:
    fields = json.loads(event.payload)
    return int(fields.get("data") or fields.get("meterStart") or fields.get("seqNo"))


TestTwoSessions = TwoSessions.TestCase
TestTwoSessions.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
