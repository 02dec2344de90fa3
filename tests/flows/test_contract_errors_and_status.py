"""node-contract, "Errors and status": a test for each line, as far as it needs no sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flow_peers import BEAT, BOOT, RESET, Site, answered, command, refusal

from ocppflow.errors import ConfigurationError, ConnectionRefused
from ocppflow.nodes import BadInput
from ocppflow.nodes.states import NodeState
from ocppflow.transport.clock import settle

# --- bad inputs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "code", "words"),
    [
        ({"command": "Foo"}, "UnknownAction", ["CS1", "Foo", "2.0.1"]),
        ({"command": "BootNotification", "data": BOOT}, "UnknownAction", ["CS1", "BootNotification", "CSMS"]),
        ({"command": "Reset", "data": {"type": 5}}, "InvalidMessage", ["CS1", "Reset", "$.type", "5"]),
        ({"command": "Reset", "data": {}}, "InvalidMessage", ["CS1", "Reset", "$.type", "missing"]),
        ({"command": "Reset", "data": RESET, "cbId": "CS7"}, "NotConnected", ["CS7", "Reset", "not connected"]),
    ],
)
async def test_a_bad_request_names_station_command_field_and_what_was_expected(site: Site, payload, code, words):
    node, _ = await site.csms()
    wire = await site.station(node)
    with pytest.raises(BadInput) as caught:
        await node.input({"payload": {"cbId": "CS1", **payload}})
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value)
    await settle()
    assert wire.heard == []


async def test_a_node_that_is_not_connected_says_so_with_its_url(site: Site):
    node, _, _ = await site.cs(auto_connect=False)
    text = await refusal(node, {"payload": {"command": "Heartbeat"}})
    assert "CS1 is not connected to ws://csms.test/ocpp" in text
    assert "Heartbeat" in text


async def test_an_error_text_is_one_line_and_not_long(site: Site):
    node, _, _ = await site.cs()
    text = await refusal(node, {"payload": {"command": "Heart\nbeat" * 100}})
    assert "\n" not in text
    assert len(text) < 300


# --- what comes from a peer ----------------------------------------------------------------------------------------

BAD_BOOT = {"reason": "Perhaps", "chargingStation": {"model": "M" * 30, "vendorName": "V"}, "extra": 1}


async def test_strict_the_peer_gets_the_CALLERROR_and_the_flow_does_not_see_it(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node)
    await wire.says([2, "1", "BootNotification", BAD_BOOT])
    assert wire.heard[0][:2] == [4, "1"]
    assert flow.messages == []
    await wire.says([2, "2", "Reset", RESET])
    await wire.says([2, "3", "Foo", {}])
    assert [frame[2] for frame in wire.heard[1:]] == ["NotSupported", "NotImplemented"]
    assert flow.messages == []


async def test_tolerant_the_flow_sees_it_with_its_violations(site: Site):
    node, flow = await site.csms(validation="tolerant")
    wire = await site.station(node)
    await wire.says([2, "1", "BootNotification", BAD_BOOT])
    assert wire.heard == []
    (msg,) = flow.messages
    assert msg["payload"]["data"] == BAD_BOOT
    violations = {each["path"]: each for each in msg["ocpp"]["violations"]}
    assert set(violations) == {"$.reason", "$.chargingStation.model", "$.extra"}
    for each in violations.values():
        assert set(each) == {"path", "expected", "got", "code"}
    json.dumps(msg)


async def test_tolerant_responses_carry_their_violations_too(site: Site):
    node, flow, wires = await site.cs(validation="tolerant")
    answered(node, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    await settle()
    await wires[0].says([3, "1", {"currentTime": "noon"}])
    assert [each["path"] for each in flow.messages[0]["ocpp"]["violations"]] == ["$.currentTime"]
    assert flow.messages[0]["payload"]["data"] == {"currentTime": "noon"}


async def test_strict_an_invalid_response_ends_the_call_with_a_local_error(site: Site):
    node, flow, wires = await site.cs()
    done = answered(node, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    await settle()
    await wires[0].says([3, "1", {"currentTime": "noon"}])
    await done
    error = flow.messages[0]["payload"]["error"]
    assert (error["code"], error["local"]) == ("PropertyConstraintViolation", True)
    assert "$.currentTime" in error["description"]
    assert [each["path"] for each in flow.messages[0]["ocpp"]["violations"]] == ["$.currentTime"]


HOSTILE = [
    b"",
    b"x",
    b"[]",
    b"{}",
    b"null",
    b"5",
    b'"x"',
    b"[" * 100_000,
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"[2]",
    b'[2,"1"]',
    b'[2,"1",["x"],{}]',
    b'[2,1,"Heartbeat",{}]',
    b'[2,null,"Heartbeat",{}]',
    b'[2,"' + b"x" * 40 + b'","Heartbeat",{}]',
    b'[2,"1","Heartbeat",[]]',
    b'[2,"1","Heartbeat","\\ud800"]',
    b'[3,"1",{}]',
    b'[3,"1"]',
    b'[4,"1"]',
    b'[4,"1","X","",{}]',
    b'[5,"1","X","",{}]',
    b'[6,"1","Heartbeat",{}]',
    b'[9,"1","Heartbeat",{}]',
    b'[2,"1","__proto__",{}]',
    b'[2,"1","Heartbeat",{"__proto__":1}]',
    b'[2,"1","Heartbeat",{},{}]',
]


async def test_nothing_a_peer_sends_stops_a_node_or_another_station(site: Site):
    node, flow = await site.csms(ocpp_logging=True)
    bad, good = await site.station(node, "CS1"), await site.station(node, "CS2")
    for frame in HOSTILE:
        await bad.says(frame)
    bad.link.send_binary(bytes(100))
    await bad.says([2, "ok", "Heartbeat", {}])
    await good.says([2, "ok", "Heartbeat", {}])
    assert [msg["ocpp"]["cbId"] for msg in flow.messages] == ["CS1", "CS2"]
    assert len(flow.port(3)) >= len(HOSTILE)


# --- status --------------------------------------------------------------------------------------------------------


async def test_status_of_the_CSMS_starting_then_the_number_of_stations(site: Site):
    node, flow = await site.csms()
    one = await site.station(node, "CS1")
    await site.station(node, "CS2")
    one.link.break_()
    await settle()
    assert [status[1:] for status in flow.statuses] == [
        ("ring", "starting"),
        ("ring", "(0)"),
        ("ring", "(1)"),
        ("ring", "(2)"),
        ("ring", "(1)"),
    ]
    assert {fill for fill, _, text in flow.statuses if text != "starting"} == {"green"}


async def test_traffic_does_not_touch_the_status_of_the_CSMS(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node)
    before = list(flow.statuses)
    await wire.says([2, "1", "Heartbeat", {}])
    answered(node, {"payload": {"command": "Reset", "data": RESET, "cbId": "CS1"}})
    await settle()
    assert flow.statuses == before


async def test_a_station_that_connects_again_is_counted_once(site: Site):
    node, flow = await site.csms()
    await site.station(node, "CS1")
    await site.station(node, "CS1")
    assert flow.statuses[-1][2] == "(1)"
    assert flow.states == ["ONLINE", "OFFLINE", "ONLINE"]


async def test_status_of_the_CS_over_its_life(site: Site):
    node, flow, wires = await site.cs()
    answered(node, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    await settle()
    await wires[0].says([3, "1", BEAT])
    await wires[0].says([2, "r", "Reset", RESET])
    msg = flow.messages[-1]
    msg["payload"] = {"msgType": 3, "data": {"status": "Accepted"}}
    await node.input(msg)
    wires[0].link.break_()
    await settle()
    await site.clock.advance(10)
    await node.input(command("close"))
    assert flow.statuses == [
        ("blue", "dot", "Connecting..."),
        ("green", "dot", "Connected..."),
        ("green", "dot", "REQ out: Heartbeat"),
        ("green", "dot", "RES out: Reset"),
        ("red", "dot", "Closed"),
        ("red", "ring", "Reconn #1 in 10 sec: connection lost"),
        ("blue", "dot", "Connecting..."),
        ("green", "dot", "Connected..."),
        ("red", "dot", "Closed"),
    ]


async def test_reconnect_waits_double_up_to_the_repeat_times(site: Site):
    async def nobody():
        raise ConnectionRefused("nothing listens on csms.test:80: check host and port, or start the CSMS")

    _, flow, _ = await site.cs(dial=nobody, ws_rt_minimum="5", ws_rt_repeat="2")
    await site.clock.advance(60)
    waits = [text for fill, shape, text in flow.statuses if (fill, shape) == ("red", "ring") and "Reconn" in text]
    why = "nothing listens on csms.test:80: check host and port, or start the CSMS"
    assert waits == [f"Reconn #{k} in {n} sec: {why}" for k, n in ((1, 5), (2, 10), (3, 20), (4, 20), (5, 20))]


async def test_refused_by_the_CSMS_shows_the_HTTP_status_and_what_to_check(site: Site):
    async def refusing():
        raise ConnectionRefused("csms.test:80 refused: HTTP 404 Not Found (check the identity and path)", status=404)

    _, flow, _ = await site.cs(dial=refusing)
    assert ("red", "ring", "HTTP 404 Not Found (check the identity and path)") in flow.statuses
    again = "Reconn #1 in 10 sec: HTTP 404 Not Found (check the identity and path)"
    assert flow.statuses[-1] == ("red", "ring", again)


async def test_a_forbidden_identity_or_url_is_a_red_status_that_stays(site: Site):
    async def never() -> Any:
        raise ConfigurationError("the identity 'no:good' has characters other than A-Z a-z 0-9 * - _ = + | @ .")

    node, flow, _ = await site.cs(dial=never)
    await site.clock.advance(1000)
    assert flow.statuses[-1][:2] == ("red", "ring")
    assert "no:good" in flow.statuses[-1][2]
    assert not any("Reconn" in text for *_, text in flow.statuses)
    assert flow.states == ["OFFLINE"]
    assert node.state is NodeState.UNFIT
    assert "no:good" in await refusal(node, {"payload": {"command": "Heartbeat"}})


async def test_public_objects_tell_their_state(site: Site):
    csms, _ = await site.csms(name="Depot")
    cs, _, _ = await site.cs()
    await site.station(csms)
    assert repr(csms) == "<CSMSNode 'Depot' working, 1 station>"
    assert repr(cs) == "<CSNode CS1 working, station connected>"
    await cs.close()
    assert repr(cs) == "<CSNode CS1 closed, station stopped>"


async def test_auto_connect_off_shows_closed_and_connects_nowhere(site: Site):
    _, flow, wires = await site.cs(auto_connect=False)
    assert flow.statuses == [("red", "dot", "Closed")]
    assert wires == []


async def test_a_status_is_not_repeated(site: Site):
    node, flow, wires = await site.cs()
    for number in "123":
        answered(node, {"payload": {"command": "Heartbeat", "MessageId": number}})
        await settle()
        await wires[0].says([3, number, BEAT])
    assert flow.statuses.count(("green", "dot", "REQ out: Heartbeat")) == 1


# --- closing -------------------------------------------------------------------------------------------------------


async def test_closing_a_node_closes_with_1001_and_fails_what_was_pending(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node)
    await wire.says([2, "b1", "Heartbeat", {}])
    done = answered(node, {"payload": {"command": "Reset", "data": RESET, "cbId": "CS1"}})
    await settle()
    await node.close()
    await done
    await settle()
    assert wire.ended is not None
    assert wire.ended[0] == 1001
    assert [4, "b1", "InternalError", "the flow is being stopped", {}] in wire.heard
    assert flow.messages[-1]["payload"]["error"]["code"] == "ConnectionLost"
    assert node.port is None


async def test_closing_the_CS_closes_with_1001_and_leaves_no_timer(site: Site):
    node, _, wires = await site.cs()
    await node.close()
    await settle()
    assert wires[0].ended is not None
    assert wires[0].ended[0] == 1001
    await site.clock.advance(1000)
    assert len(wires) == 1


async def test_a_closed_node_takes_no_input(site: Site):
    node, _, _ = await site.cs()
    await node.close()
    await node.close()
    assert "closed" in await refusal(node, {"payload": {"command": "Heartbeat"}})


async def test_backpressure_makes_the_peers_wait_and_loses_nothing(site: Site):
    node, flow = await site.csms()
    early = await site.station(node, "CS1")
    node.pause()
    late = await site.station(node, "CS2")
    for wire in (early, late):
        await wire.says([2, "1", "Heartbeat", {}])
    assert flow.messages == []
    node.resume()
    await settle()
    assert sorted(msg["ocpp"]["cbId"] for msg in flow.messages) == ["CS1", "CS2"]
