"""Serving: runs the handlers for one connection, and sees to it that every call of the peer's gets an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import CoroutineType
from typing import Any

import msgspec

from ocppflow.eager import start
from ocppflow.errors import CallError, Expired, InternalError, InvalidMessage, NotSupported, OCPPError
from ocppflow.handlers import LATER, Handlers, IncomingCall
from ocppflow.messages.codec import to_json
from ocppflow.rpc.events import CallReceived, SendReceived
from ocppflow.rpc.session import Session

log = logging.getLogger("ocppflow")

_Task = asyncio.Future[Any]
_READY = (msgspec.Struct, bytes)


class Serving:
    """The handlers at work for one connection. ``flush`` is called when an answer is ready outside of
    :meth:`on_call` and :meth:`on_send`."""

    __slots__ = ("_flush", "_handlers", "_owner", "_session", "tasks")

    def __init__(self, session: Session, handlers: Handlers, owner: Any, flush: Callable[[], None]) -> None:
        self._session = session
        self._handlers = handlers
        self._owner = owner
        self._flush = flush
        self.tasks: set[_Task] | None = None
        """Handlers at work; None as long as there never was one."""

    def on_call(self, event: CallReceived) -> None:
        """The peer calls."""
        handler = self._handlers.find(type(event.message))
        argument = event.message
        if handler is None:
            handler = self._handlers.catch_all
            if handler is None:
                self._session.fail(event.message_id, NotSupported(f"{event.action} is not supported here"))
                return
            argument = IncomingCall(
                event.message_id, event.action, event.payload, event.message, event.violations, self._reply, self._fail
            )
        try:
            result = handler(self._owner, argument)
        except (Exception, asyncio.CancelledError) as exc:
            self._failed(event, exc)
            return
        if type(result) is CoroutineType or (isinstance(result, Awaitable) and not isinstance(result, msgspec.Struct)):
            self._run(result, event)
        else:
            self._answer(event, result)

    def on_send(self, event: SendReceived) -> None:
        """An unconfirmed message came; whatever happens, there is no answer."""
        handler = self._handlers.find(type(event.message))
        argument = event.message
        if handler is None:
            handler = self._handlers.catch_all
            if handler is None:
                log.info("%s: nobody handles %s", self._session.identity, event.action)
                return
            argument = IncomingCall(
                event.message_id, event.action, event.payload, event.message, event.violations, None, None
            )
        try:
            result = handler(self._owner, argument)
        except (Exception, asyncio.CancelledError) as exc:
            self._tell(event.action, exc)
            return
        if isinstance(result, Awaitable):
            self._run(result, event)

    def _run(self, result: Awaitable[Any], event: CallReceived | SendReceived) -> None:
        # A handler that awaits nothing is done at once, without a turn of the event loop.
        task = start(result) if type(result) is CoroutineType else asyncio.ensure_future(result)
        if task.done():
            self._finish(event, task)
            return
        if self.tasks is None:
            self.tasks = set()
        self.tasks.add(task)
        task.add_done_callback(partial(self._done, event))

    def _done(self, event: CallReceived | SendReceived, task: _Task) -> None:
        if self.tasks is not None:
            self.tasks.discard(task)
        self._finish(event, task)
        self._flush()

    def _finish(self, event: CallReceived | SendReceived, task: _Task) -> None:
        try:
            result = task.result()
        except BaseException as error:
            if isinstance(event, SendReceived):
                self._tell(event.action, error)
            else:
                self._failed(event, error)
        else:
            if isinstance(event, CallReceived):
                self._answer(event, result)

    def _answer(self, event: CallReceived, result: Any) -> None:
        if result is LATER and self._handlers.find(type(event.message)) is None:
            return
        if result is None and event.message_id not in self._session.pending():
            return  # a catch-all that has answered by itself
        try:
            response = result if isinstance(result, _READY) else _response(event.action, result)
            self._session.reply(event.message_id, response)
        except Expired:
            log.warning("%s: the answer to %s came too late", self._session.identity, event.action)
        except Exception as exc:
            self._failed(event, exc)

    def _failed(self, event: CallReceived, exc: BaseException) -> None:
        """A handler raised. The peer is told, whatever it was; what the handler's author must mend goes to the log."""
        if isinstance(exc, CallError):
            error = exc
        else:
            error = InternalError(_blame(event.action, exc))
            self._tell(event.action, exc)
        try:
            self._session.fail(event.message_id, error)
        except Expired:
            log.warning("%s: the refusal of %s came too late: %s", self._session.identity, event.action, error)

    def _tell(self, action: str, exc: BaseException) -> None:
        if isinstance(exc, asyncio.CancelledError):
            log.warning("%s: the handler of %s was cancelled", self._session.identity, action)
        else:
            log.error("%s: the handler of %s failed", self._session.identity, action, exc_info=exc)

    def _reply(self, message_id: str, response: Any, validate: bool) -> None:
        self._session.reply(message_id, _response("reply()", response), validate=validate)
        self._flush()

    def _fail(self, message_id: str, error: CallError) -> None:
        self._session.fail(message_id, error)
        self._flush()


def payload_of(action: str, data: Mapping[str, Any] | bytes | None) -> bytes:
    """A payload in wire names as JSON; None is an empty one. Raises InvalidMessage for what JSON cannot hold."""
    if isinstance(data, bytes):
        return data
    try:
        return to_json({} if data is None else data)
    except InvalidMessage as exc:
        raise InvalidMessage(f"{action}: {exc}") from None


def _response(action: str, result: Any) -> Any:
    """A handler's result as Session.reply takes it."""
    if isinstance(result, _READY):
        return result
    if isinstance(result, Mapping):
        return payload_of(action, result)
    if result is LATER:
        raise InvalidMessage(f"{action}: only a catch-all handler can answer LATER, it alone gets an IncomingCall")
    raise InvalidMessage(
        f"{action}: a handler returns the response, a dict or JSON as bytes, not {type(result).__name__}"
    )


def _blame(action: str, exc: BaseException) -> str:
    """What the peer is told of a failed handler: an OCPPError's text is made for reading; any other may hold
    secrets."""
    if isinstance(exc, InvalidMessage):
        return f"the answer made for {action} is not valid: {exc}"
    if isinstance(exc, OCPPError):
        return f"{action}: {exc}"
    return f"{action} could not be processed"
