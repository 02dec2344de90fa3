"""What the kernel knows of a process under attack, and which of its waits others are to blame for (Linux)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import cpu_seconds, machine_seconds, resident_bytes

_TICK = 0.01  # seconds between two looks at how late this process itself is


def run_queue(pid: int) -> tuple[float, float]:
    """Seconds that the process's main thread, which is the event loop's, has run, and for which it was ready and had to
    wait for a processor."""
    ran, waited, _slices = Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()
    return int(ran) / 1e9, int(waited) / 1e9


def peak_bytes(pid: int) -> int:
    """The most memory that was resident since :func:`forget_peak`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def forget_peak(pid: int) -> None:
    """Let :func:`peak_bytes` begin anew."""
    with contextlib.suppress(OSError):  # where that is not allowed, the peak since the start counts: no less strict
        Path(f"/proc/{pid}/clear_refs").write_text("5")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, and sums of seconds up to then.

    ``queued``: the target's event loop had to wait for a processor; ``main``: it had one; ``own``: all of the target's
    threads had one; ``machine``: everything on the machine had one.
    """

    wall: float
    queued: float = 0.0
    main: float = 0.0
    own: float = 0.0
    machine: float = 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait by the wall's clock, and what is left of it without the time that others took from the target."""

    wall: float
    lived: float


class FairClock:
    """Times waits for a process, or for several that work one after the other, on a machine that others are busy on.

    The attacker runs on the same machine, and so may anything else. That must not count against the target, whose
    attackers have processors of their own. So two times are taken off a wait: when the target's event loop was ready to
    run and got no processor (the kernel counts it), as far as others and not its own threads held them; and the longest
    time for which this process itself was behind its timers. What is left is never less than the processor time that
    the target's event loop used meanwhile: that it spent itself.
    """

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids
        self._last = Moment(time.monotonic())
        self._late: list[tuple[float, float]] = []  # when this process came late to a timer, and by how much
        self._ticking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch how late this process's own event loop is."""
        self._ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            due = time.monotonic() + _TICK
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            if now - due > _TICK:
                self._late.append((now, now - due))

    def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()

    def most_late(self, since: float) -> float:
        """The most that this process was behind its timers after ``since``."""
        return max((late for when, late in self._late if when > since), default=0.0)

    def moment(self) -> Moment:
        """Now. A target that is gone has used what it used."""
        now = time.monotonic()
        try:
            main, queued = map(sum, zip(*map(run_queue, self._pids), strict=True))
            own, machine = sum(map(cpu_seconds, self._pids)), machine_seconds()
        except (OSError, ValueError, IndexError):
            last = self._last
            return Moment(now, last.queued, last.main, last.own, last.machine)
        self._last = Moment(now, queued, main, own, machine)
        return self._last

    def since(self, begun: Moment) -> Wait:
        """The wait from then to now."""
        return wait_between(begun, self.moment(), self.most_late(begun.wall))


def wait_between(begun: Moment, end: Moment, late: float = 0.0) -> Wait:
    """The wait from one moment to another, in which this process was ``late`` once."""
    own, main = max(0.0, end.own - begun.own), end.main - begun.main
    siblings = max(0.0, own - main)
    others = max(0.0, end.machine - begun.machine - own)
    blame = others / (others + siblings) if others + siblings > 0 else 1.0
    wall = end.wall - begun.wall
    left = wall - (end.queued - begun.queued) * blame - late
    return Wait(wall, min(wall, max(main, left, 0.0)))


class MemoryWatch:
    """How much memory processes take together: at the start, at most, and at the end, in bytes."""

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids
        self.start = self.peak = self.end = 0

    def begin(self) -> None:
        for pid in self._pids:
            forget_peak(pid)
        self.start = self.peak = self.end = self._sum()

    def look(self) -> None:
        """Take the size; for one process the kernel knows the peak better than any sampling."""
        with contextlib.suppress(OSError, RuntimeError):  # it has ended
            self.end = self._sum()
            peak = peak_bytes(self._pids[0]) if len(self._pids) == 1 else 0
            self.peak = max(self.peak, self.end, peak)

    def _sum(self) -> int:
        return sum(resident_bytes(pid) for pid in self._pids)
