"""Work on nodes that takes time, done in the order in which it was requested."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from ocppflow.log_budget import budgeted

log = budgeted("ocppflow.engine")

Job = Callable[[], Coroutine[Any, Any, None]]

EVERYBODY: Final = "*"
"""The name of work on all nodes; no node may be called so."""


class WorkQueue:
    """One job at a time. Only jobs that close nodes run side by side, because each waits for the closing handshakes of
    its peers; everything else waits for them. ``failed(name)`` is called for the node whose job raised."""

    def __init__(self, failed: Callable[[str], object]) -> None:
        self._failed = failed
        self._jobs: deque[tuple[str, Job, bool]] = deque()
        self._closing: set[asyncio.Task[None]] = set()
        self._outstanding: Counter[str] = Counter()
        self._worker: asyncio.Task[None] | None = None

    def put(self, name: str, job: Job, *, closes: bool = False) -> None:
        """Queue a job on the node ``name``."""
        self._jobs.append((name, job, closes))
        self._outstanding[name] += 1
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())

    def holds(self, name: str) -> bool:
        """Whether there is work outstanding that an input of this node has to wait for."""
        return bool(self._outstanding) and bool(self._outstanding[name] or self._outstanding[EVERYBODY])

    async def stop(self) -> None:
        """Finish what has begun, and drop what has not."""
        self._jobs.clear()
        if self._worker is not None and not self._worker.done():
            await asyncio.wait({self._worker})
        if self._closing:
            await asyncio.wait(self._closing)
        self._outstanding.clear()

    async def _work(self) -> None:
        while self._jobs:
            name, job, closes = self._jobs.popleft()
            if closes:
                task = asyncio.get_running_loop().create_task(self._run(name, job))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
                continue
            if self._closing:
                await asyncio.wait(self._closing)
            await self._run(name, job)

    async def _run(self, name: str, job: Job) -> None:
        try:
            await job()
        except Exception:
            log.exception("node %s: the engine failed", name)
            self._failed(name)
        finally:
            self._outstanding[name] -= 1
            if self._outstanding[name] <= 0:
                del self._outstanding[name]
