"""``make fuzz`` judges by the time that the attacked process lived: no load of the machine makes a finding."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from pathlib import Path

import pytest

from ocppflow.messages import Role, Version
from tests.fuzz import attack, wire
from tests.fuzz.attack import CSMSAttack, MessageAttack, Tally
from tests.fuzz.doors import Door
from tests.fuzz.wire import Patience, Peer, request

HALF = Door("half a handshake", request()[:40], 408)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_LOOK", 0.0)


class Silent:
    """A server that takes what comes and never says anything, until it is told to answer."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.port = 0
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Silent:
        self._server = await asyncio.start_server(self._came, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.answers.set()
        await asyncio.gather(*self._talks)

    def _came(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(asyncio.ensure_future(self._talk(writer)))

    async def _talk(self, writer: asyncio.StreamWriter) -> None:
        await self.answers.wait()
        writer.write(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_a_process_that_does_not_get_to_live_is_waited_for(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    looks = itertools.count()

    async with Silent() as server:

        def stands() -> float:
            if next(looks) == 1000:
                server.answers.set()
            return 0.0

        await attack._knock(await Peer.dial(server.port, Patience(5.0, stands)), HALF, tally)
    assert not tally.found


async def test_a_process_that_lives_and_does_not_answer_is_found(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    clock = itertools.count()
    async with Silent() as server:
        await attack._knock(await Peer.dial(server.port, Patience(5.0, lambda: next(clock))), HALF, tally)
        assert "HTTP -1, not 408" in tally.last
        throwing = MessageAttack(Version.V201, Role.CSMS, 1, tally)
        peer = await Peer.dial(server.port, Patience(5.0, lambda: next(clock)))
        assert not await throwing.run(peer, 1)
        peer.reset()
    assert "TimeoutError after 0 answers" in tally.last
    assert tally.found == 2


async def test_what_is_cut_off_by_the_end_of_a_run_is_no_finding(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    async with Silent() as server:
        attacking = asyncio.ensure_future(CSMSAttack(server.port, tally, Patience(5.0, lambda: 0.0)).doors(0.0))
        while tally.handshakes < 3:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0)
        tally.over = True
        await attacking
    assert not tally.found
