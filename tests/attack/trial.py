"""One attack on one target: those beside it, the measures, SIGTERM while it goes on, and the verdict."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import cpu_seconds

from tests.attack.attack import MIB, Attack, Bounds
from tests.attack.kernel import FairClock, MemoryWatch
from tests.attack.scenes import Scene, open_scene
from tests.attack.targets import ROOT, Setting
from tests.attack.well_behaved import NOTHING

WARM_UP = 0.5  # seconds in which the well-behaved are alone: caches fill, decoders are made
_LOOK = 0.05  # seconds between two looks at the memory
_DEAF = 30.0  # seconds by the wall after which a target that has not obeyed is killed, whatever the machine does
_TRACEBACK = re.compile(rb"Traceback \(most recent call last\)|never retrieved|Exception ignored|Fatal ")


@dataclass
class Result:
    """What was measured, in seconds and bytes; ``worst`` as the target lived it, ``worst_wall`` by the wall; ``late``:
    the most that this process itself was behind; ``cpu``: of a core, in the time that the target lived."""

    name: str
    target: str
    promise: str
    seconds: float = 0.0
    thrown: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    worst: float = 0.0
    worst_wall: float = 0.0
    late: float = 0.0
    newcomers: int = 0
    let_in: int = 0
    newcomer_median: float = 0.0
    newcomer_worst: float = 0.0
    page_worst: float = 0.0
    memory_start: int = 0
    memory_peak: int = 0
    memory_end: int = 0
    cpu: float = 0.0
    log: int = 0
    trace: int = 0
    stop: float = 0.0
    exit_code: int | None = None
    findings: list[str] = field(default_factory=list)

    @property
    def growth(self) -> int:
        """The most memory above that at the start."""
        return self.memory_peak - self.memory_start

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Attacker:
    """The process that attacks."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.error = ""
        self._ready = asyncio.get_running_loop().create_future()
        self._process: asyncio.subprocess.Process
        self._reading: asyncio.Task[None]

    async def start(self, name: str) -> None:
        """Have everything made that takes long."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.attack.attacker"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._say({"attack": name})
        self._reading = asyncio.create_task(self._read())
        await asyncio.wait_for(asyncio.shield(self._ready), 60)

    def _say(self, what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")

    def go(self, scene: Scene) -> None:
        """Attack."""
        self._say(scene.way.as_dict())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            told = json.loads(line)
            self.counts = told.get("counts", self.counts)
            self.error = told.get("error", self.error)
            if not self._ready.done():
                self._ready.set_result(None)
        if not self._ready.done():
            self._ready.set_exception(RuntimeError("the attacker did not start"))

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reading


class Trial:
    """One run of an attack against one setting of its targets."""

    def __init__(
        self, attack: Attack, setting: Setting, seconds: float, folder: Path, *, warm_up: float = WARM_UP
    ) -> None:
        self._attack = attack
        self._warm_up = warm_up
        self._setting = setting
        self._seconds = seconds
        self._folder = folder
        label = setting.label if attack.kind == "csms" else ""
        self.result = Result(attack.name, f"{attack.kind}: {label}".rstrip(": "), attack.promise)
        self.phase = "starting"

    async def carry_out(self) -> Result:
        """From start to verdict. Raises what hinders the harness itself."""
        attack = self._attack
        attacker = Attacker()
        opening = open_scene(attack.kind, self._folder, self._setting, strangers=attack.strangers)
        scene, started = await asyncio.gather(opening, attacker.start(attack.name), return_exceptions=True)

        def thrown() -> dict[str, int]:
            if attacker.error:
                self.result.findings.append(f"the attacker could not go on: {attacker.error}")
            return attacker.counts

        try:
            for each in (scene, started):
                if isinstance(each, BaseException):
                    raise each
            await self.measure(scene, lambda: attacker.go(scene), thrown)
        finally:
            await attacker.stop()
            if isinstance(scene, Scene):
                await scene.close()
        self.judge(scene)
        return self.result

    async def measure(self, scene: Scene, go: Callable[[], None], counts: Callable[[], dict[str, int]]) -> None:
        """Warm up, attack, measure, and send SIGTERM while the attack goes on."""
        result, target = self.result, scene.target
        clock = FairClock(target.pids)
        clock.start()
        companions = [asyncio.create_task(each) for each in scene.companions(clock)]
        try:
            self.phase = "warming up"
            await asyncio.sleep(self._warm_up)
            memory = MemoryWatch(target.pids)
            memory.begin()
            begun, cpu = clock.moment(), _cpu(target.pids)
            log, trace = target.logged(), _size(target.trace)
            self._attack.begins(scene)
            go()
            self.phase = "attacking"
            await self._attack_goes_on(scene, memory, begun.wall)
            whole = clock.since(begun)
            result.seconds, result.cpu = whole.wall, (_cpu(target.pids) - cpu) / max(whole.lived, _LOOK)
            result.log, result.trace = target.logged() - log, _size(target.trace) - trace
            result.memory_start, result.memory_peak, result.memory_end = memory.start, memory.peak, memory.end
            self._take_waits(scene, clock, begun.wall)
            result.thrown = dict(counts())
            for each in companions:
                if each.done() and not each.cancelled() and (error := each.exception()) is not None:
                    result.findings.append(f"the harness failed: {error!r}")
            self.phase = "SIGTERM"
            await self._stop(scene, clock)
        finally:
            clock.stop()
            for each in companions:
                each.cancel()
            await asyncio.gather(*companions, return_exceptions=True)

    async def _attack_goes_on(self, scene: Scene, memory: MemoryWatch, begun: float) -> None:
        is_second_half = False
        while (passed := time.monotonic() - begun) < self._seconds and scene.target.process.poll() is None:
            await asyncio.sleep(_LOOK)
            memory.look()
            if not is_second_half and passed > self._seconds / 2:
                is_second_half = True
                self._attack.half_time(scene)

    def _take_waits(self, scene: Scene, clock: FairClock, begun: float) -> None:
        result = self.result
        result.late = clock.most_late(begun)
        if scene.good is not None:
            waits = scene.good.waits
            worst = waits.worst(clock)
            result.calls, result.worst, result.worst_wall = len(waits.all), worst.lived, worst.wall
            if waits.problem:
                result.findings.append(waits.problem)
        if (newcomers := scene.newcomers) is not None:
            result.newcomers, result.let_in = newcomers.came, newcomers.let_in
            result.newcomer_median = newcomers.median(clock)
            result.newcomer_worst = newcomers.worst(clock).lived
            for what in dict.fromkeys(newcomers.refusals):
                times = newcomers.refusals.count(what)
                result.findings.append(f"{times} of {newcomers.came} newcomers were not let in: {what}")
        result.page_worst = max(scene.waits_of_pages(), key=lambda wait: wait.lived, default=NOTHING).lived

    async def _stop(self, scene: Scene, clock: FairClock) -> None:
        """SIGTERM, and how long it takes."""
        result, process = self.result, scene.target.process
        if (code := process.poll()) is not None:
            result.findings.append(f"the target ended by itself, with code {code}")
            return
        told = clock.moment()
        scene.target.terminate()
        most = self._most_to_stop(scene)
        while (code := process.poll()) is None and (waited := clock.since(told)).lived < most:
            if waited.wall > _DEAF:
                break
            await asyncio.sleep(0.02)
        result.stop, result.exit_code = clock.since(told).lived, code

    def _most_to_stop(self, scene: Scene) -> float:
        return scene.target.grace + self._attack.bounds.stop

    # --- the verdict ---------------------------------------------------------------------------------------------

    def judge(self, scene: Scene) -> None:
        """Everything that is beyond its bound is a finding."""
        result, bounds = self.result, self._attack.bounds
        find = result.findings.append
        if not any(number for what, number in result.thrown.items() if not what.startswith("thrown out")):
            find("nothing was thrown: the attack did not take place")
        if scene.good is not None and not result.calls:
            find("the well-behaved got no answer at all")
        if result.worst > bounds.wait:
            find(f"the well-behaved waited {result.worst:.1f} s ({result.worst_wall:.1f} s by the wall)")
        self._judge_newcomers(bounds)
        if result.page_worst > bounds.wait:
            find(f"a page of Node-RED took {result.page_worst:.1f} s to come")
        if result.growth > bounds.memory:
            find(f"memory grew by {result.growth / MIB:.0f} MiB")
        elif result.memory_end - result.memory_start > bounds.memory:
            find(f"memory was {(result.memory_end - result.memory_start) / MIB:.0f} MiB larger at the end")
        if bounds.cpu is not None and result.cpu > bounds.cpu:
            find(f"it used {result.cpu:.0%} of a core")
        if result.seconds and result.log / result.seconds > bounds.log:
            find(f"it logged {result.log / result.seconds / 1024:,.0f} KiB a second")
        if result.exit_code is None and result.stop:
            find(f"SIGTERM was not obeyed within {result.stop:.1f} s")
        elif result.exit_code:
            find(f"after SIGTERM the exit code was {result.exit_code}")
        self._judge_files(scene)
        result.findings.extend(self._attack.judge(scene, result))
        self.phase = "over"

    def _judge_newcomers(self, bounds: Bounds) -> None:
        result = self.result
        if result.newcomer_median > bounds.newcomer_median or result.newcomer_worst > bounds.newcomer_worst:
            waits = f"{result.newcomer_median:.1f} s (median), {result.newcomer_worst:.1f} s (worst)"
            result.findings.append(f"newcomers waited {waits}; {result.let_in} of {result.newcomers} were let in")
        elif result.newcomers > 2 and not result.let_in:
            result.findings.append(f"none of {result.newcomers} newcomers was let in")

    def _judge_files(self, scene: Scene) -> None:
        for file in (scene.target.log, scene.target.said):
            data = file.read_bytes() if file.exists() else b""
            found = [each.start() for each in _TRACEBACK.finditer(data)]
            if len(found) > self._attack.bounds.tracebacks:
                at = found[0]
                text = data[at : at + 1500].decode(errors="replace").strip().splitlines()
                self.result.findings.append(
                    f"{file.name} has {len(found)} tracebacks, the first: {text[0]} ... {text[-1][:200]}"
                )
        trace = scene.target.trace
        if trace is not None and trace.exists() and (mode := trace.stat().st_mode & 0o777) != 0o600:
            self.result.findings.append(f"the trace file's mode is {mode:o}, not 600")


def _cpu(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += cpu_seconds(pid)
    return total


def _size(file: Path | None) -> int:
    return file.stat().st_size if file is not None and file.exists() else 0
