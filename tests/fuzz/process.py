"""The processes under attack: ``csms``, ``stations URL``, and the well-behaved ``healthy URL PID``, of the CSMS.

Each prints JSON lines, logs errors to stderr, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import logging
import sys
import time
from typing import Any

from ocppflow import CSMS, Backoff, ChargingStation, ServerLimits
from ocppflow.errors import OCPPError
from ocppflow.messages import Version
from ocppflow.transport import loop
from tests.attack.kernel import FairClock
from tests.fuzz.targets import csms_to_attack, station_to_attack

HEALTHY = [f"GOOD-{version}-{number}" for version in Version for number in (1, 2)]
#: No bounds on rates, for the attack is to be as fast as it can; the bound on slow handshakes short, to be met.
LIMITS = ServerLimits(messages_per_second=0, share=0, handshakes_per_second=0, handshake_timeout=8.0)
CALL_TIMEOUT = 60.0  # seconds that a call may take, longer than any load of the machine makes it
TICK = 0.1  # seconds between two signs of life
_PACE = 0.02  # seconds between the calls of a healthy station
log = logging.getLogger("fuzz")


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


class Pulse:
    """Signs of life. ``lived`` are seconds as this process lives them: fewer than pass by the wall if others have the
    processor. ``longest`` is the most processor time that the event loop's thread used before it came to a timer that
    was due: for so long everybody else was kept waiting, by this process and not by the load of the machine."""

    def __init__(self) -> None:
        self.lived = self.longest = 0.0

    async def beat(self) -> None:
        while True:
            used = time.thread_time()
            await asyncio.sleep(TICK)
            self.longest = max(self.longest, time.thread_time() - used)
            self.lived += TICK
            tell(lived=round(self.lived, 2), longest=round(self.longest, 4))


async def _input_ends() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def csms() -> None:
    target = csms_to_attack()
    async with target.listen("ws://127.0.0.1:0/ocpp", limits=LIMITS) as listener:
        tell(port=listener.port)
        tasks = [asyncio.create_task(_call_the_healthy(target)), asyncio.create_task(Pulse().beat())]
        await _input_ends()
        for task in tasks:
            task.cancel()


async def _call_the_healthy(target: CSMS) -> None:
    """The CSMS's own calls must go on too."""
    while True:
        for station in [each for each in target if each.identity in HEALTHY]:
            try:
                await station.call_raw("ClearCache", timeout=CALL_TIMEOUT)
            except OCPPError as exc:
                if station.is_open:
                    log.error("a call to %s failed: %s", station.identity, exc)
        await asyncio.sleep(0.1)


async def stations(url: str) -> None:
    all_of_them = [
        station_to_attack(f"VICTIM-{version}", url, versions=[version], backoff=Backoff(0.02, 0.0, 0))
        for version in Version
    ]
    for station in all_of_them:
        station.start()
    tell(ready=True)
    pulse = asyncio.create_task(Pulse().beat())
    await _input_ends()
    pulse.cancel()
    await asyncio.gather(*(station.stop() for station in all_of_them))


class Health:
    """How the well-behaved fare: ``worst`` is the longest wait for an answer in seconds, ``worst_lived`` the longest as
    the CSMS, the process ``pid``, lived it."""

    def __init__(self, pid: int) -> None:
        self._clock = FairClock([pid])
        self._clock.start()
        self.calls = self.failures = 0
        self.worst = self.worst_lived = 0.0
        self.problem = ""
        self.pulse = Pulse()

    async def keep_calling(self, station: ChargingStation) -> None:
        while True:
            begun = self._clock.moment()
            try:
                await station.call_raw("Heartbeat", timeout=CALL_TIMEOUT)
            except OCPPError as exc:
                self.failures += 1
                self.problem = f"{station.identity}: {exc}"
                await asyncio.sleep(0.5)
            else:
                self.calls += 1
                wait = self._clock.since(begun)
                self.worst, self.worst_lived = max(self.worst, wait.wall), max(self.worst_lived, wait.lived)
            await asyncio.sleep(_PACE)

    async def keep_telling(self) -> None:
        while True:
            waits = {"worst": round(self.worst, 4), "worst_lived": round(self.worst_lived, 2)}
            tell(calls=self.calls, failures=self.failures, problem=self.problem, **waits)
            await asyncio.sleep(0.5)


async def healthy(url: str, pid: str) -> None:
    health = Health(int(pid))
    good = [station_to_attack(name, url, versions=[name.split("-")[1]]) for name in HEALTHY]
    for station in good:
        station.on_disconnect(lambda one, code, reason: log.error("%s was disconnected: %s", one.identity, reason))
        await station.connect()
    tasks = [asyncio.create_task(health.keep_calling(station)) for station in good]
    tasks += [asyncio.create_task(health.keep_telling()), asyncio.create_task(health.pulse.beat())]
    await _input_ends()
    for task in tasks:
        task.cancel()
    log.disabled = True  # from here on they leave by themselves
    await asyncio.gather(*(station.stop() for station in good))


def main() -> None:
    faulthandler.enable()
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    what, *arguments = sys.argv[1:]
    started = time.monotonic()
    loop.run({"csms": csms, "stations": stations, "healthy": healthy}[what](*arguments))
    tell(ended_after=time.monotonic() - started)


if __name__ == "__main__":
    main()
