"""What both nodes share: msgs in and out, the status, and the Requests that wait for an answer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import msgspec

from ocppflow.endpoint import LATER, Connection, IncomingCall
from ocppflow.errors import InternalError, OCPPError, QueueFull, RemoteError
from ocppflow.log_budget import budgeted
from ocppflow.messages import actions
from ocppflow.nodes import contract, msgs_out
from ocppflow.nodes.contract import ALL, LINK_CALL, OCPP_LOG, BadInput, Msg
from ocppflow.nodes.states import FOLLOWS, NodeState
from ocppflow.nodes.unanswered import FlowRequest, Unanswered
from ocppflow.trace import TraceRecord
from ocppflow.transport.clock import Clock, LoopClock

log = budgeted("ocppflow.nodes")

Send = Callable[[int, Msg], object]
"""``send(port, msg)``; ports are counted from 1: ``contract.ALL``, ``.LINK_CALL``, ``.OCPP_LOG``."""
SetStatus = Callable[[str, str, str], object]
"""``status(fill, shape, text)``."""
Done = Callable[[Exception | None], object]
"""Called once for each input: None, or what was wrong with it."""

SILENCE = "no answer from the flow"
GOING_AWAY = 1001
GOODBYE = 3.0
"""Seconds that a peer has for the closing handshake. A deploy waits for it, so a peer that does not answer must not
delay it for long."""


MOST_COMMANDS = 1000
"""Command Messages that take time (``ws_close``, ``connect``, ...) and are under way at once: a flow that closes every
station of a large site at once may have that many, one that loops does not stop at any number."""


class Node:
    """Base of the two nodes. See ``CSMSNode`` and ``CSNode``."""

    def __init__(self, *, send: Send, status: SetStatus, clock: Clock | None, raw: bool) -> None:
        self._emit = send
        self._set_status = status
        self._shown: tuple[str, str, str] | None = None
        self._given_clock = clock
        self._raw = raw
        self._unanswered: Unanswered | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_paused = False
        self.state = NodeState.NEW
        self.problem = "the node has not been started"
        """Why the node does not work, for people; empty while it does."""

    # --- what the two nodes differ in ----------------------------------------------------------------------------

    def _own_identity(self) -> str | None:
        """The station's identity at the CS node, None at the CSMS node."""
        raise NotImplementedError

    def _connection(self, cb_id: str) -> Connection:
        """The connection of a station. Raises NotConnected."""
        raise NotImplementedError

    def _sent(self, what: str, command: str) -> None:
        """A Request ("REQ") or an answer ("RES") from the flow has been sent."""

    def _command(self, command: contract.CommandMsg) -> Any:
        """Carry out a Command Message. Returns None, the result as (name, value), or a coroutine for either. Raises
        BadInput."""
        raise NotImplementedError

    # --- input ---------------------------------------------------------------------------------------------------

    def input(self, msg: Msg) -> Awaitable[None]:
        """Process a msg. What it asks for has begun when this returns. The awaitable is done when the answer has come;
        it raises BadInput if the msg cannot be used, and then nothing was sent. The answer is ``msg`` itself,
        changed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def finish(error: Exception | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        self.take(msg, finish)
        return done

    def take(self, msg: Msg, done: Done) -> None:
        """As ``input``, with a callback, which costs less than a future."""
        try:
            if self.problem and not self._may_mend(msg):
                raise BadInput(self.problem, code="ConfigurationError")
            asked = contract.parse(msg, cb_id=self._own_identity())
            if type(asked) is contract.RequestMsg:
                self._request(msg, asked, done)
                return
            if type(asked) is contract.CommandMsg:
                self._carry_out(msg, asked, done)
                return
            self._answer(asked)  # type: ignore[arg-type]
        except BadInput as exc:
            done(exc)
        except Exception as exc:
            log.exception("a node failed to process an input")
            done(BadInput(f"the node failed to process this msg: {type(exc).__name__}", code="InternalError"))
        else:
            done(None)

    def _may_mend(self, msg: Msg) -> bool:
        """Whether the msg may solve the node's problem, and is therefore accepted in spite of it."""
        return False

    def _request(self, msg: Msg, asked: contract.RequestMsg, done: Done) -> None:
        who, command = asked.cb_id, asked.command
        message_id = asked.message_id or str(uuid.uuid4())
        try:
            connection = self._connection(who)
            if not _is_answered(connection, command):
                connection.send_raw(command, asked.data, message_id=message_id, validate=asked.validate)
                self._sent("REQ", command)
                done(None)
                return
            future = connection.begin_raw(
                command,
                asked.data,
                timeout=asked.timeout,
                give_up_after=asked.timeout,
                message_id=message_id,
                validate=asked.validate,
            )
        except QueueFull:
            raise BadInput(self._too_many(who, command), code="QueueFull") from None
        except OCPPError as exc:
            raise BadInput.of(exc, who, command) from None
        request = FlowRequest(who, message_id, command, connection, self.clock.now(), msg, done, future)
        self._waiting.went(request)
        self._sent("REQ", command)
        future.add_done_callback(partial(self._returned, request))

    def _too_many(self, who: str, command: str) -> str:
        waiting = sum(1 for each in self._waiting.of_flow() if each.cb_id == who)
        return (
            f"{who}: {command}: {waiting} Requests to this station wait already, and it answers one at a time: send "
            "the next when an answer has come, or give each a payload.timeout"
        )

    def _returned(self, request: FlowRequest, future: asyncio.Future[Any]) -> None:
        """A Request from the flow is over: its msg goes on with what came."""
        self._waiting.returned(request)
        msg, who, command, message_id = request.msg, request.cb_id, request.command, request.message_id
        version = request.connection.version.value
        try:
            answer = future.result()
        except RemoteError as exc:
            msg.update(msgs_out.error(version, who, command, message_id, exc))
        except asyncio.CancelledError:
            request.done(BadInput(f"{who}: {command}: the node was closed", code="ConnectionLost"))
            return
        else:
            data = self._data(answer.payload)
            msg.update(msgs_out.response(version, who, command, message_id, data, answer.violations))
        self._reply(msg)
        request.done(None)

    def _answer(self, asked: contract.ResponseMsg | contract.ErrorMsg) -> None:
        who, command, message_id = asked.cb_id, asked.command, asked.message_id
        call = self._waiting.find(who, message_id, command)
        command = call.action
        try:
            if type(asked) is contract.ResponseMsg:
                call.reply(asked.data, validate=asked.validate)
            else:
                call.fail(asked.error)  # type: ignore[union-attr]
        except OCPPError as exc:
            raise BadInput.of(exc, who, command) from None
        self._waiting.answered(who, message_id)
        self._sent("RES", command)

    def _carry_out(self, msg: Msg, asked: contract.CommandMsg, done: Done) -> None:
        result = self._command(asked)
        if asyncio.iscoroutine(result):
            if len(self._tasks) >= MOST_COMMANDS:
                result.close()
                text = f"{asked.name}: {MOST_COMMANDS} Command Messages are under way already"
                raise BadInput(text, code="QueueFull")
            # By callback, because a task that is cancelled before its first step never runs.
            self._spawn(result).add_done_callback(partial(self._carried_out, msg, done))
        else:
            self._result(msg, result)
            done(None)

    def _carried_out(self, msg: Msg, done: Done, task: asyncio.Task[Any]) -> None:
        try:
            self._result(msg, task.result())
        except BadInput as exc:
            done(exc)
        except asyncio.CancelledError:
            done(BadInput("the node was closed", code="ConnectionLost"))
        except Exception as exc:
            log.exception("a Command Message failed")
            done(BadInput(f"the node failed to process this msg: {type(exc).__name__}", code="InternalError"))
        else:
            done(None)

    def _result(self, msg: Msg, result: tuple[str, Any] | None) -> None:
        """Send the msg with its result; without a result, only to a ``link call``, which waits for it."""
        if result is not None:
            name, value = result
            msg["payload"] = {**contract.plain_payload(msg), name: value}
            self._reply(msg)
        elif contract.is_link_call(msg):
            self._emit(LINK_CALL, msg)

    # --- output --------------------------------------------------------------------------------------------------

    def _reply(self, msg: Msg) -> None:
        self._emit(LINK_CALL if contract.is_link_call(msg) else ALL, msg)

    def _incoming(self, peer: Any, call: IncomingCall) -> Any:
        """The catch-all handler: Requests from the peer go to the flow."""
        connection = self._connection_of(peer)
        who = connection.peer.identity
        data = self._data(call.payload)
        msg = msgs_out.request(connection.version.value, who, call.action, call.message_id, data, call.violations)
        if call.confirmed:
            self._waiting.came(who, connection, call)
        self._emit(ALL, msg)
        return LATER

    def _connection_of(self, peer: Any) -> Connection:
        """The connection that a handler's first argument stands for."""
        raise NotImplementedError

    def _traced(self, record: TraceRecord) -> None:
        if record.event in ("in", "out") and record.data:
            self._emit(OCPP_LOG, msgs_out.log_entry(record, raw=self._raw))

    def _data(self, payload: bytes) -> Any:
        if payload == b"null":
            payload = b"{}"
        return msgspec.Raw(payload) if self._raw else msgspec.json.decode(payload)

    def _status(self, fill: str, shape: str, text: str) -> None:
        """Show a status, unless it is shown already."""
        if self._shown != (fill, shape, text):
            self._shown = (fill, shape, text)
            self._set_status(fill, shape, text)

    def _unfit(self, problem: str) -> None:
        """The node cannot work; its status and the log say why."""
        self._enter(NodeState.UNFIT, problem)
        log.error("%s", problem)
        self._status("red", "ring", problem)

    # --- life ----------------------------------------------------------------------------------------------------

    def _enter(self, state: NodeState, problem: str = "") -> None:
        if state not in FOLLOWS[self.state]:
            raise RuntimeError(f"a node that is {self.state.value} cannot become {state.value}")
        self.state = state
        self.problem = problem

    @property
    def clock(self) -> Clock:
        """The injected clock, or the running loop's."""
        if self._given_clock is None:
            self._given_clock = LoopClock()
        return self._given_clock

    @property
    def _waiting(self) -> Unanswered:
        assert self._unanswered is not None  # noqa: S101 - made by start(), and nothing comes in before
        return self._unanswered

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _refuse_the_waiting(self) -> None:
        """Nobody will answer the Requests from peers any more: a CALLERROR is better than silence."""
        if self._unanswered is None:
            return
        for call in self._unanswered.of_peers():
            try:
                call.fail(InternalError("the flow is being stopped"))
            except OCPPError as exc:
                log.debug("%s", exc)

    def _connections(self) -> list[Connection]:
        """The open connections."""
        raise NotImplementedError

    def pause(self) -> None:
        """Read nothing more from the peers until :meth:`resume`, because whoever reads the output has fallen behind."""
        if not self._is_paused:
            self._is_paused = True
            for connection in self._connections():
                connection.pause_reading()

    def resume(self) -> None:
        """Read on after :meth:`pause`."""
        if self._is_paused:
            self._is_paused = False
            for connection in self._connections():
                connection.resume_reading()

    def _opened(self, connection: Connection) -> None:
        """A connection has been made."""
        if self._is_paused:
            connection.pause_reading()

    async def _end_tasks(self) -> None:
        """Stop the Command Messages under way."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _end_calls(self) -> None:
        """The connections are closed: tell the inputs that waited for an answer."""
        futures = [each.future for each in self._unanswered.of_flow()] if self._unanswered is not None else []
        if futures:
            await asyncio.wait(futures)


def _is_answered(connection: Connection, command: str) -> bool:
    """False for what 2.1 sends without an answer."""
    info = actions(connection.version).get(command)
    return info is None or info.confirmed
