"""Who answers what: handlers by request type, one for all the rest; hooks for what happens to connections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

import msgspec

from ocppflow.errors import CallError, Expired
from ocppflow.messages.tolerance import Violation
from ocppflow.transport.clock import Clock, sleep

log = logging.getLogger("ocppflow")

Handler = Callable[[Any, Any], Any]
"""``handler(peer, message)``, plain or ``async``. It returns the response: a Struct, a dict in wire names, or the
payload's JSON as bytes. It raises a CallError to refuse. What a handler of an unconfirmed message returns is of no
interest."""

_H = TypeVar("_H", bound=Handler)


class _Later:
    """See LATER."""

    def __repr__(self) -> str:
        return "LATER"


LATER: Final = _Later()
"""What a catch-all handler returns if it will answer through ``IncomingCall.reply`` or ``.fail``."""


class IncomingCall:
    """A call of the peer's as a catch-all handler gets it: the payload's bytes as they came, and the message beside it.

    ``message`` is the Struct; ``violations`` what a tolerant policy forgave. ``confirmed`` is False for a 2.1 SEND,
    which is not answered.
    """

    __slots__ = ("_fail", "_reply", "action", "confirmed", "message", "message_id", "payload", "violations")

    def __init__(
        self,
        message_id: str,
        action: str,
        payload: bytes,
        message: Any,
        violations: tuple[Violation, ...],
        reply: Callable[[str, Any, bool], None] | None,
        fail: Callable[[str, CallError], None] | None,
    ) -> None:
        self.message_id = message_id
        self.action = action
        self.payload = payload
        self.message = message
        self.violations = violations
        self.confirmed = reply is not None
        self._reply = reply
        self._fail = fail

    @property
    def data(self) -> dict[str, Any]:
        """The payload as a dict, in wire names."""
        return msgspec.json.decode(self.payload, type=dict[str, Any])

    def reply(self, response: Any, *, validate: bool = True) -> None:
        """Answer. Raises InvalidMessage if the schema forbids the response (and a better one is still taken),
        Expired if the call waits no longer."""
        if self._reply is None:
            raise Expired(f"{self.action} came as a SEND, which is never answered")
        self._reply(self.message_id, response, validate)

    def fail(self, error: CallError) -> None:
        """Answer with a CALLERROR. Raises Expired if the call waits no longer."""
        if self._fail is None:
            raise Expired(f"{self.action} came as a SEND, which is never answered")
        self._fail(self.message_id, error)


class Handlers:
    """The handlers of one role object, shared by all its connections."""

    __slots__ = ("_by_type", "catch_all")

    def __init__(self) -> None:
        self._by_type: dict[type, Handler] = {}
        self.catch_all: Handler | None = None

    def on(self, *requests: type) -> Callable[[_H], _H]:
        """Decorator: the handler of these request types. The last one registered for a type counts."""
        for request in requests:
            if not isinstance(request, type) or not issubclass(request, msgspec.Struct):
                raise TypeError(f"on() takes request types such as v201.BootNotificationRequest, not {request!r}")

        def register(handler: _H) -> _H:
            for request in requests:
                self._by_type[request] = handler
            return handler

        return register

    def on_any(self, handler: _H) -> _H:
        """Decorator: the handler, ``handler(peer, incoming_call)``, of whatever has no handler of its own."""
        self.catch_all = handler
        return handler

    def find(self, request: type) -> Handler | None:
        """The handler of a request type, the catch-all aside."""
        return self._by_type.get(request)


class Hooks:
    """Callbacks for one kind of occasion; one that fails is logged and costs the others nothing."""

    __slots__ = ("_callbacks", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._callbacks: list[Callable[..., object]] = []

    def __call__(self, callback: _C) -> _C:
        """Decorator: add a callback, plain or ``async``."""
        self._callbacks.append(callback)
        return callback

    def fire(self, background: Background, *args: object) -> None:
        """Call all; what they want awaited goes to the ``background``."""
        for callback in self._callbacks:
            try:
                result = callback(*args)
            except Exception:
                log.exception("a hook for %s failed", self._name)
                continue
            if isinstance(result, Awaitable):
                background.add(result)


class Background:
    """Tasks that nobody awaits, held until they are done; one that fails is logged."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[Any]] = set()

    def add(self, awaitable: Awaitable[Any]) -> None:
        """Let ``awaitable`` run to its end."""
        task = asyncio.ensure_future(awaitable)
        task.add_done_callback(self._failed)
        self.hold([task])

    def hold(self, tasks: Iterable[asyncio.Future[Any]]) -> None:
        """Hold tasks that somebody else began and looks after no longer."""
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _failed(task: asyncio.Future[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a hook failed", exc_info=error)

    async def stop(self, clock: Clock, grace: float) -> None:
        """Wait up to ``grace`` seconds for the tasks to end, then cancel them; the caller's own task is left alone."""
        tasks = self._tasks - {asyncio.current_task()}
        if not tasks:
            return
        over = asyncio.ensure_future(sleep(clock, grace))
        everything = asyncio.ensure_future(asyncio.wait(tasks))
        await asyncio.wait({over, everything}, return_when=asyncio.FIRST_COMPLETED)
        await end([over, everything, *tasks])


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel ``tasks`` and wait until they have ended; the caller's own task is left alone."""
    current = asyncio.current_task()
    others = {task for task in tasks if task is not current}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others)


_C = TypeVar("_C", bound=Callable[..., object])
