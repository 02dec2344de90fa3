"""What a frame may look like, and what each fault is answered with (2.1 Part 4, 4.1 to 4.3 and 7.2)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from rpc_sides import V2, Side, every_side, sides

from ocppflow.errors import CallError, InvalidMessage, InvalidResponse, UnknownAction
from ocppflow.messages import Role, Version, v16
from ocppflow.messages.tolerance import TOLERANT
from ocppflow.rpc.codes import CODES
from ocppflow.rpc.events import (
    CallAnswered,
    CallFailed,
    CallReceived,
    Ignored,
    Noted,
    Refused,
    ResultRefused,
    SendReceived,
)
from ocppflow.rpc.session import Session


@every_side
def test_J_4_2_1_a_call_has_4_elements_a_result_3_an_error_5(side: Side) -> None:
    side.call(message_id="c")
    assert side.session.data_to_send() == [(f'[2,"c","{side.said}",{{}}]'.encode(), None)]
    side.hear([2, "1", side.heard, {}])
    assert side.reply("1", side.response) == [[3, "1", side.response]]
    side.hear([2, "2", side.heard, {}])
    side.session.fail("2", CallError.of("GenericError"))
    assert side.sent() == [[4, "2", "GenericError", "", {}]]


@every_side
@pytest.mark.parametrize("frame", ['[2,"1"]', '[2,"1","{heard}"]', '[2,"1","{heard}",{{}},{{}}]'])
def test_J_4_2_1_a_call_with_another_number_of_elements_is_refused(side: Side, frame: str) -> None:
    answers = side.hear(frame.format(heard=side.heard).encode())
    assert [each[:3] for each in answers] == [[4, "1", "ProtocolError"]]
    assert "a CALL has 4 elements" in answers[0][3]


@every_side
@pytest.mark.parametrize("payload", ["[]", '"x"', "7", "true", "1.5"])
def test_J_4_1_5_the_payload_is_an_object(side: Side, payload: str) -> None:
    [answer] = side.hear(f'[2,"1","{side.heard}",{payload}]'.encode())
    assert answer[:3] == [4, "1", "ProtocolError"]
    assert "must be a JSON object" in answer[3]


@every_side
@pytest.mark.parametrize("action", ['["x"]', "7", "null", "{}"])
def test_J_4_1_6_the_action_is_a_string(side: Side, action: str) -> None:
    [answer] = side.hear(f'[2,"1",{action},{{}}]'.encode())
    assert answer[:3] == [4, "1", side.code("RpcFrameworkError")]


@every_side
def test_J_4_1_5_null_is_tolerated_for_an_empty_payload(side: Side) -> None:
    assert side.hear(f'[2,"1","{side.heard}", null ]'.encode()) == []
    assert isinstance(side.event, CallReceived)
    assert side.event.payload == b"{}"


@sides(roles=(Role.CSMS,), versions=V2)
def test_J_4_1_5_null_is_tolerated_in_an_answer(side: Side) -> None:
    side.session.call(side.message("SetDisplayMessageRequest", message=_display(side)), side.now, message_id="1")
    side.sent()
    side.hear(b'[3,"1",null]')
    assert isinstance(side.event, CallFailed)  # it lacks its status, but it is an object that lacks it
    assert isinstance(side.event.error, InvalidResponse)
    assert side.event.error.code == "OccurrenceConstraintViolation"


def _display(side: Side) -> Any:
    content = side.message("MessageContentType", format="UTF8", content="x")
    return side.message("MessageInfoType", id=1, priority="AlwaysFront", message=content)


@every_side
def test_J_4_1_5_what_is_not_set_is_absent(side: Side) -> None:
    side.session.call(side.message("DataTransferRequest", vendor_id="a"), side.now, message_id="1")
    assert side.session.data_to_send() == [(b'[2,"1","DataTransfer",{"vendorId":"a"}]', None)]


@sides(roles=(Role.CS,), versions=V2)
@pytest.mark.parametrize("empty", [None, {}, []])
def test_J_4_1_5_an_empty_optional_field_that_is_there_is_refused(side: Side, empty: Any) -> None:
    [answer] = side.hear([2, "1", "ClearCache", {"customData": empty}])
    assert answer[:2] == [4, "1"]
    assert "customData" in answer[3]


@every_side
def test_J_4_1_6_the_action_is_case_sensitive_and_without_request(side: Side) -> None:
    for wrong in (side.heard.lower(), side.heard.upper(), f"{side.heard}Request", f" {side.heard}", ""):
        assert side.hear([2, "1", wrong, {}])[0][:3] == [4, "1", "NotImplemented"]


@every_side
def test_J_4_1_2_what_is_not_utf8_is_refused(side: Side) -> None:
    answer = side.hear(b'[2,"1","DataTransfer",{"vendorId":"\xff\xfe"}]')
    assert [each[:2] for each in answer] == [[4, "1"]]
    assert answer[0][2] == side.code("FormatViolation")


@every_side
def test_J_4_1_2_escapes_and_every_plane_of_unicode_are_read(side: Side) -> None:
    text = 'é😀\u2028"\\'
    raw = json.dumps([2, "idé\n", "DataTransfer", {"vendorId": text}])
    side.hear(raw.encode())
    assert isinstance(side.event, CallReceived)
    assert (side.event.message_id, side.event.message.vendor_id) == ("idé\n", text)
    assert side.reply("idé\n", {"status": "Accepted"})[0][:2] == [3, "idé\n"]


UNREADABLE = [
    b"",
    b" ",
    b"x",
    b"[",
    b"]",
    b"{",
    b"[]",
    b"{}",
    b"7",
    b"3",
    b"-1.5e3",
    b"null",
    b'"text"',
    b'[null,"1"]',
    b'["2"]',
    b"[2]",
    b'{"2":"1"}',
    b"[2,null,null,null]",
    b'[2,{"a":1},"Heartbeat",{}]',
    b'[2,1.5,"Heartbeat",{}]',
    b'[2,1000000000000000000000,"Heartbeat",{}]',
    b'[2,true,"Heartbeat",{}]',
    b'[2,"\xff","Heartbeat",{}]',
    b'[2,"\\ud800","Heartbeat",{}]',
    b"[2" + b" " * 5000,
    b"[" * 100_000,
    b"[" * 50_000 + b"]" * 50_000,
    b'{"a":' * 50_000,
    b"\x00",
    b"\xff" * 100,
    b"\x16\x03\x01\x02\x00",
]


@every_side
@pytest.mark.parametrize("data", UNREADABLE, ids=lambda data: repr(data[:24]))
def test_J_4_2_3_a_message_whose_id_cannot_be_read_gets_minus_one(side: Side, data: bytes) -> None:
    [answer] = side.hear(data)
    if data == b'[null,"1"]':  # here it can
        assert answer[1] == "1"
    else:
        assert answer[:2] == [4, "-1"]
    assert answer[2] == side.code("RpcFrameworkError")
    assert answer[4] == {}
    assert isinstance(side.event, Refused)


@sides(versions=V2)
def test_J_4_2_3_an_id_that_is_a_number_cannot_be_read(side: Side) -> None:
    assert side.hear([2, 17, side.heard, {}])[0][:3] == [4, "-1", "RpcFrameworkError"]


@sides(versions=(Version.V16,))
@pytest.mark.parametrize("number", [17, 0, -3, 2**53])
def test_J_4_2_3_in_1_6_a_number_as_id_is_answered_with_itself(side: Side, number: int) -> None:
    assert side.hear([2, number, side.heard, {}])[0][:3] == [4, number, "ProtocolError"]


@every_side
@pytest.mark.parametrize(
    "data",
    [
        b'[2,"1","DataTransfer",{"vendorId":"se',
        b'[2,"1","DataTransfer",{"vendorId":"secret"}',
        b'[2,"1","DataTransfer",{"vendorId":secret}]',
        b'[2,"1","DataTransfer",{"vendorId":"secret"}]]',
        b'[2,"1","DataTransfer",' + b"[" * 100_000,
        b'[2,"1","\\ud800",{}]',
        b'[2,"1","DataTransfer",{"vendorId":"\\udfff secret"}]',
        b'[2,"1",' + b'{"secret":' * 50_000,
    ],
    ids=lambda data: repr(data[-20:]),
)
def test_J_4_2_3_broken_json_is_answered_under_its_id_and_not_repeated_to_the_peer(side: Side, data: bytes) -> None:
    [answer] = side.hear(data)
    assert answer[:3] == [4, "1", side.code("FormatViolation")]
    assert "secret" not in json.dumps(answer)


@sides(versions=(Version.V201,))
@pytest.mark.parametrize("kind", [5, 6, 7, 8, 9, 0, -1, 22, 10**30])
def test_J_4_1_3_an_unknown_message_type_gets_a_callerror_in_2_0_1(side: Side, kind: int) -> None:
    assert side.hear([kind, "1", side.heard, {}])[0][:3] == [4, "1", "MessageTypeNotSupported"]


@sides(versions=(Version.V16, Version.V21))
@pytest.mark.parametrize("kind", [7, 8, 9, 0, -1, 22, 10**30])
def test_J_4_1_3_an_unknown_message_type_is_ignored_in_1_6_and_2_1(side: Side, kind: int) -> None:
    assert side.hear([kind, "1", side.heard, {}]) == []
    assert isinstance(side.event, Ignored)
    assert str(kind)[:3] in side.event.reason


@sides(versions=(Version.V16,))
@pytest.mark.parametrize("kind", [5, 6])
def test_J_4_1_3_the_types_of_2_1_are_unknown_in_1_6(side: Side, kind: int) -> None:
    assert side.hear([kind, "1", side.heard, {}]) == []
    assert isinstance(side.event, Ignored)


ANSWERS = [
    b"[3]",
    b"[4]",
    b"[3",
    b"[3,",
    b'[3,"1"',
    b'[3,"1"]',
    b'[4,"1"]',
    b"[3,1,{}]",
    b"[4,null]",
    b"[4,-1]",
    b'[3,"1",{},{}]',
    b'[3,"1",7]',
    b'[3,"1",{"a":]',
    b'[3,"unknown",{}]',
    b'[4,"unknown","GenericError","",{}]',
    b'[4,"-1","RpcFrameworkError","",{}]',
    b'[3,"\xff",{}]',
    b'[4,["x"],{},{},{}]',
    b'[4,"1",7,{},"x"]',
    b'[3,"' + b"x" * 100 + b'",{}]',
    b'[3,"1",' + b"[" * 100_000,
    b'3,"1",{}',
    b'\xef\xbb\xbf[3,"1",{"a":1}]',
]


@every_side
@pytest.mark.parametrize("data", ANSWERS, ids=lambda data: repr(data[:24]))
@pytest.mark.parametrize("in_flight", [False, True])
def test_J_4_2_3_an_answer_is_never_answered_with_a_callerror(side: Side, data: bytes, in_flight: bool) -> None:
    if in_flight:
        side.call(message_id="1")
        side.sent()
    answers = side.hear(data)
    assert [answer for answer in answers if answer[0] != 5] == []
    if side.version is not Version.V21:
        assert answers == []


@sides(versions=(Version.V21,))
@pytest.mark.parametrize("result", [b'[3,"1",{"nonsense":1}]', b'[3,"1"]', b'[3,"1",7]', b'[3,"1",{"a":}]'])
def test_J_4_2_3_an_invalid_result_is_answered_with_callresulterror(side: Side, result: bytes) -> None:
    side.call(message_id="1")
    side.sent()
    [answer] = side.hear(result)
    assert answer[:2] == [5, "1"]
    assert answer[2] in CODES
    assert isinstance(answer[3], str)
    assert answer[4] == {}
    assert isinstance(side.event, CallFailed)


@sides(versions=(Version.V16, Version.V201))
def test_J_4_2_3_before_2_1_there_is_no_callresulterror(side: Side) -> None:
    side.call(message_id="1")
    side.sent()
    assert side.hear([3, "1", {"nonsense": 1}]) == []
    assert isinstance(side.event, CallFailed)


@sides(versions=(Version.V21,))
def test_J_4_2_3_a_callresulterror_of_the_peer_is_reported_and_not_answered(side: Side) -> None:
    side.hear([2, "1", side.heard, {}])
    side.reply("1", side.response)
    assert side.hear([5, "1", "TypeConstraintViolation", "currentTime", {}]) == []
    assert isinstance(side.event, ResultRefused)
    assert (side.event.message_id, side.event.error.code) == ("1", "TypeConstraintViolation")


@every_side
def test_J_4_3_not_implemented_is_for_what_nobody_knows(side: Side) -> None:
    for action in ("Nonsense", "héartbeat", "x" * 1000, "Heartbeat-Signed-Signed", "\u0000"):
        [answer] = side.hear([2, "1", action, {}])
        assert answer[:3] == [4, "1", "NotImplemented"]
        assert f"OCPP {side.version.value}" in answer[3]


@every_side
def test_J_4_3_not_supported_is_for_the_wrong_direction(side: Side) -> None:
    [answer] = side.hear([2, "1", side.said, {}])
    assert answer[:3] == [4, "1", "NotSupported"]
    assert answer[3].startswith(f"{side.said} is the {side.role.value}'s to send")


@every_side
def test_J_4_3_this_side_does_not_send_what_is_not_its_own(side: Side) -> None:
    with pytest.raises(UnknownAction, match=f"not the {side.role.value}'s to send"):
        side.session.call(side.message(f"{side.heard}Request"), side.now)
    with pytest.raises(UnknownAction):
        side.session.call(v16.ResetRequest(type="Soft") if side.version is not Version.V16 else object(), side.now)
    assert side.sent() == []


@every_side
def test_J_4_3_the_codes_are_spelled_as_the_version_spells_them(side: Side) -> None:
    spelled = {}
    for code in sorted(CODES):
        side.hear([2, code, side.heard, {}])
        side.session.fail(code, CallError.of(code))
        [[_, _, spelled[code], _, _]] = side.sent()
    assert spelled == {code: side.code(code) for code in CODES}


@every_side
@pytest.mark.parametrize(
    ("wire", "code"),
    [
        ("FormationViolation", "FormatViolation"),
        ("FormatViolation", "FormatViolation"),
        ("OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
        ("OccurrenceConstraintViolation", "OccurrenceConstraintViolation"),
        ("VendorError", "VendorError"),
    ],
)
def test_J_4_3_either_spelling_is_understood(side: Side, wire: str, code: str) -> None:
    side.call(message_id="1")
    side.hear([4, "1", wire, "", {}])
    assert isinstance(side.event, CallFailed)
    assert getattr(side.event.error, "code", None) == code


@sides(versions=(Version.V16,))
def test_J_4_3_in_1_6_a_code_that_it_does_not_have_is_never_sent(side: Side) -> None:
    known = {
        "NotImplemented",
        "NotSupported",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        "FormationViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
        "GenericError",
    }
    assert {side.code(code) for code in CODES} == known
    said = {answer[2] for data in UNREADABLE for answer in side.hear(data)}
    assert said == {"FormationViolation"}


@every_side
@pytest.mark.parametrize("text", ["x" * 1000, "é" * 256, "😀" * 300, "a\ud800b", "", 17, ValueError("odd")])
def test_J_4_2_3_the_description_has_at_most_255_characters(side: Side, text: Any) -> None:
    side.hear([2, "1", side.heard, {}])
    side.session.fail("1", CallError.of("GenericError", text))
    [answer] = side.sent()
    assert answer[3] == str(text).replace("\ud800", "?")[:255]
    assert answer[4] == {}


@every_side
def test_J_4_2_3_our_own_refusals_keep_to_255_characters(side: Side) -> None:
    [answer] = side.hear([2, "1", "DataTransfer", {"vendorId": "x" * 100_000, "y" * 1000: 1}])
    assert len(answer[3]) <= 255


@every_side
def test_J_4_2_3_details_that_are_not_json_do_not_cost_the_peer_its_answer(side: Side) -> None:
    side.hear([2, "1", side.heard, {}])
    side.session.fail("1", CallError.of("GenericError", "d", {"x": object()}))
    assert side.sent() == [[4, "1", "GenericError", "d", {}]]


@every_side
@pytest.mark.parametrize(
    "error", [[4, "1"], [4, "1", 7], [4, "1", "GenericError", None, []], [4, "1", "E", "d", {}, 1]]
)
def test_J_4_2_3_an_error_with_faults_still_fails_the_call(side: Side, error: Any) -> None:
    side.call(message_id="1")
    side.sent()
    assert side.hear(error) == []
    assert isinstance(side.event, CallFailed)
    assert len(side.session.own_calls) == 0


def signed(payload: Any, **more: Any) -> dict[str, Any]:
    plain = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    jws = base64.urlsafe_b64encode(plain).rstrip(b"=").decode()
    return {"payload": jws, "signature": "c2ln", "protected": "eyJhbGciOiJFUzI1NiJ9", **more}


@sides(versions=V2)
@pytest.mark.parametrize("more", [{}, {"header": {"kid": "1"}}, {"anything": "else"}])
def test_J_7_2_a_signed_call_is_unwrapped(side: Side, more: dict[str, Any]) -> None:
    side.hear([2, "1", "DataTransfer-Signed", signed({"vendorId": "é"}, **more)])
    assert isinstance(side.event, CallReceived)
    assert (side.event.action, side.event.message.vendor_id) == ("DataTransfer", "é")
    assert json.loads(side.event.payload) == {"vendorId": "é"}
    assert side.reply("1", {"status": "Accepted"}) == [[3, "1", {"status": "Accepted"}]]


@sides(versions=V2)
def test_J_7_2_a_signed_response_is_unwrapped(side: Side) -> None:
    side.call(message_id="1")
    side.sent()
    assert side.hear([3, "1", signed(side.answer)]) == []
    assert isinstance(side.event, CallAnswered)
    assert json.loads(side.event.payload) == side.answer


@sides(versions=(Version.V21,), roles=(Role.CSMS,))
def test_J_7_2_a_signed_send_is_unwrapped(side: Side) -> None:
    payload = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 1, "v": "1"}]}
    assert side.hear([6, "1", "NotifyPeriodicEventStream-Signed", signed(payload)]) == []
    assert isinstance(side.event, SendReceived)
    assert side.hear([6, "1", "NotifyPeriodicEventStream-Signed", payload]) == []
    assert isinstance(side.event, Ignored)


@sides(versions=V2)
@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"payload": "e30"},
        {"payload": 7, "signature": "x"},
        {"payload": "é", "signature": "x"},
        {"payload": "a", "signature": "x"},
    ],
)
def test_J_7_2_what_should_be_signed_and_is_not_is_refused(side: Side, payload: Any) -> None:
    [answer] = side.hear([2, "1", f"{side.heard}-Signed", payload])
    assert answer[:3] == [4, "1", "FormatViolation"]


@sides(versions=V2)
@pytest.mark.parametrize("inside", [b"", b"x", b"[]", b'{"nonsense":1}', b"\xff", b"[" * 100_000])
def test_J_7_2_the_signed_payload_is_held_to_the_schema(side: Side, inside: bytes) -> None:
    [answer] = side.hear([2, "1", f"{side.heard}-Signed", signed(inside)])
    assert answer[:2] == [4, "1"]


@sides(versions=(Version.V16,))
def test_J_7_2_in_1_6_there_are_no_signed_messages(side: Side) -> None:
    assert side.hear([2, "1", f"{side.heard}-Signed", signed({})])[0][:3] == [4, "1", "NotImplemented"]


def meter_values(unit: str) -> dict[str, Any]:
    sampled = {"value": "20", "unit": unit, "measurand": "Temperature"}
    return {"connectorId": 1, "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [sampled]}]}


@sides(versions=(Version.V16,), roles=(Role.CSMS,))
@pytest.mark.parametrize("unit", ["Celsius", "Celcius"])
def test_J_4_1_7_in_1_6_both_spellings_of_celsius_are_taken(side: Side, unit: str) -> None:
    assert side.hear([2, "1", "MeterValues", meter_values(unit)]) == []
    assert isinstance(side.event, CallReceived)


@sides(versions=(Version.V16,), roles=(Role.CSMS,))
def test_J_4_1_7_the_reason_is_optional_in_stop_transaction(side: Side) -> None:
    stop = {"transactionId": 1, "meterStop": 5, "timestamp": "2026-01-01T00:00:00Z"}
    assert side.hear([2, "1", "StopTransaction", stop]) == []
    assert isinstance(side.event, CallReceived)


@sides(roles=(Role.CS,), versions=(Version.V16,))
@pytest.mark.parametrize(("limit", "valid"), [(8.1, True), (0.1, True), (16, True), (8.15, False)])
def test_J_4_1_7_limits_have_one_decimal(side: Side, limit: float, valid: bool) -> None:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    answers = side.hear([2, "1", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}])
    assert (answers == []) is valid


@sides(versions=V2)
def test_J_4_1_7_unknown_keys_in_custom_data_are_kept(side: Side) -> None:
    custom = {"vendorId": "a", "own": {"deep": [1, 2.50]}}
    side.hear([2, "1", side.heard, {"customData": custom}])
    assert isinstance(side.event, CallReceived)
    assert side.event.message.custom_data == custom


@every_side
def test_a_byte_order_mark_is_forgiven_and_noted(side: Side) -> None:
    assert side.hear(b"\xef\xbb\xbf" + json.dumps([2, "1", side.heard, {}]).encode()) == []
    assert [type(event) for event in side.events] == [Noted, CallReceived]


@every_side
def test_missing_outer_brackets_are_forgiven_and_noted(side: Side) -> None:
    assert side.hear(f'2,"1","{side.heard}",{{}}'.encode()) == []
    assert [type(event) for event in side.events] == [Noted, CallReceived]


@every_side
def test_a_tolerant_side_still_refuses_what_is_no_object(side: Side) -> None:
    side.session = Session(side.version, side.role, policy=TOLERANT)
    assert side.hear([2, "1", side.heard, ["x"]])[0][:2] == [4, "1"]
    assert side.hear([2, "2", "DataTransfer", {"vendorId": 7}]) == []
    assert isinstance(side.event, CallReceived)
    assert [violation.path for violation in side.event.violations] == ["$.vendorId"]


@every_side
def test_a_response_that_the_schema_forbids_is_not_sent_and_a_better_one_is_taken(side: Side) -> None:
    side.hear([2, "1", side.heard, {}])
    for wrong in (
        b"{",
        b"[]",
        b'{"nonsense":1}',
        side.message(f"{side.said}Response", **_fields(side)),
        object(),
        None,
    ):
        with pytest.raises(InvalidMessage):
            side.session.reply("1", wrong)
    assert side.sent() == []
    assert side.reply("1", side.response) == [[3, "1", side.response]]


def _fields(side: Side) -> dict[str, Any]:
    return {"current_time": "x"} if "currentTime" in side.answer else {"status": "Accepted"}


@every_side
def test_what_the_schema_forbids_can_be_sent_on_purpose(side: Side) -> None:
    side.hear([2, "1", side.heard, {}])
    side.session.reply("1", b'{"nonsense":1}', validate=False)
    assert side.sent() == [[3, "1", {"nonsense": 1}]]


@every_side
def test_ids_and_actions_that_are_no_text_never_reach_the_wire(side: Side) -> None:
    from ocppflow.rpc.dialect import RawMessage

    for action, message_id in (("A", "\ud800"), ("\ud800", "1")):
        with pytest.raises(InvalidMessage, match="Unicode"):
            side.session.call(RawMessage(action, b"{}"), side.now, message_id=message_id, validate=False)
    assert len(side.session.own_calls) == 0
