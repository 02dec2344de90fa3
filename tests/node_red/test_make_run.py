"""``make run``: Node-RED, the engine and the demo come up together, and go together."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime_process import RUNTIMES, free_port, install

TOOL = Path(__file__).parents[2] / "tools" / "run_node_red.py"
PATIENCE = 60.0
MARK = "OCPPFLOW_TEST_RUN"
"""An environment variable that all processes of a run inherit."""


class Launcher:
    """``tools/run_node_red.py`` at work in ``home``, whose Node-RED has been installed before."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self.csms_port = free_port(), free_port()
        arguments = ["--port", str(self.port), "--csms-port", str(self.csms_port), "--home", str(home)]
        # A shell has what it starts in the background ignore Ctrl-C, these tests too; nobody at a terminal does.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [sys.executable, str(TOOL), *arguments],
            env={**os.environ, MARK: str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()

    def shows(self, *parts: str) -> str:
        """Wait for a line with all parts in it."""

        def found() -> list[str]:
            return [line for line in self.lines if all(part in line for part in parts)]

        with self._news:
            assert self._news.wait_for(found, PATIENCE), f"no line with {parts}:\n" + "\n".join(self.lines)
        return found()[0]

    def left(self) -> list[str]:
        """The command lines of the processes of this run."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if f"{MARK}={self.home}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return [command for command in found if command]  # a process that nobody has waited for yet has none

    def wait_until_none_is_left(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.left():
            assert time.monotonic() < deadline, self.left()
            threading.Event().wait(0.05)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder in which Node-RED is there already, as after the first start."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "node_modules").symlink_to(install("nr5") / "node_modules", target_is_directory=True)
    (runtime / "installed").write_bytes((RUNTIMES / "nr5" / "package-lock.json").read_bytes())
    return tmp_path


@pytest.fixture
def launcher(home: Path) -> Iterator[Launcher]:
    one = Launcher(home)
    yield one
    one.close()


def test_stations_boot_and_charge_without_a_click_and_ctrl_c_ends_everything(launcher: Launcher):
    assert f"http://127.0.0.1:{launcher.port}" in launcher.shows("Node-RED is ready")
    for name in ("CS1", "CS2", "CS3"):
        launcher.shows(f"{name} ──▶ CSMS", "BootNotification")
    launcher.shows("CS1 ──▶ CSMS", "StartTransaction", "kWh")
    for name in ("CS2", "CS3"):
        launcher.shows(f"{name} ──▶ CSMS", "TransactionEvent", "Started")
    assert any("demo_stations.py" in command for command in launcher.left())
    assert launcher.left()
    launcher.process.send_signal(signal.SIGINT)
    assert launcher.process.wait(PATIENCE) == 0
    assert launcher.left() == []
    launcher.shows("everything has stopped")
    assert not [line for line in launcher.lines if "Traceback" in line or "rror" in line]


def test_a_launcher_that_is_killed_takes_node_red_the_engine_and_the_stations_with_it(launcher: Launcher):
    launcher.shows("engine", "is ready")
    launcher.process.kill()
    launcher.process.wait()
    launcher.wait_until_none_is_left()


def refused(home: Path, port: int) -> str:
    """The one line of a launcher that does not start anything."""
    done = subprocess.run(
        [sys.executable, str(TOOL), "--port", str(port), "--home", str(home)],
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def test_a_busy_port_gives_one_clear_line_with_a_free_one(home: Path):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        line = refused(home, port)
    beginning = f"port {port} is in use; take another one: make run PORT="
    assert line.startswith(beginning)
    with socket.create_server(("127.0.0.1", int(line.removeprefix(beginning)))):
        pass


def test_the_port_proposed_for_a_busy_last_one_exists(home: Path):
    with socket.create_server(("127.0.0.1", 65535)):
        line = refused(home, 65535)
    assert 0 < int(line.rpartition("=")[2]) < 65535


@pytest.mark.parametrize("port", [0, -1, 65536, 99999])
def test_a_port_that_cannot_be_is_told(home: Path, port: int):
    assert refused(home, port) == f"there is no port {port}: it must be one from 1 to 65535\n"


def test_a_second_run_leaves_the_first_ones_folder_alone(home: Path, launcher: Launcher):
    launcher.shows("Node-RED is ready")
    flows = (home / "user" / "flows.json").read_bytes()
    port = free_port()
    holder = f"http://127.0.0.1:{launcher.port}, process {launcher.process.pid}"
    assert refused(home, port) == (
        f"{home} is in use by another make run ({holder}); "
        f"for a second one take another folder: make run DIR={home}-2 PORT={port}\n"
    )
    assert (home / "user" / "flows.json").read_bytes() == flows


def test_a_flow_of_ones_own_is_kept(home: Path):
    (home / "user").mkdir()
    (home / "user" / "flows.json").write_text("[]")
    one = Launcher(home)
    try:
        one.shows("keeping your flow")
        one.shows("Node-RED is ready")
        assert (home / "user" / "flows.json").read_text() == "[]"
        assert not [command for command in one.left() if "demo_stations.py" in command]
    finally:
        one.close()
    assert one.left() == []
