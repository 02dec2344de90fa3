"""A flow runtime in memory, for the tests of the engine."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from flow_peers import PATIENCE

from ocppflow.nodes.engine.engine import Engine
from ocppflow.nodes.engine.waiting_lines import HIGH_WATER

SECRET = "a-long-password-1"


class Runtime:
    """A flow runtime in memory: says lines to an engine and reads its lines."""

    def __init__(self, *, clock: Any = None, **hello: Any) -> None:
        self.engine = Engine(clock=clock)
        self.lines: list[dict[str, Any]] = []
        self._seen = 0
        self._news = asyncio.Event()
        self.engine.attach(self._heard)
        self.say(op="hello", protocol=1, log="off", **hello)

    def _heard(self, data: bytes) -> None:
        assert data.endswith(b"\n")
        self.lines += [json.loads(line) for line in data.splitlines()]
        self._news.set()

    def stop_reading(self) -> None:
        """From now on the engine's lines wait."""
        self.engine.outbox.blocked(True)

    def fill(self, size: int = HIGH_WATER) -> None:
        """So many bytes of lines wait."""
        assert self.engine.outbox._is_blocked
        self.engine.outbox.put({"op": "filling", "text": "x" * size})

    def read_on(self) -> None:
        """Take all that waits."""
        self.engine.outbox.blocked(False)

    def say(self, **line: Any) -> None:
        self.engine.line(json.dumps(line).encode())

    async def next(self, op: str, **members: Any) -> dict[str, Any]:
        """The next line of this op (and with these members) that has not been looked at; those before it are passed
        over."""
        async with asyncio.timeout(PATIENCE):
            while True:
                while self._seen < len(self.lines):
                    line = self.lines[self._seen]
                    self._seen += 1
                    if line["op"] == op and members.items() <= line.items():
                        return line
                self._news.clear()
                await self._news.wait()

    async def refused(self, data: bytes) -> dict[str, Any]:
        self.engine.line(data)
        return await self.next("error")

    async def csms(self, node: str = "m", **config: Any) -> dict[str, Any]:
        self.create(node, "CSMS", {"port": 0, "host": "127.0.0.1", "path": "/ocpp", **config}, auths())
        return await self.next("created", node=node)

    async def cs(self, port: int, node: str = "s", **config: Any) -> None:
        """A station that is connected."""
        given = {"cbId": "CS1", "csms": {"url": f"ws://127.0.0.1:{port}/ocpp"}, **config}
        self.create(node, "CS", given, {"csms_pw": SECRET})
        while (await self.next("output", node=node))["msg"]["ocpp"].get("websocket") != "ONLINE":
            pass

    def create(self, node: str, kind: str, config: Any, credentials: Any = None, **more: Any) -> None:
        self.say(op="create", node=node, type=kind, config=config, credentials=credentials, **more)

    async def request(self, node: str, command: str) -> dict[str, Any]:
        """The next Request that a node sends on."""
        while True:
            line = await self.next("output", node=node)
            if line["msg"]["ocpp"].get("command") == command and line["msg"]["payload"]["msgType"] == 2:
                return line


def auths() -> dict[str, Any]:
    """The credentials of the CSMS nodes."""
    return {"basic_auths": {"CS1": SECRET, "CS2": SECRET}}
