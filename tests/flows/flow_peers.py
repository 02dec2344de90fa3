"""What the tests of the nodes talk with: a flow that remembers what a node sends it, and the peer at the other end of
the wire, who says whatever a test wants."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import Any

import pytest

from ocppflow.messages import Version
from ocppflow.nodes import BadInput, CSMSNode, CSNode
from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.memory import MemoryLink, memory_pair

PATIENCE = 5.0  # seconds after which a test that waits has failed

BOOT = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
BOOT_ACCEPTED = {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": "Accepted"}
BEAT = {"currentTime": "2026-01-01T00:00:00Z"}
RESET = {"type": "Immediate"}


class Flow:
    """What a node has sent and shown: ``out`` as (port, copy of the msg), ``sent`` the msgs themselves."""

    def __init__(self) -> None:
        self.out: list[tuple[int, dict[str, Any]]] = []
        self.sent: list[dict[str, Any]] = []
        self.statuses: list[tuple[str, str, str]] = []
        self.order: list[str] = []
        self._news = asyncio.Event()

    def send(self, port: int, msg: dict[str, Any]) -> None:
        self.out.append((port, copy.copy(msg)))
        self.sent.append(msg)
        self.order.append(f"port {port}")
        self._news.set()

    def status(self, fill: str, shape: str, text: str) -> None:
        self.statuses.append((fill, shape, text))
        self.order.append(f"status {text}")
        self._news.set()

    def port(self, number: int) -> list[dict[str, Any]]:
        return [msg for port, msg in self.out if port == number]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What came on port 1, connection events aside."""
        return [msg for msg in self.port(1) if "websocket" not in msg.get("ocpp", {})]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [msg for msg in self.port(1) if "websocket" in msg.get("ocpp", {})]

    @property
    def states(self) -> list[str]:
        return [event["ocpp"]["websocket"] for event in self.events]

    async def until(self, ready: Any) -> None:
        """Wait, on real sockets, until ``ready()``."""
        async with asyncio.timeout(PATIENCE):
            while not ready():
                self._news.clear()
                await self._news.wait()


class Wire:
    """The other end of a node's connection: ``heard`` are the frames that the node sent."""

    def __init__(self, link: MemoryLink) -> None:
        self.link = link
        self.heard: list[list[Any]] = []
        self.ended: tuple[int, str] | None = None
        link.attach(self)

    def received(self, data: bytes) -> None:
        self.heard.append(json.loads(data))

    def received_binary(self, data: bytes) -> None:
        raise AssertionError("a node sent a binary message")

    def closed(self, code: int, reason: str) -> None:
        self.ended = (code, reason)

    async def says(self, frame: Any) -> None:
        """Send a frame (bytes, or what is to be JSON) and let it take effect."""
        self.link.send(frame if isinstance(frame, bytes) else json.dumps(frame).encode())
        await settle()


class Site:
    """Makes nodes in memory, on a clock that stands still."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.nodes: list[CSMSNode | CSNode] = []
        self.wires: list[Wire] = []

    async def csms(self, credentials: Any = None, *, others: Any = tuple, **config: Any) -> tuple[CSMSNode, Flow]:
        """A CSMS node that has been started, on a free port."""
        flow = Flow()
        given = {"port": "0", "host": "127.0.0.1", "path": "/ocpp", **config}
        secrets = {"basic_auths": {"CS1": "secret-1"}} if credentials is None else credentials
        node = CSMSNode(given, secrets, send=flow.send, status=flow.status, clock=self.clock, others=others)
        self.nodes.append(node)
        await node.start()
        return node, flow

    async def station(self, node: CSMSNode, identity: str = "CS1", version: Version = Version.V201) -> Wire:
        """A station connects to the node."""
        theirs, ours = memory_pair(identity, version, clock=self.clock)
        wire = Wire(theirs)
        node.csms.accept(ours)
        self.wires.append(wire)
        await settle()
        return wire

    async def cs(self, dial: Any = None, credentials: Any = None, **config: Any) -> tuple[CSNode, Flow, list[Wire]]:
        """A CS node that has been started; each connection it makes adds a wire."""
        flow = Flow()
        wires: list[Wire] = []

        async def connect() -> MemoryLink:
            version = Version(config.get("versions", ["2.0.1"])[0])
            ours, theirs = memory_pair(node.station.identity, version, clock=self.clock)
            wires.append(Wire(theirs))
            return ours

        given = {"cbId": "CS1", "csms": {"url": "ws://csms.test/ocpp"}, "ws_rt_rnd_range": "0", **config}
        secrets = {"csms_pw": "secret-1"} if credentials is None else credentials
        node = CSNode(given, secrets, send=flow.send, status=flow.status, clock=self.clock, dial=dial or connect)
        self.nodes.append(node)
        await node.start()
        await settle()
        return node, flow, wires

    async def close(self) -> None:
        for node in self.nodes:
            closing = asyncio.ensure_future(node.close())
            await settle()
            await self.clock.advance(60)
            await asyncio.wait_for(closing, PATIENCE)


async def refusal(node: CSMSNode | CSNode, msg: Any) -> str:
    """The text with which a node refuses an input."""
    with pytest.raises(BadInput) as caught:
        await asyncio.wait_for(node.input(msg), PATIENCE)
    return str(caught.value)


def answered(node: CSMSNode | CSNode, msg: dict[str, Any]) -> asyncio.Future[None]:
    """Put a msg in; the future is that of ``done``."""
    return asyncio.ensure_future(node.input(msg))


def command(name: str, data: Any = None, **more: Any) -> dict[str, Any]:
    """A Command Message."""
    payload = {"msgType": 99, "command": name}
    if data is not None:
        payload["data"] = data
    return {"payload": payload, **more}


async def result(node: CSMSNode | CSNode, flow: Flow, name: str, data: Any = None) -> Any:
    """What a Command Message gives: the payload that comes out."""
    await node.input(command(name, data))
    return flow.messages[-1]["payload"]
