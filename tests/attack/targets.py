"""What is attacked, each started as a user starts it, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from benchmarks.processes import free_port

from ocppflow import hash_password
from tests.attack.way_in import SECRET, WayIn
from tests.attack.well_behaved import GOOD, NEW
from tests.self_signed import self_signed

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
APPS = HERE / "csms_apps.py"
START_SECONDS = 30.0
EVIL = [f"EVIL-{number}" for number in range(8)]
DESCRIPTORS = 16_384  # for targets that are not to run out of them, as far as this process may allow it


class PortTaken(AssertionError):
    """A target could not start, because another program listens on its port."""


class Target:
    """A process under attack. ``folder`` is its own; its log is in ``log``, what it prints in ``said``."""

    kind = "?"
    grace = 5.0
    """Seconds that it has for closing in order; 5 by default. Peers that never answer make it use all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        self.said = folder / "said"
        self.trace: Path | None = None
        self._stderr_end = -1  # of a pipe, ours
        self.process: subprocess.Popen[bytes]

    @property
    def pids(self) -> list[int]:
        """The processes whose memory counts."""
        return [self.process.pid]

    def logged(self) -> int:
        """Bytes of log so far."""
        return self.log.stat().st_size

    def spawn(self, command: list[str], sink: str, **how: Any) -> None:
        """Start it; its log goes to ``sink``: "file", "pipe" (read by us), "unread" (a pipe nobody reads) or "full" (a
        full disk)."""
        with self.said.open("wb") as said, contextlib.ExitStack() as stack:
            theirs: IO[bytes] | int
            if sink == "file":
                theirs = stack.enter_context(self.log.open("wb"))
            elif sink == "full":
                self.log.touch()
                theirs = stack.enter_context(Path("/dev/full").open("wb"))
            else:
                self.log.touch()
                self._stderr_end, theirs = os.pipe()
                stack.callback(os.close, theirs)
            how.setdefault("stdin", subprocess.DEVNULL)
            how.setdefault("stdout", said)
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=theirs, **how)
        if sink == "pipe":
            threading.Thread(target=self._drain, args=(self._stderr_end,), daemon=True).start()
            self._stderr_end = -1

    def _drain(self, end: int) -> None:
        with self.log.open("wb", buffering=0) as file:
            while data := os.read(end, 65536):
                file.write(data)
        os.close(end)

    def wait_until_ready(self, is_ready: Callable[[], bool]) -> None:
        """Raises AssertionError if it is not in time, or has ended."""
        until = time.monotonic() + START_SECONDS
        while not is_ready():
            text = self.log.read_text(errors="replace")[-2000:]
            if self.process.poll() is not None:
                kind = PortTaken if "cannot listen" in text else AssertionError
                raise kind(f"{self.kind} ended with code {self.process.returncode}: {text}")
            assert time.monotonic() < until, f"{self.kind} did not start: {text}"
            time.sleep(0.02)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def remove(self) -> None:
        """Whatever state it is in, it is gone then."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._stderr_end >= 0:
            os.close(self._stderr_end)
            self._stderr_end = -1


@dataclass(frozen=True, slots=True)
class Setting:
    """How ``ocppflow csms`` is started. ``log`` as in :meth:`Target.spawn`, ``trace`` "", "file" or "full"."""

    log: str = "file"
    trace: str = ""
    tls: bool = False
    passwords: bool = False
    app: str = "csms"
    uvloop: bool = True
    descriptors: int = DESCRIPTORS
    grace: float = 0.5  # of the app: five seconds for each trial would be too many
    flags: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        parts = [f"log to {'a ' if self.log != 'full' else ''}{_LOGS[self.log]}"]
        parts += ["trace" if self.trace == "file" else "trace to a full disk"] if self.trace else []
        parts += ["TLS"] if self.tls else []
        parts += ["passwords"] if self.passwords else []
        parts += [] if self.uvloop else ["asyncio's loop"]
        parts += [f"{self.descriptors} descriptors"] if self.descriptors != DESCRIPTORS else []
        return ", ".join(parts)


_LOGS = {"file": "file", "pipe": "pipe", "unread": "pipe nobody reads", "full": "a full disk"}


class CSMSTarget(Target):
    """``ocppflow csms --app ...``."""

    kind = "ocppflow csms"

    def __init__(self, folder: Path, setting: Setting) -> None:
        super().__init__(folder)
        port = free_port()
        self.way = WayIn(port, password=SECRET if setting.passwords else "")
        command = [sys.executable, "-m", "ocppflow", "csms", "--app", f"{APPS}:{setting.app}"]
        if setting.tls:
            cert = self_signed(folder)
            self.way = WayIn(port, ca=str(cert), password=self.way.password)
            command += ["--tls-cert", str(cert)]
        command += ["--listen", f"{'wss' if setting.tls else 'ws'}://127.0.0.1:{port}/ocpp"]
        command += ["--auth", str(_passwords(folder))] if setting.passwords else ["--no-auth"]
        if setting.trace:
            self.trace = folder / "trace.jsonl" if setting.trace == "file" else None
            command += ["--trace", str(self.trace or "/dev/full")]
        command += setting.flags
        self.grace = setting.grace
        env = {**os.environ, "ATTACK_GRACE": str(setting.grace)}
        if not setting.uvloop:
            env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE / "without_uvloop"), env.get("PYTHONPATH")]))
        self.spawn(command, setting.log, env=env, preexec_fn=_descriptors(setting.descriptors))
        try:
            self.wait_until_ready(lambda: listens(port))
        except AssertionError:
            self.remove()
            raise


def listens(port: int) -> bool:
    """Whether a port of this machine's listens; nobody connects to it for that."""
    wanted = f"0100007F:{port:04X}"
    with Path("/proc/net/tcp").open() as table:
        return any(fields[1] == wanted and fields[3] == "0A" for fields in map(str.split, table))


def _descriptors(count: int) -> Callable[[], None]:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _passwords(folder: Path) -> Path:
    """The file for ``--auth``: the password of every station that comes, hashed as ``hash-password`` does."""
    file = folder / "stations.toml"
    hashed = hash_password(SECRET)
    lines = [f'"{identity}" = "{hashed}"' for identity in [GOOD, *NEW, *EVIL]]
    file.write_text("\n".join(["[stations]", *lines, ""]))
    return file


class StationTarget(Target):
    """A program with two ChargingStations; the CSMS of one is hostile, and listens on ``evil_port``."""

    kind = "ChargingStation"
    grace = 1.0

    def __init__(self, folder: Path, good_port: int) -> None:
        super().__init__(folder)
        self.evil_port = free_port()
        urls = [f"ws://127.0.0.1:{port}/ocpp" for port in (self.evil_port, good_port)]
        self.spawn([sys.executable, "-m", "tests.attack.station_app", *urls], "file")
