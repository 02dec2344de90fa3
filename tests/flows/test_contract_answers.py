"""node-contract, "Messages into a node": the flow's Responses and Errors."""

from __future__ import annotations

import pytest
from flow_peers import BEAT, BOOT, BOOT_ACCEPTED, RESET, Site, refusal

from ocppflow.transport.clock import settle

# --- Response ------------------------------------------------------------------------------------------------------


async def _asked(site: Site, frame: list, **config):
    node, flow = await site.csms(**config)
    wire = await site.station(node)
    await wire.says(frame)
    return node, flow, wire, flow.messages[-1]


async def test_a_response_is_the_msg_of_the_request_with_msgType_3_and_data(site: Site):
    node, _, wire, msg = await _asked(site, [2, "b1", "BootNotification", BOOT])
    msg["payload"]["msgType"] = 3
    msg["payload"]["data"] = BOOT_ACCEPTED
    await node.input(msg)
    await settle()
    assert wire.heard == [[3, "b1", BOOT_ACCEPTED]]


async def test_msg_ocpp_ties_the_response_to_the_request_and_the_payload_may_be_new(site: Site):
    node, _, wire, msg = await _asked(site, [2, "b1", "BootNotification", BOOT])
    msg["payload"] = {"msgType": "3", "data": BOOT_ACCEPTED}
    await node.input(msg)
    await settle()
    assert wire.heard == [[3, "b1", BOOT_ACCEPTED]]


@pytest.mark.parametrize("ocpp", [None, {}, {"MessageId": ""}, {"MessageId": []}, "x"])
async def test_a_response_without_its_msg_ocpp_is_an_error(site: Site, ocpp):
    node, _, wire, msg = await _asked(site, [2, "b1", "BootNotification", BOOT])
    msg["payload"] = {"msgType": 3, "data": BOOT_ACCEPTED}
    msg["ocpp"] = ocpp
    assert "msg.ocpp.MessageId is missing: answer with the msg of the Request" in await refusal(node, msg)
    assert wire.heard == []


async def test_cbId_of_the_payload_serves_where_that_of_msg_ocpp_is_missing(site: Site):
    node, _, wire, _ = await _asked(site, [2, "b1", "BootNotification", BOOT])
    await node.input(
        {
            "payload": {"msgType": 3, "data": BOOT_ACCEPTED, "cbId": "CS1"},
            "ocpp": {"MessageId": "b1", "command": "BootNotification"},
        }
    )
    await settle()
    assert wire.heard == [[3, "b1", BOOT_ACCEPTED]]


async def test_a_numeric_MessageId_of_msg_ocpp_is_taken_as_text(site: Site):
    node, _, wire, msg = await _asked(site, [2, "17", "BootNotification", BOOT])
    await node.input(
        {"payload": {"msgType": 3, "data": BOOT_ACCEPTED}, "ocpp": {**msg["ocpp"], "MessageId": 17}},
    )
    await settle()
    assert wire.heard == [[3, "17", BOOT_ACCEPTED]]


async def test_a_response_later_than_messageTimeout_is_expired_and_not_sent(site: Site):
    node, _, wire, msg = await _asked(site, [2, "b1", "Heartbeat", {}], messageTimeout="3000")
    await site.clock.advance(3.1)
    assert [frame[0] for frame in wire.heard] == [4]
    msg["payload"] = {"msgType": 3, "data": BEAT}
    text = await refusal(node, msg)
    for word in ("CS1", "Heartbeat", "'b1'", "expired", "3000 ms"):
        assert word in text
    assert [frame[0] for frame in wire.heard] == [4]


async def test_a_response_just_within_messageTimeout_is_sent(site: Site):
    node, _, wire, msg = await _asked(site, [2, "b1", "Heartbeat", {}], messageTimeout="3000")
    await site.clock.advance(2.9)
    msg["payload"] = {"msgType": 3, "data": BEAT}
    await node.input(msg)
    await settle()
    assert wire.heard == [[3, "b1", BEAT]]


async def test_a_second_response_is_an_error_that_says_so(site: Site):
    node, _, wire, msg = await _asked(site, [2, "b1", "Heartbeat", {}])
    msg["payload"] = {"msgType": 3, "data": BEAT}
    await node.input(msg)
    assert "answered already" in await refusal(node, msg)
    await settle()
    assert len(wire.heard) == 1


async def test_a_response_over_a_connection_that_has_ended_is_an_error_that_says_so(site: Site):
    node, _, wire, msg = await _asked(site, [2, "b1", "Heartbeat", {}])
    wire.link.break_()
    await settle()
    again = await site.station(node)
    msg["payload"] = {"msgType": 3, "data": BEAT}
    text = await refusal(node, msg)
    assert "CS1: Heartbeat" in text
    assert "connection" in text
    assert again.heard == []


async def test_a_response_is_not_taken_for_another_command_with_its_id(site: Site):
    """A station that counts its ids from 1 after each start."""
    node, _, wire, late = await _asked(site, [2, "1", "Heartbeat", {}])
    wire.link.break_()
    await settle()
    again = await site.station(node)
    await again.says([2, "1", "BootNotification", BOOT])
    late["payload"] = {"msgType": 3, "data": BEAT}
    assert "BootNotification has that MessageId now" in await refusal(node, late)
    assert again.heard == []


async def test_a_response_that_the_schema_forbids_is_not_sent_and_a_corrected_one_is_still_taken(site: Site):
    node, _, wire, msg = await _asked(site, [2, "b1", "BootNotification", BOOT])
    msg["payload"] = {"msgType": 3, "data": {**BOOT_ACCEPTED, "status": "Perhaps"}}
    text = await refusal(node, msg)
    for word in ("CS1", "BootNotification", "$.status", "Perhaps"):
        assert word in text
    assert wire.heard == []
    msg["payload"]["data"] = BOOT_ACCEPTED
    await node.input(msg)
    await settle()
    assert wire.heard == [[3, "b1", BOOT_ACCEPTED]]


async def test_a_forbidden_response_can_be_sent_on_purpose(site: Site):
    node, _, wire, msg = await _asked(site, [2, "b1", "Heartbeat", {}])
    msg["payload"] = {"msgType": 3, "data": {"currentTime": "now"}, "validate": False}
    await node.input(msg)
    await settle()
    assert wire.heard == [[3, "b1", {"currentTime": "now"}]]


# --- Error ---------------------------------------------------------------------------------------------------------


async def test_an_error_is_sent_as_CALLERROR(site: Site):
    node, _, wire, msg = await _asked(site, [2, "b1", "BootNotification", BOOT])
    msg["payload"]["msgType"] = 4
    msg["payload"]["error"] = {"code": "SecurityError", "description": "not you", "details": {"why": 1}}
    await node.input(msg)
    await settle()
    assert wire.heard == [[4, "b1", "SecurityError", "not you", {"why": 1}]]


async def test_description_and_details_of_an_error_may_be_absent(site: Site):
    node, _, wire, msg = await _asked(site, [2, "b1", "Heartbeat", {}])
    msg["payload"] = {"msgType": "4", "error": {"code": "NotSupported"}}
    await node.input(msg)
    await settle()
    assert wire.heard == [[4, "b1", "NotSupported", "", {}]]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("NotSupported", "payload.error is a string"),
        ({}, "error.code is missing"),
        ({"code": 5}, "error.code is 5"),
        ({"code": "Nope"}, "NotSupported"),
        ({"code": "NotSupported", "description": 1}, "description is a number"),
        ({"code": "NotSupported", "details": []}, "details is an array"),
    ],
)
async def test_a_malformed_error_is_refused_and_a_corrected_one_is_still_taken(site: Site, error, expected):
    node, _, wire, msg = await _asked(site, [2, "b1", "Heartbeat", {}])
    msg["payload"] = {"msgType": 4, "error": error}
    text = await refusal(node, msg)
    assert expected in text
    assert "CS1: Heartbeat" in text
    msg["payload"]["error"] = {"code": "NotSupported"}
    await node.input(msg)
    await settle()
    assert [frame[0] for frame in wire.heard] == [4]


@pytest.mark.parametrize("code", ["FormationViolation", "FormatViolation"])
async def test_an_error_code_may_be_spelled_as_in_any_version(site: Site, code):
    node, _, wire, msg = await _asked(site, [2, "b1", "Heartbeat", {}])
    msg["payload"] = {"msgType": 4, "error": {"code": code}}
    await node.input(msg)
    await settle()
    assert wire.heard[0][2] == "FormatViolation"


async def test_silence_of_the_flow_gives_the_peer_an_InternalError(site: Site):
    _, _, wire, _ = await _asked(site, [2, "b1", "Heartbeat", {}], messageTimeout=2000)
    await site.clock.advance(1.9)
    assert wire.heard == []
    await site.clock.advance(0.2)
    assert wire.heard == [[4, "b1", "InternalError", "no answer from the flow", {}]]


async def test_silence_of_the_flow_at_the_CS(site: Site):
    _, _, wires = await site.cs()
    await wires[0].says([2, "r1", "Reset", RESET])
    await site.clock.advance(10.1)
    assert wires[0].heard == [[4, "r1", "InternalError", "no answer from the flow", {}]]
