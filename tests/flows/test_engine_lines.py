"""The engine without a process: what each op does, what a broken line gets, in which order things happen."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from flow_peers import BEAT, PATIENCE
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from ocppflow.nodes.engine.engine import Engine
from ocppflow.nodes.engine.runtime_lines import LineSplitter
from ocppflow.transport.clock import ManualClock, settle

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
        self.create(node, "CSMS", {"port": 0, "host": "127.0.0.1", "path": "/ocpp", **config}, _auths())
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


def _auths() -> dict[str, Any]:
    return {"basic_auths": {"CS1": SECRET, "CS2": SECRET}}


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    one = Runtime()
    yield one
    await asyncio.wait_for(one.engine.detach(), PATIENCE)


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
    runtime.create("m", "CSMS", {"port": 0, "host": "127.0.0.1"}, _auths())
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


LIST = {"payload": {"msgType": 99, "command": "get_auth_list"}}


def _set(node: str, password: str) -> dict[str, Any]:
    payload = {"msgType": 99, "command": "set_auth_list", "data": {"CS1": password}}
    return {"op": "input", "node": node, "msg": {"payload": payload}}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def _auth_list(runtime: Runtime, node: str) -> Any:
    runtime.say(op="input", node=node, msg=LIST)
    return (await runtime.next("output", node=node))["msg"]["payload"]["auth_list"]


async def test_a_changed_auth_list_outlives_a_restart_of_the_engine(tmp_path: Path):
    state = tmp_path / "state"
    one = Runtime(stateDir=str(state))
    await one.csms("m")
    one.say(**_set("m", "from-the-flow-1"))
    await one.next("credentials", node="m")
    await asyncio.wait_for(one.engine.detach(), PATIENCE)

    two = Runtime(stateDir=str(state))
    await two.csms("m")
    assert await _auth_list(two, "m") == {"CS1": "from-the-flow-1"}
    two.say(op="credentials", node="m", credentials={"basic_auths": {"CS8": "from-the-editor-1"}}, ref=1)
    await two.next("credentials_set")
    assert await _auth_list(two, "m") == {"CS8": "from-the-editor-1"}
    await asyncio.wait_for(two.engine.detach(), PATIENCE)

    three = Runtime(stateDir=str(state))
    await three.csms("m")  # the list before, again: the flow's change is history
    assert await _auth_list(three, "m") == _auths()["basic_auths"]
    await asyncio.wait_for(three.engine.detach(), PATIENCE)


async def test_the_files_of_changed_auth_lists_are_the_owners_alone_and_go_with_the_node(tmp_path: Path):
    runtime = Runtime(stateDir=str(tmp_path / "state"))
    await runtime.csms("m")
    for number in range(20):
        runtime.say(**_set("m", f"password-{number}"))
    await runtime.engine.nodes.state.auths.written()
    (file,) = _files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "password-19" in file.read_text()
    runtime.say(op="close", node="m", removed=True)
    await runtime.next("closed")
    await asyncio.wait_for(runtime.engine.detach(), PATIENCE)
    assert not file.exists()


async def test_instances_of_a_subflow_do_not_share_a_changed_auth_list(tmp_path: Path):
    """Node-RED names them after the instance and the node in the template; their credentials are the template's."""
    runtime = Runtime(stateDir=str(tmp_path))
    for node in ("one-m", "two-m"):
        await runtime.csms(node)
    runtime.say(**_set("one-m", "of-one-alone"))
    assert await _auth_list(runtime, "one-m") == {"CS1": "of-one-alone"}
    assert await _auth_list(runtime, "two-m") == _auths()["basic_auths"]
    await asyncio.wait_for(runtime.engine.detach(), PATIENCE)

    again = Runtime(stateDir=str(tmp_path))
    for node in ("one-m", "two-m"):
        await again.csms(node)
    assert await _auth_list(again, "one-m") == {"CS1": "of-one-alone"}
    assert await _auth_list(again, "two-m") == _auths()["basic_auths"]
    await asyncio.wait_for(again.engine.detach(), PATIENCE)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1", b'{"node":"x","configured":"","list":{}}', b"\xff"])
async def test_an_unusable_file_costs_the_changes_and_nothing_else(tmp_path: Path, content: bytes):
    runtime = Runtime(stateDir=str(tmp_path))
    await runtime.csms("m")
    runtime.say(**_set("m", "from-the-flow-1"))
    await asyncio.wait_for(runtime.engine.detach(), PATIENCE)
    (file,) = _files(tmp_path)
    file.write_bytes(content)
    again = Runtime(stateDir=str(tmp_path))
    await again.csms("m")
    assert await _auth_list(again, "m") == _auths()["basic_auths"]
    await asyncio.wait_for(again.engine.detach(), PATIENCE)


async def test_a_state_directory_that_cannot_be_written_costs_a_log_line(tmp_path: Path, caplog):
    (tmp_path / "state").write_text("in the way")
    runtime = Runtime(stateDir=str(tmp_path / "state"))
    runtime.say(op="hello", protocol=1, log="error")
    await runtime.csms("m")
    runtime.say(**_set("m", "from-the-flow-1"))
    assert await _auth_list(runtime, "m") == {"CS1": "from-the-flow-1"}
    await asyncio.wait_for(runtime.engine.detach(), PATIENCE)
    assert "node m: the changed auth list cannot be kept beyond a restart" in caplog.text


@pytest.mark.parametrize("value", [5, "relative/path", ""])
async def test_a_state_directory_is_an_absolute_path(runtime: Runtime, value: Any):
    runtime.say(op="hello", protocol=1, stateDir=value, ref=1)
    error = await runtime.next("error")
    assert (error["code"], error["ref"]) == ("bad_field", 1)
    assert "stateDir" in error["text"]


BOOT_16 = {"chargePointVendor": "Acme", "chargePointModel": "Box"}
METER_16 = {
    "connectorId": 1,
    "meterValue": [{"timestamp": "2026-03-01T10:00:00Z", "sampledValue": [{"value": 12.5}]}],
}
ACME = [{"vendor": "Acme*", "action": "MeterValues", "forgive": ["type"]}]


async def test_FC19_a_rule_for_a_vendor_holds_after_a_restart_although_the_station_does_not_boot(tmp_path: Path):
    """The engine keeps who the stations are in its state directory, until the node is removed."""

    async def told(runtime: Runtime, *calls: tuple[str, Any]) -> list[Any]:
        config = {"versions": ["1.6"], "securityProfile": 0, "validation": "rules", "rules": ACME}
        port = (await runtime.csms("m", **config))["port"]
        answers = []
        async with connect(f"ws://127.0.0.1:{port}/ocpp/BOX", subprotocols=["ocpp1.6"], proxy=None) as station:
            for action, payload in calls:
                await station.send(json.dumps([2, action, action, payload]))
                if action == "BootNotification":
                    await runtime.request("m", action)
                    continue
                answer = asyncio.ensure_future(station.recv())
                request = asyncio.ensure_future(runtime.request("m", action))
                await asyncio.wait({answer, request}, return_when=asyncio.FIRST_COMPLETED)
                answers.append(json.loads(answer.result())[2] if answer.done() else "to the flow")
                answer.cancel()
                request.cancel()
        return answers

    one = Runtime(stateDir=str(tmp_path))
    assert await told(one, ("MeterValues", METER_16), ("BootNotification", BOOT_16), ("MeterValues", METER_16)) == [
        "TypeConstraintViolation",
        "to the flow",
    ]
    await asyncio.wait_for(one.engine.detach(), PATIENCE)
    two = Runtime(stateDir=str(tmp_path))
    assert await told(two, ("MeterValues", METER_16)) == ["to the flow"]
    two.say(op="close", node="m", removed=True)
    await two.next("closed")
    await asyncio.wait_for(two.engine.detach(), PATIENCE)
    assert _files(tmp_path) == []


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
    assert (await runtime.next("output"))["msg"]["payload"]["auth_list"] == _auths()["basic_auths"]


async def test_credentials_can_be_set_while_a_node_runs(runtime: Runtime):
    runtime.create("m", "CSMS", {"port": 0, "host": "127.0.0.1", "path": "/ocpp"})
    await runtime.next("status", text="no passwords set")
    runtime.say(op="credentials", node="m", credentials=_auths(), ref=4)
    assert (await runtime.next("credentials_set"))["ref"] == 4
    await runtime.cs(next(line["port"] for line in runtime.lines if line["op"] == "created"))


# --- re-deploy -----------------------------------------------------------------------------------------------------


async def test_full_deploy_nodes_that_did_not_change_keep_their_connections(runtime: Runtime):
    port = (await runtime.csms())["port"]
    await runtime.cs(port)
    for node in ("s", "m"):
        runtime.say(op="close", node=node, park=True)
        await runtime.next("parked", node=node)
    runtime.create("m", "CSMS", {"port": "0", "host": "127.0.0.1", "path": "ocpp/", "x": 1}, _auths())
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
    runtime.create("m", "CSMS", {"port": port, "host": "127.0.0.1", "path": "/ocpp", "ocpp_logging": True}, _auths())
    created = await runtime.next("created", node="m")
    assert (created["kept"], created["port"], created.get("problem")) == (False, port, None)
    runtime._seen = 0
    while "OFFLINE" not in str(offline := await runtime.next("output", node="s")):
        pass
    assert offline["msg"]["payload"]["code"] == 1001


async def test_a_port_passes_from_one_node_to_another(runtime: Runtime):
    port = (await runtime.csms())["port"]
    runtime.say(op="close", node="m")
    runtime.create("m2", "CSMS", {"port": port, "host": "127.0.0.1", "path": "/ocpp"}, _auths())
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
    runtime.say(op="configure", node="m", type="CSMS", config=same, credentials=_auths())
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
        "credentials": _auths(),
    }
    new = {"node": "new", **station, "config": {"cbId": "CS2", "csms": "t"}}
    runtime.say(op="deploy", ref=9, nodes=[csms, {"node": "s", **station}, new, target])
    deployed = await runtime.next("deployed")
    assert deployed == {"op": "deployed", "kept": ["m", "s"], "started": ["new"], "closed": ["old"], "ref": 9}
    assert "OFFLINE" not in str(runtime.lines)


# --- pressure ------------------------------------------------------------------------------------------------------


async def test_a_runtime_that_does_not_read_makes_the_peers_wait_and_loses_nothing(runtime: Runtime):
    await runtime.cs((await runtime.csms())["port"])
    runtime.engine.outbox.pressed(True)
    link = runtime.engine.nodes.get("s").node.station.connection._link
    link.send(b'[2,"1","Heartbeat",{}]')
    await settle()
    csms = runtime.engine.nodes.get("m").node
    assert csms._is_paused
    assert not [line for line in runtime.lines if "Heartbeat" in str(line)]
    runtime.engine.outbox.pressed(False)
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
    runtime.create("d", "CSMS", {"port": 0, "host": "127.0.0.1"}, _auths())
    assert sorted([(await runtime.next("closed"))["node"] for _ in range(3)]) == ["a", "b", "c"]
    await runtime.next("created", node="d")
