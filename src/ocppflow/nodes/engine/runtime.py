"""The flow runtime at the other end of two pipes or of a socket."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from ocppflow.nodes.engine.engine import Engine
from ocppflow.nodes.engine.line_splitter import LineSplitter

_DRAIN_SECONDS: Final = 0.5
"""How long the engine waits, when it ends, for a runtime that does not read. Closing handshakes have taken up to 3 s by
then (``node.GOODBYE``), and container runtimes kill what has not ended after 10 s, some after 5."""


class Runtime(asyncio.Protocol):
    """The runtime at the other end of pipes or a socket: lines in, and pressure both ways."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lines = LineSplitter(engine.line, engine.too_long)
        self._has_ended = False
        self.reader: Any = None
        self.gone = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._lines.feed(data)

    def eof_received(self) -> bool:
        self._lines.end()
        self._has_ended = True
        self._look_for_the_end()
        return True  # so that the last lines can still be sent

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()

    def hold(self, full: bool) -> None:
        """While the runtime does not read, the engine does not read either."""
        if self.reader is not None and not self.gone.is_set():
            (self.reader.pause_reading if full else self.reader.resume_reading)()
        self._lines.hold(full)
        self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        if self._has_ended and self._lines.is_empty:
            self.gone.set()

    def stopped_reading(self) -> None:
        """The runtime will read no more."""
        self.engine.outbox.attach(None)
        self.gone.set()

    async def drained(self) -> None:
        """Wait until the runtime has read nearly everything, for ``_DRAIN_SECONDS`` at most."""
        await self.engine.outbox.drained(_DRAIN_SECONDS)


class RuntimePipe(asyncio.BaseProtocol):
    """The pipe to the runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def pause_writing(self) -> None:
        self._runtime.engine.outbox.blocked(True)

    def resume_writing(self) -> None:
        self._runtime.engine.outbox.blocked(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._runtime.stopped_reading()


def leave_no_core() -> None:
    """A crash leaves no core file: it would hold the passwords of all nodes."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # there is none on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


async def first_of(*events: asyncio.Event) -> None:
    """Return when the first of ``events`` is set."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
