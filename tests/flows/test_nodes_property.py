"""Whatever a flow and the network do in whatever order: the nodes keep their promises about connections and events."""

from __future__ import annotations

import asyncio
from typing import Any

from flow_peers import PATIENCE, Site, command
from hypothesis import given, settings
from hypothesis import strategies as st

from ocppflow.errors import ConnectionRefused
from ocppflow.nodes import CSNode
from ocppflow.nodes.states import FOLLOWS, NodeState
from ocppflow.transport.clock import settle

STEPS = st.sampled_from(
    ["connect", "connect to another", "connect as another", "close", "lose", "nobody", "somebody", "wait", "wait long"]
)


async def _do(step: str, site: Site, node: CSNode, network: dict[str, Any]) -> None:
    match step:
        case "connect":
            node.input(command("connect"))
        case "connect to another":
            node.input(command("connect", {"csmsUrl": "ws://other.test/ocpp"}))
        case "connect as another":
            node.input(command("connect", {"cbId": f"CS{len(network['wires'])}"}))
        case "close":
            node.input(command("close"))
        case "lose" if network["wires"] and network["wires"][-1].ended is None:
            network["wires"][-1].link.break_("lost")
        case "nobody" | "somebody":
            network["there"] = step == "somebody"
        case "wait":
            await site.clock.advance(1)
        case "wait long":
            await site.clock.advance(60)
    await settle()


@settings(deadline=None)
@given(st.lists(STEPS, max_size=25), st.booleans())
async def test_a_CS_tells_of_each_change_once_and_has_at_most_one_connection(steps: list[str], auto_connect: bool):
    site = Site()
    network: dict[str, Any] = {"there": True, "wires": []}
    usual: Any = None

    async def dial() -> Any:
        if not network["there"]:
            raise ConnectionRefused("nothing listens there")
        return await usual()

    node, flow, network["wires"] = await site.cs(dial=None, auto_connect=False)
    usual, node._network = node._network, dial
    if auto_connect:
        node.input(command("connect"))
    for step in steps:
        await _do(step, site, node, network)
        alive = [wire for wire in network["wires"] if wire.ended is None]
        assert len(alive) <= 1
        assert all(before != after for before, after in zip(flow.states, flow.states[1:], strict=False))
        if flow.states:
            assert (flow.states[-1] == "ONLINE") == bool(alive) == node.station.is_connected
        assert node.state is NodeState.WORKING
    await asyncio.wait_for(site.close(), PATIENCE)
    assert all(wire.ended is not None for wire in network["wires"])
    assert flow.states[-1:] != ["ONLINE"]
    assert node.state is NodeState.CLOSED


def test_from_every_state_a_node_can_be_closed_and_from_CLOSED_nothing_follows():
    assert set(FOLLOWS) == set(NodeState)
    for state, following in FOLLOWS.items():
        assert (NodeState.CLOSED in following) == (state is not NodeState.CLOSED)
    assert FOLLOWS[NodeState.CLOSED] == set()
