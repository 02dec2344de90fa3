"""A program's event loop has an end, whatever tasks and threads do."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator

import pytest

from ocppflow.transport.daemon_threads import DaemonThreads
from ocppflow.transport.loop import run

SOON = 0.2
"""Seconds to wind up; what obeys needs none of them."""


async def swallows() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


def _run(main: object) -> float:
    begun = time.monotonic()
    assert run(main, wind_up=lambda: SOON) == "done"  # type: ignore[arg-type]
    return time.monotonic() - begun


def test_a_task_that_swallows_its_cancellation_is_named_and_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    keep: list[asyncio.Task[None]] = []

    async def main() -> str:
        keep.append(asyncio.ensure_future(swallows()))
        await asyncio.sleep(0)
        return "done"

    with caplog.at_level(logging.WARNING):
        assert _run(main()) < 5
    assert [record.getMessage() for record in caplog.records] == ["cancelled, but not ended: swallows; left behind"]


def test_a_thread_that_does_not_end_is_left_behind() -> None:
    go = threading.Event()

    async def main() -> str:
        asyncio.get_running_loop().run_in_executor(None, go.wait)
        await asyncio.sleep(0)
        return "done"

    try:
        assert _run(main()) < 5
        assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("asyncio_"))
    finally:
        go.set()


def test_a_generator_whose_end_never_ends_is_left_behind() -> None:
    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await swallows()

    kept = []

    async def main() -> str:
        kept.append(numbers())
        await anext(kept[0])
        return "done"

    assert _run(main()) < 5


def test_tasks_that_clean_up_have_time_for_it_and_one_that_fails_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    cleaned: list[str] = []

    async def cleans_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("up")

    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("the disk is full")

    tasks = []

    async def main() -> str:
        tasks.extend([asyncio.ensure_future(cleans_up()), asyncio.ensure_future(fails())])
        await asyncio.sleep(0)
        return "done"

    _run(main())
    assert cleaned == ["up"]
    (record,) = caplog.records
    assert "fails failed when it was cancelled" in record.getMessage()


def test_what_main_raises_comes_out() -> None:
    async def main() -> str:
        raise KeyError("x")

    with pytest.raises(KeyError):
        _run(main())


def test_daemon_threads_do_work_in_as_many_threads_as_are_needed() -> None:
    begun: list[int] = []
    threads = DaemonThreads(2, "few", lambda: begun.append(1))
    both = threading.Barrier(2)
    first, second = threads.submit(both.wait, 5), threads.submit(both.wait, 5)
    assert {first.result(5), second.result(5)} == {0, 1}
    assert list(threads.map(str, range(50))) == [str(number) for number in range(50)]
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 / 0).result(5)
    assert len(begun) == 2
    threads.shutdown()
    assert threads.at_work == []
    with pytest.raises(RuntimeError):
        threads.submit(str)


def test_daemon_threads_that_do_not_end_are_waited_for_as_long_as_said_and_what_waits_can_be_dropped() -> None:
    go = threading.Event()
    threads = DaemonThreads(1, "stuck")
    stuck, waits = threads.submit(go.wait), threads.submit(str)
    threads.shutdown(cancel_futures=True, seconds=0.01)
    assert waits.cancelled()
    assert len(threads.at_work) == 1
    go.set()
    assert stuck.result(5) is True
    threads.shutdown()
    assert threads.at_work == []
