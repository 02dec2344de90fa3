"""The engine behind pipes, with a runtime that is ours, and a real Node-RED."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.attack.targets import EVIL, ROOT, Target
from tests.attack.way_in import SECRET, WayIn
from tests.attack.well_behaved import GOOD, NEW

PASSWORDS = dict.fromkeys([GOOD, *NEW, *EVIL], SECRET)
_ANSWERS: dict[str, Any] = {
    "Heartbeat": {"currentTime": "2026-01-01T00:00:00Z"},
    "TransactionEvent": {},
    "ClearCache": {"status": "Accepted"},
}


class EngineTarget(Target):
    """``ocppflow engine`` on pipes. The runtime answers Requests; a ``deaf`` one reads nothing after the beginning."""

    kind = "ocppflow engine"

    def __init__(self, folder: Path, *, deaf: bool) -> None:
        super().__init__(folder)
        self._deaf = deaf
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.spawn([sys.executable, "-m", "ocppflow", "engine"], "file", **pipes)
        self._hear("hello")
        self._say({"op": "hello", "protocol": 1})

    def csms(self) -> WayIn:
        """Create a CSMS node."""
        config = {"port": 0, "host": "127.0.0.1", "path": "/ocpp"}
        created = self._create("m", "CSMS", config, {"basic_auths": PASSWORDS})
        return WayIn(created["port"], password=SECRET)

    def cs(self, name: str, port: int) -> None:
        """Create a CS node with a CSMS on that port."""
        config = {"cbId": name, "csms": {"url": f"ws://127.0.0.1:{port}/ocpp"}, "auto_connect": True}
        config |= {"ws_rt_minimum": "0", "ws_rt_repeat": "0", "ws_rt_rnd_range": "0"}
        self._create(name, "CS", config, {})

    def serve(self) -> None:
        """From now on the runtime answers; unless it is deaf."""
        if not self._deaf:
            threading.Thread(target=self._answer, daemon=True).start()

    def _create(self, node: str, kind: str, config: dict[str, Any], credentials: dict[str, Any]) -> dict[str, Any]:
        self._say({"op": "create", "node": node, "type": kind, "config": config, "credentials": credentials})
        return self._hear("created")

    def _say(self, line: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(line).encode() + b"\n")
        self.process.stdin.flush()

    def _hear(self, op: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            told: dict[str, Any] = json.loads(line)
            assert told["op"] != "error", told
            if told["op"] == op:
                return told
        raise AssertionError(f"the engine ended before it said {op}: {self.log.read_text()[-2000:]}")

    def _answer(self) -> None:
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                if not line.startswith(b'{"op":"output"'):
                    continue
                told = json.loads(line)
                payload = told["msg"].get("payload")
                if isinstance(payload, dict) and payload.get("msgType") == 2:
                    payload |= {"msgType": 3, "data": _ANSWERS.get(payload["command"], {"status": "Accepted"})}
                    self._say({"op": "input", "node": told["node"], "msg": told["msg"]})
        except (OSError, ValueError):
            pass  # it has ended

    def remove(self) -> None:
        super().remove()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class NodeRedTarget(Target):
    """A real Node-RED 5 whose flow answers everything that comes to its CSMS node."""

    kind = "Node-RED"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        nodes = str(ROOT / "tests" / "node_red")
        if nodes not in sys.path:
            sys.path.insert(0, nodes)
        from runtime_process import NodeRed

        home = (folder / "node-red").absolute()
        home.mkdir()
        self.red = NodeRed("nr5", home)
        self.process = self.red._process
        self.said.touch()
        self.log.touch()

    async def csms(self) -> WayIn:
        """Deploy a tab with a CSMS node and a function that answers."""
        from runtime_flow import Tab

        self._tab = Tab(self.red)
        self._tab.add("answers", "function", func=_FUNCTION, wires=[["csms"]])
        port = self._tab.csms(wires=[["answers"], []], passwords=PASSWORDS)
        await self._tab.deploy()
        await self._tab.status("csms", "(0)")
        return WayIn(port, password=SECRET)

    @property
    def pids(self) -> list[int]:
        """Node-RED and the engine."""
        return [self.process.pid, self.red.engine_pid()]

    def logged(self) -> int:
        return len(self.red.log)

    def remove(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.write_text(self.red.log)


_FUNCTION = f"""
    if (!msg.payload || msg.payload.msgType !== 2) return null
    msg.payload.msgType = 3
    msg.payload.data = ({json.dumps(_ANSWERS)})[msg.payload.command] || {{ status: 'Accepted' }}
    return msg
"""
