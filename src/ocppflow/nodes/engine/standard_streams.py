"""The engine on stdin and stdout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
import threading
from typing import Any, Final

from ocppflow.endpoint import Watchdog
from ocppflow.nodes.engine.engine import Engine
from ocppflow.nodes.engine.engine_process import stop_on_signals
from ocppflow.nodes.engine.log_lines import log_to_the_runtime
from ocppflow.nodes.engine.outbox import PIECE
from ocppflow.nodes.engine.runtime import Runtime, RuntimePipe, first_of, leave_no_core

_CHUNK: Final = 2**18
"""Bytes read from a file at a time."""


async def serve_stdio(watchdog: Watchdog) -> None:
    """Serve the runtime on stdin and stdout, until the input ends or a signal comes. Anything else that is printed goes
    to stderr."""
    leave_no_core()
    sys.stdout.flush()
    out = os.dup(1)
    os.dup2(2, 1)
    engine = Engine()
    runtime = Runtime(engine)
    stop = stop_on_signals(watchdog)
    with log_to_the_runtime(engine.outbox, engine.nodes.log_subject):
        writer = await _connect_writer(runtime, out)
        engine.attach(writer, runtime.hold)
        closer = await _connect_reader(runtime)
        await first_of(runtime.gone, stop)
        watchdog.told()
        await engine.detach()
        engine.outbox.put({"op": "bye", "reason": "terminated" if stop.is_set() else "end of input"})
        engine.outbox.flush()
        await runtime.drained()
        engine.outbox.attach(None)
        closer()


async def _connect_writer(runtime: Runtime, fd: int) -> Any:
    """What writes to ``fd``: a transport for a pipe, plain writing for a file."""
    if not _is_pipe(fd):
        return lambda data: _write_all(fd, data)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_write_pipe(lambda: RuntimePipe(runtime), os.fdopen(fd, "wb", 0))
    transport.set_write_buffer_limits(PIECE)
    return transport.write


async def _connect_reader(runtime: Runtime) -> Any:
    loop = asyncio.get_running_loop()
    if _is_pipe(0):
        runtime.reader, _ = await loop.connect_read_pipe(lambda: runtime, os.fdopen(os.dup(0), "rb", 0))
        return runtime.reader.close
    threading.Thread(target=_read_file, args=(loop, runtime), daemon=True).start()
    return lambda: None


def _is_pipe(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _read_file(loop: asyncio.AbstractEventLoop, runtime: Runtime) -> None:
    """Read a file or a terminal, which event loops cannot wait for."""
    with contextlib.suppress(RuntimeError):  # the loop is closed
        while data := os.read(0, _CHUNK):
            loop.call_soon_threadsafe(runtime.data_received, data)
        loop.call_soon_threadsafe(runtime.eof_received)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
