"""A tab of a running Node-RED, as a test sees it: deployed over the admin API, driven and read by probes."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

from runtime_process import NodeRed, free_port

PATIENCE = 15.0
CONFIGS = {"target-csms", "ocppflow-engine", "tls-config"}
SECRET = "a-long-password-1"


class Tab:
    """Nodes by short names. ``heard[name]`` is what the probe of that name has received; ``status`` (all nodes of the
    tab), ``caught`` (its catch node) and ``completed`` (see ``watch_done``) are there by themselves."""

    def __init__(self, red: NodeRed) -> None:
        self.red = red
        self.id = ""
        self.key = f"t{uuid.uuid4().hex[:10]}"
        self.nodes: dict[str, dict[str, Any]] = {}
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self._names: dict[str, str] = {}
        self._news = asyncio.Condition()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._reader: asyncio.Task[None] | None = None
        for kind, probe in (("status", "status"), ("catch", "caught")):
            self.add(f"{kind}-of-all", kind, wires=[[probe]], scope=None)
            self.probe(probe)

    # --- drawing -------------------------------------------------------------------------------------------------

    def add(self, name: str, kind: str, *, wires: list[list[str]] | None = None, **properties: Any) -> str:
        """Draw a node; returns its id."""
        self.nodes[name] = {"type": kind, "name": name, "wires": wires or [], **properties}
        return self.id_of(name)

    def id_of(self, name: str) -> str:
        """The id of the node called ``name``."""
        return f"{self.key}.{name}"

    def probe(self, name: str) -> None:
        """A node that hears."""
        self.add(name, "probe")

    def source(self, name: str, to: str) -> None:
        """A node that says what the test wants."""
        self.add(name, "probe-source", wires=[[to]])

    def csms(self, name: str = "csms", *, passwords: Any = None, port: int | None = None, **config: Any) -> int:
        """A CSMS node with probes ``all``, ``link``, ``log`` (with the node's name before them unless it is "csms"),
        and the source ``in``. Returns its port."""
        port = port or free_port()
        given = {"port": str(port), "host": "127.0.0.1", "path": "/ocpp", "ocpp_logging": False, **config}
        secrets = {"CS1": SECRET} if passwords is None else passwords
        if secrets:
            given["credentials"] = {"basic_auths": json.dumps(secrets)}
        self._with_probes(name, "" if name == "csms" else f"{name}-", "CSMS", given)
        return port

    def cs(self, url: str, name: str = "cs", *, password: str | None = SECRET, **config: Any) -> None:
        """A CS node with probes ``cs-all``, ``cs-link``, ``cs-log``, and the source ``cs-in``."""
        self.add(f"{name}-target", "target-csms", url=url)
        given = {"cbId": "CS1", "csms": self.id_of(f"{name}-target"), "auto_connect": True, "ws_rt_minimum": "1",
                 "ws_rt_repeat": "1", "ws_rt_rnd_range": "0", **config}  # fmt: skip
        if password:
            given["credentials"] = {"csms_pw": password}
        self._with_probes(name, f"{name}-", "CS", given)

    def _with_probes(self, name: str, prefix: str, kind: str, config: dict[str, Any]) -> None:
        outputs = 3 if config.get("ocpp_logging") else 2
        ports = [f"{prefix}{port}" for port in ("all", "link", "log")][:outputs]
        for port in ports:
            if port not in self.nodes:
                self.probe(port)
        wires = config.pop("wires", None) or [[port] for port in ports]
        self.add(name, kind, wires=wires, outputs=outputs, **config)
        self.source(f"{prefix}in", name)

    def watch_done(self, *names: str) -> None:
        """``completed`` hears of every ``done()`` of these nodes."""
        self.probe("completed")
        self.add("complete-of-some", "complete", wires=[["completed"]], scope=[self.id_of(name) for name in names])

    # --- deploying -----------------------------------------------------------------------------------------------

    def body(self) -> dict[str, Any]:
        """What the admin API takes."""
        nodes, configs = [], []
        for place, (name, node) in enumerate(self.nodes.items()):
            made = {**node, "id": self.id_of(name)}
            made["wires"] = [[self.id_of(each) for each in port] for port in node["wires"]]
            if node["type"] in CONFIGS:
                made.pop("wires")
                configs.append(made)
            else:
                nodes.append({**made, "x": 100 + place, "y": 40 * place + 40})
        return {"label": self.key, "nodes": nodes, "configs": configs}

    async def deploy(self) -> None:
        """Add the tab, or deploy its new state; other tabs are left alone."""
        self._names = {self.id_of(name): name for name in self.nodes}
        if self._reader is None:
            self._read_from, self._write_to = await asyncio.open_connection(
                "127.0.0.1", self.red.probe_port, limit=2**24
            )
            self._reader = asyncio.create_task(self._read())
        if self.id:
            await asyncio.to_thread(self.red.admin, "PUT", f"/flow/{self.id}", {"id": self.id, **self.body()})
        else:
            self.id = (await asyncio.to_thread(self.red.admin, "POST", "/flow", self.body()))["id"]

    async def remove(self) -> None:
        """Delete the tab."""
        if self.id:
            await asyncio.to_thread(self.red.admin, "DELETE", f"/flow/{self.id}")
            self.id = ""

    async def deploy_all(self, kind: str, change: Callable[[list[dict[str, Any]]], None] = lambda flows: None) -> None:
        """Deploy everything there is: ``full``, ``nodes``, ``flows`` or ``reload``, after ``change``."""
        flows = await asyncio.to_thread(self.red.admin, "GET", "/flows")
        change(flows)
        await asyncio.to_thread(self.red.admin, "POST", "/flows", flows, Node_RED_Deployment_Type=kind)

    async def close(self) -> None:
        """Clean up."""
        try:
            await self.remove()
        finally:
            if self._reader is not None:
                self._reader.cancel()
                self._write_to.close()
                await asyncio.wait({self._reader})

    # --- talking -------------------------------------------------------------------------------------------------

    def inject(self, source: str, msg: dict[str, Any], **how: Any) -> None:
        """Let a source send ``msg``."""
        self._write_to.write(json.dumps({"inject": self.id_of(source), "msg": msg, **how}).encode() + b"\n")

    async def usage(self) -> dict[str, Any]:
        """CPU (microseconds) and memory of Node-RED."""
        self._write_to.write(b'{"cpu": true}\n')
        return await asyncio.wait_for(self._answers.get(), PATIENCE)

    async def _read(self) -> None:
        while line := await self._read_from.readline():
            told = json.loads(line)
            if "cpu" in told:
                self._answers.put_nowait(told)
                continue
            name = self._names.get(told["node"])
            if name is not None:
                async with self._news:
                    self.heard.setdefault(name, []).append(told["msg"])
                    self._news.notify_all()

    async def until(self, ready: Callable[[], Any], what: str = "", seconds: float = PATIENCE) -> Any:
        """Wait until ``ready()`` is something; returns it."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: bool(ready()))
        except TimeoutError:
            raise AssertionError(
                f"waited in vain for {what}\n{json.dumps(self.heard)[:6000]}\n{self.red.log[-3000:]}"
            ) from None
        return ready()

    async def next(
        self,
        probe: str,
        matching: Callable[[dict[str, Any]], Any] = lambda msg: True,
        seconds: float = PATIENCE,
    ) -> dict[str, Any]:
        """Take the first msg of a probe that matches, and those before it, out of ``heard``."""

        def place() -> int | None:
            return next((i for i, msg in enumerate(self.heard.get(probe, [])) if matching(msg)), None)

        await self.until(lambda: place() is not None, f"a msg at {probe}", seconds)
        found = place()
        assert found is not None
        msgs = self.heard[probe]
        self.heard[probe] = msgs[found + 1 :]
        return msgs[found]

    async def message(self, probe: str) -> dict[str, Any]:
        """The next msg that is no connection event."""
        return await self.next(probe, lambda msg: "websocket" not in msg.get("ocpp", {}))

    async def status(self, name: str, text: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until the node called ``name`` shows ``text``; returns fill, shape, text."""
        source = self.id_of(name)

        def shows(msg: dict[str, Any]) -> bool:
            return msg["status"]["source"]["id"] == source and text in msg["status"].get("text", "")

        msg = await self.next("status", shows, seconds)
        return {key: msg["status"][key] for key in ("fill", "shape", "text")}

    async def error(self) -> dict[str, Any]:
        """The next msg that the catch node got."""
        return await self.next("caught")
