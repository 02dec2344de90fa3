"""Instances of a subflow share its template's configuration, and nothing that happens to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from runtime_flow import SECRET
from runtime_peers import refused, station
from runtime_process import NodeRed, free_port
from websockets.exceptions import InvalidStatus

CHANGED = "a-changed-password-1"


def flow(ports: dict[str, int]) -> list[dict[str, Any]]:
    """A subflow with a CSMS node in it, an instance for each port, and a plain CSMS node; each with a source."""
    csms = {"type": "CSMS", "name": "csms", "host": "127.0.0.1", "path": "/ocpp", "outputs": 2,
            "wires": [[], []], "messageTimeout": "1000",
            "x": 300, "y": 40, "credentials": {"basic_auths": json.dumps({"CS1": SECRET})}}  # fmt: skip
    return [
        {"id": "tab", "type": "tab", "label": "tab"},
        {"id": "template", "type": "subflow", "name": "site", "out": [],
         "in": [{"x": 40, "y": 40, "wires": [{"id": "inner"}]}],
         "env": [{"name": "PORT", "type": "num", "value": "0"}]},
        {**csms, "id": "inner", "z": "template", "port": "${PORT}"},
        {**csms, "id": "plain", "z": "tab", "port": str(ports["plain"])},
        *({"id": name, "type": "subflow:template", "z": "tab", "name": name, "x": 300, "y": 80, "wires": [],
           "env": [{"name": "PORT", "type": "num", "value": str(ports[name])}]} for name in ("one", "two")),
        *({"id": f"{name}-in", "type": "probe-source", "z": "tab", "name": "", "x": 40, "y": 80,
           "wires": [[name]]} for name in ports),
    ]  # fmt: skip


class Site:
    """A Node-RED with that flow."""

    def __init__(self, start: Callable[..., NodeRed]) -> None:
        self.ports = {name: free_port() for name in ("plain", "one", "two")}
        self.red = start()

    async def deploy(self, kind: str = "full") -> None:
        flows = flow(self.ports)
        await asyncio.to_thread(self.red.admin, "POST", "/flows", flows, Node_RED_Deployment_Type=kind)
        await self.listens()

    async def listens(self) -> None:
        """Wait until all three nodes are at work."""
        for port in self.ports.values():
            await asyncio.to_thread(self.red.wait_for_log, f"listening on ws://127.0.0.1:{port}")

    async def change(self, name: str, identity: str = "CS1") -> None:
        """Let the flow set the password of a station in one of the nodes."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.red.probe_port)
        payload = {"msgType": 99, "command": "set_auth_cs", "data": {"name": identity, "password": CHANGED}}
        writer.write(json.dumps({"inject": f"{name}-in", "msg": {"payload": payload}}).encode() + b"\n")
        await writer.drain()
        async with asyncio.timeout(15):
            while not await admitted(self.ports[name], CHANGED, identity):
                pass
        writer.close()

    async def passwords(self) -> dict[str, str]:
        """Which password each node takes."""
        found = {}
        for name, port in self.ports.items():
            taken = [each for each in (SECRET, CHANGED) if await admitted(port, each)]
            [found[name]] = taken
        return found


async def admitted(port: int, password: str, identity: str = "CS1") -> bool:
    try:
        peer = await station(port, identity, password)
    except InvalidStatus as exc:
        return exc.response.status_code not in (401, 404)
    await peer.close()
    return True


@pytest.fixture
def site(start: Callable[..., NodeRed]) -> Site:
    return Site(start)


async def test_a_list_that_a_flow_changes_is_its_instances_own_and_outlives_a_restart(site: Site):
    await site.deploy()
    assert await site.passwords() == {"plain": SECRET, "one": SECRET, "two": SECRET}
    await site.change("one")
    await site.change("plain")
    await site.change("plain", "CS7")
    expected = {"plain": CHANGED, "one": CHANGED, "two": SECRET}
    assert await site.passwords() == expected
    site.red.stop()
    site.red = NodeRed("nr5", site.red.user_dir)
    try:
        await site.listens()
        assert await site.passwords() == expected
        shown = await asyncio.to_thread(site.red.admin, "GET", "/ocppflow/csms/plain/stations")
        assert shown == {"stations": ["CS1", "CS7"]}  # in the edit dialog
    finally:
        site.red.stop()


async def test_an_instance_that_a_full_deploy_does_not_change_keeps_its_connections(site: Site):
    await site.deploy()
    peers = [await station(port, "CS1", SECRET) for port in site.ports.values()]
    flows = await asyncio.to_thread(site.red.admin, "GET", "/flows")
    next(node for node in flows if node["id"] == "two")["env"][0]["value"] = str(free_port())
    await asyncio.to_thread(site.red.admin, "POST", "/flows", flows, Node_RED_Deployment_Type="full")
    assert await peers[2].closed() == 1001
    for peer in peers[:2]:
        await peer.says([2, "beat", "Heartbeat", {}])
        assert (await peer.hears())[:2] == [4, "beat"]  # the flow answers nothing
        await peer.close()
    assert await refused(site.ports["one"], "CS2") == 404
