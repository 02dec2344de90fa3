"""node-contract, "Command Message": a test for each row of the table."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest
from flow_peers import BEAT, PATIENCE, Site, answered, command, refusal

from ocppflow.nodes import BadInput
from ocppflow.transport.clock import settle

RESET = {"type": "Immediate"}
LINKED = {"_linkSource": [{"id": "x", "node": "y"}]}


async def _result(node, flow, name, data=None):
    await node.input(command(name, data))
    return flow.messages[-1]["payload"]


# --- all of them ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [99, "99", 4, "4"])
async def test_a_command_message_is_msgType_99_or_4_without_an_error(site: Site, kind):
    node, flow = await site.csms()
    await node.input({"payload": {"msgType": kind, "command": "connections"}})
    assert flow.messages[0]["payload"]["connections"] == {}


@pytest.mark.parametrize("name", ["CONNECTIONS", "Connections", " connections "])
async def test_names_are_case_insensitive(site: Site, name):
    node, flow = await site.csms()
    assert (await _result(node, flow, name))["connections"] == {}


async def test_they_never_go_over_the_wire(site: Site):
    node, _ = await site.csms(ocpp_logging=True)
    wire = await site.station(node)
    for name in ("connections", "cmds", "get_auth_list"):
        await node.input(command(name))
    await settle()
    assert wire.heard == []


async def test_an_unknown_command_is_an_error_naming_the_valid_ones(site: Site):
    csms, _ = await site.csms()
    text = await refusal(csms, command("reboot"))
    for name in ("reboot", "connections", "commands", "set_auth_list", "ws_close", "ws_open"):
        assert name in text
    cs, _, _ = await site.cs()
    assert "connect, close, retrybackoff, status" in await refusal(cs, command("connections"))


async def test_msgType_4_with_the_command_of_a_request_is_told_how_to_refuse_it(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node)
    await wire.says([2, "1", "Heartbeat", {}])
    msg = flow.messages[-1]
    msg["payload"]["msgType"] = 4
    assert "payload.error = {code, description, details}" in await refusal(node, msg)


async def test_commands_without_a_result_send_nothing_on_port_1(site: Site):
    node, flow = await site.csms()
    await node.input(command("set_auth_cs", {"name": "CS2", "password": "p"}))
    assert flow.out == []


async def test_commands_without_a_result_return_the_msg_to_a_link_call(site: Site):
    node, flow = await site.csms()
    msg = command("set_auth_cs", {"name": "CS2", "password": "p"}, **LINKED)
    await node.input(msg)
    assert [port for port, _ in flow.out] == [2]
    assert flow.sent[0] is msg


async def test_the_result_is_added_to_the_msg(site: Site):
    node, flow = await site.csms()
    msg = {"mine": 1, "topic": "t", "payload": {"msgType": 99, "command": "connections", "also": "mine"}}
    await node.input(msg)
    assert flow.sent[0] is msg
    assert (msg["mine"], msg["topic"], msg["payload"]["also"]) == (1, "t", "mine")


# --- CSMS ----------------------------------------------------------------------------------------------------------


async def test_connections_is_a_plain_object_by_identity(site: Site):
    node, flow = await site.csms()
    await site.station(node, "CS1")
    await site.station(node, "CS2")
    connections = (await _result(node, flow, "connections"))["connections"]
    assert json.loads(json.dumps(connections)) == connections
    assert set(connections) == {"CS1", "CS2"}
    one = connections["CS1"]
    assert set(one) == {"since", "version", "remote", "securityProfile", "lastSeen"}
    assert (one["version"], one["remote"], one["securityProfile"]) == ("2.0.1", "memory", 1)
    for moment in ("since", "lastSeen"):
        assert abs(datetime.fromisoformat(one[moment]).timestamp() - datetime.now().timestamp()) < 60


@pytest.mark.parametrize("name", ["commands", "command", "cmds"])
async def test_commands_has_the_requests_without_a_response_of_both_directions(site: Site, name):
    node, flow = await site.csms()
    wire = await site.station(node, "CS1")
    await wire.says([2, "in-1", "Heartbeat", {}])
    request = flow.messages[-1]
    answered(node, {"payload": {"command": "Reset", "data": RESET, "MessageId": "out-1", "cbId": "CS1"}})
    await settle()
    rows = (await _result(node, flow, name))["commands"]
    assert {key: (row["cbId"], row["command"], row["direction"]) for key, row in rows.items()} == {
        "in-1": ("CS1", "Heartbeat", "in"),
        "out-1": ("CS1", "Reset", "out"),
    }
    assert all(datetime.fromisoformat(row["time"]) for row in rows.values())
    request["payload"] = {"msgType": 3, "data": BEAT}
    await node.input(request)
    await wire.says([3, "out-1", {"status": "Accepted"}])
    assert (await _result(node, flow, name))["commands"] == {}


async def test_commands_tells_equal_ids_of_two_stations_apart(site: Site):
    node, flow = await site.csms()
    for name in ("CS1", "CS2"):
        await (await site.station(node, name)).says([2, "1", "Heartbeat", {}])
    rows = (await _result(node, flow, "commands"))["commands"]
    assert sorted(row["cbId"] for row in rows.values()) == ["CS1", "CS2"]


async def test_commands_forgets_what_has_expired_or_lost_its_connection(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node, "CS1")
    await wire.says([2, "1", "Heartbeat", {}])
    await site.clock.advance(10.1)
    assert (await _result(node, flow, "commands"))["commands"] == {}
    await wire.says([2, "2", "Heartbeat", {}])
    wire.link.break_()
    await settle()
    assert (await _result(node, flow, "commands"))["commands"] == {}


async def test_get_auth_list_and_set_auth_list(site: Site):
    node, flow = await site.csms()
    assert (await _result(node, flow, "get_auth_list"))["auth_list"] == {"CS1": "secret-1"}
    await node.input(command("set_auth_list", {"CS2": "a", "CS3": "b"}))
    assert (await _result(node, flow, "get_auth_list"))["auth_list"] == {"CS2": "a", "CS3": "b"}


@pytest.mark.parametrize("data", [None, [], "x", {"CS2": 5}, {"CS2": ""}, {"": "x"}, {"CS2": "good", "CS3": None}])
async def test_a_malformed_auth_list_is_refused_whole(site: Site, data):
    node, flow = await site.csms()
    text = await refusal(node, command("set_auth_list", data))
    assert "nothing has been changed" in text
    assert "good" not in text
    assert (await _result(node, flow, "get_auth_list"))["auth_list"] == {"CS1": "secret-1"}


@pytest.mark.parametrize("name", ["get_auth_cs", "get_auth_user"])
async def test_get_auth_cs(site: Site, name):
    node, flow = await site.csms()
    assert (await _result(node, flow, name, {"name": "CS1"}))["auth_cs"] == "secret-1"
    assert (await _result(node, flow, name, {"name": "CS9"}))["auth_cs"] == "NOT FOUND"


@pytest.mark.parametrize("name", ["set_auth_cs", "set_auth_user"])
async def test_set_auth_cs(site: Site, name):
    node, flow = await site.csms()
    await node.input(command(name, {"name": "CS2", "password": "two"}))
    assert (await _result(node, flow, "get_auth_list"))["auth_list"] == {"CS1": "secret-1", "CS2": "two"}
    for bad in ({"name": "CS3"}, {"name": "CS3", "password": 5}, {"password": "x"}, None, []):
        await refusal(node, command(name, bad))
    assert "CS3" not in (await _result(node, flow, "get_auth_list"))["auth_list"]


async def test_remove_auth_cs(site: Site):
    node, flow = await site.csms()
    assert "no station 'CS9'" in await refusal(node, command("remove_auth_cs", {"name": "CS9"}))
    await node.input(command("remove_auth_cs", {"name": "CS1"}))
    assert (await _result(node, flow, "get_auth_list"))["auth_list"] == {}


async def test_ws_close_closes_that_connection_with_code_and_reason(site: Site):
    node, flow = await site.csms()
    one, two = await site.station(node, "CS1"), await site.station(node, "CS2")
    await node.input(command("ws_close", {"name": "CS1", "code": 3001, "reason": "enough"}))
    await settle()
    assert one.ended == (3001, "enough")
    assert two.ended is None
    assert flow.states == ["ONLINE", "ONLINE", "OFFLINE"]


async def test_ws_close_with_1000_if_no_code_is_given(site: Site):
    node, _ = await site.csms()
    wire = await site.station(node)
    await node.input(command("ws_close", {"name": "CS1"}))
    await settle()
    assert wire.ended is not None
    assert wire.ended[0] == 1000


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, "name is missing"),
        ({"name": 5}, "name is missing"),
        ({"name": "CS9"}, "'CS9' is not connected"),
        ({"name": "CS1", "code": 1005}, "close code"),
        ({"name": "CS1", "code": "x"}, "close code"),
        ({"name": "CS1", "reason": "x" * 124}, "123 bytes"),
        ({"name": "CS1", "block": "yes"}, "true or false"),
    ],
)
async def test_a_malformed_ws_close_closes_nothing(site: Site, data, expected):
    node, _ = await site.csms()
    wire = await site.station(node)
    assert expected in await refusal(node, command("ws_close", data))
    await settle()
    assert wire.ended is None


# --- CS ------------------------------------------------------------------------------------------------------------


async def test_connect_connects_a_station_that_does_not_by_itself(site: Site):
    node, flow, wires = await site.cs(auto_connect=False)
    assert wires == []
    await node.input(command("connect"))
    await settle()
    assert (len(wires), flow.states) == (1, ["ONLINE"])


async def test_connect_closes_an_open_connection_first(site: Site):
    node, flow, wires = await site.cs()
    await node.input(command("connect", {"cbId": "CS2"}))
    await settle()
    assert len(wires) == 2
    assert wires[0].ended is not None
    assert wires[1].ended is None
    assert flow.states == ["ONLINE", "OFFLINE", "ONLINE"]


@pytest.mark.parametrize(
    "data",
    [None, {}, {"cbId": "CS1"}, {"csmsUrl": "ws://csms.test/ocpp/"}, {"password": "secret-1"}],
)
async def test_a_connect_that_changes_nothing_leaves_an_open_connection_alone(site: Site, data):
    node, flow, wires = await site.cs()
    await node.input(command("connect", data))
    await site.clock.advance(30)
    assert (len(wires), wires[0].ended) == (1, None)
    assert flow.states == ["ONLINE"]


async def test_a_connect_that_changes_nothing_leaves_an_attempt_alone(site: Site):
    attempts = 0

    async def never() -> Any:
        nonlocal attempts
        attempts += 1
        await asyncio.Event().wait()

    node, _, _ = await site.cs(dial=never)
    await node.input(command("connect"))
    await settle()
    assert attempts == 1
    await node.input(command("connect", {"password": "another-1"}))
    await settle()
    assert attempts == 2


async def test_connect_does_not_wait_for_the_next_attempt(site: Site):
    node, flow, wires = await site.cs()
    wires[0].link.break_()
    await settle()
    assert flow.statuses[-1][2].startswith("Reconn #1")
    await node.input(command("connect"))
    await settle()
    assert (len(wires), flow.states) == (2, ["ONLINE", "OFFLINE", "ONLINE"])


async def test_a_flow_that_feeds_port_2_back_does_not_flap(site: Site):
    """The output of a link call wired into the CS node: the msg of a connect comes back as another connect."""
    node, flow, wires = await site.cs(auto_connect=False)
    await node.input(command("connect", _linkSource=[{"id": "l"}]))
    for _ in range(3):
        (msg,) = flow.port(2)
        flow.out.clear()
        await node.input(msg)
        await settle()
    assert len(wires) == 1
    assert wires[0].ended is None


async def test_connect_starts_a_CS_without_a_target(site: Site):
    node, flow, wires = await site.cs(csms="")
    assert flow.statuses[-1] == (
        "red",
        "ring",
        "the URL of the CSMS is missing: expected ws:// or wss://, host, port and route",
    )
    assert "the URL of the CSMS is missing" in await refusal(node, {"payload": {"command": "Heartbeat"}})
    assert "the URL of the CSMS is missing" in await refusal(node, command("connect", {"cbId": "CS2"}))
    await node.input(command("connect", {"csmsUrl": "ws://other.test/ocpp"}))
    await settle()
    assert (len(wires), node.problem, flow.states) == (1, "", ["ONLINE"])


async def test_connect_starts_a_CS_without_an_identity(site: Site):
    node, flow, wires = await site.cs(cbId="")
    await node.input(command("connect", {"cbId": "CS7"}))
    await settle()
    assert flow.events[0]["topic"] == "CS7/Connection"
    assert len(wires) == 1


async def test_connect_takes_cbId_password_and_csmsUrl_from_now_on_without_a_trailing_slash(site: Site):
    node, flow, wires = await site.cs()
    await node.input(command("connect", {"cbId": "CS9", "password": "new", "csmsUrl": "wss://other.test/x/"}))
    await settle()
    assert (node.station.identity, node.station.url, node._password) == ("CS9", "wss://other.test/x", "new")
    wires[1].link.break_()
    await site.clock.advance(11)
    assert (len(wires), node.station.identity) == (3, "CS9")
    await wires[2].says([2, "1", "Reset", RESET])
    assert flow.messages[-1]["topic"] == "CS9/Request"


async def test_connects_and_closes_at_once_leave_one_connection_or_none(site: Site):
    node, _, wires = await site.cs()
    for number in range(5):
        answered(node, command("connect", {"cbId": f"CS{number}"}))
    await settle()
    await site.clock.advance(30)
    assert [wire.ended is None for wire in wires].count(True) == 1
    assert node.station.identity == "CS4"
    answered(node, command("connect", {"cbId": "CS9"}))
    answered(node, command("close"))
    await settle()
    await site.clock.advance(30)
    assert all(wire.ended is not None for wire in wires)


async def test_a_connect_under_way_does_not_outlive_the_node(site: Site):
    node, _, wires = await site.cs()
    connecting = node.input(command("connect", {"cbId": "CS2"}))
    await node.close()
    with pytest.raises(BadInput, match="closed"):
        await asyncio.wait_for(connecting, PATIENCE)
    await site.clock.advance(30)
    assert all(wire.ended is not None for wire in wires)


@pytest.mark.parametrize(
    "data", [{"cbId": 5}, {"cbId": ""}, {"password": 5}, {"csmsUrl": "http://x"}, {"csmsUrl": "ws://u:p@x/"}, []]
)
async def test_a_malformed_connect_changes_nothing(site: Site, data):
    node, _, wires = await site.cs()
    assert "connect: " in await refusal(node, command("connect", data))
    await settle()
    assert len(wires) == 1
    assert wires[0].ended is None


async def test_close_closes_and_does_not_reconnect(site: Site):
    node, flow, wires = await site.cs()
    await node.input(command("close"))
    await site.clock.advance(1000)
    assert len(wires) == 1
    assert wires[0].ended is not None
    assert flow.statuses[-1] == ("red", "dot", "Closed")


async def test_close_ends_the_attempts_too(site: Site):
    node, flow, wires = await site.cs()
    wires[0].link.break_()
    await settle()
    assert flow.statuses[-1][2].startswith("Reconn #1 in 10 sec")
    await node.input(command("CLOSE"))
    await site.clock.advance(1000)
    assert len(wires) == 1
    assert flow.statuses[-1] == ("red", "dot", "Closed")


@pytest.mark.parametrize(
    "times",
    ["RetryBackOffRepeatTimes", "RetryBackOffRepeatTime", "RetryBackOffRepeateTimes", "RetryBackoffRepeatTimes"],
)
async def test_retrybackoff_sets_the_waits_in_all_spellings(site: Site, times):
    node, _, _ = await site.cs()
    data = {"RetryBackOffWaitMinimum": 7, "RetryBackoffRandomRange": "3", times: 5}
    await node.input(command("retrybackoff", data))
    backoff = node.station.backoff
    assert (backoff.wait_minimum, backoff.random_range, backoff.repeat_times) == (7, 3, 5)


async def test_retrybackoff_takes_0_as_a_value(site: Site):
    node, _, _ = await site.cs()
    await node.input(command("retrybackoff", {"RetryBackOffWaitMinimum": 0}))
    assert node.station.backoff.wait_minimum == 0
    assert node.station.backoff.repeat_times == 2


async def test_retrybackoff_starts_the_count_over(site: Site):
    node, flow, wires = await site.cs()
    wires[0].link.break_()
    await settle()
    assert node.station.backoff.attempts == 1
    await node.input(command("retrybackoff", {"RetryBackOffWaitMinimum": 20}))
    assert node.station.backoff.attempts == 0
    await site.clock.advance(11)
    wires[1].link.break_()
    await settle()
    assert flow.statuses[-1][2].startswith("Reconn #1 in 20 sec")


@pytest.mark.parametrize("data", [None, {}])
async def test_retrybackoff_without_data_starts_the_count_over_and_is_no_error(site: Site, data):
    node, _, wires = await site.cs()
    wires[0].link.break_()
    await settle()
    await node.input(command("retrybackoff", data))
    backoff = node.station.backoff
    assert (backoff.attempts, backoff.wait_minimum, backoff.repeat_times) == (0, 10, 2)


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"RetryBackOffWaitMinimum": -1},
        {"RetryBackOffWaitMinimum": "x"},
        {"RetryBackOffRepeatTimes": 1.5},
        {"Wait": 1},
        {"RetryBackOffWaitMinimum": 5, "RetryBackOffRandomRange": True},
    ],
)
async def test_a_malformed_retrybackoff_changes_nothing(site: Site, data):
    node, _, _ = await site.cs()
    assert "retrybackoff: " in await refusal(node, command("retrybackoff", data))
    assert node.station.backoff.wait_minimum == 10


async def test_status_while_connected(site: Site):
    node, flow, _ = await site.cs()
    assert (await _result(node, flow, "status"))["status"] == {
        "connected": True,
        "version": "2.0.1",
        "url": "ws://csms.test/ocpp",
        "attempts": 0,
        "nextAttemptIn": None,
    }


async def test_status_while_waiting_to_reconnect(site: Site):
    node, flow, wires = await site.cs()
    wires[0].link.break_()
    await site.clock.advance(4)
    status = (await _result(node, flow, "status"))["status"]
    assert (status["connected"], status["version"], status["attempts"]) == (False, None, 1)
    assert status["nextAttemptIn"] == 6.0
