"""A real process is killed at random, again and again, while it charges against a CSMS that fails as well; then the
books of both sides are compared."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import killed_station
import pytest

from ocppflow.csms import CSMS
from ocppflow.endpoint import IncomingCall
from ocppflow.errors import InternalError
from ocppflow.station import StoreFile

LIVES = 200

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not there")]

Event = dict[str, Any]


class FailingCSMS:
    """Writes down every TransactionEvent that it hears, and then answers, or fails in one of three ways."""

    def __init__(self, seed: int) -> None:
        self.heard: list[Event] = []
        self.fails = True
        self._chance = random.Random(seed)
        self.csms = CSMS(passwords=None)
        self.csms.on_any(self._answer)

    async def _answer(self, station: Any, call: IncomingCall) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        if call.action == "BootNotification":
            return {"currentTime": now, "interval": 300, "status": "Accepted"}
        if call.action == "Authorize":
            return {"idTokenInfo": {"status": "Accepted"}}
        if call.action != "TransactionEvent":
            return {"currentTime": now} if call.action == "Heartbeat" else {}
        self.heard.append(call.data)
        if self.fails:
            await self._fail(station)
        return {"idTokenInfo": {"status": "Accepted"}} if "idToken" in call.data else {}

    async def _fail(self, station: Any) -> None:
        how = self._chance.random()
        if how < 0.06:
            raise InternalError("not today")
        if how < 0.10:
            await station.close(1011, "failing")
        elif how < 0.14:
            await asyncio.sleep(self._chance.uniform(0.02, 1.2))  # some of them too late


def book_of(heard: list[Event]) -> dict[str, dict[int, Event]]:
    """By transaction and seqNo; the same twice must be the same."""
    books: dict[str, dict[int, Event]] = defaultdict(dict)
    for event in heard:
        book = books[event["transactionInfo"]["transactionId"]]
        assert book.setdefault(event["seqNo"], event) == event, "one seqNo with two contents"
    return books


def register(event: Event, which: int) -> float:
    """The first (0) or last (-1) value of the energy register in an event."""
    values = [
        value["value"]
        for meter in event["meterValue"]
        for value in meter["sampledValue"]
        if value["measurand"] == "Energy.Active.Import.Register"
    ]
    return float(values[which])


def check(heard: list[Event], folder: Path) -> None:
    books = book_of(heard)
    for book in books.values():
        assert sorted(book) == list(range(len(book))), "a seqNo is missing"
        kinds = [book[number]["eventType"] for number in range(len(book))]
        assert kinds == ["Started", *["Updated"] * (len(kinds) - 2), "Ended"]
    charged = set((folder / "charged").read_text().split())
    assert charged <= books.keys(), "energy was allowed in a transaction that the CSMS has never heard of"
    last = 0.0
    for book in books.values():  # in the order in which they were heard of: the time of day is set at each boot
        ended = book[len(book) - 1]
        if "meterValue" not in ended:
            continue  # no EV came
        first, final = ended_values(ended)
        assert last <= first <= final, "the register has gone back"
        last = final
    with StoreFile(folder / "station.db") as file:
        store = file.store("CS1")
        assert not store.keys("queue")
        assert not store.keys("transactions")
        assert not store.keys("ended_values")
    assert len(books) > LIVES / 10
    assert sum(len(book) for book in books.values()) < len(heard), "nothing was ever sent twice: nothing was tried"


def ended_values(ended: Event) -> tuple[float, float]:
    """The register at the beginning and at the end, as the Ended event has both."""
    return register(ended, 0), register(ended, -1)


async def test_a_station_that_is_killed_200_times_loses_nothing_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = int(os.environ.get("KILL_SEED", "1"))
    chance = random.Random(seed)
    here = str(Path(__file__).parent)  # where the forkserver finds what it is to load before all lives
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]))
    spawn = multiprocessing.get_context("forkserver")
    spawn.set_forkserver_preload(["killed_station"])
    csms = FailingCSMS(seed)
    async with csms.csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        for life in range(LIVES + 1):
            last = life == LIVES
            csms.fails = not last
            arguments = (listener.url, str(tmp_path), seed * 1000 + life, last)
            process = spawn.Process(target=killed_station.live, args=arguments, daemon=True)
            process.start()
            if not last:
                await asyncio.sleep(min(0.8, 0.03 + chance.expovariate(1 / 0.12)))
                assert process.pid is not None
                os.kill(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.join, 60)
            assert process.exitcode == (0 if last else -signal.SIGKILL), "it was not the kill that ended it"
            process.close()
    check(csms.heard, tmp_path)
