"""A station in virtual time that can be killed, or whose disk can be full, at each point that anybody can tell from
the next: after each commit that has landed on the disk, and after each message that has left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from charging_world import variable_key
from station_world import START

from ocppflow.csms import CSMS
from ocppflow.endpoint import Backoff, IncomingCall, memory_pair
from ocppflow.errors import ConnectionRefused, OCPPError
from ocppflow.messages import Version
from ocppflow.messages.v21 import IdTokenType
from ocppflow.station import CompleteStation, StationConfig, StoreFailed, StoreFile, VariableConfig
from ocppflow.station.hardware import ElectricVehicle, Offer

TOKEN = IdTokenType(id_token="TOKEN", type="ISO14443")
EV = ElectricVehicle(reaction=0.5, capacity=1e6, soc=10.0)

Script = Sequence[tuple[float, str]]
SESSION: Script = (
    *((1, "plug"), (2, "swipe"), (25, "pause"), (30, "go on"), (33, "swipe"), (34, "swipe"), (38, "offline")),
    *((50, "swipe"), (52, "unplug"), (55, "plug"), (56, "swipe"), (70, "online"), (80, "swipe"), (82, "unplug")),
)
"""What happens when: a session, then one that ends offline, then one that begins offline."""


LATE: Script = (*((1, "plug"), (2, "pause"), (3, "swipe"), (6, "go on"), (9, "pause"), (12, "go on"), (15, "unplug")),)
"""An EV that asks for energy by and by."""
RESERVED: Script = ((1, "reserve"), (3, "swipe"), (4, "plug"), (8, "plug"), (10, "swipe"), (12, "unplug"))


class Eager(Backoff):
    """Comes back after a second."""

    def next(self, retry_after: float | None = None) -> float:
        return 1.0


class _Thread:
    """Does what it is told two milliseconds later, unless the process is dead by then."""

    def __init__(self, life: CutWorld) -> None:
        self._world = life
        self._life = life.lives

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        done: Future[Any] = Future()

        def run() -> None:
            if not self._world.is_dead and self._world.lives == self._life:
                done.set_result(work(*args))

        asyncio.get_running_loop().call_later(0.002, run)
        return done


class CutFile(StoreFile):
    """A StoreFile whose disk is a dict that outlives the process, and whose thread is virtual too."""

    def __init__(self, world: CutWorld) -> None:
        self.path = Path("CS1.db")
        self._world = world
        self._threads: Any = _Thread(world)
        self._waiting, self._flying, self._outcome, self._loop = {}, [], None, None
        self._is_closed = self._is_due = False

    def _kept(self, identity: str, area: str) -> dict[str, bytes]:
        return {key: value for (where, key), value in self._world.disk.items() if where == area}

    def _write(self, batch: Any) -> StoreFailed | None:
        if self._world.commits_fail():
            return StoreFailed("CS1.db: the disk is full: make room")
        for _, changes in batch:
            for where, value in changes.items():
                if value is None:
                    self._world.disk.pop(where, None)
                else:
                    self._world.disk[where] = value
        self._world.passed()
        return None


class CutWorld:
    """``cuts``: how many points pass in each life before it is killed. ``full``: which commits find the disk full, by
    their number from 1. ``heard`` is what the CSMS has heard, in order, repetitions included."""

    def __init__(
        self, version: Version, *variables: str, cuts: Iterable[int] = (), full: Iterable[int] = (), **settings: Any
    ) -> None:
        made = [_variable(each) for each in (*_QUICK, *variables)]
        self.config = StationConfig(variables=tuple(made), versions=(version,), **settings)
        self.version = version
        self.disk: dict[tuple[str, str], bytes] = {}
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.energized: list[str] = []
        """Transactions in which the EV was offered something."""
        self.answers: dict[str, Any] = {}
        self.points = 0
        """How many points have passed, in all lives."""
        self.commits = 0
        self.lives = 0
        self.is_dead = False
        self.is_away = False
        self._cuts = list(cuts)
        self._left = self._cuts.pop(0) if self._cuts else -1
        self._full = frozenset(full)
        self._died = asyncio.Event()
        self._links: list[Any] = []
        self._starts: list[dict[str, Any]] = []
        self.skew = -0.3
        """Seconds by which the station's clock is wrong at each boot."""
        self.csms = CSMS(passwords=None)
        self.csms.on_any(self._answer)
        self.station: Any = None
        self.reserved = False
        """Whether the station has taken a reservation of the number 7."""

    # --- points ---------------------------------------------------------------------------------------------------

    def passed(self) -> None:
        """Something has happened that outlives the process."""
        if self.is_dead:
            return
        self.points += 1
        self._left -= 1
        if self._left == 0:
            self.is_dead = True
            self._died.set()

    def commits_fail(self) -> bool:
        self.commits += 1
        return self.commits in self._full

    # --- lives ----------------------------------------------------------------------------------------------------

    def boot(self) -> None:
        """A new process, over what is on the disk."""
        self.lives += 1
        store = CutFile(self).store("CS1")
        self.station = CompleteStation(
            "CS1",
            "ws://memory/ocpp",
            config=self.config,
            store=store,
            dial=self._dial,
            backoff=Eager(),
            start_time=self.now() + timedelta(seconds=self.skew),
        )
        self.station.is_away = self.is_away
        self.station.power_up("PowerUp")
        evse = self.station.simulated.evses[0]
        offer, station = type(evse).offer, self.station

        def noted(it: Any, given: Offer) -> None:
            if given.watts > 0 and it is evse:
                transaction = station.transactions.on_evse(1)
                self.energized.append("" if transaction is None else transaction.id)
            offer(it, given)

        self._undo = lambda: setattr(type(evse), "offer", offer)
        type(evse).offer = noted  # type: ignore[method-assign]
        self.station.start()

    async def bury(self) -> None:
        """The process has been killed; what it has said arrives."""
        for _ in range(20):
            await asyncio.sleep(0)
        for link in self._links:
            link.break_()
        self._undo()
        self.station.power_down()
        await self.station.stop()
        await asyncio.sleep(0)
        self._links.clear()
        self.is_dead = False
        self._died.clear()
        self._left = self._cuts.pop(0) if self._cuts else -1

    async def _dial(self) -> Any:
        if self.is_away or self.is_dead:
            raise ConnectionRefused("no network")
        theirs, ours = memory_pair("CS1", self.version)
        send = theirs.send

        def sent(data: bytes) -> None:
            if not self.is_dead:
                send(data)
                self.passed()

        theirs.send = sent  # type: ignore[method-assign]
        self._links.append(theirs)
        self.csms.accept(ours)
        return theirs

    def _answer(self, station: Any, call: IncomingCall) -> Any:
        self.heard.append((call.action, call.data))
        answer = self.answers.get(call.action)
        if callable(answer):
            answer = answer(call)
        return _usual(call, self) if answer is None else answer

    def number(self, start: dict[str, Any]) -> int:
        """The transactionId of 1.6: what comes again is known by its content."""
        if start not in self._starts:
            self._starts.append(start)
        return self._starts.index(start) + 1

    def now(self) -> datetime:
        """The time of day."""
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def sent(self, action: str) -> list[dict[str, Any]]:
        """The payloads of this action that the CSMS has heard."""
        return [payload for name, payload in self.heard if name == action]

    # --- what happens ---------------------------------------------------------------------------------------------

    async def run(self, script: Script = SESSION) -> None:
        """Let it all happen, over as many lives as it takes, and end what still runs."""
        self.boot()
        loop = asyncio.get_running_loop()
        start = loop.time()
        for at, deed in script:
            await self._until(start + at)
            self._do(deed)
        await self._until(start + script[-1][0] + 5)
        await self._finish()

    async def _until(self, when: float) -> None:
        """Wait, and boot anew where the process was killed meanwhile."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(max(0.0, when - loop.time())):
                    await self._died.wait()
            except TimeoutError:
                return
            await self.bury()
            self.boot()

    def _do(self, deed: str) -> None:
        hardware = self.station.simulated
        evse = hardware.evses[0]
        match deed:
            case "plug" if not evse.connector:
                hardware.plug(1, 1, EV)
            case "unplug" if evse.connector:
                hardware.unplug(1)
            case "swipe":
                hardware.present(1, TOKEN)
            case "pause" | "go on" if evse.ev is not None:
                hardware.pause(1, deed == "pause")
            case "reserve":
                self._later(self._reserve())
            case "offline" | "online":
                self.is_away = deed == "offline"
                self._later(self.station.offline() if self.is_away else self.station.online())

    async def _reserve(self) -> None:
        place: dict[str, Any] = {"id": 7, "evseId": 1, "idToken": {"idToken": "TOKEN", "type": "ISO14443"}}
        if self.version is Version.V16:
            place = {"connectorId": 1, "reservationId": 7, "idTag": "TOKEN"}
        expiry = "expiryDate" if self.version is Version.V16 else "expiryDateTime"
        with suppress(OCPPError, KeyError):
            answer = await self.csms["CS1"].call_raw("ReserveNow", {**place, expiry: "2026-02-01T00:00:00Z"})
            self.reserved = b"Accepted" in answer.payload

    def _later(self, work: Awaitable[object]) -> None:
        self._task = asyncio.ensure_future(work)

    async def _finish(self) -> None:
        """Nothing is killed any more, and the disk has room: the EV goes, all ends, and is told."""
        self._left, self._full = -1, frozenset()
        loop = asyncio.get_running_loop()
        await self._until(loop.time() + 15)  # a store that failed is tried again every ten seconds
        self._do("unplug")
        await self._until(loop.time() + 1)
        await self.station.transactions.stop_all("ImmediateReset", "ResetCommand")
        await self._until(loop.time() + 120)
        self.register = self.station.simulated.evses[0].read().energy_import
        self.queue = self.station.message_queue.length
        self._undo()
        await self.station.close()
        self.csms.grace = None
        await self.csms.close()

    def areas(self) -> set[str]:
        """What the disk has something of."""
        return {area for area, _ in self.disk}


_QUICK = (
    "TxCtrlr.TxStartPoint=EVConnected,Authorized",
    "SampledDataCtrlr.TxUpdatedInterval=7",
    "AlignedDataCtrlr.Interval=0",
    "AuthCtrlr.OfflineTxForUnknownIdEnabled=true",
    "OCPPCommCtrlr.MessageTimeout[Default]=3",
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]=1000",
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]=1",
)


def _variable(text: str) -> VariableConfig:
    name, _, value = text.partition("=")
    key = variable_key(name)
    return VariableConfig(
        component=key.component, variable=key.variable, variable_instance=key.variable_instance, value=value
    )


def _usual(call: IncomingCall, world: CutWorld) -> dict[str, Any]:
    accepted = {"status": "Accepted"}
    now = world.now().isoformat().replace("+00:00", "Z")
    match call.action:
        case "BootNotification":
            return {"currentTime": now, "interval": 300, "status": "Accepted"}
        case "Heartbeat":
            return {"currentTime": now}
        case "Authorize":
            return {"idTagInfo" if world.version is Version.V16 else "idTokenInfo": accepted}
        case "TransactionEvent":
            return {"idTokenInfo": accepted} if "idToken" in call.data else {}
        case "StartTransaction":
            return {"idTagInfo": accepted, "transactionId": world.number(call.data)}
        case "SignCertificate" | "DataTransfer":
            return accepted
    return {}
