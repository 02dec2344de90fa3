"""Trial: one test case at work, with everything that a scenario says, hears and does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from ocppflow.check.bench import SILENCE, Bench, Reply
from ocppflow.check.check_settings import CheckSettings
from ocppflow.check.heard import Answer, CheckFailed, Finding, Heard, Where, worded
from ocppflow.check.operator import Operator
from ocppflow.check.pics import Pics
from ocppflow.check.tracked_operator import TrackedOperator
from ocppflow.csms import Station
from ocppflow.endpoint import sleep
from ocppflow.errors import (
    CallError,
    CallTimeout,
    ConfigurationError,
    ConnectionLost,
    InvalidMessage,
    InvalidResponse,
    NotConnected,
    OCPPError,
    RemoteCallError,
    UnknownAction,
)
from ocppflow.messages import Message, Request, Response, Version, v21
from ocppflow.messages.vocabulary import to_v201

_RequestT = TypeVar("_RequestT", bound=Message)
_ResponseT = TypeVar("_ResponseT", bound=Response)

_LISTED = 6


class NotPossible(OCPPError):
    """The case cannot be carried out here: the station or the tools lack what it needs. The verdict is *error*."""


class NotForThis(OCPPError):
    """The case turns out not to be for this station; says why. The verdict is *not applicable*."""


class Trial:
    """What a scenario is written with::

        @station_case("B11.FR.01", "B11.FR.03")
        async def TC_B_20_CS(trial: Trial) -> None:
            \"\"\"Reset without a transaction, OnIdle.\"\"\"
            answer = await trial.call(v21.ResetRequest(type="OnIdle"))
            answer.must("status", "Accepted", by="B11.FR.03")
            await trial.expect(v21.BootNotificationRequest, within=trial.settings.reboot_patience)

    A *mark* is where a step begins: each :meth:`call` and each act of the operator sets it, and only what came after it
    counts for what is expected.
    """

    def __init__(self, bench: Bench, operator: Operator, pics: Pics, case_id: str = "") -> None:
        self.bench = bench
        self.pics = pics
        self.case_id = case_id
        self.operator = TrackedOperator(operator, self.mark, bench.clock)
        """Who plugs in, presents tokens, reboots."""
        self.said: list[tuple[Request[Any], Answer[Any]]] = []
        """What has been sent and was answered, for cleaning up."""
        self.changed: dict[tuple[str, str, str, int], str | None] = {}
        """Variables that were set, by component, variable, instance and EVSE, with the value from before."""
        self.omitted: list[str] = []
        """Validations that could not be made: the verdict is *partial*."""
        self.afterwards: list[Callable[[], Awaitable[object]]] = []
        """What is to be done when the case is over, the last first, before everything else is put back."""
        self.notes: dict[str, Any] = {}
        """Room for what reusable states have to remember."""
        self._mark = self.begin = len(bench.inbox)
        """The mark from before the case."""
        self._replies = {action: list(replies) for action, replies in bench.replies.items()}

    # --- what is given -------------------------------------------------------------------------------------------

    @property
    def version(self) -> Version:
        """The version that is spoken."""
        return self.bench.version

    @property
    def settings(self) -> CheckSettings:
        """What the tester has chosen."""
        return self.bench.settings

    @property
    def evse(self) -> int:
        """The EVSE that the case uses."""
        return self.settings.evse

    @property
    def connector(self) -> int:
        """Its connector."""
        return self.settings.connector

    @property
    def token(self) -> v21.IdTokenType:
        """The valid token."""
        return self.settings.valid_token

    async def file_url(self, path: str) -> str:
        """Where the station finds ``path`` on the shelf of the case's files. Raises NotPossible."""
        station = await self.connected()
        try:
            host = "" if station.peer.address == "memory" else self.bench.own_host()
            return await self.bench.workshop.file_url(path, host, self.settings.files_port)
        except ConfigurationError as exc:
            raise NotPossible(str(exc)) from None

    def request_id(self) -> int:
        """A number that no request of this conversation has had."""
        self.bench.last_request_id += 1
        return self.bench.last_request_id

    def now(self) -> datetime:
        """The time of day that the station is told."""
        return self.bench.now()

    # --- steps ---------------------------------------------------------------------------------------------------

    def mark(self) -> int:
        """A step begins: what came before is not expected any more. Returns the place in the inbox."""
        self._mark = len(self.bench.inbox)
        return self._mark

    def since(self, mark: int | None = None) -> list[Heard[Any]]:
        """What came since the last mark, or since ``mark``."""
        return self.bench.inbox[self._mark if mark is None else mark :]

    async def expect(
        self,
        kind: type[_RequestT],
        where: Where = None,
        *,
        within: float | None = None,
        since: int | None = None,
        by: str = "",
    ) -> Heard[_RequestT]:
        """The first message of this kind (and ``where``) since the mark that no step has taken; it is waited for
        ``within`` seconds. Raises CheckFailed, saying what came instead; ``by``: the requirements broken then."""
        seconds = self.settings.patience if within is None else within
        found = await self.maybe(kind, where, within=seconds, since=since)
        if found is None:
            wanted = f" with {_shown(where)}" if isinstance(where, Mapping) else ""
            text = f"no {kind.__action__}{wanted} within {seconds:g} s{self._instead(kind.__action__, since)}"
            raise CheckFailed(Finding(text=text, requirements=tuple(by.split()), action=kind.__action__))
        return found

    async def maybe(
        self, kind: type[_RequestT], where: Where = None, *, within: float = 0.0, since: int | None = None
    ) -> Heard[_RequestT] | None:
        """As :meth:`expect`, for a message that may come; None if it does not ``within`` so many seconds."""
        begin = self._mark if since is None else since

        def look() -> Heard[_RequestT] | None:
            for heard in self.bench.inbox[begin:]:
                if heard.action == kind.__action__ and not heard.taken and heard.fits(where):
                    heard.taken = True
                    return heard
            return None

        return await self.bench.until(look, within)

    async def nothing(
        self, kind: type[Message], where: Where = None, *, seconds: float | None = None, by: str = ""
    ) -> None:
        """Raises CheckFailed if such a message has come since the mark, or comes within ``seconds``."""
        seconds = self.settings.quiet if seconds is None else seconds
        found = await self.maybe(kind, where, within=seconds)
        if found is not None:
            raise found.wrong("it must not be sent here", by=by)

    async def silence(self, seconds: float, *, besides: tuple[str, ...] = (), by: str = "") -> None:
        """Raises CheckFailed if anything comes within ``seconds``, ``besides`` messages of these actions."""
        begin = self.mark()

        def look() -> Heard[Any] | None:
            return next((heard for heard in self.bench.inbox[begin:] if heard.action not in besides), None)

        found = await self.bench.until(look, seconds)
        if found is not None:
            raise found.wrong("nothing may be sent here", by=by)

    def check(self, condition: object, text: str, *, at: Any = None, by: str = "") -> None:
        """Raises CheckFailed with ``text`` unless ``condition`` holds; ``at``: the message it is about."""
        if not condition:
            if at is not None:
                raise at.wrong(text, by=by)
            raise CheckFailed(Finding(text=text, requirements=tuple(by.split())))

    def omit(self, what: str) -> None:
        """A validation cannot be made here: the case is *partial* at best."""
        self.omitted.append(what)

    async def wait(self, seconds: float) -> None:
        """Let time pass, where the case says so (such as "energy flows for so long")."""
        await sleep(self.bench.clock, seconds)

    def _instead(self, action: str, since: int | None) -> str:
        came = [repr(heard) for heard in self.since(since) if not heard.taken and heard.action == action]
        came = came or sorted({heard.action for heard in self.since(since) if not heard.taken})
        more = f" and {len(came) - _LISTED} more" if len(came) > _LISTED else ""
        return f"; instead came {', '.join(came[:_LISTED])}{more}" if came else "; nothing came instead"

    # --- calls to the station ------------------------------------------------------------------------------------

    async def connected(self, within: float | None = None) -> Station:
        """The station, once it is connected. Raises NotPossible."""
        seconds = self.settings.patience if within is None else within
        station = await self.bench.until(lambda: self.bench.station, seconds)
        if station is None:
            raise NotPossible(f"the station does not connect within {seconds:g} s")
        return station

    async def call(self, request: Request[_ResponseT], *, within: float | None = None) -> Answer[_ResponseT]:
        """Send a request and return the answer, whose payload has been held against the schema. A CALLERROR, silence or
        a lost connection is a failure of the station's: raises CheckFailed. Raises NotPossible if nothing was sent."""
        try:
            return await self._called(request, within)
        except RemoteCallError as exc:
            raise self._failed(request, f"was refused with CALLERROR {exc.error}") from None

    async def refused(self, request: Request[Any], *codes: str, by: str = "") -> CallError:
        """Send a request that must be answered with a CALLERROR, of one of ``codes`` if some are given."""
        try:
            answer = await self._called(request, None)
        except RemoteCallError as exc:
            if codes and exc.error.code not in codes:
                text = f"was refused with CALLERROR {exc.error.code}, not {worded(codes)}"
                raise self._failed(request, text, by) from None
            return exc.error
        raise answer.wrong(f"a CALLERROR {worded(codes) if codes else ''} was due".replace("  ", " "), by=by)

    async def refused_raw(self, action: str, payload: dict[str, Any], *codes: str, by: str = "") -> CallError:
        """As :meth:`refused`, for a payload that the schema forbids."""
        station = await self.connected()
        self.mark()
        try:
            answered = await station.call_raw(action, payload, validate=False)
        except RemoteCallError as exc:
            if codes and exc.error.code not in codes:
                text = f"{action} was refused with CALLERROR {exc.error.code}, not {worded(codes)}"
                raise CheckFailed(Finding(text=text, requirements=tuple(by.split()), action=action)) from None
            return exc.error
        answer: Answer[Any] = Answer(answered, self.bench.clock.now())
        raise answer.wrong("it breaks the schema, so a CALLERROR was due", by=by)

    async def _called(self, request: Request[_ResponseT], within: float | None) -> Answer[_ResponseT]:
        station = await self.connected()
        self.mark()
        try:
            said = to_v201(request) if self.version is Version.V201 else request
            answered = await station.call_raw(said.__action__, msgspec.json.encode(said), timeout=within)
        except (InvalidMessage, UnknownAction, NotConnected) as exc:
            raise NotPossible(f"{request.__action__} could not be sent: {exc}") from None
        except CallTimeout:
            raise self._failed(request, "was not answered in time") from None
        except ConnectionLost:
            raise self._failed(request, "was not answered: the connection was lost") from None
        except InvalidResponse as exc:
            raise self._failed(request, f"got an answer that cannot be read: {exc}") from None
        answer: Answer[_ResponseT] = Answer(answered, self.bench.clock.now())
        self.bench.complain(answer.action, answer.message_id, answered.violations, " response")
        self.said.append((request, answer))
        return answer

    def _failed(self, request: Request[Any], text: str, by: str = "") -> CheckFailed:
        action = request.__action__
        return CheckFailed(Finding(text=f"{action} {text}", requirements=tuple(by.split()), action=action))

    # --- what the CSMS answers -----------------------------------------------------------------------------------

    def answer(self, kind: type[Request[Any]], reply: Reply, *, once: bool = False) -> None:
        """Answer messages of this kind with ``reply`` until the case is over, or only the next one. The newest that
        applies counts. A function gets the :class:`Heard` and may return None, so that another one counts."""
        self.bench.replies.setdefault(kind.__action__, []).append((reply, once))

    def keep_silent(self, kind: type[Request[Any]]) -> None:
        """Do not answer messages of this kind."""
        self.answer(kind, SILENCE)

    @contextmanager
    def held(self, kind: type[Request[Any]]) -> Iterator[None]:
        """Messages of this kind are answered only at the end of the ``with`` block."""
        over = asyncio.Event()

        async def late(heard: Heard[Any]) -> Any:
            await over.wait()
            return self.bench.usual(heard)

        entry = (lambda heard: None if over.is_set() else late(heard)), False
        self.bench.replies.setdefault(kind.__action__, []).append(entry)
        try:
            yield
        finally:
            over.set()

    def usual_answers(self) -> None:
        """Answer as before the case."""
        self.bench.replies = {action: list(replies) for action, replies in self._replies.items()}

    # --- the connection ------------------------------------------------------------------------------------------

    @contextmanager
    def offline(self) -> Iterator[None]:
        """Close the connection and let the station in again only afterwards::

        with trial.offline():
            await trial.operator.plug(trial.evse)
        await trial.connected(within=...)
        """
        self.bench.admits = False
        self.bench.hang_up()
        try:
            yield
        finally:
            self.mark()
            self.bench.admits = True


def _shown(where: Mapping[str, Any]) -> str:
    return ", ".join(f"{path} {worded(wanted)}" for path, wanted in where.items())
