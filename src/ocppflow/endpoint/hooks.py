"""Hooks for what happens to connections, and the tasks that nobody awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from ocppflow.log_budget import budgeted
from ocppflow.transport.deadline import Deadline

log = budgeted("ocppflow")

_C = TypeVar("_C", bound=Callable[..., object])


class Hooks:
    """Callbacks for one kind of occasion; one that fails is logged and costs the others nothing."""

    __slots__ = ("_callbacks", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._callbacks: list[Callable[..., object]] = []

    def __call__(self, callback: _C) -> _C:
        """Decorator: add a callback, plain or ``async``."""
        self._callbacks.append(callback)
        return callback

    def __repr__(self) -> str:
        return f"<Hooks {self._name}, {len(self._callbacks)} callbacks>"

    def fire(self, background: Background, *args: object) -> list[asyncio.Future[Any]]:
        """Call all; what they want awaited goes to the ``background`` and is returned."""
        tasks = []
        for callback in self._callbacks:
            try:
                result = callback(*args)
            except Exception:
                log.exception("a hook for %s failed", self._name)
                continue
            if isinstance(result, Awaitable):
                tasks.append(background.add(result))
        return tasks


class Background:
    """Tasks that nobody awaits, held until they are done; one that fails is logged."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[Any]] = set()

    def __repr__(self) -> str:
        return f"<Background, {len(self._tasks)} tasks>"

    def __contains__(self, task: object) -> bool:
        return task in self._tasks

    def add(self, awaitable: Awaitable[Any], what: str = "a hook") -> asyncio.Future[Any]:
        """Let ``awaitable`` run to its end; ``what`` names it in the log if it fails."""
        task = asyncio.ensure_future(awaitable)
        task.add_done_callback(lambda done: self._failed(done, what))
        self.hold([task])
        return task

    def hold(self, tasks: Iterable[asyncio.Future[Any]]) -> None:
        """Hold tasks that somebody else began and looks after no longer."""
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _failed(task: asyncio.Future[Any], what: str) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", what, exc_info=error)

    def cancel(self) -> None:
        """Cancel all tasks, but for the one that asks, and wait for none."""
        own = asyncio.current_task()
        for task in list(self._tasks):
            if task is not own:
                task.cancel()

    async def stop(self, deadline: Deadline) -> None:
        """Wait for the tasks, as long as the deadline leaves time for them, then cancel them. The task that closes is
        left alone."""
        await deadline.cancel(await deadline.wait(self._tasks, deadline.hooks))
