"""``make fuzz``: hostile peers against a CSMS and stations of ours, for FUZZ_SECONDS (60); FUZZ_SEED repeats a run.

While they are attacked, well-behaved stations keep calling the same CSMS and must never fail nor wait long. Exit code 1
on any finding; what brought it about is in ``out/fuzz``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.processes import resident_bytes
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ocppflow.messages import Version
from tests.fuzz.attack import CSMSAttack, HostileCSMS, Tally
from tests.fuzz.oracle import Finding
from tests.fuzz.wire import Patience

LONGEST_HOLD = 1.0  # seconds of processor time for which a process may let everybody else wait
LONGEST_WAIT = 2.0  # seconds that a well-behaved station may wait, those aside in which others had the processors
MEMORY_SLACK = 16 * 2**20  # bytes that a process may grow by once it is warm
SILENT_STATION = 10.0  # seconds of its own life within which an attacked station must come back
PATIENCE = 10.0  # seconds of its own life within which an attacked process must answer
LIFELESS = 60.0  # seconds by the wall after which a process that gives no sign of life counts as hung
FOLDER = Path("out/fuzz")


class Victim:
    """A process of ours: what it tells, how much memory it takes, and what it logged as an error."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log
        self.told: dict[str, Any] = {}
        self.told_at = time.monotonic()
        self.first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.memory: list[tuple[float, int, int]] = []  # time, frames thrown by then, bytes
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.told.update(json.loads(line))
            self.told_at = time.monotonic()
            if not self.first.done():
                self.first.set_result(None)

    def lived(self) -> float:
        """Seconds that the process lived through: fewer than passed by the wall, if others had the processor."""
        return float(self.told.get("lived", 0.0))

    def weigh(self, now: float, frames: int) -> None:
        """Take the resident memory's size."""
        with contextlib.suppress(OSError, RuntimeError):  # it has ended
            self.memory.append((now, frames, resident_bytes(self.process.pid)))

    @property
    def warm(self) -> list[tuple[float, int, int]]:
        """The samples after the first third, when caches are full and decoders made."""
        return self.memory[len(self.memory) // 3 :]

    def growth(self) -> int:
        """Bytes gained once warm: the mean of the last samples less the mean of the first."""
        sizes = [size for _, _, size in self.warm]
        few = max(1, len(sizes) // 5)
        return (sum(sizes[-few:]) - sum(sizes[:few])) // few if sizes else 0

    def slope(self) -> float:
        """Bytes per frame once warm, by least squares."""
        points = [(frames, size) for _, frames, size in self.warm]
        if len(points) < 3:
            return 0.0
        x, y = (sum(column) / len(points) for column in zip(*points, strict=True))
        spread = sum((frames - x) ** 2 for frames, _ in points)
        return sum((frames - x) * (size - y) for frames, size in points) / spread if spread else 0.0

    def errors(self) -> str:
        return self.log.read_text(errors="replace").strip()


@asynccontextmanager
async def victim(name: str, *arguments: str) -> AsyncIterator[Victim]:
    log = FOLDER / f"{name}.log"
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fuzz.process", name, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    one = Victim(name, process, log)
    try:
        await asyncio.wait_for(asyncio.shield(one.first), LIFELESS)
        yield one
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), LIFELESS)
        except TimeoutError:
            process.kill()
            await process.wait()
        await one.reading


class Run:
    """One run, from start to verdict."""

    def __init__(self, seconds: float, seed: int) -> None:
        self.seconds = seconds
        self.seed = seed
        self.tally = Tally(FOLDER)
        self.victims: list[Victim] = []
        self.begun = time.monotonic()
        self.elapsed = 0.0

    async def carry_out(self, live: Live) -> None:
        hostile = HostileCSMS(self.seed, self.tally, lambda: self.victims[1].lived() if self.victims else 0.0)
        server = await hostile.start()
        hostile_url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
        async with victim("csms") as csms:
            port = csms.told["port"]
            good_url = f"ws://127.0.0.1:{port}/ocpp"
            async with (
                victim("healthy", good_url, str(csms.process.pid)) as healthy,
                victim("stations", hostile_url) as stations,
            ):
                self.victims = [csms, stations, healthy]
                attackers = [asyncio.create_task(each) for each in self._attackers(csms)]
                self.begun = time.monotonic()
                await self._watch(live, hostile, attackers)
                self.tally.over = True
                await asyncio.wait(attackers, timeout=10)
                self._check_attackers(attackers)
                server.close()
        self._verdict()

    def _attackers(self, csms: Victim) -> list[Any]:
        attack = CSMSAttack(csms.told["port"], self.tally, Patience(PATIENCE, csms.lived))
        throwing = [
            attack.messages(version, f"EVIL-{version}-{number}", self.seed * 10 + number)
            for version in Version
            for number in (1, 2)
        ]
        return [*throwing, attack.links(0.05), attack.doors(0.02)]

    async def _watch(self, live: Live, hostile: HostileCSMS, attackers: list[asyncio.Task[Any]]) -> None:
        while self.elapsed < self.seconds:
            self.elapsed = time.monotonic() - self.begun
            for each in self.victims:
                each.weigh(self.elapsed, self.tally.frames)
                if each.process.returncode is not None:
                    self._find(f"the process {each.name} ended with code {each.process.returncode}")
                    return
                if time.monotonic() - each.told_at > LIFELESS:
                    self._find(f"the process {each.name} has given no sign of life for {LIFELESS:g} s")
                    return
            for version, seen in hostile.last_seen.items():
                if self.victims[1].lived() - seen > SILENT_STATION:
                    self._find(f"the {version} station has not come back for {SILENT_STATION:g} s")
                    return
            if any(attacker.done() for attacker in attackers):
                return
            live.update(self._progress())
            await asyncio.sleep(1.0)

    def _check_attackers(self, attackers: list[asyncio.Task[Any]]) -> None:
        for attacker in attackers:
            if not attacker.done():
                attacker.cancel()
            elif (error := attacker.exception()) is not None:
                self._find(f"an attacker could not go on: {error!r}")

    def _find(self, what: str) -> None:
        self.tally.report("run", [Finding(what, ())])

    def _verdict(self) -> None:
        told = self.victims[2].told
        if told["failures"]:
            self._find(f"{told['failures']} calls of well-behaved stations failed; the last: {told['problem']}")
        if told["worst_lived"] > LONGEST_WAIT:
            self._find(
                f"a well-behaved station waited {told['worst_lived']:.1f} s for an answer, as the CSMS lived them"
            )
        if not told["calls"]:
            self._find("no well-behaved station got any answer")
        for each in self.victims:
            if each.errors():
                self._find(f"{each.name} logged errors; see {each.log}")
            if (hold := each.told.get("longest", 0.0)) > LONGEST_HOLD:
                self._find(f"{each.name} kept everybody waiting for {hold:.2f} s of processor time")
            if each.growth() > MEMORY_SLACK:
                self._find(f"{each.name} grew by {each.growth() / 2**20:.1f} MiB once warm")

    def _progress(self) -> Text:
        tally, told = self.tally, self.victims[2].told
        sizes = ", ".join(f"{each.name} {each.memory[-1][2] / 2**20:.0f}" for each in self.victims if each.memory)
        return Text(
            f"{self.elapsed:4.0f}/{self.seconds:g} s  {tally.frames:,} messages"
            f" ({tally.frames / max(self.elapsed, 0.1):,.0f}/s)  {tally.links} breaches  {tally.handshakes} handshakes"
            f"  healthy {told['calls']:,} ok, {told['failures']} failed, worst {told['worst'] * 1000:.0f} ms"
            f"  MiB: {sizes}  findings {tally.found} {tally.last[:80]}"
        )

    def table(self) -> Table:
        """What there is to say at the end."""
        tally, told = self.tally, self.victims[2].told if self.victims else {}
        table = Table(title=f"hostile input, seed {self.seed}", show_header=False)
        rate = tally.frames / max(self.elapsed, 0.1)
        table.add_row("messages", f"{tally.frames:,} in {self.elapsed:.0f} s ({rate:,.0f}/s)")
        table.add_row("WebSocket breaches", f"{tally.links:,}")
        table.add_row("broken handshakes", f"{tally.handshakes:,}")
        for code, count in tally.codes.most_common():
            table.add_row("  " + ("results" if code == "type 3" else code), f"{count:,}")
        if told:
            calls = f"{told['calls']:,} answered, {told['failures']} failed, worst {told['worst'] * 1000:.0f} ms"
            table.add_row("calls of well-behaved stations", calls)
            holds = ", ".join(f"{each.name} {each.told.get('longest', 0) * 1000:.0f} ms" for each in self.victims)
            table.add_row("longest time at one piece (processor)", holds)
        for each in self.victims:
            if each.memory:
                first, last = each.warm[0][2] / 2**20, each.memory[-1][2] / 2**20
                per_million = each.slope() * 1e6 / 2**20
                size = f"{first:.1f} MiB warm, {last:.1f} MiB at the end ({per_million:+.2f} MiB per million messages)"
                table.add_row(f"memory of {each.name}", size)
        where = f", see {FOLDER}; the last: {tally.last[:200]}" if tally.found else ""
        table.add_row("findings", f"{tally.found}{where}")
        return table


def main() -> int:
    seconds = float(os.environ.get("FUZZ_SECONDS", "60"))
    seed = int(os.environ.get("FUZZ_SEED", "0")) or int.from_bytes(os.urandom(3))
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    console = Console()
    run = Run(seconds, seed)
    with Live(console=console, refresh_per_second=2, transient=True) as live:
        asyncio.run(run.carry_out(live))
    console.print(run.table())
    return 1 if run.tally.found else 0


if __name__ == "__main__":
    sys.exit(main())
