"""Router: who answers what. Handlers by request type, blocks of handlers, one handler for all the rest, middleware."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, overload

import msgspec

from ocppflow.endpoint.incoming_call import IncomingCall
from ocppflow.errors import ConfigurationError, NotSupported
from ocppflow.messages import Message, Request, Response, Role, Send, Version, action_info
from ocppflow.messages.vocabulary import v21_type

OwnerT = TypeVar("OwnerT")
AnswererT = TypeVar("AnswererT", covariant=True)
"""The owner, for whom a handler is registered: who takes handlers of one kind takes handlers of all it is, too."""
RequestT = TypeVar("RequestT", bound=Request[Any], covariant=True)
SendT = TypeVar("SendT", bound=Send, covariant=True)
ResponseT = TypeVar("ResponseT", bound=Response)

Handler = Callable[[Any, Any], Any]
"""``handler(owner, message)``, plain or ``async``. It returns the response (a Struct; where types do not count also a
dict in wire names, or the payload's JSON as bytes) and raises a CallError to refuse. What the handler of an unconfirmed
message returns is of no interest."""

CatchAll = Callable[[Any, IncomingCall], Any]
"""``handler(owner, call)``: as Handler, and it may return LATER."""

Proceed = Callable[[], Awaitable[Any]]
Middleware = Callable[[Any, IncomingCall, Proceed], Awaitable[Any]]
"""``async middleware(owner, call, proceed)``: returns what ``await proceed()`` gave, the response, or another one in
its place. What a handler raised comes out of ``proceed()``."""

_CatchAllT = TypeVar("_CatchAllT", bound=CatchAll)
_MiddlewareT = TypeVar("_MiddlewareT", bound=Middleware)


class Registration(Generic[AnswererT, RequestT]):
    """What ``Router.on(SomeRequest)`` returns: a decorator for a handler of just that request, that returns just its
    response."""

    __slots__ = ("_register",)

    def __init__(self, register: Callable[[Any], None]) -> None:
        self._register = register

    @overload
    def __call__(
        self: Registration[AnswererT, Request[ResponseT]],
        handler: Callable[[AnswererT, RequestT], Awaitable[ResponseT]],
    ) -> Callable[[AnswererT, RequestT], Awaitable[ResponseT]]: ...
    @overload
    def __call__(
        self: Registration[AnswererT, Request[ResponseT]], handler: Callable[[AnswererT, RequestT], ResponseT]
    ) -> Callable[[AnswererT, RequestT], ResponseT]: ...
    def __call__(self, handler: Any) -> Any:
        self._register(handler)
        return handler


class SendRegistration(Generic[AnswererT, SendT]):
    """As Registration, for a message that is never answered (2.1)."""

    __slots__ = ("_register",)

    def __init__(self, register: Callable[[Any], None]) -> None:
        self._register = register

    def __call__(self, handler: Callable[[AnswererT, SendT], object]) -> Callable[[AnswererT, SendT], object]:
        """Register ``handler``."""
        self._register(handler)
        return handler


class On(Protocol[AnswererT]):
    """The type of :meth:`Router.on`, for a role that hands it on as its own."""

    @overload
    def __call__(self, request: type[RequestT]) -> Registration[AnswererT, RequestT]: ...
    @overload
    def __call__(self, request: type[SendT]) -> SendRegistration[AnswererT, SendT]: ...


class Include(Protocol[OwnerT]):
    """The type of :meth:`Router.include`."""

    def __call__(
        self, block: Router[OwnerT], *, only: Iterable[str] | None = None, without: Iterable[str] = ()
    ) -> None: ...


class FoundHandler(msgspec.Struct, frozen=True):
    """Who answers one type of message. ``translated``: the handler speaks 2.1, the connection 2.0.1. ``takes_call``: it
    gets an IncomingCall instead of the message. ``middleware`` goes round it, the outermost first."""

    handler: Handler
    translated: bool = False
    takes_call: bool = False
    middleware: tuple[Middleware, ...] = ()

    def below(self, middleware: tuple[Middleware, ...]) -> FoundHandler:
        """The same as seen from a router that includes this one's."""
        return msgspec.structs.replace(self, middleware=middleware + self.middleware) if middleware else self


class _Found(dict[type[Message], FoundHandler | None]):
    """What a router has been asked before, so that the usual way to a handler is one look into a dict."""

    __slots__ = ("_router",)

    def __init__(self, router: Router[Any]) -> None:
        super().__init__()
        self._router = router

    def __missing__(self, kind: type[Message]) -> FoundHandler | None:
        found = self[kind] = self._router.resolve(kind)
        return found


class Router(Generic[OwnerT]):
    """Handlers for what the peer sends, in the order in which they are asked: those registered here, those of included
    blocks (the first included first), the catch-all.

    ::

        reset = Router[Station](Role.CSMS, "resets")

        @reset.on(v21.NotifyEventRequest)
        async def event(station: Station, request: v21.NotifyEventRequest) -> v21.NotifyEventResponse: ...

        csms.include(reset, without=["NotifyEvent"])

    A handler of a 2.1 request serves 2.0.1 connections too, unless there is one of 2.0.1's own: it gets the message in
    2.1's words, and its response is put into 2.0.1's. The verdict on what came stays with 2.0.1's schema, and a
    response that 2.0.1 has no words for is an error that names the field. ``role`` is whose handlers these are; with
    it, an action that this side never receives is refused at registration. ``name`` is for people.
    """

    __slots__ = (
        "__weakref__",
        "_blocks",
        "_by_type",
        "_catch_all",
        "_included_in",
        "_middleware",
        "_speaks_21",
        "found",
        "name",
        "role",
    )

    def __init__(self, role: Role | None = None, name: str = "") -> None:
        self.role = role
        self.name = name
        self._by_type: dict[type[Message], Handler] = {}
        self._speaks_21 = False
        self._catch_all: CatchAll | None = None
        self._blocks: list[tuple[Router[Any], Callable[[str], bool]]] = []
        self._middleware: tuple[Middleware, ...] = ()
        self.found = _Found(self)
        """Type of message -> who answers it; None if nobody does."""
        self._included_in: weakref.WeakSet[Router[Any]] = weakref.WeakSet()

    @overload
    def on(self, request: type[RequestT]) -> Registration[OwnerT, RequestT]: ...
    @overload
    def on(self, request: type[SendT]) -> SendRegistration[OwnerT, SendT]: ...
    def on(self, request: type[Any]) -> Any:
        """Decorator: the handler of this request type. The last one registered for a type counts.

        Raises TypeError for what is not a request, or not one that this side ever receives."""
        self._check(request)
        kind = Registration if issubclass(request, Request) else SendRegistration
        return kind(partial(self._register, request))

    def on_any(self, handler: _CatchAllT) -> _CatchAllT:
        """Decorator: the handler, ``handler(owner, incoming_call)``, of whatever has no handler of its own here or in
        an included block."""
        self._catch_all = handler
        self._changed()
        return handler

    def middleware(self, middleware: _MiddlewareT) -> _MiddlewareT:
        """Decorator: go round every handler of this router and of the blocks it includes; the first registered is the
        outermost. It is also asked about what nobody handles: ``proceed()`` raises NotSupported then."""
        self._middleware += (middleware,)
        self._changed()
        return middleware

    def include(self, block: Router[OwnerT], *, only: Iterable[str] | None = None, without: Iterable[str] = ()) -> None:
        """Let ``block`` answer what has no handler here; ``only`` these actions of it, or all ``without`` these.

        Raises ConfigurationError for an action that the block does not handle, for a block of the other role, and for
        one that includes this router."""
        if block is self or self in block._all_blocks():
            raise ConfigurationError(f"{block} includes {self} already; a router cannot include itself")
        if block.role is not None and self.role is not None and block.role is not self.role:
            raise ConfigurationError(f"{block} is for the {block.role.value}, {self} for the {self.role.value}")
        known = block.actions
        wanted = known if only is None else _actions(only, known, block)
        left_out = _actions(without, known, block)
        everything = only is None  # what the block learns later is included as well
        self._blocks.append((block, lambda action: action not in left_out and (everything or action in wanted)))
        block._included_in.add(self)
        self._changed()

    @property
    def actions(self) -> frozenset[str]:
        """The actions that have a handler here or in an included block."""
        own = {kind.__action__ for kind in self._by_type}
        for block, admits in self._blocks:
            own |= {action for action in block.actions if admits(action)}
        return frozenset(own)

    def resolve(self, kind: type[Message]) -> FoundHandler | None:
        """Who answers messages of this type; None if nobody does. ``found`` remembers it."""
        found = self._specific(kind)
        if found is None and (catch_all := self._any_catch_all(kind.__action__)) is not None:
            found = FoundHandler(catch_all, takes_call=True, middleware=self._middleware)
        if found is None and self._middleware:
            found = FoundHandler(_nobody, takes_call=True, middleware=self._middleware)
        return found

    def _specific(self, kind: type[Message]) -> FoundHandler | None:
        if (handler := self._by_type.get(kind)) is not None:
            return FoundHandler(handler, middleware=self._middleware)
        if self._speaks_21 and kind.__version__ is Version.V201 and (handler := self._by_type.get(v21_type(kind))):
            return FoundHandler(handler, translated=True, middleware=self._middleware)
        for block, admits in self._blocks:
            if admits(kind.__action__) and (found := block._specific(kind)) is not None:
                return found.below(self._middleware)
        return None

    def _any_catch_all(self, action: str) -> CatchAll | None:
        if self._catch_all is not None:
            return self._catch_all
        catch_alls = (block._any_catch_all(action) for block, admits in self._blocks if admits(action))
        return next((each for each in catch_alls if each is not None), None)

    def _check(self, request: Any) -> None:
        name = getattr(request, "__qualname__", repr(request))
        if not isinstance(request, type) or not issubclass(request, (Request, Send)):
            what = "a response" if isinstance(request, type) and issubclass(request, Response) else "not a request"
            raise TypeError(f"on() takes a request type such as v201.BootNotificationRequest; {name} is {what}")
        action, version = request.__action__, request.__version__
        if self.role is not None and not action_info(version, action).sent_by(self.role.peer):
            raise TypeError(
                f"on({name}): a {self.role.value} never receives {action}; in OCPP {version.value} it is the "
                f"{self.role.value}'s to send (use call())"
            )

    def _register(self, request: type[Message], handler: Handler) -> None:
        self._by_type[request] = handler
        self._speaks_21 |= request.__version__ is Version.V21  # else its module need not be imported
        self._changed()

    def _changed(self) -> None:
        """What was found before may be wrong now, here and wherever this router is included."""
        self.found.clear()
        for router in self._included_in:
            router._changed()

    def _all_blocks(self) -> list[Router[Any]]:
        return [each for block, _ in self._blocks for each in (block, *block._all_blocks())]

    def __repr__(self) -> str:
        return f"<Router {self.name or 'unnamed'}, {len(self.actions)} actions>"


def _actions(names: Iterable[str], known: frozenset[str], block: Router[Any]) -> frozenset[str]:
    wanted = frozenset([names] if isinstance(names, str) else names)
    if unknown := sorted(wanted - known):
        raise ConfigurationError(f"{block} does not handle {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    return wanted


def _nobody(owner: Any, call: IncomingCall) -> Any:
    raise NotSupported(f"{call.action} is not supported here")
