"""Answering: runs the handlers for one connection, and sees to it that every call of the peer's gets an answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from functools import partial
from types import CoroutineType
from typing import Any, Protocol

from ocppflow.endpoint.eager_tasks import EAGER, start
from ocppflow.endpoint.hooks import Background
from ocppflow.endpoint.incoming_call import LATER, IncomingCall, Work
from ocppflow.endpoint.overdue import OVERDUE, Overdue
from ocppflow.endpoint.responses import READY, blame, in_its_words, response_of
from ocppflow.endpoint.router import FoundHandler, Proceed, Router
from ocppflow.errors import CallError, Expired, InternalError, InvalidMessage, NotSupported
from ocppflow.log_budget import budgeted
from ocppflow.messages import Version
from ocppflow.messages.vocabulary import to_v21
from ocppflow.rpc.events import CallReceived, LateAnswer, SendReceived
from ocppflow.rpc.session import Session

log = budgeted("ocppflow")

_Task = asyncio.Future[Any]
_Event = CallReceived | SendReceived

_ALWAYS_WAIT = 16
"""Calls that may wait before reading pauses, however few are processed at a time: an answer to a call of ours comes
over the same connection, and a handler may depend on it."""


class Answerable(Protocol):
    """What Answering needs of its connection."""

    def flush(self) -> None:
        """An answer is ready, outside of :meth:`Answering.take`."""

    def answered_late(self, answer: LateAnswer) -> None:
        """An answer to a call, after the connection has ended."""

    def under_pressure(self, yes: bool) -> None:
        """Whether nothing more is to be read for now."""


class Answering:
    """The handlers at work for one connection.

    At most ``Limits.in_progress`` handlers are at work at a time, and as many calls begun and not answered; other
    messages wait here, and when as many wait again, the connection is asked to read nothing more until there are fewer.
    A handler whose answer has expired does not count: its end is :class:`Overdue`'s affair.
    """

    __slots__ = (
        "_background",
        "_calls_waiting",
        "_connection",
        "_current",
        "_held",
        "_overdue",
        "_owner",
        "_router",
        "_session",
        "_slow",
        "_then",
        "_waiting",
        "tasks",
    )

    def __init__(
        self,
        session: Session,
        router: Router[Any],
        owner: Any,
        background: Background,
        connection: Answerable,
    ) -> None:
        self._session = session
        self._router = router
        self._owner = owner
        self._background = background
        self._connection = connection
        self._held = False
        self._slow = False
        self._current: _Event | None = None  # whose handler runs at this very moment, outside of a task
        self._waiting: deque[_Event] | None = None
        self._calls_waiting = 0  # how many of these are calls: the session counts them as not answered
        self._overdue: Overdue | None = None
        self._then: dict[str, list[Work]] | None = None
        self.tasks: dict[_Task, _Event] | None = None
        """Handlers at work; None as long as there never was one."""

    # --- what comes ----------------------------------------------------------------------------------------------

    def take(self, event: _Event, *, waited: bool = False) -> None:
        """A message came: run its handler, now or when it is its turn."""
        most, tasks = self._session.limits.in_progress, self.tasks
        if not waited and (
            self._held
            or self._waiting
            or len(self._session.waiting) > most
            or (tasks is not None and len(tasks) >= most and self._handlers() >= most)
        ):
            self._wait(event)
            return
        found = self._router.found[type(event.message)]
        if found is None:
            self._unhandled(event)
            return
        before, self._current = self._current, event
        try:
            if found.takes_call or found.translated or found.middleware:
                result = self._through(found, event)
            else:
                result = found.handler(self._owner, event.message)
            if type(result) is CoroutineType or (isinstance(result, Awaitable) and not isinstance(result, READY)):
                task: _Task
                if not EAGER:
                    task = asyncio.ensure_future(self._serve(event, result))
                else:
                    task = start(result) if type(result) is CoroutineType else asyncio.ensure_future(result)
                if not task.done():
                    self.tasks = tasks = {} if self.tasks is None else self.tasks
                    tasks[task] = event
                    if EAGER:
                        task.add_done_callback(partial(self._done, event))
                    return
                result = task.result()
        except (Exception, asyncio.CancelledError) as exc:
            self._failed(event, exc)
        else:
            self._answer(event, result)
        finally:
            self._current = before

    def take_send(self, event: SendReceived, *, waited: bool = False) -> None:
        """As :meth:`take`, for a message without an answer that could expire: its handler may take as long as one that
        owes an answer."""
        self.take(event, waited=waited)
        for task, work in reversed((self.tasks or {}).items()):
            if work is event:
                self._owes_nothing(task, event, event.received_at + self._session.limits.answer_timeout)
                break

    def _owes_nothing(self, task: _Task, event: _Event, since: float) -> None:
        self._need_overdue().add(task, event.action, since, given_up=type(event) is CallReceived)

    def _need_overdue(self) -> Overdue:
        if self._overdue is None:
            self._overdue = Overdue(self._session.identity, self._session.limits.handler_timeout)
        return self._overdue

    def _handlers(self) -> int:
        """How many are at work whose answer has not expired."""
        return len(self.tasks or ()) - (self._overdue.given_up if self._overdue is not None else 0)

    def _is_full(self) -> bool:
        """Whether as many are at work as may be."""
        begun = len(self._session.waiting) - self._calls_waiting
        return max(self._handlers(), begun) >= self._session.limits.in_progress

    def hold(self) -> None:
        """Let messages wait until :meth:`go_on`."""
        self._held = True

    def go_on(self) -> None:
        """Run what waits, as far as the limit allows."""
        self._held = False
        self.proceed()

    def _wait(self, event: _Event) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(event)
        self._calls_waiting += type(event) is CallReceived
        if not self._slow and len(self._waiting) >= max(self._session.limits.in_progress, _ALWAYS_WAIT):
            self._slow = True
            self._connection.under_pressure(True)

    def proceed(self) -> None:
        """Messages that waited, for as many as are done with."""
        session, waiting = self._session, self._waiting
        while waiting and not self._held and not self._is_full():
            event = waiting.popleft()
            if type(event) is SendReceived:
                self.take_send(event, waited=True)
                continue
            self._calls_waiting -= 1
            if session.waiting.get(event.message_id) is event:  # else it has been answered
                self.take(event, waited=True)
        if self._slow and len(waiting or ()) <= session.limits.in_progress // 2:
            self._slow = False
            self._connection.under_pressure(False)

    # --- handlers ------------------------------------------------------------------------------------------------

    async def _serve(self, event: _Event, result: Awaitable[Any]) -> None:
        """Where tasks do not start eagerly, a handler is awaited in here: a callback on its task would cost one more
        turn of the event loop."""
        try:
            answer = await result
        except BaseException as error:
            self._failed(event, error)
        else:
            self._answer(event, answer)
        self._over(asyncio.current_task())

    def _done(self, event: _Event, task: _Task) -> None:
        try:
            result = task.result()
        except BaseException as error:
            self._failed(event, error)
        else:
            self._answer(event, result)
        self._over(task)

    def _over(self, task: _Task | None) -> None:
        """A handler has ended, and its answer is ready."""
        tasks = self.tasks
        if tasks is not None and task is not None:
            tasks.pop(task, None)
            if not tasks:
                self.tasks = None  # an empty dict keeps its memory
            if self._overdue is not None:
                self._overdue.over(task)
        if self._waiting or self._slow:
            self.proceed()
        self._connection.flush()

    def _through(self, found: FoundHandler, event: _Event) -> Any:
        """A handler that takes more than the message of the connection's own version."""
        call = IncomingCall(event, self)
        if not found.middleware:
            return self._innermost(found, call)

        async def innermost() -> Any:
            result = self._innermost(found, call)
            return await result if isinstance(result, Awaitable) else result

        proceed: Proceed = innermost
        for middleware in reversed(found.middleware):
            proceed = partial(middleware, self._owner, call, proceed)
        return proceed()

    def _innermost(self, found: FoundHandler, call: IncomingCall) -> Any:
        if found.takes_call:
            return found.handler(self._owner, call)
        message = to_v21(call.message) if found.translated else call.message
        return found.handler(self._owner, message)

    def _unhandled(self, event: _Event) -> None:
        if isinstance(event, CallReceived):
            self._give_up(event, NotSupported(f"{event.action} is not supported here"))
        else:
            log.info("%s: nobody handles %s", self._session.identity, event.action)

    # --- answers -------------------------------------------------------------------------------------------------

    def _answer(self, event: _Event, result: Any) -> None:
        """The handler has returned ``result``."""
        if type(event) is SendReceived:
            return
        try:
            if not isinstance(result, READY):
                if result is LATER or (result is None and event.message_id not in self._session.waiting):
                    self._must_be_catch_all(event)
                    return
                result = response_of(event.action, result)
            elif self._session.version is Version.V201 and getattr(result, "__version__", None) is Version.V21:
                result = in_its_words(result)
            late = self._session.reply(event.message_id, result)
        except Expired:
            log.warning("%s: the answer to %s came too late", self._session.identity, event.action)
        except Exception as exc:
            self._failed(event, exc)
        else:
            if late is not None:
                self._connection.answered_late(late)
            if self._then:
                self._afterwards(event.message_id)

    def _must_be_catch_all(self, event: _Event) -> None:
        found = self._router.found[type(event.message)]
        if found is not None and not found.takes_call and not found.middleware:
            raise InvalidMessage("only a catch-all handler can answer LATER, it alone gets an IncomingCall")

    def _failed(self, event: _Event, exc: BaseException) -> None:
        """A handler raised. The peer is told, whatever it was; what the handler's author must mend goes to the log."""
        error = exc if isinstance(exc, CallError) else InternalError(blame(event.action, exc))
        is_overdue = isinstance(exc, asyncio.CancelledError) and exc.args == (OVERDUE,)
        if (error is not exc or type(event) is SendReceived) and not is_overdue:
            self._tell(event.action, exc)
        if isinstance(event, CallReceived) and not is_overdue:
            self._give_up(event, error)

    def _give_up(self, event: CallReceived, error: CallError) -> None:
        try:
            self.fail(event.message_id, error, flush=False)
        except Expired:
            log.warning("%s: the refusal of %s came too late: %s", self._session.identity, event.action, error)

    def _tell(self, action: str, exc: BaseException) -> None:
        if isinstance(exc, asyncio.CancelledError):
            log.warning("%s: the handler of %s was cancelled", self._session.identity, action)
        else:
            log.error("%s: the handler of %s failed", self._session.identity, action, exc_info=exc)

    # --- for an IncomingCall -------------------------------------------------------------------------------------

    def reply(self, message_id: str, response: Any, validate: bool) -> None:
        """Answer with a Struct, a dict in wire names, or JSON. Raises InvalidMessage or Expired."""
        if self._session.version is Version.V201:
            response = in_its_words(response)
        late = self._session.reply(message_id, response_of("reply()", response), validate=validate)
        self._answered(message_id, late)

    def fail(self, message_id: str, error: CallError, *, flush: bool = True) -> None:
        """Answer with a CALLERROR. Raises Expired."""
        late = self._session.fail(message_id, error)
        self._answered(message_id, late, flush=flush)

    def _answered(self, message_id: str, late: LateAnswer | None, *, flush: bool = True) -> None:
        if late is not None:
            self._connection.answered_late(late)
        if self._then:
            self._afterwards(message_id)
        if flush:
            self.proceed()
            self._connection.flush()

    def respond_then(self, message_id: str, work: Work) -> None:
        """Do ``work`` once the call is answered; at once if it has been."""
        if message_id not in self._session.waiting:
            self._background.add(_begun(work), "what was to follow an answer")
            return
        if self._then is None:
            self._then = {}
        self._then.setdefault(message_id, []).append(work)

    def _afterwards(self, message_id: str) -> None:
        for work in (self._then or {}).pop(message_id, ()):
            self._background.add(_begun(work), "what was to follow an answer")

    @property
    def current(self) -> IncomingCall | None:
        """The message whose handler asks; None if none does."""
        event = self._current
        if self.tasks and (task := asyncio.current_task()) is not None:
            event = self.tasks.get(task, event)
        return None if event is None else IncomingCall(event, self)

    # --- what takes too long -------------------------------------------------------------------------------------

    def expired(self, message_id: str, now: float) -> None:
        """The call has expired: nothing follows its answer, and another one may take its place."""
        if self._then:
            self._then.pop(message_id, None)
        for task, event in (self.tasks or {}).items():
            if event.message_id == message_id and type(event) is CallReceived:
                self._owes_nothing(task, event, now)
                break
        else:
            self._wait_no_longer(message_id)
        self.proceed()

    def _wait_no_longer(self, message_id: str) -> None:
        waiting = self._waiting or deque()
        for at, event in enumerate(waiting):
            if event.message_id == message_id and type(event) is CallReceived:
                del waiting[at]
                self._calls_waiting -= 1
                return

    @property
    def due(self) -> float | None:
        """When :meth:`cancel_overdue` wants to be called."""
        return None if self._overdue is None else self._overdue.next

    def cancel_overdue(self, now: float) -> None:
        """Cancel handlers that have taken too long."""
        if self._overdue is not None:
            self._overdue.cancel(now)

    def give_up(self) -> None:
        """The connection has been gone for long: refuse what has not been answered, should the peer have asked again,
        and cancel what is at work."""
        self._waiting = self._then = None
        for event in list(self._session.waiting.values()):
            self._give_up(event, InternalError(self._session.limits.silence))
        for task, work in list((self.tasks or {}).items()):
            self._need_overdue().cancel_now(task, work.action)


async def _begun(work: Work) -> None:
    await asyncio.sleep(0)  # the answer goes first
    await work()
