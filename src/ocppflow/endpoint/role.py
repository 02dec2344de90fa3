"""RoleBase: what CSMS and ChargingStation share."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, ClassVar, Generic, TypeVar

from ocppflow.endpoint.connection import Connection
from ocppflow.endpoint.hooks import Background, Hooks
from ocppflow.endpoint.router import Include, On, OwnerT, Router
from ocppflow.endpoint.stop_signals import Watch, stop_signals
from ocppflow.endpoint.trace_hooks import TraceHooks
from ocppflow.endpoint.watchdog import Watchdog
from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version
from ocppflow.messages.tolerance import STRICT, Policy
from ocppflow.plain_text import SHOWN_REPORT, one_line
from ocppflow.rpc.events import LateAnswer
from ocppflow.rpc.history import History
from ocppflow.rpc.limits import Limits
from ocppflow.secrecy.blotting import text_without_secrets
from ocppflow.trace import TraceEvent, TraceHook, TraceRecord
from ocppflow.transport.clock import Clock, LoopClock
from ocppflow.transport.deadline import Deadline, check_grace
from ocppflow.transport.link import Link
from ocppflow.transport.loop import run as run_on_fastest_loop

log = budgeted("ocppflow")

_WITHOUT_GRACE = 15.0
"""Seconds in which a closing without a grace is over: the usual time for closing handshakes, and some for hooks."""

ConnectionT = TypeVar("ConnectionT", bound=Connection)


class RoleBase(Generic[OwnerT]):
    """Base of CSMS and ChargingStation: a Router, the settings of connections, hooks, traces, background work.

    ``on``, ``on_any``, ``include`` and ``middleware`` are those of ``router``. ``limits`` and ``policy`` hold for
    connections made from then on. ``grace`` is how long (s) closing takes at most, whatever peers and handlers do.
    """

    role: ClassVar[Role]

    __slots__ = (
        "_clock",
        "_traces",
        "background",
        "grace",
        "include",
        "limits",
        "middleware",
        "on",
        "on_any",
        "on_connect",
        "on_disconnect",
        "policy",
        "router",
        "versions",
    )

    def __init__(
        self,
        *,
        versions: Iterable[Version | str],
        limits: Limits | None,
        policy: Policy,
        trace: TraceHook | None,
        clock: Clock | None,
        grace: float | None,
    ) -> None:
        self.router: Router[OwnerT] = Router(self.role, f"of the {self.role.value}")
        self.on: On[OwnerT] = self.router.on
        self.on_any = self.router.on_any
        self.include: Include[OwnerT] = self.router.include
        self.middleware = self.router.middleware
        self.versions = tuple(dict.fromkeys(Version.parse(version) for version in versions))
        if not self.versions:
            raise ConfigurationError(f"no version to speak; known: {', '.join(Version)}")
        self.limits = limits or Limits()
        self.policy: Policy = policy or STRICT
        check_grace(grace)
        self.grace = grace
        self.on_connect = Hooks("on_connect")
        self.on_disconnect = Hooks("on_disconnect")
        self.background = Background()
        self._traces = TraceHooks([trace] if trace is not None else [])
        self._clock = clock

    @property
    def clock(self) -> Clock:
        """The injected clock, or the running loop's."""
        if self._clock is None or (isinstance(self._clock, LoopClock) and not self._clock.is_current):
            self._clock = LoopClock()
        return self._clock

    # --- connections ---------------------------------------------------------------------------------------------

    def _take(self, kind: type[ConnectionT], link: Link, history: History, owner: OwnerT | None) -> ConnectionT:
        """A Connection over ``link`` with this role's settings."""
        return kind(
            link,
            self.role,
            clock=self.clock,
            router=self.router,
            background=self.background,
            owner=owner,
            limits=self.limits,
            policy=self.policy,
            history=history,
            trace=self._traces if self._traces else None,
            keeper=self,
        )

    def _connected(self, connection: Connection, *about: object) -> None:
        """Fire ``on_connect``; what the peer says waits until its ``async`` hooks have ended."""
        connection.hold_handlers()
        unfinished = {task for task in self.on_connect.fire(self.background, *about) if not task.done()}
        if not unfinished:
            connection.release_handlers()
            return

        def ended(task: Any) -> None:
            unfinished.discard(task)
            if not unfinished:
                connection.release_handlers()

        for task in list(unfinished):
            task.add_done_callback(ended)

    def connection_closed(self, connection: Any, code: int, reason: str) -> None:
        """A connection is over."""
        raise NotImplementedError

    def answered_late(self, connection: Any, answer: LateAnswer) -> None:
        """A handler answers a call of a connection that is over."""
        raise NotImplementedError

    # --- the trace -----------------------------------------------------------------------------------------------

    def add_trace(self, hook: TraceHook) -> None:
        """Let ``hook`` see every frame and connection event of connections made from now on."""
        self._traces.add(hook)

    def _trace_event(self, identity: str, event: TraceEvent, note: str, address: str = "") -> None:
        if self._traces:
            note = one_line(text_without_secrets(note), SHOWN_REPORT)
            self._traces(TraceRecord(time.time(), identity, event, self.role.value, address=address, note=note))

    # --- running -------------------------------------------------------------------------------------------------

    async def _begin_serving(self, *where: Any, **how: Any) -> None:
        """Start what ``serve_forever`` keeps up."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close in order, within ``grace`` seconds."""
        raise NotImplementedError

    def _deadline(self) -> Deadline:
        return Deadline(self.clock, self.grace)

    async def _serve_until_told(self, *where: Any, watch: Watch | None = None, **how: Any) -> None:
        with stop_signals(watch) as signals:
            await self._begin_serving(*where, **how)
            try:
                await signals.wait()
            except BaseException:
                await self.close()
                raise
            log.info("stopping (once more to stop at once)")
            await signals.end(self.close())

    def _run_until_told(self, *where: Any, **how: Any) -> None:
        with Watchdog(self.closes_within) as watchdog:
            run_on_fastest_loop(self._serve_until_told(*where, watch=watchdog, **how), wind_up=watchdog.left)

    def closes_within(self) -> float:
        """Seconds that closing takes at most."""
        return _WITHOUT_GRACE if self.grace is None else self.grace

    def __bool__(self) -> bool:
        """True: a role is more than the number of its stations."""
        return True
