"""The commands as a user sees them: arguments in; exit code, stdout and stderr out."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from cli_world import Result

from ocppflow import CSMS
from ocppflow.cli.app import run
from ocppflow.trace import TraceRecord, to_line
from ocppflow.transport.tls import ServerTLS


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Runs a command in this process. The log, which a command sets up for its whole process, is put back."""
    monkeypatch.delenv("OCPPFLOW_PASSWORD", raising=False)
    root, own = logging.getLogger(), logging.getLogger("ocppflow")
    before = (list(root.handlers), root.level, list(own.handlers), own.level, own.propagate)

    def command(*arguments: object) -> Result:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Result(code, *capsys.readouterr())

    yield command
    root.handlers[:], own.handlers[:] = before[0], before[2]
    root.setLevel(before[1])
    own.setLevel(before[3])
    own.propagate = before[4]


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a CSMS in another thread, on a free port; returns the URL without identity."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    served: list[CSMS] = []

    def start(csms: CSMS, tls: ServerTLS | None = None) -> str:
        async def listen() -> str:
            csms.grace = None
            listener = csms.listen(f"{'wss' if tls else 'ws'}://127.0.0.1:0/ocpp", tls=tls)
            await listener.start()
            served.append(csms)
            return listener.url

        return asyncio.run_coroutine_threadsafe(listen(), loop).result(10)

    yield start
    for csms in served:
        asyncio.run_coroutine_threadsafe(csms.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def app_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes an app into a file of its own and returns its path."""

    def write(text: str, name: str = "shop.py") -> Path:
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


@pytest.fixture
def trace_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes records, and bytes after them, into a trace file and returns its path."""

    def write(records: Iterable[TraceRecord], extra: bytes = b"") -> Path:
        file = tmp_path / "t.jsonl"
        file.write_bytes(b"".join(map(to_line, records)) + extra)
        return file

    return write
