"""Strangers at the door: half-open sockets, slow and unread handshakes, floods of them, wrong passwords, web pages."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import ClassVar

from tests.attack.attack import STRANGERS, Attack, Bounds, counted
from tests.attack.ground import Ground
from tests.attack.scenes import Scene
from tests.attack.sockets import Holder, rush
from tests.attack.targets import EVIL, Setting
from tests.attack.trial import Result
from tests.attack.way_in import basic
from tests.attack.well_behaved import NEW
from tests.fuzz.wire import request

FAIR = "half-open sockets and the handshake rate are shares per address; the oldest half-open goes first"


class HalfOpen(Attack):
    """Sockets that say nothing, of one address."""

    name = "half-open"
    time = 1.0
    promise = "5,000 half-open sockets of one address do not keep another out (0 of 27 got in)"
    bounds = STRANGERS
    settings = (Setting(grace=5.0, passwords=True), Setting(log="pipe", tls=True))
    hello: ClassVar[bytes] = b""
    number: ClassVar[int] = 5000
    rate: ClassVar[float] = 10_000.0

    async def run(self, ground: Ground) -> None:
        await Holder(ground, self.number, lambda _: self.hello).hold(self.rate)


class HalfARequest(HalfOpen):
    name = "half-a-request"
    time = 0.3
    settings = (Setting(log="pipe"),)
    hello = request()[:60]


class Descriptors(HalfOpen):
    """More sockets than the target has descriptors for, on asyncio's own loop, which spins when there are none."""

    name = "descriptors"
    time = 1.0
    promise = "without uvloop and with 1,024 descriptors: no spinning (86 % CPU, 22 MB of log in 10 s), one warning"
    bounds = Bounds(cpu=0.4, log=24 * 1024)
    settings = (Setting(log="pipe", uvloop=False, descriptors=1024),)
    number = 1500
    rate = 500.0
    short = True


class SlowHeaders(Attack):
    """Slow-loris: one header line now and then, from many."""

    name = "slow-headers"
    promise = FAIR
    bounds = STRANGERS
    settings = (Setting(log="pipe", passwords=True),)

    async def run(self, ground: Ground) -> None:
        holder = Holder(ground, 1500, lambda _: request()[:-2])
        holding = asyncio.ensure_future(holder.hold())
        while not holding.done():
            for sock in list(holder.open.values()):
                with contextlib.suppress(OSError):
                    sock.send(b"X: 1\r\n")
            await asyncio.sleep(0.5)


class UnreadRefusals(Attack):
    """Refused, and neither read nor gone."""

    name = "unread-refusals"
    promise = "refusals that linger are not counted, and are bounded"
    bounds = STRANGERS
    settings = (Setting(log="pipe", passwords=True),)

    async def run(self, ground: Ground) -> None:
        refused = request("/nowhere/EVIL")
        await Holder(ground, 5000, lambda _: refused, reads=False).hold(per_second=2000)


class Connects(Attack):
    """TCP connections that are reset at once."""

    name = "connects"
    promise = FAIR
    bounds = STRANGERS
    settings = (Setting(log="pipe", tls=True),)

    async def run(self, ground: Ground) -> None:
        await rush(ground, 2000, itertools.repeat(b""))


class Handshakes(Attack):
    """Whole handshakes, which are let in, and are reset at once."""

    name = "handshakes"
    promise = FAIR
    settings = (Setting(log="pipe", trace="file"),)

    async def run(self, ground: Ground) -> None:
        await rush(ground, 1000, (ground.way.request(f"EVIL-{number % 50}") for number in itertools.count()))


class WrongPasswords(Attack):
    """Twice 500 a second: of stations that exist, of those that come at that time, and of no station at all."""

    name = "passwords"
    time = 1.0
    promise = "500 wrong passwords a second do not keep a right one waiting for more than a second (10.7 s)"
    bounds = STRANGERS
    settings = (Setting(passwords=True), Setting(log="pipe", passwords=True, tls=True))
    subprotocol: ClassVar[str] = "ocpp2.0.1"
    rate: ClassVar[float] = 1000.0
    names: ClassVar[Sequence[str]] = (*EVIL, *NEW, *(f"NOBODY-{number}" for number in range(10)))
    short = True

    async def run(self, ground: Ground) -> None:
        names = itertools.cycle(self.names)
        numbers = itertools.count()

        def hello(_: int) -> bytes:
            name = next(names)
            wrong = basic(name, f"a-wrong-password-{next(numbers)}")
            return request(f"/ocpp/{name}", self.subprotocol, Authorization=wrong)

        if ground.way.ca:
            await self._over_tls(ground, hello)
        else:
            await Holder(ground, 2000, hello, what="passwords").hold(per_second=self.rate)

    async def _over_tls(self, ground: Ground, hello) -> None:  # type: ignore[no-untyped-def]
        """TLS costs the attacker as well: fewer, but all the time."""

        async def one() -> None:
            while True:
                with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                    peer = await ground.way.dial()
                    peer.send(hello(0))
                    ground.count("passwords")
                    await peer.answer()
                    peer.reset()
                await asyncio.sleep(0.02)

        await asyncio.gather(*(one() for _ in range(40)))


class WrongPasswords16(WrongPasswords):
    name = "passwords16"
    promise = "the same in 1.6, where each costs three derivations"
    settings = (Setting(log="pipe", passwords=True),)
    subprotocol = "ocpp1.6"
    short = False


class WrongPasswordsFromTheSameAddress(WrongPasswords):
    """A site behind one address: the well-behaved come from the attacker's own, at 500 a second.

    Their own passwords are not guessed at: nothing tells two from one address that say the same name apart, and some of
    the right ones get a 503 then.
    """

    name = "passwords-same-address"
    names = EVIL
    time = 0.3
    settings = (Setting(log="pipe", passwords=True),)
    strangers = False
    short = False
    rate = 500.0


class WebPages(Attack):
    """A browser's handshakes, on loopback, without passwords."""

    name = "origin"
    promise = "Origin is refused unless allowed: a web page must not pose as a station on loopback"
    bounds = STRANGERS
    strangers = False
    short = True

    async def run(self, ground: Ground) -> None:
        for origin in itertools.cycle(
            ("http://evil.example", "null", "file://", f"http://127.0.0.1:{ground.way.port}")
        ):
            peer = await ground.way.dial()
            with contextlib.suppress(OSError):
                peer.send(ground.way.request("EVIL-0", Origin=origin))
                status, _ = await peer.answer()
                ground.count("pages")
                ground.count("pages let in", status == 101)
            peer.reset()
            await asyncio.sleep(0.05)

    def judge(self, scene: Scene, result: Result) -> Iterator[str]:
        if let_in := counted(result, "pages let in"):
            yield f"{let_in} of {counted(result, 'pages')} web pages were let in as stations"


class Enumeration(Attack):
    """Guesses at paths."""

    name = "paths"
    promise = "a 404 does not list paths to strangers beyond a short hint"
    bounds = STRANGERS
    settings = (Setting(passwords=True),)
    most: ClassVar[int] = 160
    """Bytes of a body: one line."""

    async def run(self, ground: Ground) -> None:
        for number in itertools.count():
            peer = await ground.way.dial()
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                peer.send(request(f"/guess-{number}/EVIL-0"))
                _, head = await peer.answer()
                told = int(head.lower().partition("content-length:")[2].split()[0])
                body = await peer.reader.readexactly(told)
                ground.count("guesses")
                ground.count("answers that are too long", len(body) > self.most)
            peer.reset()
            await asyncio.sleep(0.01)

    def judge(self, scene: Scene, result: Result) -> Iterator[str]:
        if long := counted(result, "answers that are too long"):
            yield f"{long} answers to guesses have more than {self.most} bytes"


class HiddenIdentities(Attack):
    """Wrong passwords of stations that exist, and of such as do not: what they are told, and how long it takes."""

    name = "identities"
    promise = "where identities should not be enumerable one switch gives 401 for all, as costly as the dearest hash"
    bounds = STRANGERS
    settings = (Setting(passwords=True, flags=("--hide-identities",)),)
    time = 0.6
    most: ClassVar[float] = 1.5
    """Times the other's median: 1 without noise; an answer without a derivation takes a tenth."""

    async def run(self, ground: Ground) -> None:
        took: dict[str, list[float]] = {"known": [], "unknown": []}
        told: dict[str, set[tuple[int, str]]] = {"known": set(), "unknown": set()}
        for number in itertools.count():
            kind, name = ("known", EVIL[number // 2 % len(EVIL)]) if number % 2 else ("unknown", f"NOBODY-{number}")
            peer = await ground.way.dial()
            begun = time.perf_counter()
            peer.send(request(f"/ocpp/{name}", Authorization=basic(name, f"a-wrong-password-{number}")))
            with contextlib.suppress(OSError):
                status, head = await peer.answer()
                took[kind].append(time.perf_counter() - begun)
                lines = [line for line in head.splitlines() if not line.lower().startswith(("date", "retry-after"))]
                told[kind].add((status, "\n".join(lines)))
                ground.count("guesses")
            peer.reset()
            if number > 10:
                medians = sorted(statistics.median(each) for each in took.values())
                ground.counts["per mille"] = int(1000 * medians[1] / medians[0])
                ground.counts["answers that differ"] = len(told["known"] ^ told["unknown"])
                ground.counts["answers other than 401"] = sum(status != 401 for status, _ in told["known"])
            await asyncio.sleep(0.05)

    def judge(self, scene: Scene, result: Result) -> Iterator[str]:
        if counted(result, "guesses") < 10:
            yield "too few guesses were answered"
        if counted(result, "answers that differ") or counted(result, "answers other than 401"):
            yield "known and unknown stations are told different things"
        if (ratio := counted(result, "per mille") / 1000) > self.most:
            yield f"known and unknown stations wait differently: {ratio:.1f} times"


ATTACKS = [
    HalfOpen(),
    Descriptors(),
    HiddenIdentities(),
    HalfARequest(),
    SlowHeaders(),
    UnreadRefusals(),
    Connects(),
    Handshakes(),
    WrongPasswords(),
    WrongPasswords16(),
    WrongPasswordsFromTheSameAddress(),
    WebPages(),
    Enumeration(),
]
