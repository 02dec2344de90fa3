"""The watchdog hears of signals, counts them, and leaves the process alone when it is not needed; that it ends one is
tested in tests/unit/cli/test_cli_ends.py, with processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from ocppflow.endpoint import Watchdog, watchdog
from ocppflow.endpoint.stop_signals import SIGNALS, stop_signals


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes with which it would have ended this process."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    return codes


def _until(what: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end
        time.sleep(0.001)


async def test_it_hears_of_signals_beside_the_event_loop_which_hears_of_them_too(ended: list[int]) -> None:
    with Watchdog(lambda: 3600) as dog, stop_signals(dog) as signals:
        assert not dog.is_told
        assert dog.left() == 5.0
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(signals.wait(), 10)
        _until(lambda: dog.is_told)
        assert 3500 < dog.left() <= 3600
    assert not dog.is_told_twice
    assert ended == []
    assert signal.set_wakeup_fd(-1) == -1, "it gives back what it took"


def test_an_echo_is_not_a_second_signal_but_a_later_one_is(ended: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    with Watchdog(lambda: 3600) as dog:
        dog.hear(signal.SIGTERM)
        dog.hear(signal.SIGINT)
        _until(lambda: dog.is_told)
        dog.told()  # the event loop has heard of it as well
        monkeypatch.setattr(watchdog, "ECHO", -1.0)
        assert not dog.is_told_twice
        dog.hear(signal.SIGINT)
        _until(lambda: ended)
    assert dog.is_told_twice
    assert ended == [130]


def test_it_ends_the_process_with_the_code_that_it_was_given(
    ended: list[int], capfd: pytest.CaptureFixture[str]
) -> None:
    with Watchdog(lambda: -0.5, last_words=lambda text: f"<{text}>") as dog:
        dog.exit_code = 0
        dog.told()
        _until(lambda: ended)
    assert ended == [0]
    said = capfd.readouterr().err
    assert said.startswith("<told to stop 0.0 s ago, and still there: ended. The main thread is at ")
    assert f"{__file__}:" in said


def test_one_that_stays_goes_on_after_the_block_and_late_signals_are_ignored(ended: list[int]) -> None:
    with Watchdog(lambda: 3600, stays=True) as dog:
        dog.hear(signal.SIGTERM)
        _until(lambda: dog.is_told)
    assert dog._thread.is_alive()
    assert all(signal.getsignal(number) is signal.SIG_IGN for number in SIGNALS)
    dog._stays = False
    dog.__exit__(None, None, None)
    assert ended == []


def test_one_that_stays_and_was_not_told_is_gone_after_the_block() -> None:
    with Watchdog(lambda: 3600, stays=True) as dog:
        pass
    assert not dog._thread.is_alive()
    assert all(signal.getsignal(number) is not signal.SIG_IGN for number in SIGNALS)
