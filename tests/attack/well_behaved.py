"""Those who must notice nothing: a station that is connected, stations that come, and a CSMS that calls a station."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import statistics

from benchmarks.samples import HEARTBEAT, TRANSACTION_EVENT

from tests.attack.kernel import FairClock, Moment, Wait
from tests.attack.way_in import PATIENCE, WayIn
from tests.fuzz.wire import CLOSE, PING, PONG, TEXT, Patience, Peer, frame, response

GOOD = "GOOD"
NEW = [f"NEW-{number}" for number in range(40)]  # so many that none comes twice, and is remembered, in a usual trial
EVERY = 0.5  # seconds between two newcomers
_PACE = 0.02  # seconds between two calls of a well-behaved station
NOTHING = Wait(0.0, 0.0)


class Waits:
    """The waits of one party. ``problem``: what must not happen at all, and did."""

    def __init__(self) -> None:
        self.all: list[Wait] = []
        self.problem = ""
        self.begun: Moment | None = None

    def worst(self, clock: FairClock) -> Wait:
        """The longest as the target lived it; the one that is still going on counts as well."""
        pending = [clock.since(self.begun)] if self.begun is not None else []
        return max([*self.all, *pending], key=lambda wait: wait.lived, default=NOTHING)


class GoodStation:
    """Connected before the attack; calls, waits for the answer, and calls again."""

    def __init__(self, way: WayIn) -> None:
        self._way = way
        self.waits = Waits()
        self._peer: Peer | None = None

    async def connect(self) -> None:
        self._peer = await self._way.enter(GOOD)

    async def keep_calling(self, clock: FairClock) -> None:
        """Heartbeats and TransactionEvents, one after the other, until cancelled."""
        assert self._peer is not None
        try:
            for number, sample in enumerate(itertools.cycle((HEARTBEAT, TRANSACTION_EVENT)), 1):
                await _called(self._peer, sample.call(number), self.waits, clock)
                await asyncio.sleep(_PACE)
        except (OSError, TimeoutError) as error:
            self.waits.problem = f"the well-behaved station was cut off: {error!r}"

    def hang_up(self) -> None:
        if self._peer is not None:
            self._peer.reset()


async def _called(peer: Peer, call: bytes, waits: Waits, clock: FairClock) -> None:
    """Send ``call`` and wait for its CALLRESULT. Raises ConnectionError."""
    waits.begun = clock.moment()
    peer.say(call)
    answer = b'[3,"' + call[4 : call.index(b'"', 4)] + b'"'
    while (heard := await peer.next()) is not None:
        if heard.opcode == PING:
            peer.send(frame(PONG, heard.payload, masked=peer.masked))
        elif heard.opcode == CLOSE:
            peer.send(frame(CLOSE, heard.payload[:2], masked=peer.masked))
            raise ConnectionAbortedError(f"closed with {heard.code}: {heard.payload[2:]!r}")
        elif heard.opcode == TEXT and heard.payload.startswith(answer):
            waits.all.append(clock.since(waits.begun))
            waits.begun = None
            return
        elif heard.opcode == TEXT and heard.payload.startswith(b"[4"):
            raise ConnectionError(f"a good call was refused: {heard.payload[:200]!r}")
    raise ConnectionAbortedError("the connection ended")


class Newcomers:
    """A fresh connection with the right password every half second; each leaves when it is in and was answered."""

    def __init__(self, way: WayIn) -> None:
        self._way = way
        self.came = self.let_in = 0
        self.refusals: list[str] = []
        self._waits: list[Wait] = []
        self._pending: dict[int, Moment] = {}

    async def keep_coming(self, clock: FairClock) -> None:
        """Until cancelled. None waits for the one before."""
        async with asyncio.TaskGroup() as group:
            for name in itertools.cycle(NEW):
                group.create_task(self._come(name, clock))
                await asyncio.sleep(EVERY)

    async def _come(self, name: str, clock: FairClock) -> None:
        self.came += 1
        number = self.came
        begun = self._pending[number] = clock.moment()
        peer = None
        try:
            peer = await self._way.enter(name)
            await _called(peer, HEARTBEAT.call(number), Waits(), clock)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.refusals.append(str(error) or repr(error))
        else:
            self.let_in += 1
            self._waits.append(clock.since(begun))
        finally:
            self._pending.pop(number, None)
            if peer is not None:
                peer.reset()

    def waits(self, clock: FairClock) -> list[Wait]:
        """All waits, also of those who wait still, for at least as long as they have."""
        return [*self._waits, *(wait for wait in map(clock.since, self._pending.values()) if wait.lived > EVERY)]

    def median(self, clock: FairClock) -> float:
        return statistics.median([wait.lived for wait in self.waits(clock)] or [0.0])

    def worst(self, clock: FairClock) -> Wait:
        return max(self.waits(clock), key=lambda wait: wait.lived, default=NOTHING)


class GoodCSMS:
    """Lets a station of the target in, and calls it again and again: what a CSMS sees while another attacks."""

    CALL = b'[2,"good-%d","ClearCache",{}]'

    def __init__(self) -> None:
        self.waits = Waits()
        self.port = 0
        self._peer: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._came, "127.0.0.1", 0, limit=2**24)
        self.port = self._server.sockets[0].getsockname()[1]

    async def station_is_there(self) -> None:
        """Wait for the station."""
        await asyncio.shield(self._peer)

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, masked=False, patience=Patience(PATIENCE))
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            peer.send(response(head, "ocpp2.0.1"))
            if self._peer.done():
                self.waits.problem = "the well-behaved CSMS lost its station, which came again"
            else:
                self._peer.set_result(peer)

    async def keep_calling(self, clock: FairClock) -> None:
        """One call after the other, until cancelled."""
        peer = await self._peer
        try:
            for number in itertools.count(1):
                await _called(peer, self.CALL % number, self.waits, clock)
                await asyncio.sleep(_PACE)
        except (OSError, TimeoutError) as error:
            self.waits.problem = f"the station left a well-behaved CSMS: {error!r}"

    def hang_up(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._peer.done():
            self._peer.result().reset()
