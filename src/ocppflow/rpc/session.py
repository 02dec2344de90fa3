"""The OCPP-J session: one per connection, either role, no I/O and no clock (time is an argument, in seconds).

Bytes go in through :meth:`Session.receive`, which returns events and never raises for what the peer did; bytes come
out of :meth:`Session.data_to_send`. There is one timer: :meth:`Session.timer` says when :meth:`Session.tick` wants to
be called. Sources: OCPP-J 1.6 with errata 2025-04; OCPP-J 2.0.1 Part 4 ed. 3; OCPP-J 2.1 Part 4 ed. 1. Row numbers
are those of the table in ``docs/ocpp-j.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ocppflow.errors import (
    CallError,
    CallTimeout,
    ConnectionLost,
    InvalidResponse,
    NotConnected,
    RemoteCallError,
    RemoteError,
    UnknownAction,
)
from ocppflow.messages import Role, Version
from ocppflow.messages.tolerance import STRICT, Checked, Policy, Violation, check
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
    Ignored,
    Noted,
    Refused,
    Repeated,
    ResultRefused,
    Resumed,
    SendReceived,
)
from ocppflow.rpc.frame import CALLERROR, CALLRESULTERROR
from ocppflow.rpc.history import History, Incoming
from ocppflow.rpc.incoming import PeerCalls
from ocppflow.rpc.limits import Limits
from ocppflow.rpc.outgoing import Calls, Outgoing


class Session:
    """See the module. ``history`` is the station's, shared by its successive connections; ``policy`` says what to do
    with messages that break the schema; ``silence`` is what the peer is told when nobody answered it in time.

    ``wake``, if set, is called when there is something to send that nobody asked this session for: the answer to a
    call that was taken over from an earlier connection (see Resumed)."""

    __slots__ = (
        "_calls",
        "_dialect",
        "_incoming",
        "_lost",
        "_out",
        "_read_call",
        "history",
        "identity",
        "limits",
        "policy",
        "role",
        "silence",
        "version",
        "wake",
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
        silence: str = "no answer in time",
    ) -> None:
        self.version = version
        self.role = role
        self.identity = identity
        self.limits = limits
        self.policy = policy
        self.history = history if history is not None else History()
        self.silence = silence
        self._dialect = dialect(version, role)
        self._read_call = self._dialect.read_call
        self._calls = Calls(limits.queue)
        self._incoming = PeerCalls(self.history)
        self._out: list[bytes] = []
        self._lost = False
        self.wake: Callable[[], None] | None = None

    # --- what this side says -------------------------------------------------------------------------------------

    def call(
        self,
        request: Any,
        now: float,
        *,
        message_id: str | None = None,
        timeout: float | None = None,
        validate: bool = True,
    ) -> str:
        """Queue a CALL and return its message id; a CallAnswered or CallFailed with that id follows, exactly one.

        ``request`` is a request Struct of this version or a RawMessage. ``validate=False`` sends what the schema
        forbids, actions unknown to this version included, for testing the peer. Raises InvalidMessage, UnknownAction,
        InvalidMessageId, QueueFull or NotConnected, and then nothing is sent.
        """
        action, payload, info = self._dialect.request(request, validate)
        if info is not None and not info.confirmed:
            raise UnknownAction(f"{action} has no response; send() it instead of calling it")
        self._must_live(action)
        message_id = frames.new_id() if message_id is None else message_id
        limit = self.limits.call_timeout if timeout is None else timeout
        self._calls.add(Outgoing(message_id, action, frames.call(message_id, action, payload), limit, info is not None))
        if self.role is Role.CSMS:
            registration.triggering(self.history, action, payload)
        self._pump(now)
        return message_id

    def send(self, request: Any, *, message_id: str | None = None, validate: bool = True) -> str:
        """Send an unconfirmed message (2.1 SEND), at any time, and return its id. Raises as ``call`` does."""
        action, payload, info = self._dialect.request(request, validate)
        if validate and (info is None or info.confirmed):
            raise UnknownAction(f"{action} has a response; call() it instead of sending it")
        self._must_live(action)
        message_id = frames.new_id() if message_id is None else message_id
        self._out.append(frames.send(message_id, action, payload))
        return message_id

    def _must_live(self, action: str) -> None:
        if self._lost:
            raise NotConnected(f"{action}: the connection is closed")

    def cancel(self, message_id: str) -> None:
        """Nobody waits for this call any more. One that waits leaves the queue; one in flight keeps its place until
        it is answered or times out, because the peer may get no second CALL before that (OCPP-J 4.1.1)."""
        self._calls.cancel(message_id)

    def reply(self, message_id: str, response: Any, *, validate: bool = True) -> None:
        """Answer the peer's call with ``response``: a response Struct, or the payload's JSON as bytes.

        Raises Expired if the call is not, or no longer, waiting; InvalidMessage if the schema forbids the response, and
        then the call still waits for a better one.
        """
        incoming = self._incoming[message_id]
        raw = type(response) is bytes and not validate
        payload = response if raw else self._dialect.response(incoming.action, response)
        if incoming.action == registration.BOOT and self.role is Role.CSMS and not self._lost:
            registration.registered(self.history, payload)
        data = frames.result(message_id, payload)
        self._incoming.remember(message_id, incoming, data)
        self._answer(message_id, data)

    def fail(self, message_id: str, error: CallError) -> None:
        """Answer the peer's call with a CALLERROR. Raises Expired if the call is not, or no longer, waiting."""
        self._incoming[message_id]
        self._answer(message_id, self._error_frame(CALLERROR, message_id, error))

    def _answer(self, message_id: str, data: bytes) -> None:
        call = self._incoming.done(message_id)
        if not self._lost:
            self._out.append(data)
        elif call.heir is not None:
            call.heir.pass_on(message_id, data)

    def pass_on(self, message_id: str, data: bytes) -> None:
        """An earlier session of this station has the answer ``data`` to a call that was taken over from it."""
        if message_id in self._incoming.waiting:
            self._answer(message_id, data)
            if self.wake is not None:
                self.wake()

    def _error_frame(self, kind: int, message_id: str | int, error: CallError) -> bytes:
        code = to_wire(error.code, self.version)
        return frames.error(kind, message_id, code, error.description, error.details)

    # --- what the peer says --------------------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take in one whole message and return what it means. Never raises for what the peer did."""
        if data[1:2] == b"3":
            return self._result(data, now)
        try:
            _, message_id, action, message = self._read_call(data)
        except UNUSUAL:
            return self._careful(data, now)
        return [self._called(CallReceived(message_id, action, message, data), hash(data), now)]

    def _result(self, data: bytes, now: float) -> list[Event]:
        flying = self._calls.in_flight
        if flying is not None and flying.known:
            try:
                _, message_id, message = self._dialect.read_result(data, flying.action)
            except UNUSUAL:
                return self._careful(data, now)
            if message_id == flying.message_id:
                return [self._answered(flying, CallAnswered(message_id, flying.action, message, data), now)]
        return self._careful(data, now)

    def _called(self, call: CallReceived, fingerprint: int, now: float) -> Event:
        message_id, action = call.message_id, call.action
        waiting = self._incoming.waiting
        if message_id in waiting:
            reason = f"message id {message_id!r} is in progress on this connection"
            return self._refuse(message_id, action, "RpcFrameworkError", reason)
        if self.history.registration not in registration.FREE and (refusal := self._gate(action)) is not None:
            return self._refuse(message_id, action, "SecurityError", refusal)
        answer = self._incoming.answer_given(message_id, fingerprint)
        if answer is not None:
            self._out.append(answer)
            return Repeated(message_id, action)
        if self.history.unfinished and self._incoming.take_over(message_id, fingerprint, now, self):
            return Resumed(message_id, action)
        if len(waiting) >= self.limits.in_progress:
            reason = f"{len(waiting)} of your calls wait for an answer; send one at a time (OCPP-J 4.1.1)"
            return self._refuse(message_id, action, "GenericError", reason)
        if action == registration.BOOT:
            registration.booting(self.history, call.message)
        self._incoming.add(message_id, Incoming(action, fingerprint, now))
        return call

    def _gate(self, action: str) -> str | None:
        if self.role is Role.CSMS:
            return registration.refusal_by_csms(self.history, action)
        return registration.refusal_by_station(self.history, action)

    def _refuse(
        self, message_id: str | int, action: str, code: str, reason: str, violations: tuple[Violation, ...] = ()
    ) -> Refused:
        error = CallError.of(code, reason)
        self._out.append(self._error_frame(CALLERROR, message_id, error))
        return Refused(str(message_id), action, error, violations)

    def _answered(self, call: Outgoing, answer: CallAnswered, now: float) -> Event:
        self._calls.answered(call.message_id)
        if self.role is Role.CS and call.action == registration.BOOT:
            registration.registered(self.history, answer.payload)
        self._pump(now)
        if call.abandoned:
            return Ignored(f"the answer to {call.action} {call.message_id!r}, which was cancelled")
        answer.latency = now - call.sent_at
        return answer

    def _careful(self, data: bytes, now: float) -> list[Event]:
        """Everything that is not a usual frame."""
        reading, notes = careful.interpret(data, self._dialect, self._calls.in_flight, self._tolerate)
        events: list[Event] = [Noted(note) for note in notes]
        events.append(self._carry_out(reading, data, now))
        return events

    def _carry_out(self, reading: careful.Reading, data: bytes, now: float) -> Event:
        match reading:
            case careful.TheirCall(message_id, action, message, payload, violations):
                call = CallReceived(message_id, action, message, payload, violations, framed=False)
                return self._called(call, hash(data), now)
            case careful.TheirSend(message_id, action, message, payload, violations):
                refusal = self._gate(action)
                if refusal is not None:
                    return Ignored(f"SEND of {refusal}")
                return SendReceived(message_id, action, message, payload, violations, framed=False)
            case careful.Refuse(message_id, action, code, reason, violations):
                return self._refuse(message_id, action, code, reason, violations)
            case careful.TheirResultError(message_id, error):
                return ResultRefused(message_id, error)
            case careful.Ignore(reason, message_id):
                return Ignored(self._unmatched(reason, message_id) if message_id else reason)
        call_in_flight = self._calls.in_flight
        assert call_in_flight is not None  # noqa: S101 - the readings left are of the call in flight
        return self._settle(call_in_flight, reading, now)

    def _settle(
        self, call: Outgoing, reading: careful.TheirResult | careful.TheirError | careful.TheirBadResult, now: float
    ) -> Event:
        match reading:
            case careful.TheirResult(message, payload, violations):
                answer = CallAnswered(call.message_id, call.action, message, payload, violations, framed=False)
                return self._answered(call, answer, now)
            case careful.TheirError(error):
                return self._failed(call, RemoteCallError(call.action, error), now)
            case careful.TheirBadResult(code, reason, path, raw):
                if self.version is Version.V21:  # row 22: before 2.1 there is no way to tell the peer
                    refusal = CallError.of(code, reason)
                    self._out.append(self._error_frame(CALLRESULTERROR, call.message_id, refusal))
                text = f"{call.action} response: {reason}"
                return self._failed(call, InvalidResponse(text, code=code, path=path, raw=raw), now)

    def _tolerate(self, kind: Any, action: str, payload: bytes) -> Checked[Any]:
        who = self.history
        return check(
            kind,
            payload,
            self.policy,
            identity=self.identity,
            vendor=who.vendor,
            model=who.model,
            action=action,
        )

    def _unmatched(self, what: str, message_id: str) -> str:
        if self._calls.was_late(message_id):
            return f"a {what} to the call {message_id!r}, which had timed out"
        return f"a {what} to {message_id[:60]!r}, which is no call in flight"

    # --- time and the end ----------------------------------------------------------------------------------------

    def timer(self) -> float | None:
        """When ``tick`` wants to be called; None if nothing is due."""
        if self._lost:
            return None
        deadline = None if self._calls.in_flight is None else self._calls.deadline()
        waiting = self._incoming.waiting
        if not waiting:
            return deadline
        due = next(iter(waiting.values())).received_at + self.limits.answer_timeout
        return due if deadline is None else min(due, deadline)

    def tick(self, now: float) -> list[Event]:
        """Time out what is due, on both sides."""
        events: list[Event] = []
        call = self._calls.expire(now)
        if call is not None:
            error = CallTimeout(f"{call.action}: no answer within {call.timeout:g} s")
            events.append(self._failed(call, error, now))
        while (oldest := self._incoming.oldest()) is not None:
            message_id, incoming = oldest
            if now < incoming.received_at + self.limits.answer_timeout:
                break
            self.fail(message_id, CallError.of("InternalError", self.silence))
            events.append(CallExpired(message_id, incoming.action))
        return events

    def _failed(self, call: Outgoing, error: RemoteError, now: float) -> Event:
        self._calls.answered(call.message_id)
        self._pump(now)
        if call.abandoned:
            return Ignored(f"{error} (the call was cancelled)")
        return CallFailed(call.message_id, call.action, error, now - call.sent_at)

    def lost(self) -> list[Event]:
        """The connection is gone: all calls of ours fail at once. Answers to the peer's calls may still be given, for
        it may ask again on its next connection."""
        if not self._lost:
            self._lost = True
            self._incoming.leave()
        self._out.clear()
        flying = self._calls.in_flight
        return [
            CallFailed(
                call.message_id,
                call.action,
                ConnectionLost(
                    f"{call.action}: the connection ended before "
                    + ("the answer came" if call is flying else "it could be sent")
                ),
            )
            for call in self._calls.clear()
            if not call.abandoned
        ]

    def data_to_send(self) -> list[bytes]:
        """The messages to be sent now, in order. Each is handed out once."""
        out = self._out
        if out:
            self._out = []
        return out

    def pending(self) -> Mapping[str, str]:
        """Message id -> action of the peer's calls that wait for our answer."""
        return {message_id: incoming.action for message_id, incoming in self._incoming.waiting.items()}

    @property
    def calls_waiting(self) -> int:
        """How many calls of ours have no answer yet, the one in flight included."""
        return len(self._calls)

    def _pump(self, now: float) -> None:
        call = self._calls.next(now)
        if call is not None:
            self._out.append(call.frame)
