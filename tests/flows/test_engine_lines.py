"""The engine without a process: what each op does, what a broken line gets, in which order things happen."""

from __future__ import annotations

import asyncio
import json

import pytest
from engine_runtime import SECRET, Runtime, auths
from flow_peers import BEAT, PATIENCE
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.nodes.engine.engine import Engine
from ocppflow.nodes.engine.line_splitter import LineSplitter
from ocppflow.transport.clock import ManualClock, settle

# --- hello ---------------------------------------------------------------------------------------------------------


async def test_the_engine_says_hello_with_protocol_and_program_version(runtime: Runtime):
    hello = await runtime.next("hello")
    assert (hello["protocol"], hello["program"]) == (1, "ocppflow")
    assert hello["version"]
    assert hello["types"] == ["CSMS", "CS", "target-csms"]


async def test_nothing_works_before_the_runtime_has_said_hello():
    engine = Engine()
    heard: list[bytes] = []
    engine.attach(heard.append)
    engine.line(b'{"op":"ping"}')
    engine.line(b'{"op":"hello","protocol":2,"ref":5}')
    engine.line(b'{"op":"ping"}')
    engine.line(b'{"op":"hello","protocol":1}')
    engine.line(b'{"op":"ping","ref":"x"}')
    await settle()
    lines = [json.loads(line) for line in b"".join(heard).splitlines()]
    assert [line.get("code", line["op"]) for line in lines] == [
        "hello",
        "no_hello",
        "unsupported_protocol",
        "no_hello",
        "pong",
    ]
    assert (lines[2]["ref"], lines[4]["ref"]) == (5, "x")


# --- broken lines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"x", "bad_json"),
        (b"[1]", "bad_json"),
        (b"5", "bad_json"),
        (b"null", "bad_json"),
        (b'{"op":"ping"', "bad_json"),
        (b'{"op":"ping"}}', "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'{"op":"ping","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "bad_json"),
        (b'{"op":"ping","x":"\xff"}', "bad_json"),
        (b'{"op":"input","node":"m","msg":{"payload":"\xff"}}', "bad_json"),
        (b"{}", "bad_field"),
        (b'{"op":5}', "bad_field"),
        (b'{"op":"fly"}', "unknown_op"),
        (b'{"op":"input"}', "bad_field"),
        (b'{"op":"input","node":5,"msg":{}}', "bad_field"),
        (b'{"op":"input","node":"m","msg":5}', "bad_field"),
        (b'{"op":"input","node":"m"}', "bad_field"),
        (b'{"op":"input","node":"m","msg":{}}', "unknown_node"),
        (b'{"op":"create","type":"CS"}', "bad_field"),
        (b'{"op":"create","node":"","type":"CS"}', "bad_field"),
        (b'{"op":"create","node":"*","type":"CS"}', "bad_field"),
        (b'{"op":"create","node":"m","type":"XX"}', "bad_field"),
        (b'{"op":"create","node":"m","type":["CS"]}', "bad_field"),
        (b'{"op":"create","node":"m","type":"CS","config":5}', "bad_field"),
        (b'{"op":"create","node":"m","type":"CS","credentials":[]}', "bad_field"),
        (b'{"op":"configure","node":"m","type":"CS"}', "unknown_node"),
        (b'{"op":"close","node":"m"}', "unknown_node"),
        (b'{"op":"close","node":"m","park":true}', "unknown_node"),
        (b'{"op":"credentials","node":"m","credentials":{}}', "unknown_node"),
        (b'{"op":"credentials","node":"m","credentials":5}', "bad_field"),
        (b'{"op":"deploy","nodes":5}', "bad_field"),
        (b'{"op":"deploy","nodes":[5]}', "bad_field"),
        (b'{"op":"deploy","nodes":[{"node":"a","type":"CS"},{"node":"a","type":"CS"}]}', "bad_field"),
        (b'{"op":"hello","protocol":1,"log":["x"]}', "bad_field"),
        (b'{"op":"hello","protocol":"1"}', "unsupported_protocol"),
    ],
)
async def test_a_broken_line_gets_an_error_line_and_the_engine_goes_on(runtime: Runtime, line, code):
    error = await runtime.refused(line)
    assert error["code"] == code
    assert error["text"]
    assert "\n" not in error["text"]
    runtime.say(op="ping", ref=1)
    assert (await runtime.next("pong"))["ref"] == 1


async def test_an_error_names_node_and_ref_where_they_can_be_made_out(runtime: Runtime):
    error = await runtime.refused(b'{"op":"input","node":"m","ref":{"any":[1.50]},"msg":5}')
    assert (error["node"], error["ref"]) == ("m", {"any": [1.5]})


@given(st.binary(max_size=200))
async def test_no_line_whatsoever_stops_the_engine(data: bytes):
    engine = Engine()
    heard: list[bytes] = []
    engine.attach(heard.append)
    engine.line(b'{"op":"hello","protocol":1}')
    engine.line(data)
    engine.line(b'{"op":"ping"}')
    await settle(3)
    lines = [json.loads(line) for line in b"".join(heard).splitlines()]
    assert [line["op"] for line in lines] == ["hello", "error", "pong"]


@given(st.lists(st.binary(max_size=30)), st.lists(st.integers(1, 20), min_size=1))
def test_lines_are_the_same_however_they_are_chopped(lines: list[bytes], sizes: list[int]):
    lines = [line.replace(b"\n", b"") for line in lines]
    stream, heard, too_long = b"\n".join(lines), [], []
    splitter = LineSplitter(heard.append, lambda: too_long.append(1), limit=20)
    position, turn = 0, 0
    while position < len(stream):
        size = sizes[turn % len(sizes)]
        splitter.feed(stream[position : position + size])
        position, turn = position + size, turn + 1
    splitter.end()
    assert heard == [line for line in lines if line.strip() and len(line) <= 20]
    assert len(too_long) == len([line for line in lines if len(line) > 20])


# --- nodes ---------------------------------------------------------------------------------------------------------


async def test_a_node_is_created_and_tells_its_port_and_its_status(runtime: Runtime):
    created = await runtime.csms()
    assert created["kept"] is False
    assert created["port"] > 0
    statuses = [(line["fill"], line["text"]) for line in runtime.lines if line["op"] == "status"]
    assert statuses == [("yellow", "starting"), ("green", "(0)")]


async def test_a_node_with_a_problem_is_created_and_says_which(runtime: Runtime):
    runtime.create("m", "CSMS", {}, ref=7)
    created = await runtime.next("created")
    assert "port is missing" in created["problem"]
    assert created["ref"] == 7
    runtime.say(op="input", node="m", ref=8, msg={"payload": {"msgType": 99, "command": "connections"}})
    error = await runtime.next("error")
    assert (error["ref"], error["code"]) == (8, "ConfigurationError")
    assert "port is missing" in error["text"]


async def test_the_same_id_twice_is_an_error(runtime: Runtime):
    await runtime.csms()
    runtime.create("m", "CSMS", {"port": 0}, ref=1)
    assert (await runtime.next("error", code="node_exists"))["ref"] == 1


async def test_an_input_waits_for_the_node_that_is_being_created_before_it(runtime: Runtime):
    runtime.create("m", "CSMS", {"port": 0, "host": "127.0.0.1"}, auths())
    runtime.say(op="input", node="m", ref="r", msg={"payload": {"msgType": 99, "command": "connections"}})
    output = await runtime.next("output")
    assert (output["ref"], output["msg"]["payload"]["connections"]) == ("r", {})
    assert [line["op"] for line in runtime.lines[-3:]] == ["created", "output", "done"]


async def test_target_csms_nodes_are_found_by_their_id(runtime: Runtime):
    port = (await runtime.csms())["port"]
    runtime.create("t", "target-csms", {"name": "here", "url": f"ws://127.0.0.1:{port}/ocpp"})
    assert (await runtime.next("created", node="t"))["kept"] is False
    runtime.create("s", "CS", {"cbId": "CS1", "csms": "t"}, {"csms_pw": SECRET})
    assert (await runtime.next("output", node="s"))["msg"]["ocpp"]["websocket"] == "ONLINE"


# --- msgs ----------------------------------------------------------------------------------------------------------


async def test_a_request_and_its_response_through_two_nodes(runtime: Runtime):
    await runtime.cs((await runtime.csms())["port"])
    runtime.say(
        op="input", node="s", ref=[1], msg={"payload": {"command": "Heartbeat"}, "topic": "mine", "_linkSource": [1]}
    )
    request = await runtime.request("m", "Heartbeat")
    assert "ref" not in request
    assert request["port"] == 1
    runtime.say(op="input", node="m", ref=2, msg={**request["msg"], "payload": {"msgType": 3, "data": BEAT}})
    assert (await runtime.next("done", node="m"))["ref"] == 2
    output = await runtime.next("output", node="s")
    assert (output["port"], output["ref"]) == (2, [1])
    assert set(output["msg"]) == {"ocpp", "payload", "topic"}
    assert output["msg"]["payload"]["data"] == BEAT
    assert await runtime.next("done", node="s") == {"op": "done", "node": "s", "ref": [1]}


async def test_without_a_ref_the_whole_msg_comes_back_and_there_is_no_done(runtime: Runtime):
    await runtime.csms()
    runtime.engine.line(
        b'{"op":"input","node":"m","msg":{"x":{"n":1.50},"payload":{"msgType":99,"command":"connections"}}}'
    )
    output = await runtime.next("output")
    assert output["msg"]["x"] == {"n": 1.5}
    runtime.say(op="ping")
    await runtime.next("pong")
    assert not [line for line in runtime.lines if line["op"] == "done"]


async def test_a_payload_passes_through_the_engine_byte_by_byte(runtime: Runtime):
    heard: list[bytes] = []
    await runtime.cs((await runtime.csms())["port"])
    runtime.engine.outbox.attach(lambda data: (heard.append(data), runtime._heard(data)))
    custom = b'{"customData":{"vendorId":"V","n":1.50e0,"s":"\\u0041"}}'
    runtime.engine.line(b'{"op":"input","node":"s","msg":{"payload":{"command":"Heartbeat","data":' + custom + b"}}}")
    await runtime.request("m", "Heartbeat")
    assert any(custom in data for data in heard)


async def test_a_peers_newline_does_not_break_a_line(runtime: Runtime):
    await runtime.cs((await runtime.csms())["port"])
    slot = runtime.engine.nodes.get("s")
    slot.node.station.connection._link.send(b'[2,"1","Heartbeat",{\n\n}]')
    assert (await runtime.request("m", "Heartbeat"))["msg"]["payload"]["data"] == {}


async def test_nothing_of_a_node_comes_after_closed(runtime: Runtime):
    await runtime.cs((await runtime.csms())["port"])
    for node, payload in (("s", {"command": "Heartbeat"}), ("m", {"command": "Reset", "data": {"type": "Immediate"}})):
        runtime.say(op="input", node=node, ref=node, msg={"payload": payload, "ocpp": {"cbId": "CS1"}})
    await runtime.request("s", "Reset")
    for node in ("m", "s"):
        runtime.say(op="close", node=node)
        await runtime.next("closed", node=node)
        mine = [line for line in runtime.lines if line.get("node") == node]
        assert mine[-1]["op"] == "closed"
        (done,) = [line for line in mine if line.get("ref") == node and line["op"] != "output"]
        assert done["op"] == "done"
        (output,) = [line for line in mine if line.get("ref") == node and line["op"] == "output"]
        assert output["msg"]["payload"]["error"]["code"] == "ConnectionLost" or node == "s"
    runtime.say(op="ping")
    await runtime.next("pong")
    assert runtime.lines[-1]["op"] == "pong"


async def test_an_input_that_cannot_be_used_gets_one_error_and_no_done(runtime: Runtime):
    await runtime.csms()
    runtime.say(op="input", node="m", ref=3, msg={"payload": {"command": "Reset", "cbId": "CS1"}})
    error = await runtime.next("error")
    assert (error["node"], error["ref"], error["code"]) == ("m", 3, "NotConnected")
    runtime.say(op="ping")
    await runtime.next("pong")
    assert not [line for line in runtime.lines if line["op"] == "done"]


async def test_changes_of_the_auth_list_are_told_to_the_runtime_and_outlive_a_redeploy(runtime: Runtime):
    await runtime.csms()
    runtime.say(op="input", node="m", msg={"payload": {"msgType": 99, "command": "set_auth_list", "data": {"X": "y"}}})
    assert (await runtime.next("credentials"))["credentials"] == {"basic_auths": {"X": "y"}}
    runtime.say(op="close", node="m")
    await runtime.next("closed")
    await runtime.csms()
    runtime.say(op="input", node="m", msg={"payload": {"msgType": 99, "command": "get_auth_list"}})
    assert (await runtime.next("output"))["msg"]["payload"]["auth_list"] == {"X": "y"}


async def test_our_own_CSMS_on_the_port_is_named():
    clock = ManualClock()
    runtime = Runtime(clock=clock)
    port = (await runtime.csms("m", name="Depot"))["port"]
    created = await runtime.csms("n", port=port, securityProfile=0)
    assert f"port {port} is in use by the CSMS node 'Depot'" in created["problem"]
    runtime.say(op="close", node="m")
    await runtime.next("closed")
    await clock.advance(2)
    assert (await runtime.next("status", node="n", fill="green"))["text"] == "(0)"
    await asyncio.wait_for(runtime.engine.detach(), PATIENCE)


async def test_a_removed_node_leaves_no_auth_list_behind(runtime: Runtime):
    await runtime.csms()
    runtime.say(op="input", node="m", msg={"payload": {"msgType": 99, "command": "set_auth_list", "data": {"X": "y"}}})
    runtime.say(op="close", node="m", removed=True)
    await runtime.next("closed")
    await runtime.csms()
    runtime.say(op="input", node="m", msg={"payload": {"msgType": 99, "command": "get_auth_list"}})
    assert (await runtime.next("output"))["msg"]["payload"]["auth_list"] == auths()["basic_auths"]


async def test_credentials_can_be_set_while_a_node_runs(runtime: Runtime):
    runtime.create("m", "CSMS", {"port": 0, "host": "127.0.0.1", "path": "/ocpp"})
    await runtime.next("status", text="no passwords set")
    runtime.say(op="credentials", node="m", credentials=auths(), ref=4)
    assert (await runtime.next("credentials_set"))["ref"] == 4
    await runtime.cs(next(line["port"] for line in runtime.lines if line["op"] == "created"))


# --- pressure ------------------------------------------------------------------------------------------------------


async def test_a_runtime_that_does_not_read_makes_the_peers_wait_and_loses_nothing(runtime: Runtime):
    await runtime.cs((await runtime.csms())["port"])
    runtime.stop_reading()
    runtime.fill()
    link = runtime.engine.nodes.get("s").node.station.connection._link
    link.send(b'[2,"1","Heartbeat",{}]')
    await settle()
    csms = runtime.engine.nodes.get("m").node
    assert csms._is_paused
    assert not [line for line in runtime.lines if "Heartbeat" in str(line)]
    runtime.read_on()
    await runtime.request("m", "Heartbeat")


async def test_deaf_peers_are_waited_for_all_at_once(runtime: Runtime):
    """A deploy that closes many nodes takes as long as the slowest goodbye, not as long as all of them."""
    closing: list[str] = []
    all_begun = asyncio.Event()

    def make_deaf(name: str) -> None:
        slot = runtime.engine.nodes.get(name)
        assert slot is not None
        real = slot.node.close

        async def close(removed: bool = False) -> None:
            closing.append(name)
            if len(closing) == 3:
                all_begun.set()
            await all_begun.wait()
            await real(removed)

        slot.node.close = close

    for name in ("a", "b", "c"):
        await runtime.csms(name)
        make_deaf(name)
    for name in ("a", "b", "c"):
        runtime.say(op="close", node=name)
    runtime.create("d", "CSMS", {"port": 0, "host": "127.0.0.1"}, auths())
    assert sorted([(await runtime.next("closed"))["node"] for _ in range(3)]) == ["a", "b", "c"]
    await runtime.next("created", node="d")
