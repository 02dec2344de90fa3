"""PoweredStation: a station that goes up and down, and loses its network or its power."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ocppflow.endpoint import Background, Link, sleep
from ocppflow.errors import ConnectionRefused
from ocppflow.log_budget import budgeted
from ocppflow.messages.v21 import BootReasonEnumType
from ocppflow.station.charging_station import ChargingStation
from ocppflow.station.station_config import StationConfig
from ocppflow.station.station_store import StationStore, StoreFailed

log = budgeted("ocppflow.station")


class PoweredStation(ChargingStation):
    """Base of CompleteStation: power and network. A station is up from ``start`` or ``connect`` until ``close``, apart
    from outages, of which there is one at a time: a reboot that is asked for during an outage is that outage, a power
    cut makes an end of a reboot. ``stop``, ``close`` and ``connect`` end an outage: what the program wants goes before.
    """

    __slots__ = ("_is_wanted", "_jobs", "_next_reason", "_outage", "boot_reason", "config", "is_away", "store")

    config: StationConfig
    store: StationStore

    def __init__(self, identity: str, url: str, **settings: Any) -> None:
        super().__init__(identity, url, **settings)
        self.boot_reason: BootReasonEnumType = "PowerUp"
        """Why it has booted last."""
        self.is_away = False
        """The network is away; see :meth:`offline`."""
        self._is_wanted = False
        """It is to be connected, as soon as it is up and the network there."""
        self._next_reason: BootReasonEnumType = "PowerUp"
        self._outage: asyncio.Task[None] | None = None
        self._jobs = Background()

    # --- what a subclass provides --------------------------------------------------------------------------------

    @property
    @abstractmethod
    def is_up(self) -> bool:
        """Whether it has booted, connected or not."""

    @abstractmethod
    def _boot(self) -> None:
        """Take everything from the store, and begin."""

    @abstractmethod
    def _shut_down(self) -> None:
        """End everything, without a word."""

    def wrap_links(self, wrap: Callable[[Link], Link]) -> None:
        """Let ``wrap`` go round each connection that is made from now on."""
        dial = self._dial

        async def wrapped() -> Link:
            return wrap(await dial())

        self._dial = wrapped

    # --- power ---------------------------------------------------------------------------------------------------

    def power_up(self, reason: BootReasonEnumType | None = None) -> None:
        """Boot: everything comes from the store. Does nothing when it is up. ``reason``: by default that of the outage,
        if a reboot was broken off, else PowerUp. Raises StoreFailed or ConfigurationError if it cannot boot."""
        if self.is_up:
            return
        self.boot_reason, self._next_reason = reason or self._next_reason, "PowerUp"
        try:
            self._boot()
        except BaseException:
            self.power_down()
            raise

    def power_down(self) -> None:
        """Go down without a word: timers and work end, what has not been committed is forgotten."""
        self._jobs.cancel()
        self._shut_down()

    def work(self, awaitable: Awaitable[object], what: str) -> asyncio.Future[Any]:
        """Let something run that nobody waits for, connected or not, until it ends or the station goes down; ``what``
        names it in the log if it fails."""
        return self._jobs.add(awaitable, what)

    async def connect(self) -> None:
        """Boot, unless it is up, and connect, with one attempt. Raises ConnectionRefused."""
        self._end_outage()
        self.power_up()
        if self.is_away:
            raise ConnectionRefused(f"{self.identity} has no network: online() gives it back")
        await super().connect()
        self._is_wanted = True

    def start(self) -> None:
        """Boot, unless it is up, and connect in the background, as soon as there is a network."""
        self._is_wanted = True
        if self._outage is None:
            self.power_up()
            if not self.is_away:
                super().start()

    async def stop(self, code: int = 1000, reason: str = "", *, grace: float | None = None) -> None:
        """Close the connection and do not reconnect; the station stays up, and charges on."""
        self._end_outage()
        self._is_wanted = False
        await super().stop(code, reason, grace=grace)

    async def close(self) -> None:
        """Disconnect and go down, in order, within ``grace``."""
        await super().close()
        await self._keep_all()
        self.power_down()

    async def _keep_all(self) -> None:
        try:
            await self.store.commit()
        except StoreFailed as exc:
            log.error("%s: what was changed last is lost: %s", self.identity, exc)

    # --- outages -------------------------------------------------------------------------------------------------

    async def reboot(self, reason: BootReasonEnumType = "RemoteReset") -> None:
        """Go down in order, and come up again after ``config.reboot_seconds``, whether it was connected or not. Returns
        when it is up, or when something else has come between; at once to a handler, a hook or work of the station,
        which all end first. Raises what keeps it from booting."""
        if self._outage is None:
            self._begin_outage(self._reboot(reason))
        await self._outage_over()

    async def power_cut(self, seconds: float | None = None) -> None:
        """Cut the power for ``seconds``, by default those of a reboot: the connection is torn without a goodbye, and
        what was not committed is lost. Returns when it is up again, or when something else has come between."""
        self._end_outage()
        self._is_wanted = self._is_wanted or self.is_running
        self._next_reason = "PowerUp"
        for handler in self._handlers_at_work():
            if handler is not asyncio.current_task():
                handler.cancel()
        self.power_down()
        self.drop("the power is cut")
        self._begin_outage(self._come_up(self.config.reboot_seconds if seconds is None else seconds))
        await self._outage_over()

    async def offline(self) -> None:
        """Take the network away: the connection is torn, and there is none until :meth:`online`."""
        self.is_away = True
        if self.is_running:
            self._is_wanted = True
        self.drop("the network is away")

    async def online(self) -> None:
        """Give the network back: it connects at once, in the background, if it was connected or wanted to be."""
        self.is_away = False
        if self._is_wanted and self.is_up and self._outage is None:
            super().start()

    async def _reboot(self, reason: BootReasonEnumType) -> None:
        await super().stop(1001, "rebooting", grace=self.grace)
        await self._keep_all()
        self._next_reason = reason
        self._is_wanted = True
        self.power_down()
        await self._come_up(self.config.reboot_seconds)

    async def _come_up(self, seconds: float) -> None:
        await sleep(self.clock, seconds)
        self._outage = None
        self.power_up()
        if self._is_wanted and not self.is_away:
            super().start()

    def _begin_outage(self, course: Coroutine[Any, Any, None]) -> None:
        self._outage = asyncio.get_running_loop().create_task(course)
        self._outage.add_done_callback(self._told_of_outage)

    def _told_of_outage(self, outage: asyncio.Task[None]) -> None:
        if self._outage is outage:
            self._outage = None
        if not outage.cancelled() and (failure := outage.exception()) is not None:
            log.error("%s: cannot boot, and stays down: %s", self.identity, failure)

    async def _outage_over(self) -> None:
        outage, own = self._outage, asyncio.current_task()
        if own in self._jobs or own in self.background or own in self._handlers_at_work():
            return
        if outage is not None and outage is not own:
            await asyncio.wait([outage])
            if not outage.cancelled():
                outage.result()

    def _handlers_at_work(self) -> list[asyncio.Future[Any]]:
        return self._connection.handlers_at_work if self._connection is not None else []

    def _end_outage(self) -> None:
        outage, self._outage = self._outage, None
        if outage is not None:
            outage.cancel()
