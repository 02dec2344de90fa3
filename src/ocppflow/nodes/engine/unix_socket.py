"""The engine on a Unix socket."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

from ocppflow.endpoint import Watchdog
from ocppflow.errors import ConfigurationError
from ocppflow.nodes.engine.engine import Engine
from ocppflow.nodes.engine.engine_process import stop_on_signals
from ocppflow.nodes.engine.log_lines import log_to_the_runtime
from ocppflow.nodes.engine.outbox import PIECE
from ocppflow.nodes.engine.runtime import Runtime, first_of, leave_no_core
from ocppflow.nodes.engine.runtime_lines import ErrorLine, encode


async def serve_socket(path: Path, watchdog: Watchdog) -> None:
    """Serve on a Unix socket, one runtime after the other, until a signal comes. Raises ConfigurationError if ``path``
    is taken."""
    if _is_taken(path):
        await _make_room(path)
    leave_no_core()
    engine = Engine()
    stop = stop_on_signals(watchdog)
    runtimes = _Runtimes(engine)
    with log_to_the_runtime(engine.outbox, engine.nodes.log_subject):
        loop = asyncio.get_running_loop()
        before = os.umask(0o177)  # because all passwords of a flow pass through it
        try:
            server = await loop.create_unix_server(runtimes.enter, str(path))
        except OSError as exc:
            raise ConfigurationError(f"cannot listen on {path}: {exc.strerror or exc}") from None
        finally:
            os.umask(before)
        try:
            await first_of(stop)
            server.close()
            await runtimes.close("terminated")
        finally:
            _remove(path)


class _Runtimes:
    """Lets one runtime in at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runtime: Runtime | None = None
        self._task: asyncio.Task[None] | None = None

    def enter(self) -> asyncio.Protocol:
        """A runtime has connected: serve it, or tell it that another one is being served."""
        if self._task is not None and not self._task.done():
            return _BusyReply()
        runtime = SocketRuntime(self._engine)
        self._runtime = runtime
        self._task = asyncio.get_running_loop().create_task(self._serve(runtime))
        return runtime

    async def _serve(self, runtime: SocketRuntime) -> None:
        await runtime.gone.wait()
        await self._leave(runtime, "end of input")

    async def _leave(self, runtime: SocketRuntime, reason: str) -> None:
        await self._engine.detach()
        self._engine.outbox.put({"op": "bye", "reason": reason})
        self._engine.outbox.flush()
        await runtime.drained()
        self._engine.outbox.attach(None)
        runtime.close()

    async def close(self, reason: str) -> None:
        """The engine stops."""
        if self._task is not None and not self._task.done() and isinstance(self._runtime, SocketRuntime):
            if not self._runtime.gone.is_set():
                self._task.cancel()
                await self._leave(self._runtime, reason)
            else:
                await self._task


class SocketRuntime(Runtime):
    """A runtime at a socket, which both reads and writes."""

    def connection_made(self, transport: Any) -> None:
        self.reader = transport
        transport.set_write_buffer_limits(PIECE)
        self.engine.attach(transport.write, self.hold)

    def pause_writing(self) -> None:
        self.engine.outbox.blocked(True)

    def resume_writing(self) -> None:
        self.engine.outbox.blocked(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.stopped_reading()

    def close(self) -> None:
        """Close the connection."""
        self.reader.close()


class _BusyReply(asyncio.Protocol):
    """A second runtime is told that the engine serves one at a time."""

    def connection_made(self, transport: Any) -> None:
        transport.write(encode(ErrorLine("busy", "another runtime is attached to this engine")) + b"\n")
        transport.close()


def _is_taken(path: Path) -> bool:
    """Whether a socket is there. Raises ConfigurationError for anything else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(mode):
        raise ConfigurationError(f"{path} exists already and is not a socket; give another --socket")
    return True


async def _make_room(path: Path) -> None:
    """Remove the socket that an engine has left behind. Raises ConfigurationError if one is serving it."""
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        _remove(path)
        return
    writer.close()
    raise ConfigurationError(f"another engine serves {path}; give another --socket")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as exc:  # it lies in a shared directory, and is somebody else's
        raise ConfigurationError(f"cannot replace {path}: {exc.strerror or exc}; give another --socket") from None
