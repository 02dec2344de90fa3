"""A station is killed at each point of its life that anybody can tell from the next, in virtual time: the books of the
CSMS are right, whatever is said twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from cut_books import check
from cut_world import LATE, RESERVED, SESSION, CutWorld
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocppflow.endpoint import LATER, IncomingCall
from ocppflow.errors import InternalError
from ocppflow.messages import Version
from ocppflow.testing import run_in_virtual_time

POINTS = ("EVConnected,Authorized", "PowerPathClosed", "EnergyTransfer")


SCRIPTS = {"session": SESSION, "late": LATE, "reserved": RESERVED}


async def _session(
    version: Version, points: str, script: str = "session", *, cuts: Iterable[int] = (), full: Iterable[int] = ()
) -> CutWorld:
    world = CutWorld(version, f"TxCtrlr.TxStartPoint={points}", cuts=cuts, full=full)
    await world.run(SCRIPTS[script])
    return world


def lived(version: Version, points: str, script: str = "session", **how: Iterable[int]) -> CutWorld:
    """A world in which it has all happened, and whose books are right."""
    world = run_in_virtual_time(_session(version, points, script, **how))
    try:
        check(world)
    except AssertionError as exc:
        raise AssertionError(f"{how}: {exc}") from exc
    return world


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("version", list(Version))
def test_killed_at_any_point_a_station_loses_nothing_and_doubles_nothing(
    version: Version, points: str, script: str
) -> None:
    whole = lived(version, points, script)
    assert whole.lives == 1
    for cut in range(1, whole.points + 1):
        assert lived(version, points, script, cuts=[cut]).lives == 2


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(list(Version)),
    st.sampled_from(POINTS),
    st.sampled_from(sorted(SCRIPTS)),
    st.lists(st.integers(1, 70), min_size=1, max_size=6),
)
def test_killed_again_and_again_a_station_loses_nothing_and_doubles_nothing(
    version: Version, points: str, script: str, cuts: list[int]
) -> None:
    lived(version, points, script, cuts=cuts)


async def _refused_16(cuts: Iterable[int]) -> CutWorld:
    """The CSMS takes the start, but not the driver, and chokes on the next message."""
    world = CutWorld(Version.V16, "TxCtrlr.TxStartPoint=EVConnected", cuts=cuts)

    def choke(call: IncomingCall) -> None:
        if len(world.sent("MeterValues")) == 1:
            raise InternalError("not today")

    world.answers["MeterValues"] = choke
    world.answers["StartTransaction"] = lambda call: {
        "idTagInfo": {"status": "Invalid"},
        "transactionId": world.number(call.data),
    }
    await world.run(((1, "plug"), (2, "swipe"), (20, "unplug")))
    return world


def test_16_4_8_what_the_CSMS_says_of_the_driver_is_not_lost_with_the_message_after_it() -> None:
    whole = run_in_virtual_time(_refused_16([]))
    for cut in range(whole.points + 1):
        world = run_in_virtual_time(_refused_16([cut] if cut else []))
        check(world)
        reasons = [each["reason"] for each in world.sent("StopTransaction")]
        assert set(reasons) <= {"DeAuthorized"}, f"killed after point {cut}"
        assert len(world.sent("MeterValues")) >= 1 or cut


def test_16_a_number_is_kept_before_anything_else_is_said() -> None:
    """The start that is said again after a power cut is one whose answer has not reached the disk."""

    async def silent() -> CutWorld:
        world = CutWorld(Version.V16, "TxCtrlr.TxStartPoint=EVConnected")
        world.answers["MeterValues"] = lambda call: LATER
        world.boot()
        for deed in ("plug", "swipe"):
            await asyncio.sleep(1)
            world._do(deed)
        await asyncio.sleep(1)
        assert len(world.sent("MeterValues")) == 1, "it waits for an answer"
        world.is_dead = True
        await world.bury()
        world.answers.clear()
        world.boot()
        await world._finish()
        return world

    world = run_in_virtual_time(silent())
    assert len(world.sent("StartTransaction")) == 1
    check(world)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("version", list(Version))
def test_whichever_commit_finds_the_disk_full_the_books_are_right(version: Version, points: str, script: str) -> None:
    commits = lived(version, points, script).commits
    for number in range(1, commits + 1):
        lived(version, points, script, full=[number])
        lived(version, points, script, full=range(number, 10_000))  # until the end


@settings(max_examples=30, deadline=None)
@example(Version.V201, "EnergyTransfer", "late", [], {5})  # the EV asks for energy while nothing can be kept
@example(Version.V21, "PowerPathClosed", "reserved", [], {7})  # a start that takes its reservation back
@example(Version.V16, "PowerPathClosed", "session", [], {6})  # nothing of it stays in 1.6's terms
@given(
    st.sampled_from(list(Version)),
    st.sampled_from(POINTS),
    st.sampled_from(sorted(SCRIPTS)),
    st.lists(st.integers(1, 50), max_size=2),
    st.sets(st.integers(1, 60), max_size=20),
)
def test_whatever_is_killed_and_full_the_books_are_right(
    version: Version, points: str, script: str, cuts: list[int], full: set[int]
) -> None:
    lived(version, points, script, cuts=cuts, full=full)
