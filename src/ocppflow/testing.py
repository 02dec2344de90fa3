"""Tools for tests of programs that use ocppflow: roles joined in memory, and a clock that a test moves.

::

    async def test_a_station_boots():
        async with MemoryNetwork() as network:
            csms = network.csms()
            csms.include(my_block)
            async with network.station(csms, "CS1") as cs:
                answer = await cs.call(v201.BootNotificationRequest(...))
                await network.clock.advance(3600)

No socket is opened, nothing sleeps, and a test that leaves tasks or timers behind fails. There is no opening handshake
either, so neither passwords nor an acceptor are asked; test those with ``csms.listen("ws://127.0.0.1:0/ocpp")``.

The same as pytest fixtures, for which pytest-asyncio has to be installed: put ``pytest_plugins = ["ocppflow.testing"]``
into the topmost ``conftest.py``; see :func:`ocpp_network`, :func:`ocpp_clock`, :func:`ocpp_csms`, :func:`ocpp_station`,
:func:`ocpp_complete_station`.

PYTEST_DONT_REWRITE: there is no assert statement here, and this may be imported before pytest loads it as a plugin.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Protocol, TypeVar, cast

from ocppflow.csms import CSMS
from ocppflow.endpoint import (
    ManualClock,
    MemoryLink,
    StandsStill,
    VirtualTimeLoop,
    memory_pair,
    run_in_virtual_time,
    settle,
)
from ocppflow.errors import ConnectionRefused
from ocppflow.log_budget import BUDGET
from ocppflow.messages import Version
from ocppflow.station import ChargingStation, CompleteStation

__all__ = [
    "ManualClock",
    "MemoryLink",
    "MemoryNetwork",
    "ScriptedCSMS",
    "ScriptedPeer",
    "StandsStill",
    "VirtualTimeLoop",
    "memory_pair",
    "run_in_virtual_time",
    "settle",
]

_StationT = TypeVar("_StationT", bound=ChargingStation)

_CLOSE_TIMEOUT = 10.0
"""Seconds of the clock in which a MemoryLink gives up a peer that does not answer its close frame."""

_LAST = 5.0
"""Seconds of the clock for handlers and hooks that were cancelled; more means that they never end."""


class ScriptedPeer:
    """One end of a connection whose lines a test writes: it says JSON and hears JSON, and knows nothing of OCPP."""

    def __init__(self, link: MemoryLink) -> None:
        self.link = link
        """For faults of the network: ``link.hold()``, ``release()``, ``drop()``, ``break_()``."""
        self.heard: list[Any] = []
        """What has come since the last :meth:`hear`, each message read from its JSON."""
        self.ended: tuple[int, str] | None = None
        """Code and reason with which the connection has ended; None as long as it is open."""
        link.attach(self)

    async def say(self, message: Any) -> list[Any]:
        """Send ``message`` (something that JSON can hold, or text or bytes just as they are), and return what has come
        once everything is quiet."""
        data = message.encode() if isinstance(message, str) else message
        self.link.send(data if isinstance(data, bytes) else json.dumps(data).encode())
        return await self.hear()

    async def hear(self) -> list[Any]:
        """What has come since the last time."""
        await settle()
        heard, self.heard = self.heard, []
        return heard

    def received(self, data: bytes) -> None:
        """For the link: a message came."""
        self.heard.append(json.loads(data))

    def received_binary(self, data: bytes) -> None:
        """For the link: a binary message came, which no role of ocppflow sends."""
        self.heard.append(data)

    def closed(self, code: int, reason: str) -> None:
        """For the link: the connection is over."""
        self.ended = (code, reason)


class ScriptedCSMS:
    """Stands where a CSMS stands in :meth:`MemoryNetwork.station`; what connects to it is a ScriptedPeer in ``peers``,
    the newest at the end."""

    def __init__(self, versions: Iterable[Version | str] = tuple(Version)) -> None:
        self.versions = tuple(Version.parse(version) for version in versions)
        self.peers: list[ScriptedPeer] = []

    @property
    def peer(self) -> ScriptedPeer:
        """The newest connection. Raises IndexError if there never was one."""
        return self.peers[-1]

    def accept(self, link: MemoryLink) -> ScriptedPeer:
        """Take a connection into service."""
        peer = ScriptedPeer(link)
        self.peers.append(peer)
        return peer


class _Accepting(Protocol):
    """A CSMS or a ScriptedCSMS."""

    versions: tuple[Version, ...]

    def accept(self, link: Any) -> object: ...


class MemoryNetwork:
    """Roles joined in memory, on one ManualClock. A CSMS of your own may take part, and keeps the clock that it has.

    Leaving ``async with`` stops them all, and raises AssertionError if tasks or timers are left behind that were not
    there before. A CSMS of your own can be used again.
    """

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.links: list[MemoryLink] = []
        """The CSMS's end of each connection, the newest last; for faults of the network."""
        self.refusals: list[Exception] = []
        """What the next attempts to connect end with instead of a connection, in this order."""
        self._csmses: dict[CSMS, None] = {}  # in order
        self._stations: list[ChargingStation] = []
        self._before = _tasks()

    def csms(self, **settings: Any) -> CSMS:
        """A CSMS on this network's clock; ``settings`` as for CSMS."""
        csms = CSMS(**{"clock": self.clock, **settings})
        self._csmses[csms] = None
        return csms

    def station(self, csms: CSMS | ScriptedCSMS, identity: str = "CS1", **settings: Any) -> ChargingStation:
        """A ChargingStation that connects to ``csms``, once it is told to; ``settings`` as for ChargingStation. Of the
        versions that it offers the first counts that the CSMS speaks."""
        return self._station(ChargingStation, csms, identity, settings)

    def complete_station(self, csms: CSMS | ScriptedCSMS, identity: str = "CS1", **settings: Any) -> CompleteStation:
        """As :meth:`station`, a CompleteStation; ``settings`` as for it."""
        return self._station(CompleteStation, csms, identity, settings)

    def _station(
        self, kind: type[_StationT], csms: CSMS | ScriptedCSMS, identity: str, settings: dict[str, Any]
    ) -> _StationT:
        async def dial() -> MemoryLink:
            return await self.dial(csms, identity, station.versions)

        station = kind(identity, "ws://memory/ocpp", **{"clock": self.clock, "dial": dial, **settings})
        self._stations.append(station)
        return station

    async def dial(self, csms: CSMS | ScriptedCSMS, identity: str, versions: Sequence[Version]) -> MemoryLink:
        """A station's end of a new connection to ``csms``. Raises what ``refusals`` holds, and ConnectionRefused if
        they have no version in common."""
        if self.refusals:
            raise self.refusals.pop(0)
        common = [version for version in versions if version in csms.versions]
        if not common:
            spoken = ", ".join(csms.versions)
            raise ConnectionRefused(f"{identity} offers {', '.join(versions)}; the CSMS speaks {spoken}")
        return self._join(csms, identity, common[0])

    def scripted_station(
        self, csms: CSMS, identity: str = "CS1", version: Version | str = Version.V201
    ) -> ScriptedPeer:
        """A station whose lines the test writes, connected at once; the CSMS has it as ``csms[identity]``."""
        return ScriptedPeer(self._join(csms, identity, Version.parse(version)))

    def _join(self, csms: _Accepting, identity: str, version: Version) -> MemoryLink:
        if isinstance(csms, CSMS):
            self._csmses[csms] = None
        theirs, ours = memory_pair(identity, version, clock=self.clock)
        self.links.append(ours)
        csms.accept(ours)
        return theirs

    async def close(self) -> None:
        """Stop all stations and CSMSs, in as much of the clock's time as that takes. Raises AssertionError if something
        is left behind, saying what."""
        grace = max((csms.grace or 0.0 for csms in self._csmses), default=0.0)
        closing = asyncio.ensure_future(self._close())
        end = self.clock.now() + grace + _CLOSE_TIMEOUT + _LAST
        await settle()
        while not closing.done() and self.clock.now() < end:
            await self.clock.advance(1)
        if not closing.done():
            closing.cancel()
            await settle()
            raise AssertionError("the roles cannot be stopped: something in them waits for ever")
        closing.result()
        await settle()
        if left := _tasks() - self._before:
            raise AssertionError(f"tasks are left behind: {sorted(map(repr, left))}")
        if self.clock.pending:
            raise AssertionError(f"timers are left behind: {self.clock.pending}")

    async def _close(self) -> None:
        for station in self._stations:
            await station.stop()
            if isinstance(station, CompleteStation):
                station.power_down()
        for csms in self._csmses:
            grace = csms.grace
            if csms.clock is not self.clock:
                csms.grace = None  # nobody wants to wait for real
            try:
                await csms.close()
            finally:
                csms.grace = grace

    async def __aenter__(self) -> MemoryNetwork:
        BUDGET.reset()  # the lines of other tests do not count in this one
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.close()
        except AssertionError:
            if error is None:  # else the test has failed already, and that is what its author wants to read
                raise


def _tasks() -> set[asyncio.Task[Any]]:
    """The tasks of the running loop, but for the one that asks."""
    try:
        return asyncio.all_tasks() - {cast("asyncio.Task[Any]", asyncio.current_task())}
    except RuntimeError:
        return set()


try:
    import pytest
    import pytest_asyncio
except ImportError:  # everything above serves unittest as well
    pass
else:

    @pytest.fixture
    def ocpp_clock() -> ManualClock:
        """The clock of the other fixtures; it stands still until ``await ocpp_clock.advance(seconds)``."""
        return ManualClock()

    @pytest_asyncio.fixture
    async def ocpp_network(ocpp_clock: ManualClock) -> AsyncIterator[MemoryNetwork]:
        """A MemoryNetwork, closed at the end of the test."""
        async with MemoryNetwork(ocpp_clock) as network:
            yield network

    @pytest.fixture
    def ocpp_csms(ocpp_network: MemoryNetwork) -> CSMS:
        """A CSMS without handlers, closed at the end of the test."""
        return ocpp_network.csms()

    @pytest.fixture
    def ocpp_station(ocpp_network: MemoryNetwork, ocpp_csms: CSMS) -> Callable[..., ChargingStation]:
        """Makes stations of ``ocpp_csms``: ``async with ocpp_station("CS1", versions=["2.0.1"]) as cs``."""

        def make(identity: str = "CS1", **settings: Any) -> ChargingStation:
            return ocpp_network.station(ocpp_csms, identity, **settings)

        return make

    @pytest.fixture
    def ocpp_complete_station(ocpp_network: MemoryNetwork, ocpp_csms: CSMS) -> Callable[..., CompleteStation]:
        """Makes complete stations of ``ocpp_csms``, which begin when they are told to: ``async with
        ocpp_complete_station("CS1", config=...) as station``."""

        def make(identity: str = "CS1", **settings: Any) -> CompleteStation:
            return ocpp_network.complete_station(ocpp_csms, identity, **settings)

        return make
