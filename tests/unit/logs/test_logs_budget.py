"""What the library logs is bounded, counted and fit for a terminal, with any handler."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.log_budget import BUDGET, IN_FULL, PERIOD, SUMMED_UP, TRACEBACKS, LogBudget, budgeted

EVIL = "\x1b]0;pwned\x07\r\nERROR forged\u202e\u2028\ud800"


class Time:
    """A clock, and what is to be called when."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self.due.append((self.now + seconds, call))

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        due, self.due = [each for each in self.due if each[0] <= self.now], [e for e in self.due if e[0] > self.now]
        for _, call in due:
            call()


class World:
    """A logger with a budget of its own, under the plain configuration of an application."""

    def __init__(self) -> None:
        self.time = Time()
        self.log = logging.getLogger("logs.of.a.test")
        self.budget = LogBudget(clock=lambda: self.time.now, call_later=self.time.call_later)
        self.log.filters[:] = [self.budget]
        self.log.propagate = False
        self.log.setLevel(logging.DEBUG)
        self.out = io.StringIO()
        handler = logging.StreamHandler(self.out)
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        self.log.handlers[:] = [handler]

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.log.handlers.clear()
    world.log.filters.clear()


def test_one_station_fills_its_own_share_and_is_summed_up(world: World) -> None:
    for number in range(1000):
        world.log.warning("%s: refused: %s", "noisy", number)
    world.log.warning("%s: refused: %s", "CS1", "its first fault")
    assert len(world.lines) == IN_FULL + 1
    assert world.lines[-1] == "WARNING CS1: refused: its first fault"
    world.time.pass_by(PERIOD)
    assert world.lines[-1] == "WARNING noisy: 980 more like this were not logged, such as: refused: 20"
    world.log.warning("%s: refused: %s", "noisy", "again")
    assert world.lines[-1] == "WARNING noisy: refused: again"


def test_the_sum_comes_though_nothing_else_does(world: World) -> None:
    for number in range(50):
        world.log.info("%s: connected from %s", "CS1", number)
    world.time.pass_by(PERIOD / 2)
    assert len(world.lines) == IN_FULL
    world.time.pass_by(PERIOD / 2)
    assert "30 more" in world.lines[-1]
    assert not world.time.due, "no timer runs where nothing waits to be told"


def test_the_next_line_brings_the_sum_before_it_if_no_timer_did(world: World) -> None:
    for number in range(50):
        world.log.info("%s: connected from %s", "CS1", number)
    world.time.now += PERIOD
    world.log.error("something else")
    assert "30 more" in world.lines[-2]
    assert world.lines[-1] == "ERROR something else"


def test_many_addresses_fill_no_more_than_the_supply_of_all(world: World) -> None:
    for number in range(20_000):
        world.time.pass_by(0.001)
        world.log.warning("refused from %s", number, extra={"address": f"[2001:db8::{number:x}]"})
    world.time.pass_by(PERIOD)
    seconds = 20
    assert len(world.lines) <= 100 * (seconds + 10) + (SUMMED_UP + 1) * (seconds / PERIOD + 2)
    assert any("others were not logged" in line for line in world.lines)


def test_tracebacks_are_shown_the_first_times_only(world: World) -> None:
    for station in range(10):
        try:
            raise OSError(28, "No space left on device")
        except OSError:
            world.log.exception("%s: the handler of %s failed", f"CS{station}", "Heartbeat")
    text = world.out.getvalue()
    assert text.count("Traceback") == TRACEBACKS
    assert world.lines[-1] == (
        "ERROR CS9: the handler of Heartbeat failed (OSError: [Errno 28] No space left on device)"
    )


def test_what_others_have_written_is_one_line_and_cut(world: World) -> None:
    world.log.warning("%s: disconnected (%s), %d, %.1f", EVIL + "x" * 5000, EVIL + "y" * 100_000, 3, 1.5)
    (line,) = world.lines
    assert line.isprintable()
    assert len(line) < 700
    assert line.endswith("…), 3, 1.5")


def test_the_text_of_an_exception_forges_no_line(world: World) -> None:
    try:
        raise ValueError(EVIL + "z" * 100_000)
    except ValueError:
        world.log.exception("%s: failed", "CS1")
    assert world.lines[0] == "ERROR CS1: failed"
    assert all(line.startswith("  ") and line.isprintable() and len(line) < 350 for line in world.lines[1:])
    assert len(world.lines) < 20


class Odd:
    def __str__(self) -> str:
        return EVIL


ARGUMENTS = (
    st.text() | st.integers() | st.floats() | st.none() | st.just(Odd()) | st.binary() | st.just(ValueError(EVIL))
)


@given(st.sampled_from(["%s: %s %r", "%r %s %.60r", "%s%s%s", "a %s b %s c %s"]), ARGUMENTS, ARGUMENTS, ARGUMENTS)
def test_whatever_the_arguments_are_the_line_is_one_line(template: str, first: Any, second: Any, third: Any) -> None:
    world = World()
    for _ in range(IN_FULL + 2):
        world.log.warning(template, first, second, third)
    world.time.pass_by(PERIOD)
    assert len(world.lines) == IN_FULL + 1
    assert all(line.isprintable() for line in world.lines)


def test_lines_of_other_libraries_are_one_kind_by_how_they_begin(world: World) -> None:
    for number in range(1000):
        world.log.error(f"socket.accept() out of system resource\nsocket: <fd={number}>")
    world.time.pass_by(PERIOD)
    assert len(world.lines) == 2 * IN_FULL + 1


def test_a_bound_of_0_is_none(world: World) -> None:
    world.budget.quotas.each = world.budget.quotas.per_second = 0
    for number in range(2000):
        world.log.info("%s: %s", "CS1", number)
    assert len(world.lines) == 2000


def test_every_logger_of_the_library_is_within_the_budget() -> None:
    import ocppflow.cli.csms_command
    import ocppflow.nodes.engine.engine
    import ocppflow.testing  # noqa: F401

    ours = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "ocppflow"]
    writing = [name for name in ours if isinstance(logging.root.manager.loggerDict[name], logging.Logger)]
    assert {name for name in writing if BUDGET not in logging.getLogger(name).filters} == set()
    assert budgeted("ocppflow").name == "ocppflow"
