"""Threads that nobody waits for when the program ends."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Job:
    __slots__ = ("future", "work")

    def __init__(self, future: Future[Any], work: Callable[[], Any]) -> None:
        self.future = future
        self.work = work

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.work()
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class DaemonThreads(ThreadPoolExecutor):
    """A ThreadPoolExecutor (event loops take no other) whose threads are daemons: the interpreter waits at its exit for
    those of ThreadPoolExecutor, however long one is at work, and so a program could not end.

    ``begin`` is called in each thread first. :meth:`shutdown` may be given the seconds that it may take.
    """

    def __init__(self, most: int, name: str, begin: Callable[[], object] | None = None) -> None:
        super().__init__(most, thread_name_prefix=name)
        self._most = most
        self._name = name
        self._begin = begin
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._daemons: list[threading.Thread] = []
        self._guard = threading.Lock()
        self._is_over = False

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """As of ThreadPoolExecutor."""
        future: Future[_T] = Future()
        with self._guard:
            if self._is_over:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._jobs.put(_Job(future, lambda: fn(*args, **kwargs)))
            if not self._idle.acquire(blocking=False) and len(self._daemons) < self._most:
                name = f"{self._name}_{len(self._daemons)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._daemons.append(thread)
                thread.start()
        return future

    def _work(self) -> None:
        if self._begin is not None:
            self._begin()
        while (job := self._jobs.get()) is not None:
            job.run()
            del job  # or what it refers to would live until the next one
            self._idle.release()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False, seconds: float | None = None) -> None:
        """As of ThreadPoolExecutor; it waits for ``seconds`` at most, if that is given."""
        with self._guard:
            begun, self._is_over = self._is_over, True
            if cancel_futures:
                self._cancel_all()
            if not begun:
                for _ in self._daemons:
                    self._jobs.put(None)
        if not wait:
            return
        until = None if seconds is None else time.monotonic() + seconds
        for thread in self._daemons:
            thread.join(None if until is None else max(until - time.monotonic(), 0.0))

    @property
    def at_work(self) -> list[threading.Thread]:
        """The threads that have not ended."""
        return [thread for thread in self._daemons if thread.is_alive()]

    def _cancel_all(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                job.future.cancel()
