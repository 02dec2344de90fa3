"""What the log of ``ocppflow csms`` costs: the default one against a quiet one, into a file, a pipe and a terminal."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

from benchmarks.contenders import ROOT, Failed, Loading
from benchmarks.load import Job
from benchmarks.measures.throughput import CONNECTIONS
from benchmarks.processes import cores, free_port, pinned
from benchmarks.results import Figure, Measured, Ratio, ratios
from benchmarks.samples import TRANSACTION_EVENT

APP = ROOT / "benchmarks" / "servers" / "typed_app.py"
QUIET = "quiet (--log-level warning)"
LOGS = {
    QUIET: ("file", "--log-level", "warning"),
    "default, to a file": ("file",),
    "default, to a pipe": ("pipe",),
    "default, to a terminal": ("pty",),
    "--json-log, to a file": ("file", "--json-log"),
}
MOST = 1.5
"""Times the processor time of a quiet CSMS: a default is not to be something that has to be found and turned off."""
START_SECONDS = 20.0


def steps(rounds: int) -> int:
    return rounds * len(LOGS)


def measure(seconds: float, rounds: int) -> Iterator[str | Measured]:
    """All are up all the time, and take turns."""
    cpu: dict[str, list[float]] = {name: [] for name in LOGS}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(LoggingCSMS(name, *how)) for name, how in LOGS.items()}
        for turn in range(rounds):
            for name, server in servers.items():
                yield f"log of ocppflow csms, round {turn + 1}: {name}"
                with server.load(TRANSACTION_EVENT.name, seconds) as load:
                    cpu[name].append(load.result()["cpu_us"])
    yield Measured(
        f"ocppflow csms, {TRANSACTION_EVENT.name}: server CPU per message with its log",
        [Figure(name, "µs", values) for name, values in cpu.items()],
        [
            Ratio(f"times the quiet one's: {name}", ratios(cpu[name], cpu[QUIET]), most=MOST)
            for name in LOGS
            if name != QUIET
        ],
    )


class LoggingCSMS:
    """``ocppflow csms`` at work, pinned to the server's core, its log going to ``sink``; ends with the block."""

    def __init__(self, name: str, sink: str, *options: str) -> None:
        self._name = name
        self._port = free_port()
        self._file = tempfile.TemporaryFile() if sink == "file" else None  # noqa: SIM115 - closed by stop()
        command = [sys.executable, "-m", "ocppflow", "csms", "--app", f"{APP}:csms", "--no-auth", *options]
        server_core, self._client_core = cores()
        ours, theirs = (-1, self._file.fileno()) if self._file else pty.openpty() if sink == "pty" else os.pipe()
        with pinned(server_core):
            self._process = subprocess.Popen(
                [*command, "--listen", f"ws://127.0.0.1:{self._port}"], stdout=subprocess.DEVNULL, stderr=theirs
            )
        self._reader: threading.Thread | None = None
        if self._file is None:
            os.close(theirs)
            self._reader = threading.Thread(target=_drain, args=(ours,), daemon=True)
            self._reader.start()
        self._wait()

    def _wait(self) -> None:
        began = time.monotonic()
        while time.monotonic() - began < START_SECONDS:
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self._port)):
                return
            time.sleep(0.05)
        self.stop()
        raise Failed(f"ocppflow csms, {self._name}, did not start")

    def load(self, sample: str, seconds: float, **settings: Any) -> Loading:
        """Start the load generator on this server."""
        job = Job("throughput", self._port, sample, pid=self._process.pid, core=self._client_core, seconds=seconds,
                  connections=CONNECTIONS, **settings)  # fmt: skip
        return Loading(f"ocppflow csms, {self._name}", job)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join(10)
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> LoggingCSMS:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _drain(ours: int) -> None:
    """Read what it logs as fast as it comes, as `tee` or a good terminal does."""
    with suppress(OSError):  # the end of a pseudo-terminal
        while os.read(ours, 65536):
            pass
    os.close(ours)
