"""node-contract, "Command Message": a test for each row of the table."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from flow_peers import BEAT, RESET, Site, answered, command, refusal, result

from ocppflow.transport.clock import settle

LINKED = {"_linkSource": [{"id": "x", "node": "y"}]}


# --- all of them ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [99, "99", 4, "4"])
async def test_a_command_message_is_msgType_99_or_4_without_an_error(site: Site, kind):
    node, flow = await site.csms()
    await node.input({"payload": {"msgType": kind, "command": "connections"}})
    assert flow.messages[0]["payload"]["connections"] == {}


@pytest.mark.parametrize("name", ["CONNECTIONS", "Connections", " connections "])
async def test_names_are_case_insensitive(site: Site, name):
    node, flow = await site.csms()
    assert (await result(node, flow, name))["connections"] == {}


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
    connections = (await result(node, flow, "connections"))["connections"]
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
    rows = (await result(node, flow, name))["commands"]
    assert {key: (row["cbId"], row["command"], row["direction"]) for key, row in rows.items()} == {
        "in-1": ("CS1", "Heartbeat", "in"),
        "out-1": ("CS1", "Reset", "out"),
    }
    assert all(datetime.fromisoformat(row["time"]) for row in rows.values())
    request["payload"] = {"msgType": 3, "data": BEAT}
    await node.input(request)
    await wire.says([3, "out-1", {"status": "Accepted"}])
    assert (await result(node, flow, name))["commands"] == {}


async def test_commands_tells_equal_ids_of_two_stations_apart(site: Site):
    node, flow = await site.csms()
    for name in ("CS1", "CS2"):
        await (await site.station(node, name)).says([2, "1", "Heartbeat", {}])
    rows = (await result(node, flow, "commands"))["commands"]
    assert sorted(row["cbId"] for row in rows.values()) == ["CS1", "CS2"]


async def test_commands_forgets_what_has_expired_or_lost_its_connection(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node, "CS1")
    await wire.says([2, "1", "Heartbeat", {}])
    await site.clock.advance(10.1)
    assert (await result(node, flow, "commands"))["commands"] == {}
    await wire.says([2, "2", "Heartbeat", {}])
    wire.link.break_()
    await settle()
    assert (await result(node, flow, "commands"))["commands"] == {}


async def test_get_auth_list_and_set_auth_list(site: Site):
    node, flow = await site.csms()
    assert (await result(node, flow, "get_auth_list"))["auth_list"] == {"CS1": "secret-1"}
    await node.input(command("set_auth_list", {"CS2": "a", "CS3": "b"}))
    assert (await result(node, flow, "get_auth_list"))["auth_list"] == {"CS2": "a", "CS3": "b"}


@pytest.mark.parametrize("data", [None, [], "x", {"CS2": 5}, {"CS2": ""}, {"": "x"}, {"CS2": "good", "CS3": None}])
async def test_a_malformed_auth_list_is_refused_whole(site: Site, data):
    node, flow = await site.csms()
    text = await refusal(node, command("set_auth_list", data))
    assert "nothing has been changed" in text
    assert "good" not in text
    assert (await result(node, flow, "get_auth_list"))["auth_list"] == {"CS1": "secret-1"}


@pytest.mark.parametrize("name", ["get_auth_cs", "get_auth_user"])
async def test_get_auth_cs(site: Site, name):
    node, flow = await site.csms()
    assert (await result(node, flow, name, {"name": "CS1"}))["auth_cs"] == "secret-1"
    assert (await result(node, flow, name, {"name": "CS9"}))["auth_cs"] == "NOT FOUND"


@pytest.mark.parametrize("name", ["set_auth_cs", "set_auth_user"])
async def test_set_auth_cs(site: Site, name):
    node, flow = await site.csms()
    await node.input(command(name, {"name": "CS2", "password": "two"}))
    assert (await result(node, flow, "get_auth_list"))["auth_list"] == {"CS1": "secret-1", "CS2": "two"}
    for bad in ({"name": "CS3"}, {"name": "CS3", "password": 5}, {"password": "x"}, None, []):
        await refusal(node, command(name, bad))
    assert "CS3" not in (await result(node, flow, "get_auth_list"))["auth_list"]


async def test_remove_auth_cs(site: Site):
    node, flow = await site.csms()
    assert "no station 'CS9'" in await refusal(node, command("remove_auth_cs", {"name": "CS9"}))
    await node.input(command("remove_auth_cs", {"name": "CS1"}))
    assert (await result(node, flow, "get_auth_list"))["auth_list"] == {}


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
