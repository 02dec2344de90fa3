"""Eager start of coroutines for Python 3.11.

It is made of what asyncio documents for extending tasks (Task lifetime support): while a coroutine
takes its first step, a spare Task stands in as ``asyncio.current_task()``. A coroutine that then waits lives on in this
very Task, so time-outs, task groups and cancellation begun in the first step hold. One that is finished leaves the
spare to the next, unless anything shows that somebody still knows it: so each seems to have had a Task of its own.
"""

from __future__ import annotations

import asyncio
import operator
import sys
import threading
import types
import weakref
from asyncio.tasks import (  # type: ignore[attr-defined]
    _current_tasks,
    _enter_task,
    _leave_task,
    _register_task,
    _unregister_task,
)
from collections.abc import Coroutine, Generator
from contextvars import copy_context
from typing import Any

_Coroutine = Coroutine[Any, Any, Any]


class _Finished:
    """The outcome of a coroutine that never waited, to be asked as a Future that is done."""

    __slots__ = ("_error", "_value")

    def __init__(self, value: Any = None, error: BaseException | None = None) -> None:
        self._value = value
        self._error = error

    def done(self) -> bool:
        return True

    def cancelled(self) -> bool:
        return isinstance(self._error, asyncio.CancelledError)

    def exception(self) -> BaseException | None:
        return self._error

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value


class _Spare:
    """A Task that waits at its gate for a coroutine to go on with; until then it is in nobody's ``all_tasks()``."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.context = copy_context()
        self.gate: asyncio.Future[None] = loop.create_future()
        self.is_ready = False
        self.handed: tuple[_Coroutine, Any] | None = None
        self.task: asyncio.Task[Any] = asyncio.Task(_wait_at_gate(self), loop=loop, context=self.context)
        self.task._log_destroy_pending = False  # type: ignore[attr-defined]
        _unregister_task(self.task)
        self._name = self.task.get_name()

    def is_known(self, references: int) -> bool:
        """Whether somebody has kept, watched, named or cancelled the Task, which had as many ``references`` before."""
        task = self.task
        return (
            sys.getrefcount(task) != references + 1
            or weakref.getweakrefcount(task) != 0
            or _callbacks(task) is not None
            or task.cancelling() != 0
            or task.get_name() is not self._name
        )

    def go(self, handed: tuple[_Coroutine, Any] | None) -> None:
        """Open the gate: for a coroutine in the middle of its life or, with None, to come to an end."""
        self.handed = handed
        if handed is not None:
            self.task._log_destroy_pending = True  # type: ignore[attr-defined]
            _register_task(self.task)
        if not self.gate.done():
            self.gate.set_result(None)


_callbacks = operator.attrgetter("_callbacks")


class _Mine(threading.local):
    """The spare of a thread."""

    spare: _Spare | None = None


_mine = _Mine()


def start(coroutine: _Coroutine) -> asyncio.Future[Any]:
    """Run ``coroutine`` up to where it first waits, or to its end; a Task without haste where that cannot be."""
    spare = _mine.spare
    # A thread runs one loop at a time. Asking for the running one, or for the current Task, is a system call in 3.11.
    if spare is None or not spare.loop.is_running() or spare.context != copy_context():
        spare = _mine.spare = _Spare(asyncio.get_running_loop())
    if not spare.is_ready or spare.loop in _current_tasks:
        return spare.loop.create_task(coroutine)
    return _take_first_step(coroutine, spare)


def _take_first_step(coroutine: _Coroutine, spare: _Spare) -> asyncio.Future[Any]:
    loop, task = spare.loop, spare.task
    references = sys.getrefcount(task)
    finished: Any  # as good as a Future, to those who ask whether it is done
    _enter_task(loop, task)
    try:
        awaited = spare.context.run(coroutine.send, None)
    except StopIteration as stop:
        finished = _Finished(stop.value)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        finished = _Finished(error=error)
    else:
        _mine.spare = None
        spare.go((coroutine, awaited))
        return task
    finally:
        _leave_task(loop, task)
    if spare.is_known(references):
        _mine.spare = None
        spare.go(None)
    return finished  # type: ignore[no-any-return]


async def _wait_at_gate(spare: _Spare) -> Any:
    spare.is_ready = True
    cancelled = False
    try:
        await spare.gate
    except asyncio.CancelledError:
        cancelled = True
        if spare.handed is None:
            raise
    if spare.handed is None:
        return None
    return await _go_on(*spare.handed, cancelled)


@types.coroutine
def _go_on(coroutine: _Coroutine, awaited: Any, cancelled: bool) -> Generator[Any, None, Any]:
    """Wait for what the first step awaits, as if this Task had taken that step, and go on. ``cancelled`` while the gate
    was opening: as a Task does, cancel what is awaited, or tell the coroutine."""
    error: BaseException | None = None
    if cancelled and not (awaited is not None and awaited.cancel()):
        error = asyncio.CancelledError()
    while True:
        try:
            if error is not None:
                raise error
            yield awaited
        except BaseException as exc:
            error = None
            try:
                awaited = coroutine.throw(exc)
            except StopIteration as stop:
                return stop.value
        else:
            return (yield from coroutine)
