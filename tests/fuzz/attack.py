"""The attackers: messages in batches, broken frames, broken handshakes; every answer is checked."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from ocppflow.messages import Role, Version
from tests.fuzz import doors, judge, oracle
from tests.fuzz.items import ITEMS, LINK_ITEMS, LinkItem
from tests.fuzz.mutate import Mutator
from tests.fuzz.openings import OPENINGS
from tests.fuzz.oracle import Finding
from tests.fuzz.targets import SENTINEL
from tests.fuzz.wire import CLOSE, TEXT, Frame, Patience, Peer, response, text

_HEAVY = 5_000  # an item of more bytes is thrown seldom
_BATCH = 200
_KEPT = 50  # findings that are written down


class Tally:
    """What has been thrown and what came back; findings are saved at once, with the bytes that brought them about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.frames = self.links = self.handshakes = 0
        self.codes: Counter[str] = Counter()
        self.found = 0
        self.last = ""
        self.over = False

    def report(self, where: str, findings: Iterable[Finding]) -> None:
        """Note findings about ``where``."""
        for finding in findings:
            self.found += 1
            self.last = f"{where}: {finding.what}"
            if self.found <= _KEPT:
                messages = [base64.b64encode(data).decode() for data in finding.data]
                content = {"where": where, "what": finding.what, "messages_base64": messages}
                path = self.folder / f"finding-{self.found:03}.json"
                path.write_text(json.dumps(content, indent=1))


class MessageAttack:
    """Throws messages at a target over one connection, batch by batch, each closed by a call that must be answered."""

    def __init__(self, version: Version, target: Role, seed: int, tally: Tally) -> None:
        self._version = version
        self._target = target
        self._tally = tally
        self._random = Random(seed)
        self._mutator = Mutator(version, target, seed)
        self._numbers = itertools.count()
        self._name = f"OCPP {version} to the {target}"
        items = [(item.bytes_for(target), item.for_version(version)) for item in ITEMS]
        self._items = [each for each in items if len(each[0]) <= _HEAVY]
        self._heavy = itertools.cycle([each for each in items if len(each[0]) > _HEAVY])

    async def run(self, peer: Peer, batches: int | None = None) -> bool:
        """Go on for so many batches, or until time is over. False: the connection is of no more use."""
        for number in itertools.count():
            if self._tally.over or number == batches:
                return True
            whole = await (self._mutations(peer) if number % 3 == 2 else self._known(peer))
            if not whole:
                return False
        return True

    async def _known(self, peer: Peer) -> bool:
        """Items whose answers are known one by one, in their order."""
        chosen = self._random.choices(self._items, k=_BATCH)
        if self._random.random() < 0.05:
            chosen.append(next(self._heavy))
        sent = [data for data, _ in chosen]
        got = await self._exchange(peer, sent)
        if got is None:
            return False
        wanted = [answer for _, answer in chosen if answer is not None]
        findings: list[Finding] = []
        for raw, answer in itertools.zip_longest(got, wanted):
            if raw is None:
                findings.append(Finding(f"the answer {answer} is missing", tuple(sent)))
                break
            said, fault = judge.parse(raw, self._version)
            self._tally.codes[said.code or f"type {said.type}"] += 1
            if fault or answer is None or not judge.is_as_expected(said, answer, self._version):
                findings.append(Finding(f"{fault or said} instead of {answer}: {raw[:200]!r}", tuple(sent)))
                break
        self._tally.report(self._name, findings)
        return not findings

    async def _mutations(self, peer: Peer) -> bool:
        """Messages that nobody has seen before; what may follow is told from their bytes."""
        sent = self._mutator.batch(_BATCH)
        got = await self._exchange(peer, sent)
        if got is None:
            return False
        self._tally.report(self._name, oracle.check(sent, got, self._version, self._tally.codes))
        return True

    async def _exchange(self, peer: Peer, sent: list[bytes]) -> list[bytes] | None:
        """All texts that come between the batch and the answer to the call that closes it."""
        mark = b"end-%d" % next(self._numbers)
        closing = SENTINEL[self._target].replace(b"sentinel", mark)
        peer.send(b"".join(text(data, masked=peer.masked) for data in [*sent, closing]))
        end, got = b'[3,"%s",' % mark, list[bytes]()
        try:
            while frames := await peer.frames():
                got += [frame.payload for frame in frames if frame.opcode == TEXT]
                if got and got[-1].startswith(end):
                    self._tally.frames += len(sent) + 1
                    return got[:-1]
            what = f"the connection was closed after {len(got)} answers"
        except (OSError, TimeoutError) as exc:
            what = f"{type(exc).__name__} after {len(got)} answers"
        if not self._tally.over:
            self._tally.report(self._name, [Finding(what, tuple(sent))])
        return None


async def breach(peer: Peer, item: LinkItem, target: Role, tally: Tally) -> None:
    """Break the WebSocket protocol; the peer is of no more use after that."""
    data = item.bytes_for(target)
    peer.send(data)
    tally.links += 1
    try:
        if item.close:
            frames = await _until_close(peer)
            got = [frame.code for frame in frames if frame.opcode == CLOSE]
            if got != [item.close]:
                tally.report(f"link to the {target}", [Finding(f"{item.name}: closed with {got}", (data,))])
        else:
            peer.say(SENTINEL[target])
            if not await _answered(peer):
                tally.report(f"link to the {target}", [Finding(f"{item.name}: no answer after it", (data,))])
    except (OSError, TimeoutError) as exc:
        tally.report(f"link to the {target}", [Finding(f"{item.name}: {type(exc).__name__}", (data,))])


async def _answered(peer: Peer) -> bool:
    """Whether the call that closes everything is answered, whatever comes before."""
    while frames := await peer.frames():
        if any(frame.payload.startswith(b'[3,"sentinel"') for frame in frames):
            return True
    return False


async def _until_close(peer: Peer) -> list[Frame]:
    found: list[Frame] = []
    while frames := await peer.frames():
        found += frames
        if found[-1].opcode == CLOSE:
            break
    return found


class CSMSAttack:
    """Everything that is thrown at the CSMS on ``port``; ``patience`` is for its answers."""

    def __init__(self, port: int, tally: Tally, patience: Patience) -> None:
        self._port = port
        self._tally = tally
        self._patience = patience

    async def messages(self, version: Version, identity: str, seed: int) -> None:
        """A station that never says anything sensible for long."""
        attack = MessageAttack(version, Role.CSMS, seed, self._tally)
        while not self._tally.over:
            peer = await Peer.connected(self._port, version.subprotocol, identity, self._patience)
            await attack.run(peer)
            peer.reset()

    async def links(self, pause: float) -> None:
        """Broken frames, each over a connection of its own."""
        for item, version in zip(itertools.cycle(LINK_ITEMS), itertools.cycle(Version), strict=False):
            if self._tally.over:
                return
            peer = await Peer.connected(self._port, version.subprotocol, "BROKEN", self._patience, **item.headers)
            await breach(peer, item, Role.CSMS, self._tally)
            peer.reset()
            await asyncio.sleep(pause)

    async def doors(self, pause: float) -> None:
        """Broken handshakes. Those who stay for as long as they are let are left alone meanwhile."""
        waiting: set[asyncio.Task[None]] = set()
        for door in itertools.cycle([*doors.DOORS, *doors.LINGERING]):
            if self._tally.over:
                break
            task = asyncio.create_task(_knock(await Peer.dial(self._port, self._patience), door, self._tally))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            await asyncio.sleep(pause)
        for task in waiting:
            task.cancel()


async def _knock(peer: Peer, door: doors.Door, tally: Tally) -> None:
    """Open as ``door`` says. What is found when the run is over counts no more: nobody may be left to answer."""
    tally.handshakes += 1
    peer.send(door.data)
    try:
        if door.then != doors.STAY:
            return
        status = await _status(peer)
        if status != door.status and not tally.over:
            tally.report("handshake", [Finding(f"{door.name}: HTTP {status}, not {door.status}", (door.data,))])
    finally:
        peer.reset()


async def _status(peer: Peer) -> int:
    """The HTTP status of the answer; 0 if the stream ended without one, -1 if nothing came at all."""
    try:
        return (await peer.answer())[0]
    except ConnectionError:
        return 0
    except TimeoutError:
        return -1


class HostileCSMS:
    """Lets stations of ours in, now and then wrongly, and throws everything at them."""

    def __init__(self, seed: int, tally: Tally, clock: Callable[[], float]) -> None:
        self._tally = tally
        self._clock = clock  # of the stations' process
        self._random = Random(seed)
        self._attacks = {version: MessageAttack(version, Role.CS, seed, tally) for version in Version}
        self._links = itertools.cycle(LINK_ITEMS)
        self.connections: Counter[Version] = Counter()
        self.last_seen = dict.fromkeys(Version, clock())

    async def start(self) -> asyncio.Server:
        return await asyncio.start_server(self._came, "127.0.0.1", 0, limit=2**24)

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        patience = Patience(clock=self._clock)
        peer = Peer(reader, writer, masked=False, patience=patience)
        try:
            head = await patience.wait(reader.readuntil(b"\r\n\r\n"))
            name = head.partition(b"Sec-WebSocket-Protocol: ocpp")[2].partition(b"\r\n")[0].decode()
            version = Version(name)
            self.last_seen[version] = self._clock()
            if self._random.random() < 0.5:
                self._tally.handshakes += 1
                opening = self._random.choice(OPENINGS)
                peer.send(opening.bytes_for(head))
                await patience.wait(writer.drain())
                if not opening.ends:
                    await patience.wait(reader.read())
                return
            self.connections[version] += 1
            peer.send(response(head, version.subprotocol, deflate=True))
            if await self._attacks[version].run(peer, batches=9):
                await breach(peer, next(self._links), Role.CS, self._tally)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the station went away, as it may after a wrong opening
        finally:
            peer.reset()
