"""The judge finds each fault of a server that is weak on purpose, and nothing about one that is not."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest
from benchmarks.processes import free_port

from tests.attack.attack import Attack, Bounds
from tests.attack.kernel import FairClock, Moment, wait_between
from tests.attack.scenes import AtCSMS
from tests.attack.targets import Setting, Target, listens
from tests.attack.trial import Result, Trial
from tests.attack.way_in import WayIn

MIB = 2**20


class Nothing(Attack):
    """The well-behaved alone are enough for the weak."""

    name = "nothing"
    promise = "none"
    bounds = Bounds(memory=16 * MIB, cpu=0.4, log=100_000)


class WeakTarget(Target):
    kind = "a weak server"
    grace = 0.0

    def __init__(self, folder: Path, fault: str) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.spawn([sys.executable, "-m", "tests.attack.weak_servers", fault, str(self.port)], "file")


async def tried(folder: Path, fault: str, *, thrown: int = 1) -> Result:
    target = WeakTarget(folder, fault)
    await asyncio.to_thread(target.wait_until_ready, lambda: listens(target.port))
    scene = AtCSMS(target, WayIn(target.port), strangers=False)
    trial = Trial(Nothing(), Setting(), 2.5, folder, warm_up=0.5)
    try:
        await scene.open()
        await trial.measure(scene, lambda: None, lambda: {"messages": thrown})
    finally:
        await scene.close()
    trial.judge(scene)
    return trial.result


FAULTS = {
    "sleeps": "the well-behaved waited",
    "grows": "memory grew by",
    "shuts out": "newcomers waited",
    "chatters": "it logged",
    "raises": "log has 1 traceback",
    "deaf": "SIGTERM was not obeyed",
    "leaves": "the well-behaved station was cut off",
    "spins": "of a core",
    "dies": "ended by itself, with code 3",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """All of them at the same time; and one against which nothing was thrown."""
    folder = tmp_path_factory.mktemp("weak")

    async def all_of_them() -> list[Result]:
        faulty = [tried(folder / fault, fault) for fault in FAULTS]
        return await asyncio.gather(*faulty, tried(folder / "a", "none"), tried(folder / "b", "none", thrown=0))

    return dict(zip([*FAULTS, "none", "idle"], asyncio.run(all_of_them()), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(results: dict[str, Result], fault: str) -> None:
    assert any(FAULTS[fault] in finding for finding in results[fault].findings), results[fault]


@pytest.mark.slow
def test_a_good_server_has_no_findings(results: dict[str, Result]) -> None:
    good = results["none"]
    assert good.findings == []
    assert good.calls > 20
    assert good.let_in >= 4
    assert 0 < good.memory_start <= good.memory_peak
    assert good.exit_code == 0


@pytest.mark.slow
def test_an_attack_that_did_not_take_place_is_a_finding(results: dict[str, Result]) -> None:
    assert results["idle"].findings == ["nothing was thrown: the attack did not take place"]


# --- whose fault a wait is ------------------------------------------------------------------------------------------


def test_time_for_which_others_had_the_processors_is_not_the_targets() -> None:
    wait = wait_between(Moment(0.0), Moment(3.0, queued=2.5, main=0.5, own=0.5, machine=6.0))
    assert (wait.wall, wait.lived) == (3.0, 0.5)


def test_time_for_which_its_own_threads_had_them_is_the_targets() -> None:
    wait = wait_between(Moment(0.0), Moment(3.0, queued=2.5, main=0.5, own=6.0, machine=6.0))
    assert wait.lived == 3.0


def test_what_the_event_loop_used_itself_is_never_excused() -> None:
    assert wait_between(Moment(0.0), Moment(3.0, queued=1.0, main=2.0, own=2.0, machine=6.0), late=2.0).lived == 2.0


def test_a_target_that_sleeps_has_no_excuse() -> None:
    assert wait_between(Moment(0.0), Moment(3.0, machine=6.0)).lived == 3.0


async def test_a_harness_that_comes_late_does_not_blame_the_target() -> None:
    clock = FairClock([0])
    clock.start()
    begun = clock.moment()
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251 - that is the point
    await asyncio.sleep(0.02)
    wait = clock.since(begun)
    clock.stop()
    assert wait.wall >= 0.2
    assert wait.lived < 0.1
