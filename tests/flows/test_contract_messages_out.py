"""node-contract, "Outputs" and "Messages out of a node": a test for each line."""

from __future__ import annotations

import msgspec
import pytest
from flow_peers import BEAT, BOOT, RESET, Flow, Site, answered, command, refusal

from ocppflow.errors import ConnectionRefused
from ocppflow.nodes import CSNode
from ocppflow.nodes.values import plain
from ocppflow.transport.clock import settle
from ocppflow.transport.handshake import RefusedInfo

# --- Requests, Responses, Errors -----------------------------------------------------------------------------------


async def test_an_incoming_request_is_this_msg_on_port_1(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node, "CS1")
    await wire.says([2, "b1", "BootNotification", BOOT])
    assert flow.messages == [
        {
            "ocpp": {"ocppVersion": "2.0.1", "MessageId": "b1", "command": "BootNotification", "cbId": "CS1"},
            "payload": {
                "msgType": 2,
                "command": "BootNotification",
                "data": BOOT,
                "MessageId": "b1",
                "cbId": "CS1",
            },
            "topic": "CS1/Request",
        }
    ]


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_ocppVersion_is_that_of_the_connection(site: Site, version):
    node, flow, wires = await site.cs(versions=[version])
    answered(node, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    await settle()
    await wires[0].says([3, "1", BEAT])
    assert flow.messages[0]["ocpp"]["ocppVersion"] == version


async def test_a_response_carries_the_command_of_its_request_its_MessageId_and_topic(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node)
    answered(node, {"payload": {"command": "Reset", "data": RESET, "MessageId": "9", "cbId": "CS1"}})
    await settle()
    await wire.says([3, "9", {"status": "Accepted"}])
    (msg,) = flow.messages
    assert msg["payload"]["command"] == msg["ocpp"]["command"] == "Reset"
    assert msg["payload"]["MessageId"] == msg["ocpp"]["MessageId"] == "9"
    assert msg["payload"]["msgType"] == 3
    assert msg["topic"] == "CS1/Response"


async def test_an_error_has_code_description_and_details_and_its_topic(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node)
    done = answered(node, {"mine": 1, "payload": {"command": "Reset", "data": RESET, "MessageId": "9", "cbId": "CS1"}})
    await settle()
    await wire.says([4, "9", "NotSupported", "no reset here", {"x": 1}])
    await done
    (msg,) = flow.messages
    assert msg["payload"] == {
        "msgType": 4,
        "command": "Reset",
        "error": {"code": "NotSupported", "description": "no reset here", "details": {"x": 1}},
        "MessageId": "9",
        "cbId": "CS1",
    }
    assert (msg["topic"], msg["mine"]) == ("CS1/Error", 1)


async def test_a_call_that_times_out_gives_a_local_error_Timeout(site: Site):
    node, flow, _ = await site.cs(messageTimeout=4000)
    done = answered(node, {"payload": {"command": "Heartbeat"}})
    await site.clock.advance(4.1)
    await done
    error = flow.messages[0]["payload"]["error"]
    assert (error["code"], error["local"], error["details"]) == ("Timeout", True, {})
    assert "Heartbeat" in error["description"]
    assert "4 s" in error["description"]


async def test_messageTimeout_is_10_seconds_if_it_is_not_configured(site: Site):
    node, _, _ = await site.cs()
    done = answered(node, {"payload": {"command": "Heartbeat"}})
    await site.clock.advance(9.9)
    assert not done.done()
    await site.clock.advance(0.2)
    assert done.done()


async def test_a_call_whose_connection_is_lost_gives_a_local_error_ConnectionLost(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node)
    done = [
        answered(node, {"payload": {"command": "Reset", "data": RESET, "MessageId": number, "cbId": "CS1"}})
        for number in "12"
    ]
    await settle()
    wire.link.break_()
    await settle()
    for each in done:
        await each
    for msg in flow.messages:
        assert (msg["payload"]["error"]["code"], msg["payload"]["error"]["local"]) == ("ConnectionLost", True)
        assert msg["topic"] == "CS1/Error"


async def test_a_late_answer_reaches_nobody(site: Site):
    node, flow, wires = await site.cs()
    answered(node, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    await site.clock.advance(10.1)
    await wires[0].says([3, "1", BEAT])
    assert len(flow.messages) == 1


async def test_an_unconfirmed_message_of_2_1_goes_out_and_is_done_at_once(site: Site):
    node, flow, wires = await site.cs(versions=["2.1"])
    data = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 0, "v": "1"}]}
    await node.input({"payload": {"command": "NotifyPeriodicEventStream", "data": data, "MessageId": "s1"}})
    await settle()
    assert wires[0].heard == [[6, "s1", "NotifyPeriodicEventStream", data]]
    assert flow.messages == []


# --- ports ---------------------------------------------------------------------------------------------------------

LINKED = {"_linkSource": [{"id": "x", "node": "y"}]}


@pytest.mark.parametrize("answer", [[3, "1", BEAT], [4, "1", "GenericError", "", {}]])
async def test_the_answer_to_a_request_of_a_link_call_goes_to_port_2_alone(site: Site, answer):
    node, flow, wires = await site.cs()
    msg = {**LINKED, "payload": {"command": "Heartbeat", "MessageId": "1"}}
    answered(node, msg)
    await settle()
    await wires[0].says(answer)
    assert [port for port, each in flow.out if each["ocpp"].get("command")] == [2]
    assert flow.sent[-1] is msg
    assert msg["_linkSource"] == LINKED["_linkSource"]


async def test_a_timeout_of_a_link_call_completes_it_on_port_2(site: Site):
    node, flow, _ = await site.cs()
    answered(node, {**LINKED, "payload": {"command": "Heartbeat"}})
    await site.clock.advance(10.1)
    assert flow.port(2)[0]["payload"]["error"]["code"] == "Timeout"


async def test_without_linkSource_the_answer_goes_to_port_1_alone(site: Site):
    node, flow, wires = await site.cs()
    answered(node, {"_linkSource": [], "payload": {"command": "Heartbeat", "MessageId": "1"}})
    await settle()
    await wires[0].says([3, "1", BEAT])
    assert len(flow.messages) == 1
    assert flow.port(2) == []


async def test_results_of_command_messages_go_to_port_2_for_a_link_call(site: Site):
    node, flow, _ = await site.cs()
    await node.input(command("status", **LINKED))
    assert flow.port(2)[0]["payload"]["status"]["connected"] is True
    assert flow.messages == []


async def test_port_3_is_silent_unless_ocpp_logging_is_on(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node)
    await wire.says([2, "1", "Heartbeat", {}])
    assert flow.port(3) == []


# --- connection events ---------------------------------------------------------------------------------------------


async def test_the_CS_says_ONLINE_and_OFFLINE_once_per_change(site: Site):
    node, flow, wires = await site.cs()
    assert flow.states == ["ONLINE"]
    wires[0].link.break_()
    await settle()
    assert flow.states == ["ONLINE", "OFFLINE"]
    await site.clock.advance(11)
    assert flow.states == ["ONLINE", "OFFLINE", "ONLINE"]
    await node.input(command("close"))
    assert flow.states == ["ONLINE", "OFFLINE", "ONLINE", "OFFLINE"]


async def test_the_first_failed_attempt_after_a_start_is_a_change_and_the_others_are_none(site: Site):
    async def nobody():
        raise ConnectionRefused("nothing listens there")

    _, flow, _ = await site.cs(dial=nobody)
    await site.clock.advance(100)
    assert len([text for *_, text in flow.statuses if text.startswith("Reconn")]) >= 3
    (event,) = flow.events
    assert event["ocpp"] == {"websocket": "OFFLINE", "cbId": "CS1"}
    assert event["payload"] == {"code": 1006, "reason": "nothing listens there"}


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, ""), (1006, ""), (3123, ""), (1011, "mine")])
async def test_the_reason_of_an_OFFLINE_is_never_empty(site: Site, code, reason):
    _, flow, wires = await site.cs()
    if code == 1006:
        wires[0].link.break_("")
    else:
        wires[0].link.close(code, reason)
    await settle()
    payload = flow.events[-1]["payload"]
    assert payload["code"] == code
    assert payload["reason"]
    assert payload["reason"] == (reason or payload["reason"])


async def test_a_REFUSED_event_needs_an_identity(site: Site):
    node, flow = await site.csms()
    node.csms.refused(RefusedInfo("", "1.2.3.4:5", "/", 404, "the path names no station"))
    assert flow.events == []
    node.csms.refused(RefusedInfo("CS9", "1.2.3.4:5", "/ocpp", 404, ""))
    assert flow.events[0]["ocpp"] == {"websocket": "REFUSED", "cbId": "CS9"}
    assert flow.events[0]["payload"]["reason"]


async def test_connection_events_are_per_node(site: Site):
    _, first, wires = await site.cs()
    _, second, _ = await site.cs(cbId="CS2")
    wires[0].link.break_()
    await settle()
    assert (first.states, second.states) == (["ONLINE", "OFFLINE"], ["ONLINE"])


async def test_the_CSMS_says_ONLINE_and_OFFLINE_with_cbId_and_topic(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node, "CS1")
    wire.link.close(1000, "bye")
    await settle()
    online, offline = flow.events
    assert online["ocpp"] == {"websocket": "ONLINE", "cbId": "CS1", "ocppVersion": "2.0.1"}
    assert offline["ocpp"]["websocket"] == "OFFLINE"
    assert online["topic"] == offline["topic"] == "CS1/Connection"
    assert (online["payload"]["version"], online["payload"]["securityProfile"]) == ("2.0.1", 1)
    assert offline["payload"]["code"] == 1000


# --- ocpp log ------------------------------------------------------------------------------------------------------


async def test_the_ocpp_log_of_the_CSMS_has_both_directions(site: Site):
    node, flow = await site.csms(ocpp_logging=True)
    wire = await site.station(node)
    await wire.says([2, "1", "Heartbeat", {}])
    msg = flow.messages[-1]
    msg["payload"] = {"msgType": 3, "data": BEAT}
    await node.input(msg)
    log = flow.port(3)
    assert [(each["cbId"], each["msgFrom"], each["payload"]) for each in log] == [
        ("CS1", "CS", [2, "1", "Heartbeat", {}]),
        ("CS1", "CSMS", [3, "1", BEAT]),
    ]
    assert all(isinstance(each["timestamp"], int) and each["timestamp"] > 1_600_000_000_000 for each in log)
    assert all(set(each) == {"timestamp", "cbId", "msgFrom", "payload"} for each in log)


async def test_the_ocpp_log_of_the_CS_has_both_directions(site: Site):
    node, flow, wires = await site.cs(ocpp_logging=True)
    answered(node, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    await settle()
    await wires[0].says([3, "1", BEAT])
    assert [(each["msgFrom"], each["payload"]) for each in flow.port(3)] == [
        ("CS", [2, "1", "Heartbeat", {}]),
        ("CSMS", [3, "1", BEAT]),
    ]


async def test_the_ocpp_log_comes_before_the_port_1_message_it_belongs_to(site: Site):
    node, flow, wires = await site.cs(ocpp_logging=True)
    del flow.order[:]
    await wires[0].says([2, "r1", "Reset", RESET])
    assert flow.order == ["port 3", "port 1"]
    answered(node, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    del flow.order[:]
    await wires[0].says([3, "1", BEAT])
    assert flow.order == ["port 3", "port 1"]


async def test_what_was_refused_before_sending_is_not_in_the_ocpp_log(site: Site):
    node, flow, _ = await site.cs(ocpp_logging=True)
    await refusal(node, {"payload": {"command": "Reset"}})
    await refusal(node, {"payload": {"command": "Heartbeat", "data": {"no": 1}}})
    assert flow.port(3) == []


async def test_what_a_peer_sends_is_in_the_ocpp_log_even_if_it_is_no_JSON(site: Site):
    node, flow = await site.csms(ocpp_logging=True)
    wire = await site.station(node)
    await wire.says(b'[2,"1",')
    assert flow.port(3)[0]["payload"] == '[2,"1",'
    assert flow.messages == []


async def test_passwords_inside_messages_are_not_in_the_ocpp_log(site: Site):
    node, flow = await site.csms(ocpp_logging=True)
    await site.station(node)
    secret = "the-new-password-123"
    data = {
        "setVariableData": [
            {
                "attributeValue": secret,
                "component": {"name": "SecurityCtrlr"},
                "variable": {"name": "BasicAuthPassword"},
            }
        ]
    }
    answered(node, {"payload": {"command": "SetVariables", "data": data, "cbId": "CS1"}})
    await settle()
    assert flow.port(3)[0]["payload"][2] == "SetVariables"
    assert secret not in str(flow.port(3))


# --- raw -----------------------------------------------------------------------------------------------------------


async def test_raw_data_is_what_came_byte_by_byte(site: Site):
    node, flow = await site.csms()
    raw = Flow()
    node._emit, node._raw = raw.send, True
    wire = await site.station(node)
    await wire.says(b'[2,"1","Heartbeat",{ "customData" : {"vendorId":"V","n":1.50e0} }]')
    data = raw.messages[0]["payload"]["data"]
    assert isinstance(data, msgspec.Raw)
    assert bytes(data) == b'{ "customData" : {"vendorId":"V","n":1.50e0} }'
    assert plain(raw.messages[0])["payload"]["data"] == {"customData": {"vendorId": "V", "n": 1.5}}
    assert flow.messages == []


async def test_two_nodes_never_share_state(site: Site):
    first, flow_1, wires_1 = await site.cs()
    second, flow_2, wires_2 = await site.cs(cbId="CS2")
    assert isinstance(first, CSNode)
    one = answered(first, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    two = answered(second, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    await settle()
    await wires_2[0].says([3, "1", BEAT])
    assert (one.done(), two.done()) == (False, True)
    await wires_1[0].says([3, "1", BEAT])
    await one
    assert [msg["ocpp"]["cbId"] for msg in flow_1.messages + flow_2.messages] == ["CS1", "CS2"]
