"""A coroutine that is started eagerly cannot tell it from one that was given a Task of its own."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from ocppflow.eager import start

value: contextvars.ContextVar[str] = contextvars.ContextVar("value", default="none")


async def _from_callback(make: Callable[[], Any]) -> Any:
    """Start from where the event loop calls protocols: outside of any Task. Once before, so that a spare is there."""
    loop = asyncio.get_running_loop()
    outcomes: list[Any] = []

    def begin(coroutine: Any) -> None:
        outcomes.append(start(coroutine))

    context = contextvars.Context()
    loop.call_soon(begin, _nothing(), context=context)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop.call_soon(begin, make(), context=context)
    await asyncio.sleep(0)
    return outcomes[-1]


async def _nothing() -> None: ...


async def _outcome(started: Any) -> Any:
    return started.result() if started.done() else await started


async def test_what_does_not_wait_is_finished_at_once() -> None:
    async def handler() -> int:
        return 7

    started = await _from_callback(handler)
    assert started.done()
    assert not started.cancelled()
    assert started.exception() is None
    assert started.result() == 7


async def test_an_exception_of_the_first_step_is_the_outcome() -> None:
    async def handler() -> None:
        raise ValueError("no")

    started = await _from_callback(handler)
    assert isinstance(started.exception(), ValueError)
    with pytest.raises(ValueError, match="no"):
        started.result()


async def test_cancelled_error_of_the_first_step_counts_as_cancelled() -> None:
    async def handler() -> None:
        raise asyncio.CancelledError

    assert (await _from_callback(handler)).cancelled()


async def test_who_waits_goes_on_in_the_task_of_the_first_step() -> None:
    release = asyncio.Event()
    seen: list[Any] = []

    async def handler() -> str:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        await release.wait()
        seen.append(asyncio.current_task())
        return "done"

    started = await _from_callback(handler)
    assert started in asyncio.all_tasks()
    release.set()
    assert await started == "done"
    assert seen == [started] * 3


async def test_a_time_out_that_began_in_the_first_step_holds() -> None:
    async def handler() -> str:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "went on"

    assert await (await _from_callback(handler)) == "timed out"


async def test_a_task_group_that_began_in_the_first_step_holds() -> None:
    async def fail() -> None:
        raise ValueError("child")

    async def handler() -> str:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                await asyncio.Event().wait()
        except ExceptionGroup as failed:
            return str(failed.exceptions[0])
        return ""

    assert await (await _from_callback(handler)) == "child"


@pytest.mark.parametrize("turns", [0, 1, 2])
async def test_it_can_be_cancelled_and_cleans_up(turns: int) -> None:
    cleaned: list[str] = []

    async def handler() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("yes")

    started = await _from_callback(handler)
    for _ in range(turns):
        await asyncio.sleep(0)
    started.cancel()
    with pytest.raises(asyncio.CancelledError):
        await started
    assert cleaned == ["yes"]


async def test_cancelling_reaches_what_is_awaited() -> None:
    inner = asyncio.get_running_loop().create_future()

    async def handler() -> None:
        await inner

    started = await _from_callback(handler)
    started.cancel()
    with pytest.raises(asyncio.CancelledError):
        await started
    assert inner.cancelled()


async def test_it_can_cancel_itself_in_the_first_step() -> None:
    async def handler() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.Event().wait()

    started = await _from_callback(handler)
    with pytest.raises(asyncio.CancelledError):
        await started


async def test_a_swallowed_cancellation_ends_well() -> None:
    async def handler() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "swallowed"
        return ""

    started = await _from_callback(handler)
    started.cancel()
    assert await started == "swallowed"


async def test_context_variables_do_not_leak_to_the_next() -> None:
    async def first() -> None:
        value.set("first's")

    async def second() -> str:
        return value.get()

    loop, context, found = asyncio.get_running_loop(), contextvars.Context(), []
    for make in (_nothing, first, second, second):
        loop.call_soon(lambda make=make: found.append(start(make())), context=context)
        for _ in range(3):
            await asyncio.sleep(0)
    assert [await _outcome(each) for each in found] == [None, None, "none", "none"]


async def test_context_variables_of_the_caller_are_seen_before_and_after_waiting() -> None:
    async def handler() -> list[str]:
        seen = [value.get()]
        value.set("changed")
        await asyncio.sleep(0)
        return [*seen, value.get()]

    context = contextvars.Context()
    context.run(value.set, "caller's")
    found: list[Any] = []
    for make in (_nothing, handler):
        asyncio.get_running_loop().call_soon(lambda make=make: found.append(start(make())), context=context)
        for _ in range(3):
            await asyncio.sleep(0)
    assert await found[-1] == ["caller's", "changed"]
    assert context[value] == "caller's"


@pytest.mark.parametrize("how", ["kept", "weakly", "callback", "named", "cancelled"])
async def test_a_task_that_somebody_knows_is_not_given_to_the_next(how: str) -> None:
    known: list[Any] = []
    watched: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
    ended = asyncio.Event()

    async def first() -> None:
        task = asyncio.current_task()
        assert task is not None
        known.append(id(task))
        if how == "kept":
            known.append(task)
        elif how == "weakly":
            watched[task] = "first"
        elif how == "callback":
            task.add_done_callback(lambda _: ended.set())
        elif how == "named":
            task.set_name("mine")
        else:
            task.cancel()

    async def second() -> tuple[bool, str]:
        task = asyncio.current_task()
        assert task is not None
        return task in watched or task in known[1:] or task.cancelling() > 0, task.get_name()

    await _outcome(await _from_callback(first)) if how != "cancelled" else await _from_callback(first)
    if how == "callback":
        await asyncio.wait_for(ended.wait(), 1)
    used, name = await _outcome(await _from_callback(second))
    assert not used
    assert name != "mine"


async def test_inside_a_task_it_is_a_task_or_done_and_the_outer_one_stays_current() -> None:
    outer = asyncio.current_task()

    async def handler() -> bool:
        return asyncio.current_task() is not outer

    started = start(handler())
    assert asyncio.current_task() is outer
    assert await _outcome(started) is True


async def test_nothing_is_left_among_the_tasks() -> None:
    await _from_callback(_nothing)
    for _ in range(3):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_new_loop_gets_a_spare_of_its_own() -> None:
    async def main() -> Any:
        return await _outcome(await _from_callback(_nothing))

    for _ in range(3):
        assert asyncio.run(main()) is None
