"""TLS that is begun and not ended, from strangers."""

from __future__ import annotations

import itertools
import ssl

from tests.attack.attack import STRANGERS, Attack
from tests.attack.ground import Ground
from tests.attack.sockets import Holder, rush
from tests.attack.targets import Setting

_TLS = (Setting(log="pipe", tls=True, passwords=True),)


def client_hello() -> bytes:
    """The first flight of a TLS client."""
    context = ssl.create_default_context()
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return out.read()
    raise AssertionError("a handshake without a server")


class ClientHellos(Attack):
    """A ClientHello each, and gone."""

    name = "hellos"
    time = 1.0
    promise = "TLS: rate and per-address limits before the handshake begins (1.3 to 1.8 GB in 10 s)"
    bounds = STRANGERS
    settings = _TLS
    short = True

    async def run(self, ground: Ground) -> None:
        await rush(ground, 2000, itertools.repeat(client_hello()), "hellos")


class HeldHellos(Attack):
    """A ClientHello each, and then nothing; what the server says is not read."""

    name = "held-hellos"
    time = 1.0
    promise = "a shorter time-out for the TLS handshake; half-open ones are shares per address"
    bounds = STRANGERS
    settings = _TLS

    async def run(self, ground: Ground) -> None:
        hello = client_hello()
        await Holder(ground, 5000, lambda _: hello, reads=False, what="hellos").hold()


class HalfHellos(Attack):
    """Half a ClientHello each."""

    name = "half-hellos"
    promise = HeldHellos.promise
    bounds = STRANGERS
    settings = _TLS

    async def run(self, ground: Ground) -> None:
        hello = client_hello()[:100]
        await Holder(ground, 5000, lambda _: hello, what="halves").hold()


class Garbage(Attack):
    """What is not TLS at all, as a scanner sends it."""

    name = "not-tls"
    promise = "failed handshakes send their alert, and are bounded in the log"
    bounds = STRANGERS
    settings = _TLS

    async def run(self, ground: Ground) -> None:
        hellos = itertools.cycle(
            (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 500, b"\x80\x2e\x01\x00\x02")
        )
        await rush(ground, 1000, hellos, "hellos")


ATTACKS = [ClientHellos(), HeldHellos(), HalfHellos(), Garbage()]
