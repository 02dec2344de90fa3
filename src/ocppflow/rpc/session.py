"""The OCPP-J session: one per connection, either role, no I/O and no clock (time is an argument, in seconds).

Bytes go in through :meth:`Session.receive`, which returns events and never raises for what the peer did; bytes come
out of :meth:`Session.data_to_send`. There is one timer: :meth:`Session.timer` says when :meth:`Session.tick` wants to
be called. Sources: OCPP-J 1.6 with errata 2025-04; OCPP-J 2.0.1 Part 4 ed. 3; OCPP-J 2.1 Part 4 ed. 1.
"""

from __future__ import annotations

from typing import Any, Final

from ocppflow.errors import (
    CallError,
    CallTimeout,
    ConnectionLost,
    Expired,
    NotConnected,
    RemoteCallError,
    RemoteError,
    UnknownAction,
)
from ocppflow.messages import Role, Version
from ocppflow.messages.tolerance import STRICT, Policy, Violation
from ocppflow.rpc import careful, registration
from ocppflow.rpc import frame as frames
from ocppflow.rpc.codes import to_wire
from ocppflow.rpc.dialect import UNUSUAL, dialect
from ocppflow.rpc.events import (
    CallAnswered,
    CallExpired,
    CallFailed,
    CallReceived,
    Event,
    Forgiven,
    Ignored,
    LateAnswer,
    MessageEvent,
    Noted,
    Refused,
    Repeated,
    ResultRefused,
    SendReceived,
    Shared,
)
from ocppflow.rpc.frame import CALLERROR, CALLRESULTERROR
from ocppflow.rpc.history import FRESH, TRANSACTION_ACTIONS, CallKey, History
from ocppflow.rpc.limits import Limits
from ocppflow.rpc.own_calls import OwnCall, OwnCalls

Outbound = tuple[bytes, float | None]
"""A frame to be sent and, if it answers a call of the peer's, the time when that call came."""

_NO_CALLS: Final[dict[str, CallReceived]] = {}  # for the dict that an idle connection does not have; never written to
_NO_CALL: Final[CallKey] = ("", 0)
_NO_OWN_CALLS: Final = OwnCalls(0)  # the same, for a connection over which this side has called nobody


class Session:
    """``history`` is the station's, shared by its connections; ``policy`` is for messages that break the schema."""

    __slots__ = (
        "_dialect",
        "_latest",
        "_latest_action",
        "_latest_answer",
        "_lost",
        "_readers",
        "history",
        "identity",
        "limits",
        "out",
        "own_calls",
        "policy",
        "role",
        "version",
        "waiting",
    )

    def __init__(
        self,
        version: Version,
        role: Role,
        *,
        identity: str = "",
        limits: Limits = Limits(),  # noqa: B008 - frozen
        policy: Policy = STRICT,
        history: History | None = None,
    ) -> None:
        self.version = version
        self.role = role
        self.identity = identity
        self.limits = limits
        self.policy = policy
        self.history = history if history is not None else History()
        self.waiting = _NO_CALLS
        """The peer's calls that wait for our answer: id -> call, oldest first. Not to be changed from outside."""
        self._dialect = dialect(version, role)
        self._readers = self._dialect.call_readers
        self.own_calls = _NO_OWN_CALLS
        """Ours, waiting or in flight."""
        self._latest = _NO_CALL  # the peer's last call, and the answer once it is given
        self._latest_action = ""
        self._latest_answer: bytes | None = None
        self.out: list[Outbound] = []
        """What is to be sent; :meth:`data_to_send` takes it."""
        self._lost = False

    # --- what this side says -------------------------------------------------------------------------------------

    def call(
        self,
        request: Any,
        now: float,
        *,
        message_id: str | None = None,
        timeout: float | None = None,
        give_up_after: float | None = None,
        validate: bool = True,
        waiter: Any = None,
    ) -> str:
        """Queue a CALL and return its id; exactly one CallAnswered or CallFailed with it follows, bearing ``waiter``.

        ``request`` is a request Struct of this version or a RawMessage. ``timeout`` (seconds) counts from when the call
        goes out, ``give_up_after`` from now, in the queue or in flight. ``validate=False`` sends what the schema
        forbids, actions unknown to this version included, for testing the peer. Raises InvalidMessage, UnknownAction,
        InvalidMessageId, QueueFull or NotConnected, and then nothing is sent.
        """
        action, payload, info = self._dialect.request(request, validate)
        if info is not None and not info.confirmed:
            raise UnknownAction(f"{action} has no response; send() it instead of calling it")
        if self._lost:
            raise NotConnected(f"{action}: the connection is closed")
        message_id = frames.new_id() if message_id is None else message_id
        limit = self.limits.call_timeout if timeout is None else timeout
        data = frames.call(message_id, action, payload)
        give_up_at = None if give_up_after is None else now + give_up_after
        if self.own_calls is _NO_OWN_CALLS:
            self.own_calls = OwnCalls(self.limits.queue)
        self.own_calls.add(OwnCall(message_id, action, data, limit, waiter, info is not None, give_up_at))
        if self.role is Role.CSMS:
            registration.triggering(self.history, action, payload)
        self._pump(now)
        return message_id

    def send(self, request: Any, *, message_id: str | None = None, validate: bool = True) -> str:
        """Send an unconfirmed message (2.1 SEND), at any time, and return its id. Raises as ``call`` does."""
        action, payload, info = self._dialect.request(request, validate)
        if validate and (info is None or info.confirmed):
            raise UnknownAction(f"{action} has a response; call() it instead of sending it")
        if self._lost:
            raise NotConnected(f"{action}: the connection is closed")
        message_id = frames.new_id() if message_id is None else message_id
        self.out.append((frames.send(message_id, action, payload), None))
        return message_id

    def cancel(self, message_id: str) -> None:
        """Nobody waits for this call any more. One that is queued goes; one in flight keeps its place (4.1.1)."""
        self.own_calls.cancel(message_id)

    def reply(self, message_id: str, response: Any, *, validate: bool = True) -> LateAnswer | None:
        """Answer the peer's call with ``response``: a response Struct, or the payload's JSON as bytes.

        Returns the answer as an event if this connection has ended: another one may have the call by now. Raises
        Expired if the call is not, or no longer, waiting; InvalidMessage if the schema forbids the response, and then
        the call still waits for a better one.
        """
        call = self.waiting.get(message_id)
        if call is None:
            raise _expired(message_id)
        data = self._dialect.result(message_id, call.action, response, validate)
        if call.action in TRANSACTION_ACTIONS:
            self.history.remember((message_id, call.fingerprint), data)
        elif self._latest == (message_id, call.fingerprint):
            self._latest_answer = data
        if call.action == registration.BOOT and self.role is Role.CSMS and not self._lost:
            registration.registered(self.history, frames.last_element(data))
        return self._answer(call, data)

    def fail(self, message_id: str, error: CallError) -> LateAnswer | None:
        """Answer the peer's call with a CALLERROR; returns as ``reply`` does. Raises Expired."""
        call = self.waiting.get(message_id)
        if call is None:
            raise _expired(message_id)
        return self._answer(call, self._error_frame(CALLERROR, message_id, error))

    def _answer(self, call: CallReceived, data: bytes) -> LateAnswer | None:
        del self.waiting[call.message_id]
        if not self.waiting:
            self.waiting = _NO_CALLS  # an empty dict keeps its memory
        if self.history.unfinished:
            self.history.finished(call.key)
        if self._lost:
            return LateAnswer(call.key, data)
        self.out.append((data, call.received_at))
        return None

    def pass_on(self, answer: LateAnswer) -> None:
        """An earlier connection has the answer to a call; it is sent if the peer has repeated that call here."""
        call = self.waiting.get(answer.key[0])
        if call is not None and call.shared and call.key == answer.key:
            self._answer(call, answer.frame)

    def _error_frame(self, kind: int, message_id: str | int, error: CallError) -> bytes:
        code = to_wire(error.code, self.version)
        return frames.error(kind, message_id, code, error.description, error.details)

    # --- what the peer says --------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take in one whole message and return what it means. Never raises for what the peer did."""
        if data[1:2] == b"3":
            return self._result(data, now)
        try:
            # Where the action stands is guessed. A wrong guess does no harm: its reader takes only a CALL of this
            # action, and accepts exactly what is sound and valid.
            _, message_id, action, message = self._readers[data.split(b'"', 4)[3]](data)
        except UNUSUAL:
            return self._careful(data, now)
        return [self._called(CallReceived(message_id, action, message, data, (), True, hash(data), now))]

    def _result(self, data: bytes, now: float) -> list[Event]:
        flying = self.own_calls.in_flight
        if flying is not None and flying.known:
            try:
                _, message_id, message = self._dialect.read_result(data, flying.action)
            except UNUSUAL:
                return self._careful(data, now)
            if message_id == flying.message_id:
                return [self._answered(flying, CallAnswered(message_id, flying.action, message, data), now)]
        return self._careful(data, now)

    def _called(self, call: CallReceived) -> Event:
        """The peer's valid call: may it be made now, and has it been made before?"""
        message_id, action, history = call.message_id, call.action, self.history
        key = (message_id, call.fingerprint)
        if (same := self.waiting.get(message_id)) is not None:
            if same.fingerprint == call.fingerprint:
                return Shared(message_id, action)
            reason = f"message id {message_id!r} is in progress on this connection"
            return self._refuse(message_id, action, "RpcFrameworkError", reason)
        free = history.registration in registration.FREE
        if not free and (refusal := registration.refusal(history, self.role, action)):
            silent = self.role is Role.CS and self.version is Version.V16  # 1.6, 4.2
            return Ignored(refusal) if silent else self._refuse(message_id, action, "SecurityError", refusal)
        answer = self._latest_answer if key == self._latest else None
        if answer is None and history.answers is not None:
            answer = history.answers.get(key)
        if answer is not None:
            self.out.append((answer, call.received_at))
            return Repeated(message_id, action)
        if action in FRESH or action in TRANSACTION_ACTIONS:  # remembered never, or elsewhere
            key = (message_id, 0) if self.version is Version.V21 else _NO_CALL  # whose refusal can be told (2.1 alone)
        self._latest, self._latest_action, self._latest_answer = key, action, None
        if self.waiting is _NO_CALLS:
            self.waiting = {}
        self.waiting[message_id] = call
        if history.unfinished and call.key in history.unfinished:
            call.shared = True
            return Shared(message_id, action)
        if action == registration.BOOT:
            registration.booting(history, call.message)
        return call

    def _refuse(
        self, message_id: str | int, action: str, code: str, reason: str, violations: tuple[Violation, ...] = ()
    ) -> Refused:
        error = CallError.of(code, reason)
        self.out.append((self._error_frame(CALLERROR, message_id, error), None))
        return Refused(str(message_id), action, error, violations)

    def _answered(self, call: OwnCall, answer: CallAnswered, now: float) -> Event:
        self.own_calls.over()
        if self.role is Role.CS and call.action == registration.BOOT:
            registration.registered(self.history, answer.payload)
        self._pump(now)
        if call.abandoned:
            return Ignored(f"the answer to {call.action} {call.message_id!r}, which was cancelled")
        answer.latency = call.age(now) or 0.0
        answer.waiter = call.waiter
        return answer

    def receive_binary(self, data: bytes, now: float) -> list[Event]:
        """As ``receive``, for a message that came as a binary one: OCPP-J has none, but some stations send them."""
        return self._careful(data, now, binary=True)

    def _careful(self, data: bytes, now: float, *, binary: bool = False) -> list[Event]:
        """Everything that is not a usual frame."""
        judge = careful.Judge(self.policy, self.identity, self.history)
        reading, notes = careful.interpret(data, self._dialect, self.own_calls.in_flight, judge, binary=binary)
        events: list[Event] = [Noted(note) for note in notes]
        event = self._carry_out(reading, data, now)
        if isinstance(event, MessageEvent) and event.violations:
            events.append(Forgiven(event.action, event.violations))
        events.append(event)
        return events

    def _carry_out(self, reading: careful.Reading, data: bytes, now: float) -> Event:
        match reading:
            case careful.TheirCall(message_id, action, message, payload, violations):
                call = CallReceived(message_id, action, message, payload, violations, False, hash(data), now)
                return self._called(call)
            case careful.TheirSend(message_id, action, message, payload, violations):
                if refusal := registration.refusal(self.history, self.role, action):
                    return Ignored(f"SEND of {refusal}")
                return SendReceived(message_id, action, message, payload, violations, False, now)
            case careful.TheirFault(message_id, action, code, reason, violations):
                return self._refuse(message_id, action, code, reason, violations)
            case careful.TheirResultError(message_id, error):
                action = self._latest_action if self._latest[0] == message_id else ""
                return ResultRefused(message_id, action, error)
            case careful.NoEffect(reason, message_id):
                return Ignored(self.own_calls.unmatched(reason, message_id) if message_id else reason)
        call_in_flight = self.own_calls.in_flight
        assert call_in_flight is not None  # noqa: S101 - the readings left are of the call in flight
        return self._settle(call_in_flight, reading, now)

    def _settle(
        self, call: OwnCall, reading: careful.TheirResult | careful.TheirError | careful.TheirBadResult, now: float
    ) -> Event:
        match reading:
            case careful.TheirResult(message, payload, violations):
                answer = CallAnswered(call.message_id, call.action, message, payload, violations, framed=False)
                return self._answered(call, answer, now)
            case careful.TheirError(error, wire_code):
                return self._failed(call, RemoteCallError(call.action, error, wire_code=wire_code), now)
            case careful.TheirBadResult(code, reason):
                if self.version is Version.V21:  # Part 4, 4.2.5; before 2.1 there is no way to tell the peer
                    refusal = self._error_frame(CALLRESULTERROR, call.message_id, CallError.of(code, reason))
                    self.out.append((refusal, None))
                return self._failed(call, reading.error(call.action), now)

    # --- time and the end ----------------------------------------------------------------------------------------

    def timer(self) -> float | None:
        """When ``tick`` wants to be called; None if nothing is due."""
        if self._lost:
            return None
        deadline = None if self.own_calls.in_flight is None else self.own_calls.deadline()
        waiting = self.waiting
        if not waiting:
            return deadline
        due = next(iter(waiting.values())).received_at + self.limits.answer_timeout
        return due if deadline is None else min(due, deadline)

    def tick(self, now: float) -> list[Event]:
        """Time out what is due, on both sides."""
        events: list[Event] = []
        for call in self.own_calls.expire(now):
            text = f"{call.action}: no answer within {call.timeout:g} s"
            if call.sent_at is None:
                text = f"{call.action}: not sent, for the calls before it took too long"
            events.append(self._failed(call, CallTimeout(text), now))
        while self.waiting:
            oldest = next(iter(self.waiting.values()))
            if now < oldest.received_at + self.limits.answer_timeout:
                break
            self.fail(oldest.message_id, CallError.of("InternalError", self.limits.silence))
            events.append(CallExpired(oldest.message_id, oldest.action))
        return events

    def _failed(self, call: OwnCall, error: RemoteError, now: float) -> Event:
        if call is self.own_calls.in_flight:
            self.own_calls.over()
        self._pump(now)
        if call.abandoned:
            return Ignored(f"{error} (the call was cancelled)")
        return CallFailed(call.message_id, call.action, error, call.age(now), call.waiter)

    def lost(self) -> list[Event]:
        """The connection is gone: calls of ours fail. The peer's may still be answered, for it may ask again."""
        if not self._lost:
            self._lost = True
            for call in self.waiting.values():
                if call.action in TRANSACTION_ACTIONS:
                    self.history.leave_unfinished(call)
        self.out.clear()
        flying = self.own_calls.in_flight
        events: list[Event] = []
        for own in self.own_calls.clear():
            if not own.abandoned:
                what = "the answer came" if own is flying else "it could be sent"
                error = ConnectionLost(f"{own.action}: the connection ended before {what}")
                events.append(CallFailed(own.message_id, own.action, error, waiter=own.waiter))
        return events

    def data_to_send(self) -> list[Outbound]:
        """The messages to be sent now, in order. Each is handed out once."""
        out = self.out
        if out:
            self.out = []
        return out

    def _pump(self, now: float) -> None:
        call = self.own_calls.next(now)
        if call is not None:
            self.out.append((call.frame, None))


def _expired(message_id: str) -> Expired:
    return Expired(f"the call {message_id!r} waits for no answer: it has been answered, has expired, or never came")
