"""Nobody reads what a command writes: its streams are closed, their disk is full, or their reader has stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

OCPPFLOW = f"{sys.executable} -m ocppflow"
APP = Path(__file__).parents[3] / "examples" / "csms_minimal.py"

pytestmark = pytest.mark.slow


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def served(port: int, options: str, *, stderr: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    url = f"ws://127.0.0.1:{port}/ocpp"
    command = f"exec {OCPPFLOW} csms --app {APP}:csms --no-auth --listen {url} {options}"
    with subprocess.Popen(["bash", "-c", command], stderr=stderr) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
                    break
                time.sleep(0.05)
            yield process
        finally:
            process.kill()


def call(port: int) -> subprocess.CompletedProcess[str]:
    command = f"{OCPPFLOW} call ws://127.0.0.1:{port}/ocpp/CS1 Heartbeat"
    return subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("log", ["", "--json-log"])
@pytest.mark.parametrize("streams", ["2>&-", ">&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full 2>/dev/full"])
def test_a_csms_serves_and_stops_in_order(port: int, streams: str, log: str) -> None:
    with served(port, f"{log} {streams}") as process:
        assert "currentTime" in call(port).stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize("log", ["", "--json-log"])
def test_a_csms_whose_log_nobody_reads_serves_and_stops_in_order(port: int, log: str) -> None:
    reading, writing = os.pipe()
    with contextlib.suppress(BlockingIOError):  # the pipe is full before it begins
        os.set_blocking(writing, False)
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    with served(port, log, stderr=writing) as process:
        os.close(writing)
        assert "currentTime" in call(port).stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    os.close(reading)


@pytest.mark.parametrize(
    ("words", "streams", "code"),
    [
        ("version", ">&-", 0),
        ("version", "2>&-", 0),
        ("version", ">/dev/full", 2),
        ("call ws://127.0.0.1:1/ocpp/CS1 Heartbeat", ">&-", 2),
        ("call ws://127.0.0.1:1/ocpp/CS1 Heartbeat", "2>&-", 2),
        ("call ws://127.0.0.1:1/ocpp/CS1 Heartbeat", "2>/dev/full", 2),
        ("call ws://127.0.0.1:1/ocpp/CS1 Heartbeat", "<&- >&- 2>&-", 2),
        ("--nonsense", "2>/dev/full", 2),
        ("trace /nowhere", "2>&-", 2),
    ],
)
def test_the_exit_code_says_what_nobody_can_read(words: str, streams: str, code: int) -> None:
    command = f"{OCPPFLOW} {words} {streams}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr
