"""The engine on stdin and stdout, or on a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import stat
import sys
import threading
from pathlib import Path
from typing import Any, Final

from ocppflow.errors import ConfigurationError
from ocppflow.nodes.engine import Engine
from ocppflow.nodes.engine_lines import HIGH_WATER, LOW_WATER, ErrorLine, LineSplitter, Outbox, encode

_DRAIN_SECONDS: Final = 5.0
_CHUNK: Final = 2**18


class _Runtime(asyncio.Protocol):
    """The runtime at the other end of pipes or a socket: lines in, and pressure both ways."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lines = LineSplitter(engine.line, engine.too_long)
        self._drained = asyncio.Event()
        self._drained.set()
        self.reader: Any = None
        self.gone = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._lines.feed(data)

    def eof_received(self) -> bool:
        self._lines.end()
        self.gone.set()
        return True  # what has to be said of the end can still be said

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()

    def pressed(self, full: bool) -> None:
        """The runtime does not read: neither does the engine then, or the answers would pile up."""
        self.engine.outbox.pressed(full)
        if full:
            self._drained.clear()
            if self.reader is not None:
                self.reader.pause_reading()
        else:
            self._drained.set()
            if self.reader is not None and not self.gone.is_set():
                self.reader.resume_reading()

    def deaf(self) -> None:
        """The runtime will read no more."""
        self.engine.outbox.attach(None)
        self._drained.set()
        self.gone.set()

    async def drained(self) -> None:
        """Return when the runtime has taken nearly all, but do not wait for ever."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._drained.wait(), _DRAIN_SECONDS)


class _Out(asyncio.BaseProtocol):
    """The pipe to the runtime."""

    def __init__(self, runtime: _Runtime) -> None:
        self._runtime = runtime

    def pause_writing(self) -> None:
        self._runtime.pressed(True)

    def resume_writing(self) -> None:
        self._runtime.pressed(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._runtime.deaf()


class _LogLines(logging.Handler):
    """The log as lines to the runtime. While it does not keep up, log lines are dropped, and then counted."""

    def __init__(self, outbox: Outbox, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._outbox = outbox
        self._loop = loop
        self._thread = threading.get_ident()
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        if threading.get_ident() != self._thread:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there any more
                self._loop.call_soon_threadsafe(self.emit, record)
            return
        if self._outbox.is_full:
            self._dropped += 1
            return
        try:
            if self._dropped:
                count, self._dropped = self._dropped, 0
                self._put("warning", f"{count} log lines were dropped while the runtime did not read", record.name)
            line: dict[str, str] = {}
            if record.exc_info:
                line["traceback"] = logging.Formatter().formatException(record.exc_info)
            self._put(record.levelname.lower(), record.getMessage(), record.name, **line)
        except Exception:
            self.handleError(record)

    def _put(self, level: str, text: str, logger: str, **more: str) -> None:
        if self._outbox.is_attached:
            text = text.encode("utf-8", "backslashreplace").decode()
            self._outbox.put({"op": "log", "level": level, "text": text, "logger": logger, **more})
        else:
            print(f"{level}: {text}", file=sys.stderr)


async def serve_stdio() -> None:
    """Serve the runtime on stdin and stdout, until its end or a signal. Whatever else is printed goes to stderr."""
    sys.stdout.flush()
    out = os.dup(1)
    os.dup2(2, 1)
    engine = Engine()
    runtime = _Runtime(engine)
    stop = _stop_on_signals()
    with _logging(engine):
        writer = await _connect_writer(runtime, out)
        engine.outbox.attach(writer)
        engine.attached()
        closer = await _connect_reader(runtime)
        await _first(runtime.gone, stop)
        await engine.detach()
        engine.outbox.put({"op": "bye", "reason": "terminated" if stop.is_set() else "end of input"})
        engine.outbox.flush()
        await runtime.drained()
        engine.outbox.attach(None)
        closer()


async def _connect_writer(runtime: _Runtime, fd: int) -> Any:
    """What writes to ``fd``: a transport for a pipe, plain writing for a file."""
    if not _is_pipe(fd):
        return lambda data: _write_all(fd, data)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_write_pipe(lambda: _Out(runtime), os.fdopen(fd, "wb", 0))
    transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
    return transport.write


async def _connect_reader(runtime: _Runtime) -> Any:
    loop = asyncio.get_running_loop()
    if _is_pipe(0):
        runtime.reader, _ = await loop.connect_read_pipe(lambda: runtime, os.fdopen(os.dup(0), "rb", 0))
        return runtime.reader.close
    threading.Thread(target=_read_file, args=(loop, runtime), daemon=True).start()
    return lambda: None


def _is_pipe(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _read_file(loop: asyncio.AbstractEventLoop, runtime: _Runtime) -> None:
    """Read a file or a terminal, which event loops cannot wait for."""
    with contextlib.suppress(RuntimeError):  # the loop is closed
        while data := os.read(0, _CHUNK):
            loop.call_soon_threadsafe(runtime.data_received, data)
        loop.call_soon_threadsafe(runtime.eof_received)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


async def serve_socket(path: Path) -> None:
    """Serve on a Unix socket, one runtime after the other, until a signal. Raises ConfigurationError if there is
    something at ``path`` already."""
    if _is_taken(path):
        await _make_room(path)
    engine = Engine()
    stop = _stop_on_signals()
    hall = _Hall(engine)
    with _logging(engine):
        loop = asyncio.get_running_loop()
        before = os.umask(0o177)  # the passwords of a whole flow pass here
        try:
            server = await loop.create_unix_server(hall.enter, str(path))
        except OSError as exc:
            raise ConfigurationError(f"cannot listen on {path}: {exc.strerror or exc}") from None
        finally:
            os.umask(before)
        try:
            await _first(stop)
            server.close()
            await hall.close("terminated")
        finally:
            _remove(path)


class _Hall:
    """Lets one runtime in at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runtime: _Runtime | None = None
        self._task: asyncio.Task[None] | None = None

    def enter(self) -> asyncio.Protocol:
        """Who has come: the runtime to be served, or one too many."""
        if self._task is not None and not self._task.done():
            return _OneTooMany()
        runtime = _SocketRuntime(self._engine)
        self._runtime = runtime
        self._task = asyncio.get_running_loop().create_task(self._serve(runtime))
        return runtime

    async def _serve(self, runtime: _SocketRuntime) -> None:
        await runtime.gone.wait()
        await self._leave(runtime, "end of input")

    async def _leave(self, runtime: _SocketRuntime, reason: str) -> None:
        await self._engine.detach()
        self._engine.outbox.put({"op": "bye", "reason": reason})
        self._engine.outbox.flush()
        await runtime.drained()
        self._engine.outbox.attach(None)
        runtime.close()

    async def close(self, reason: str) -> None:
        """The engine stops."""
        if self._task is not None and not self._task.done() and isinstance(self._runtime, _SocketRuntime):
            if not self._runtime.gone.is_set():
                self._task.cancel()
                await self._leave(self._runtime, reason)
            else:
                await self._task


class _SocketRuntime(_Runtime):
    """A runtime at a socket, which is reader and writer in one."""

    def connection_made(self, transport: Any) -> None:
        self.reader = transport
        transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        self.engine.outbox.attach(transport.write)
        self.engine.attached()

    def pause_writing(self) -> None:
        self.pressed(True)

    def resume_writing(self) -> None:
        self.pressed(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.deaf()

    def close(self) -> None:
        """Hang up."""
        self.reader.close()


class _OneTooMany(asyncio.Protocol):
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
        raise ConfigurationError(f"{path} is there already and is no socket; give another --socket")
    return True


async def _make_room(path: Path) -> None:
    """Remove the socket that a dead engine has left. Raises ConfigurationError if a living one serves it."""
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        _remove(path)
        return
    writer.close()
    raise ConfigurationError(f"another engine serves {path}; give another --socket")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _first(*events: asyncio.Event) -> None:
    """Return when the first of ``events`` is set."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


@contextlib.contextmanager
def _logging(engine: Engine) -> Any:
    """Let the log go to the runtime, warnings of other libraries included."""
    handler = _LogLines(engine.outbox, asyncio.get_running_loop())
    root = logging.getLogger()
    before, root.handlers[:] = root.handlers[:], [handler]
    logging.captureWarnings(True)
    root.setLevel(logging.WARNING)
    logging.getLogger("ocppflow").setLevel(logging.INFO)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = before
