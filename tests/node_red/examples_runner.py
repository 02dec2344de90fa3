"""An example flow of the package in a running Node-RED: imported as it is but for its ports, its buttons pressed, its
debug sidebar and its statuses read."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runtime_process import PACKAGE, NodeRed, free_port
from websockets.asyncio.client import connect

EXAMPLES = PACKAGE / "examples"
PATIENCE = 20.0
PORT = re.compile(r"\b91\d\d\b")
"""The examples' own ports, which may be taken on this machine."""


def example_file(number: str) -> Path:
    """The file of an example by the number that its name begins with."""
    (file,) = EXAMPLES.glob(f"{number} - *.json")
    return file


class Example:
    """``shown`` is what the debug sidebar has got: (name of the debug node, what it shows). ``status`` has the latest
    status of each node by name. At the end there must be nothing in the log, and nothing that a *catch* node has shown,
    but what is ``tolerated``."""

    def __init__(self, red: NodeRed, number: str, *, tolerated: str | None = None, **faster: str) -> None:
        """``tolerated``: part of the warnings that belong to the example. ``faster``: constants in the flow's
        functions, by name, with the values that a test has time for."""
        self._red = red
        self._tolerated = tolerated
        text = example_file(number).read_text(encoding="utf-8")
        for name, value in faster.items():
            text, count = re.subn(rf"\b{name} = \d+", f"{name} = {value}", text)
            assert count == 1, f"there is no {name} in example {number}"
        self.ports = {port: free_port() for port in sorted(set(PORT.findall(text)))}
        self._flow = json.loads(PORT.sub(lambda found: str(self.ports[found.group()]), text))
        self.shown: list[tuple[str, Any]] = []
        self.status: dict[str, str] = {}
        self._names = {node["id"]: node.get("name", "") for node in self._flow}
        catchers = [node for node in self._flow if node["type"] == "catch"]
        caught = {ident for node in catchers for wires in node["wires"] for ident in wires}
        self._faults = {node["name"] for node in self._flow if node["type"] == "debug" and node["id"] in caught}
        self._news = asyncio.Condition()
        self._id = ""

    def add_questions(self) -> dict[str, str]:
        """Give each CSMS and CS a button that asks it for its state by a Command Message, and a debug node that shows
        its first output. To be called before the flow is imported. Returns the names: of the node, and of both."""
        names = {}
        for node in [each for each in self._flow if each["type"] in ("CSMS", "CS")]:
            name = names[node["name"]] = f"ask {node['name']}"
            common = {"name": name, "z": node["z"], "x": node["x"], "y": node["y"] + 1000}
            payload = json.dumps({"msgType": 99, "command": "connections" if node["type"] == "CSMS" else "status"})
            button, shower = f"{node['id']}a", f"{node['id']}b"
            self._flow += [
                {**common, "id": button, "type": "inject", "props": [{"p": "payload"}], "payload": payload,
                 "payloadType": "json", "repeat": "", "once": False, "wires": [[node["id"]]]},
                {**common, "id": shower, "type": "debug", "active": True, "tosidebar": True, "complete": "payload",
                 "targetType": "msg", "wires": []},
            ]  # fmt: skip
            node["wires"][0].append(shower)
            self._names[shower] = name
        return names

    async def __aenter__(self) -> Example:
        self._log_from = self._red.log_size
        self._socket = await connect(f"ws://127.0.0.1:{self._red.port}/comms")
        for topic in ("debug", "status/#"):
            await self._socket.send(json.dumps({"subscribe": topic}))
        self._reader = asyncio.create_task(self._read())
        tab, *nodes = self._flow
        body = {
            "label": tab["label"],
            "nodes": [node for node in nodes if "x" in node],
            "configs": [node for node in nodes if "x" not in node],
        }
        self._id = (await asyncio.to_thread(self._red.admin, "POST", "/flow", body))["id"]
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        complaints = self._complaints()
        await asyncio.to_thread(self._red.admin, "DELETE", f"/flow/{self._id}")
        self._reader.cancel()
        await asyncio.wait({self._reader})
        await self._socket.close()
        assert kind is not None or not complaints, complaints

    async def _read(self) -> None:
        async for text in self._socket:
            for event in json.loads(text):
                async with self._news:
                    self._take(event.get("topic", ""), event.get("data"))
                    self._news.notify_all()

    def _take(self, topic: str, data: Any) -> None:
        if topic == "debug" and data.get("id") in self._names:
            is_json = data.get("format", "").startswith(("Object", "array"))
            self.shown.append((self._names[data["id"]], json.loads(data["msg"]) if is_json else data["msg"]))
        elif topic.startswith("status/"):
            self.status[self._names.get(topic.removeprefix("status/"), "")] = data.get("text", "")

    async def press(self, button: str) -> None:
        """Click the button of an inject node."""
        (ident,) = (node["id"] for node in self._flow if node["type"] == "inject" and node["name"] == button)
        await asyncio.to_thread(self._red.admin, "POST", f"/inject/{ident}")

    async def until(self, ready: Callable[[], Any], what: str) -> Any:
        """Wait until ``ready()`` is something; returns it."""
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(lambda: bool(ready()))
        except TimeoutError:
            seen = "\n".join(map(str, self.shown))
            raise AssertionError(f"waited in vain for {what}\n{seen}\n{self.status}\n{self._red.log[-2000:]}") from None
        return ready()

    async def shows(self, name: str, *parts: str) -> Any:
        """Wait until the debug node called ``name`` shows something with all ``parts`` in it, which is returned."""

        def found() -> list[Any]:
            return [value for who, value in self.shown if who == name and all(part in str(value) for part in parts)]

        return (await self.until(found, f"{name!r} to show {parts}"))[0]

    def _complaints(self) -> list[str]:
        """Warnings and errors in Node-RED's log since the flow was imported, and what its *catch* nodes have shown."""
        lines = self._red.log.splitlines()[self._log_from :]
        found = [line for line in lines if "[warn]" in line or "[error]" in line]
        found += [f"{who}: {value}" for who, value in self.shown if who in self._faults]
        return [each for each in found if self._tolerated is None or self._tolerated not in each]
