"""A re-deploy keeps what it does not change: parked nodes, unchanged configurations, new credentials."""

from __future__ import annotations

import asyncio

from engine_runtime import SECRET, Runtime, auths
from flow_peers import BEAT, PATIENCE

from ocppflow.transport.clock import ManualClock

# --- re-deploy -----------------------------------------------------------------------------------------------------


async def test_full_deploy_nodes_that_did_not_change_keep_their_connections(runtime: Runtime):
    port = (await runtime.csms())["port"]
    await runtime.cs(port)
    for node in ("s", "m"):
        runtime.say(op="close", node=node, park=True)
        await runtime.next("parked", node=node)
    runtime.create("m", "CSMS", {"port": "0", "host": "127.0.0.1", "path": "ocpp/", "x": 1}, auths())
    created = await runtime.next("created", node="m")
    assert (created["kept"], created["port"]) == (True, port)
    assert (await runtime.next("status", node="m"))["text"] == "(1)"
    runtime.create("s", "CS", {"cbId": "CS1", "csms": {"url": f"ws://127.0.0.1:{port}/ocpp"}}, {"csms_pw": SECRET})
    assert (await runtime.next("created", node="s"))["kept"] is True
    runtime.say(op="deployed")
    assert (await runtime.next("deployed"))["closed"] == []
    assert [line for line in runtime.lines if line["op"] == "output" and "OFFLINE" in str(line)] == []


async def test_what_a_parked_node_says_waits_for_the_runtime(runtime: Runtime):
    port = (await runtime.csms())["port"]
    await runtime.cs(port)
    runtime.say(op="input", node="s", ref="before", msg={"payload": {"command": "Heartbeat", "timeout": 60000}})
    runtime.say(op="close", node="s", park=True)
    await runtime.next("parked")
    request = await runtime.request("m", "Heartbeat")
    runtime.say(op="input", node="m", ref=1, msg={**request["msg"], "payload": {"msgType": 3, "data": BEAT}})
    await runtime.next("done", ref=1)
    slot = runtime.engine.nodes.get("s")
    async with asyncio.timeout(PATIENCE):
        while len(slot.parked) < 2:  # noqa: ASYNC110 - a parked node tells nobody
            await asyncio.sleep(0)
    assert not [line for line in runtime.lines if line.get("ref") == "before"]
    config = {"cbId": "CS1", "csms": {"url": f"ws://127.0.0.1:{port}/ocpp"}}
    runtime.create("s", "CS", config, {"csms_pw": SECRET})
    await runtime.next("created", node="s", kept=True)
    assert (await runtime.next("output", node="s"))["ref"] == "before"
    assert (await runtime.next("done", node="s"))["ref"] == "before"


async def test_a_changed_node_is_closed_before_the_new_one_takes_its_port(runtime: Runtime):
    port = (await runtime.csms())["port"]
    await runtime.cs(port)
    runtime.say(op="close", node="m", park=True)
    runtime.create("m", "CSMS", {"port": port, "host": "127.0.0.1", "path": "/ocpp", "ocpp_logging": True}, auths())
    created = await runtime.next("created", node="m")
    assert (created["kept"], created["port"], created.get("problem")) == (False, port, None)
    runtime._seen = 0
    while "OFFLINE" not in str(offline := await runtime.next("output", node="s")):
        pass
    assert offline["msg"]["payload"]["code"] == 1001


async def test_a_port_passes_from_one_node_to_another(runtime: Runtime):
    port = (await runtime.csms())["port"]
    runtime.say(op="close", node="m")
    runtime.create("m2", "CSMS", {"port": port, "host": "127.0.0.1", "path": "/ocpp"}, auths())
    created = await runtime.next("created", node="m2")
    assert (created["port"], created.get("problem")) == (port, None)


async def test_deployed_closes_what_was_parked_and_not_taken_up_again(runtime: Runtime):
    await runtime.csms()
    runtime.say(op="close", node="m", park=True)
    runtime.say(op="deployed", ref=1)
    deployed = await runtime.next("deployed")
    assert (deployed["closed"], deployed["ref"]) == (["m"], 1)
    assert (await runtime.refused(b'{"op":"close","node":"m"}'))["code"] == "unknown_node"


async def test_a_parked_node_that_nobody_takes_up_is_closed_after_30_seconds():
    clock = ManualClock()
    runtime = Runtime(clock=clock)
    await runtime.csms()
    runtime.say(op="close", node="m", park=True)
    await runtime.next("parked")
    await clock.advance(29)
    assert runtime.engine.nodes.get("m") is not None
    await clock.advance(2)
    assert runtime.engine.nodes.get("m") is None
    await runtime.engine.detach()


async def test_configure_keeps_or_replaces_a_node(runtime: Runtime):
    port = (await runtime.csms())["port"]
    same = {"port": 0, "host": "127.0.0.1", "path": "/ocpp"}
    runtime.say(op="configure", node="m", type="CSMS", config=same, credentials=auths())
    assert (await runtime.next("created"))["kept"] is True
    runtime.say(op="configure", node="m", type="CSMS", config={**same, "port": port, "path": "/other"})
    created = await runtime.next("created")
    assert (created["kept"], created["port"]) == (False, port)


async def test_deploy_takes_the_whole_set_of_nodes_at_once(runtime: Runtime):
    port = (await runtime.csms())["port"]
    await runtime.csms("old")
    await runtime.cs(port)
    target = {"node": "t", "type": "target-csms", "config": {"url": f"ws://127.0.0.1:{port}/ocpp"}}
    station = {"type": "CS", "config": {"cbId": "CS1", "csms": "t"}, "credentials": {"csms_pw": SECRET}}
    csms = {
        "node": "m",
        "type": "CSMS",
        "config": {"port": 0, "host": "127.0.0.1", "path": "/ocpp"},
        "credentials": auths(),
    }
    new = {"node": "new", **station, "config": {"cbId": "CS2", "csms": "t"}}
    runtime.say(op="deploy", ref=9, nodes=[csms, {"node": "s", **station}, new, target])
    deployed = await runtime.next("deployed")
    assert deployed == {"op": "deployed", "kept": ["m", "s"], "started": ["new"], "closed": ["old"], "ref": 9}
    assert "OFFLINE" not in str(runtime.lines)
