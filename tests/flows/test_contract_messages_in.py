"""node-contract, "Messages into a node": Requests, Responses, Errors; a test for each line."""

from __future__ import annotations

import asyncio
import uuid

import msgspec
import pytest
from flow_peers import BEAT, RESET, Site, answered, refusal

from ocppflow.nodes import BadInput, contract
from ocppflow.transport.clock import settle

# --- msgType -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [2, 2.0, "2", " 2 ", None, ""])
def test_msgType_is_a_number_or_a_numeric_string_and_2_is_the_default(kind):
    asked = contract.parse({"payload": {"msgType": kind, "command": "Heartbeat"}}, cb_id="CS1")
    assert asked == contract.RequestMsg("CS1", "Heartbeat", b"{}", None, None, True)


def test_msgType_may_be_absent():
    assert isinstance(contract.parse({"payload": {"command": "Heartbeat"}}, cb_id="CS1"), contract.RequestMsg)


@pytest.mark.parametrize("kind", [1, 5, 98, "x", "2x", True, [], {}, 2.5, -2])
def test_any_other_msgType_is_refused_naming_the_valid_ones(kind):
    with pytest.raises(BadInput, match=r"msgType.*expected 2 \(Request\), 3 \(Response\), 4 \(Error\), 99"):
        contract.parse({"payload": {"msgType": kind, "command": "Heartbeat"}}, cb_id="CS1")


# --- Request -------------------------------------------------------------------------------------------------------


async def test_a_request_goes_out_as_a_CALL(site: Site):
    node, _ = await site.csms()
    wire = await site.station(node)
    answered(node, {"payload": {"command": "Reset", "data": RESET, "MessageId": "7", "cbId": "CS1"}})
    await settle()
    assert wire.heard == [[2, "7", "Reset", RESET]]


async def test_command_is_case_sensitive_and_without_Request(site: Site):
    node, _ = await site.csms()
    wire = await site.station(node)
    assert "case-sensitive: 'Reset'" in await refusal(node, {"payload": {"command": "reset", "cbId": "CS1"}})
    assert "'Reset'" in await refusal(node, {"payload": {"command": "ResetRequest", "cbId": "CS1"}})
    assert wire.heard == []


@pytest.mark.parametrize("data", [None, {}, "absent"])
async def test_data_may_be_absent(site: Site, data):
    node, _, wires = await site.cs()
    payload = {"command": "Heartbeat", "MessageId": "1"}
    answered(node, {"payload": payload if data == "absent" else {**payload, "data": data}})
    await settle()
    assert wires[0].heard == [[2, "1", "Heartbeat", {}]]


async def test_absent_MessageId_becomes_a_UUID_v4(site: Site):
    node, _, wires = await site.cs()
    answered(node, {"payload": {"command": "Heartbeat"}})
    await settle()
    assert uuid.UUID(wires[0].heard[0][1]).version == 4


async def test_MessageId_is_taken_as_given_up_to_36_characters(site: Site):
    node, _, wires = await site.cs()
    answered(node, {"payload": {"command": "Heartbeat", "MessageId": "x" * 36}})
    await settle()
    assert wires[0].heard[0][1] == "x" * 36
    assert "36" in await refusal(node, {"payload": {"command": "Heartbeat", "MessageId": "x" * 37}})


async def test_MessageId_in_progress_on_that_connection_is_an_error(site: Site):
    node, _, wires = await site.cs()
    answered(node, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    text = await refusal(node, {"payload": {"command": "Heartbeat", "MessageId": "1"}})
    assert "CS1" in text
    assert "'1' is in progress" in text
    await settle()
    assert len(wires[0].heard) == 1


@pytest.mark.parametrize(("given", "sent"), [(5, "5"), (5.0, "5"), (1.5, "1.5")])
async def test_a_numeric_MessageId_is_taken_as_text(site: Site, given, sent):
    node, flow, wires = await site.cs()
    done = answered(node, {"payload": {"command": "Heartbeat", "MessageId": given}})
    await settle()
    assert wires[0].heard[0][1] == sent
    await wires[0].says([3, sent, BEAT])
    await done
    assert flow.messages[0]["ocpp"]["MessageId"] == sent


@pytest.mark.parametrize(("given", "what"), [(True, "a boolean"), ({}, "an object"), ([], "an array")])
async def test_a_MessageId_that_is_neither_text_nor_number_is_an_error(site: Site, given, what):
    node, _, _ = await site.cs()
    text = await refusal(node, {"payload": {"command": "Heartbeat", "MessageId": given}})
    assert f"MessageId is {what}: expected a string" in text


async def test_cbId_of_the_payload_names_the_station(site: Site):
    node, _ = await site.csms()
    first, second = await site.station(node, "CS1"), await site.station(node, "CS2")
    answered(node, {"payload": {"command": "Reset", "data": RESET, "cbId": "CS2"}, "ocpp": {"cbId": "CS1"}})
    await settle()
    assert (len(first.heard), len(second.heard)) == (0, 1)


async def test_cbId_of_msg_ocpp_names_the_station_if_the_payload_does_not(site: Site):
    node, _ = await site.csms()
    wire = await site.station(node)
    answered(node, {"payload": {"command": "Reset", "data": RESET}, "ocpp": {"cbId": "CS1"}})
    await settle()
    assert wire.heard[0][2] == "Reset"


async def test_no_cbId_at_all_is_an_error(site: Site):
    node, _ = await site.csms()
    assert "which station" in await refusal(node, {"payload": {"command": "Reset", "data": RESET}})


async def test_customData_beside_payload_is_returned_on_the_response_by_the_CSMS(site: Site):
    node, flow = await site.csms()
    wire = await site.station(node)
    mine = {"any": ["value"]}
    done = answered(
        node, {"customData": mine, "payload": {"command": "Reset", "data": RESET, "MessageId": "1", "cbId": "CS1"}}
    )
    await settle()
    assert "customData" not in wire.heard[0][3]
    await wire.says([3, "1", {"status": "Accepted"}])
    await done
    assert flow.messages[0]["customData"] is mine


async def test_customData_beside_payload_is_returned_on_the_response_by_the_CS(site: Site):
    node, flow, wires = await site.cs()
    done = answered(node, {"customData": 42, "payload": {"command": "Heartbeat", "MessageId": "1"}})
    await settle()
    await wires[0].says([3, "1", BEAT])
    await done
    assert flow.messages[0]["customData"] == 42


async def test_customData_of_the_standard_is_sent_over_the_wire(site: Site):
    node, _, wires = await site.cs()
    data = {"customData": {"vendorId": "V", "more": 1}}
    answered(node, {"payload": {"command": "Heartbeat", "data": data}})
    await settle()
    assert wires[0].heard[0][3] == data


async def test_the_response_is_the_original_msg_with_ocpp_payload_and_topic_replaced(site: Site):
    node, flow, wires = await site.cs()
    no_json = object()
    msg = {
        "_msgid": "m1",
        "req": no_json,
        "res": no_json,
        "parts": {"id": 1},
        "mine": no_json,
        "topic": "old",
        "ocpp": {"old": True},
        "payload": {"command": "Heartbeat", "MessageId": "1"},
    }
    done = answered(node, msg)
    await settle()
    await wires[0].says([3, "1", BEAT])
    await done
    assert flow.sent[-1] is msg
    assert msg["req"] is msg["res"] is msg["mine"] is no_json
    assert (msg["_msgid"], msg["parts"]) == ("m1", {"id": 1})
    assert msg["topic"] == "CS1/Response"
    assert msg["ocpp"] == {"ocppVersion": "2.0.1", "MessageId": "1", "command": "Heartbeat", "cbId": "CS1"}
    assert msg["payload"] == {
        "msgType": 3,
        "command": "Heartbeat",
        "data": BEAT,
        "MessageId": "1",
        "cbId": "CS1",
    }


async def test_done_is_called_when_the_answer_has_come_and_not_before(site: Site):
    node, _, wires = await site.cs()
    calls: list[Exception | None] = []
    node.take({"payload": {"command": "Heartbeat", "MessageId": "1"}}, calls.append)
    await settle()
    assert calls == []
    await wires[0].says([3, "1", BEAT])
    assert calls == [None]
    await wires[0].says([3, "1", BEAT])
    assert calls == [None]


async def test_on_failure_done_is_called_with_the_error_once_and_nothing_else_happens(site: Site):
    node, flow, wires = await site.cs()
    before = list(flow.order)
    calls: list[Exception | None] = []
    node.take({"payload": {"command": "Reset"}}, calls.append)
    await settle()
    assert len(calls) == 1
    assert isinstance(calls[0], BadInput)
    assert flow.order == before
    assert wires[0].heard == []


@pytest.mark.parametrize("timeout", [500, "500"])
async def test_payload_timeout_is_for_this_call_in_milliseconds(site: Site, timeout):
    node, flow, _ = await site.cs(messageTimeout=10_000)
    done = answered(node, {"payload": {"command": "Heartbeat", "timeout": timeout}})
    await site.clock.advance(0.4)
    assert not done.done()
    await site.clock.advance(0.2)
    await done
    assert flow.messages[0]["payload"]["error"]["code"] == "Timeout"


@pytest.mark.parametrize("timeout", [0, -1, "soon", True, float("inf"), {}])
async def test_a_timeout_that_makes_no_sense_is_an_error(site: Site, timeout):
    node, _, wires = await site.cs()
    text = await refusal(node, {"payload": {"command": "Heartbeat", "timeout": timeout}})
    assert "CS1: Heartbeat: msg.payload.timeout" in text
    assert "milliseconds" in text
    assert wires[0].heard == []


async def test_payload_validate_false_sends_what_the_schema_forbids(site: Site):
    node, _, wires = await site.cs()
    wrong = {"no": "such field"}
    assert "$.no" in await refusal(node, {"payload": {"command": "Heartbeat", "data": wrong}})
    answered(node, {"payload": {"command": "Heartbeat", "data": wrong, "validate": False}})
    await settle()
    assert wires[0].heard[0][3] == wrong


async def test_message_ids_are_per_connection_in_both_directions(site: Site):
    node, flow = await site.csms()
    wires = {name: await site.station(node, name) for name in ("CS1", "CS2")}
    ours = {
        name: answered(node, {"payload": {"command": "Reset", "data": RESET, "MessageId": "1", "cbId": name}})
        for name in wires
    }
    for name, wire in wires.items():
        await wire.says([2, "1", "Heartbeat", {}])
        assert flow.messages[-1]["ocpp"]["cbId"] == name
    requests = {msg["ocpp"]["cbId"]: msg for msg in flow.messages}
    for name in ("CS2", "CS1"):
        requests[name]["payload"] = {"msgType": 3, "data": BEAT}
        await node.input(requests[name])
        await settle()
        assert wires[name].heard[-1] == [3, "1", BEAT]
        await wires[name].says([3, "1", {"status": "Accepted"}])
        await ours[name]
        assert flow.messages[-1]["ocpp"]["cbId"] == name


async def test_requests_to_one_station_wait_for_each_other_and_go_out_in_order(site: Site):
    node, _ = await site.csms()
    wire = await site.station(node)
    for number in "123":
        answered(node, {"payload": {"command": "Reset", "data": RESET, "MessageId": number, "cbId": "CS1"}})
    await settle()
    for number in "123":
        assert wire.heard[-1][1] == number
        await wire.says([3, number, {"status": "Accepted"}])


async def test_payload_timeout_bounds_the_time_in_the_queue_too(site: Site):
    """A Request whose time is over before its turn has come is not sent later."""
    node, flow = await site.csms()
    wire = await site.station(node)
    first = answered(node, {"payload": {"command": "Reset", "data": RESET, "MessageId": "1", "cbId": "CS1"}})
    short = {"command": "Reset", "data": RESET, "MessageId": "2", "cbId": "CS1", "timeout": 3000}
    second = answered(node, {"payload": short})
    await site.clock.advance(2.9)
    assert not second.done()
    await site.clock.advance(0.2)
    await second
    assert flow.messages[0]["payload"]["error"]["code"] == "Timeout"
    assert flow.messages[0]["payload"]["MessageId"] == "2"
    await wire.says([3, "1", {"status": "Accepted"}])
    await first
    await site.clock.advance(60)
    assert [frame[1] for frame in wire.heard] == ["1"]


async def test_a_full_queue_says_what_the_flow_can_do(site: Site):
    node, _ = await site.csms()
    await site.station(node)
    for _ in range(65):
        answered(node, {"payload": {"command": "Reset", "data": RESET, "cbId": "CS1"}})
    text = await refusal(node, {"payload": {"command": "Reset", "data": RESET, "cbId": "CS1"}})
    assert text.startswith("CS1: Reset: 65 Requests to this station wait already")
    assert "send the next when an answer has come" in text


@pytest.mark.parametrize("flag", [False, "false", "False"])
async def test_flags_may_come_as_text(site: Site, flag):
    node, _, wires = await site.cs()
    answered(node, {"payload": {"command": "Heartbeat", "data": {"no": "such field"}, "validate": flag}})
    await settle()
    assert wires[0].heard[0][3] == {"no": "such field"}


async def test_a_payload_passes_through_byte_by_byte(site: Site):
    node, _, _ = await site.cs()
    data = b'{ "idToken":{"type":"ISO14443","idToken":"\\u0041B"}, "customData":{"vendorId":"V","n":1.50} }'
    answered(node, {"payload": msgspec.Raw(b'{"command":"Authorize","MessageId":"1","data":' + data + b"}")})
    await settle()
    (frame,) = node.station.connection._link.sent  # type: ignore[attr-defined]
    assert data in frame


# --- what is no msg of this contract -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("msg", "expected"),
    [
        ({}, "msg.payload is missing"),
        ({"payload": None}, "msg.payload is missing"),
        ({"payload": "text"}, "msg.payload is a string"),
        ({"payload": 5}, "msg.payload is a number"),
        ({"payload": []}, "msg.payload is an array"),
        ({"payload": msgspec.Raw(b"null")}, "msg.payload is missing"),
        ({"payload": msgspec.Raw(b"[1]")}, "msg.payload is an array"),
        ({"payload": {}}, "msg.payload.command is missing"),
        ({"payload": {"command": 5}}, "msg.payload.command is a number"),
        ({"payload": {"command": "Heartbeat", "data": []}}, "CS1: Heartbeat: msg.payload.data is an array"),
        ({"payload": {"command": "Heartbeat", "data": "{}"}}, "CS1: Heartbeat: msg.payload.data is a string"),
        ({"payload": {"command": "Heartbeat", "data": {1j: 2}}}, "cannot be written as JSON"),
        ({"payload": {"command": "Heartbeat", "validate": "no"}}, "expected true or false"),
        ({"payload": {"msgType": 4}}, "neither payload.error"),
        ({"payload": {"msgType": 99}}, "the name of a Command Message"),
    ],
)
async def test_a_bad_input_never_reaches_the_wire_and_says_what_was_expected(site: Site, msg, expected):
    node, flow, wires = await site.cs()
    before = list(flow.order)
    assert expected in await refusal(node, msg)
    assert wires[0].heard == []
    assert flow.order == before


async def test_a_msg_that_is_no_object_is_refused(site: Site):
    node, _, _ = await site.cs()
    assert "a msg is an object" in await refusal(node, 5)


async def test_input_can_be_left_unawaited_until_it_is_done(site: Site):
    node, _, wires = await site.cs()
    first = node.input({"payload": {"command": "Heartbeat", "MessageId": "1"}})
    assert isinstance(first, asyncio.Future)
    await settle()
    await wires[0].says([3, "1", BEAT])
    assert first.done()
