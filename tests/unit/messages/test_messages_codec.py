"""Payloads to Structs and back: constraints, error texts, hostile input."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal

import pytest
from msgspec import UNSET

from ocppflow.errors import InvalidMessage, UnknownAction
from ocppflow.messages import v16, v21, v201
from ocppflow.messages.codec import decode, decoder_for, encode, validate, violations

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def boot(**station: Any) -> bytes:
    return json.dumps({"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"} | station}).encode()


def period(limit: str) -> bytes:
    return (
        b'{"connectorId":1,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxProfile",'
        b'"chargingProfileKind":"Absolute","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":'
        b'[{"startPeriod":0,"limit":' + limit.encode() + b"}]}}}"
    )


def test_snake_case_in_python_exact_names_on_the_wire() -> None:
    profile = v21.ChargingSchedulePeriodType(start_period=0, limit=16, limit_l2=10.5)
    assert json.loads(v21_json(profile)) == {"startPeriod": 0, "limit": 16, "limit_L2": 10.5}
    request = v21.NotifyEVChargingNeedsRequest.__struct_encode_fields__
    assert "evseId" in request
    assert v201.OCSPRequestDataType.__struct_encode_fields__[-2:] == ("responderURL", "customData")
    assert "responder_url" in v201.OCSPRequestDataType.__struct_fields__
    assert "bulk_soc" in v201.DCChargingParametersType.__struct_fields__


def v21_json(value: Any) -> bytes:
    import msgspec

    return msgspec.json.encode(value)


def test_J_4_1_5_absent_optional_fields_are_left_out() -> None:
    request = v201.ResetRequest(type="Immediate")
    assert request.evse_id is UNSET
    assert encode(request) == b'{"type":"Immediate"}'
    assert repr(request) == "ResetRequest(type='Immediate')"


def test_date_times_are_rfc3339_with_z_for_utc() -> None:
    assert encode(v201.HeartbeatResponse(current_time=NOON)) == b'{"currentTime":"2024-05-01T12:00:00Z"}'
    east = NOON.astimezone(timezone(timedelta(hours=2)))
    assert encode(v201.HeartbeatResponse(current_time=east)) == b'{"currentTime":"2024-05-01T14:00:00+02:00"}'


def test_a_naive_date_time_is_refused_in_both_directions() -> None:
    with pytest.raises(InvalidMessage, match=r"\$\.currentTime: expected a date-time with a time zone"):
        decode(v201.HeartbeatResponse, b'{"currentTime":"2024-05-01T12:00:00"}')
    with pytest.raises(InvalidMessage, match=r"\$\.currentTime: expected a date-time with a time zone"):
        encode(v201.HeartbeatResponse(current_time=datetime(2024, 5, 1)))


def test_J_4_1_7_celsius_in_both_spellings() -> None:
    for unit in ("Celsius", "Celcius"):
        value = {"timestamp": "2024-05-01T12:00:00Z", "sampledValue": [{"value": "1", "unit": unit}]}
        meter = decode(v16.MeterValuesRequest, json.dumps({"connectorId": 1, "meterValue": [value]}))
        assert meter.meter_value[0].sampled_value[0].unit == unit
        stop = {"transactionId": 1, "timestamp": "2024-05-01T12:00:00Z", "meterStop": 1, "transactionData": [value]}
        assert decode(v16.StopTransactionRequest, json.dumps(stop)).reason is UNSET


@pytest.mark.parametrize("limit", ["8.1", "0.1", "0.3", "16", "16.0", "22.2", "1e16", "-0.7", "1234567.8", "8.10"])
def test_J_4_1_7_one_decimal_is_one_decimal(limit: str) -> None:
    request = decode(v16.SetChargingProfileRequest, period(limit))
    got = request.cs_charging_profiles.charging_schedule.charging_schedule_period[0].limit
    assert got == json.loads(limit)
    assert type(got) is type(json.loads(limit))


@pytest.mark.parametrize("limit", ["8.15", "0.01", "1e-5", "22.2000001"])
def test_J_4_1_7_more_decimals_are_refused(limit: str) -> None:
    with pytest.raises(InvalidMessage, match="at most one decimal") as caught:
        decode(v16.SetChargingProfileRequest, period(limit))
    assert caught.value.path == "$.csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].limit"
    assert caught.value.code == "PropertyConstraintViolation"


def test_J_4_1_7_unknown_keys_of_custom_data_are_kept() -> None:
    raw = b'{"customData":{"vendorId":"a","x":{"y":[1,null,2.50]},"":0}}'
    request = decode(v201.HeartbeatRequest, raw)
    assert request.custom_data == {"vendorId": "a", "x": {"y": [1, None, 2.5]}, "": 0}
    assert json.loads(encode(request)) == json.loads(raw)
    assert encode(v201.HeartbeatRequest(custom_data={"vendorId": "b", "k": 1})) == (
        b'{"customData":{"vendorId":"b","k":1}}'
    )


@pytest.mark.parametrize(
    ("custom", "path", "code"),
    [
        ({"x": 1}, "$.customData.vendorId", "OccurrenceConstraintViolation"),
        ({"vendorId": 1}, "$.customData.vendorId", "TypeConstraintViolation"),
        ({"vendorId": "v" * 256}, "$.customData.vendorId", "PropertyConstraintViolation"),
        ("text", "$.customData", "TypeConstraintViolation"),
        (None, "$.customData", "TypeConstraintViolation"),
    ],
)
def test_custom_data_needs_its_vendor(custom: Any, path: str, code: str) -> None:
    (violation,) = violations(v201.HeartbeatRequest, json.dumps({"customData": custom}))
    assert (violation.path, violation.code) == (path, code)


def test_data_of_data_transfer_is_any_json() -> None:
    for data in (None, 1, "x", [None], {"a": {}}):
        raw = json.dumps({"vendorId": "v", "data": data})
        assert json.loads(encode(decode(v201.DataTransferRequest, raw))) == json.loads(raw)
    assert decode(v201.DataTransferRequest, b'{"vendorId":"v"}').data is UNSET


@pytest.mark.parametrize(
    ("payload", "code", "path", "text"),
    [
        (boot(serialNumber="x" * 26), "PropertyConstraintViolation", "$.chargingStation.serialNumber",
         'expected at most 25 characters, got "xxx'),
        (boot(model=7), "TypeConstraintViolation", "$.chargingStation.model", "expected a string, got 7"),
        (boot(colour="red"), "FormatViolation", "$.chargingStation.colour", "there is no such field"),
        (b'{"reason":"PowerUp"}', "OccurrenceConstraintViolation", "$.chargingStation", "is missing"),
        (boot().replace(b"PowerUp", b"Boredom"), "PropertyConstraintViolation", "$.reason",
         'expected one of ApplicationReset, FirmwareUpdate'),
        (boot(modem=None), "TypeConstraintViolation", "$.chargingStation.modem", "expected an object, got null"),
        (b"[]", "FormatViolation", "$", "expected an object, got []"),
        (b'"x"', "FormatViolation", "$", "expected an object"),
        (b"", "FormatViolation", "$", "expected valid JSON, got a syntax error ("),
        (b"{", "FormatViolation", "$", "expected valid JSON, got a syntax error ("),
        (b'{"reason":NaN}', "FormatViolation", "$", "expected valid JSON, got a syntax error ("),
        (b"\xef\xbb\xbf{}", "FormatViolation", "$", "expected valid JSON, got a syntax error ("),
        (b'{"reason":"\xff"}', "FormatViolation", "$", "expected UTF-8 text"),
        (b'{"reason":"\\ud800"}', "FormatViolation", "$",
         "expected Unicode text, got half of a surrogate pair at byte 11"),
        (b'{"reason":"Power\nUp"}', "FormatViolation", "$",
         "expected control characters in strings to be escaped, got a string with a bare one at byte 10"),
        (b'{"customData":' + b"[" * 100_000, "FormatViolation", "$", "expected fewer levels of nesting"),
        (b"[" * 100_000, "FormatViolation", "$", "expected fewer levels of nesting"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_where_and_what_was_expected(payload: bytes, code: str, path: str, text: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        decode(v201.BootNotificationRequest, payload)
    assert (caught.value.code, caught.value.path) == (code, path)
    assert f"BootNotificationRequest: {path}: " in str(caught.value)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_text_never_grows_with_its_input() -> None:
    raw = json.dumps({"x" * 100_000: "y" * 100_000, "reason": ["\n" * 100_000], "chargingStation": "z" * 100_000})
    found = violations(v201.BootNotificationRequest, raw)
    assert len(found) == 3
    assert all(len(str(v)) < 400 for v in found)
    many = json.dumps({f"k{i}": i for i in range(10_000)})
    assert len(violations(v201.HeartbeatRequest, many)) == 100


@pytest.mark.parametrize("digits", ["9" * 5000, "1" * 5000 + ".5", "1e999"])
def test_a_number_out_of_range_is_refused_with_its_path(digits: str) -> None:
    (violation,) = violations(v201.ResetRequest, f'{{"type":"OnIdle","evseId":{digits}}}')
    assert (violation.path, violation.code) == ("$.evseId", "PropertyConstraintViolation")
    assert "out of range" in str(violation)


def test_J_4_1_5_null_is_an_empty_payload() -> None:
    assert decode(v201.HeartbeatRequest, b"null") == v201.HeartbeatRequest()
    with pytest.raises(InvalidMessage, match=r"\$\.type: is missing"):
        decode(v201.ResetRequest, b"null")


def test_an_integer_written_with_a_point_is_an_integer() -> None:
    request = decode(v201.ResetRequest, b'{"type":"Immediate","evseId":1.0}')
    assert request.evse_id == 1
    assert type(request.evse_id) is int


def test_a_list_that_only_meter_values_wants_filled() -> None:
    empty = [{"timestamp": "2024-05-01T12:00:00Z", "sampledValue": []}]
    (violation,) = violations(v16.MeterValuesRequest, json.dumps({"connectorId": 1, "meterValue": empty}))
    assert violation.path == "$.meterValue[0].sampledValue"
    with pytest.raises(ValueError, match="at least 1 item"):
        v16.MeterValuesRequest(connector_id=1, meter_value=[v16.MeterValue(timestamp=NOON, sampled_value=[])])


def test_decoders_of_whole_frames() -> None:
    decoder = decoder_for(tuple[Literal[2], str, Literal["Reset"], v201.ResetRequest])
    frame = b'[2,"1","Reset",{"type":"OnIdle","customData":{"vendorId":"v","k":1}}]'
    assert decoder.decode(frame)[3] == v201.ResetRequest(type="OnIdle", custom_data={"vendorId": "v", "k": 1})


@pytest.mark.parametrize(
    "message",
    [
        v201.ResetRequest(type="Now"),  # type: ignore[arg-type]
        v201.ResetRequest(type="Immediate", evse_id="1"),  # type: ignore[arg-type]
        v201.DataTransferRequest(vendor_id="v" * 256),
        v201.DataTransferRequest(vendor_id="\ud800"),
        v201.DataTransferRequest(vendor_id="v", data=object()),
        v201.CostUpdatedRequest(total_cost=float("nan"), transaction_id="t"),
    ],
)
def test_what_the_schema_forbids_is_not_encoded(message: Any) -> None:
    with pytest.raises(InvalidMessage):
        encode(message)


def test_a_tester_may_send_what_is_invalid() -> None:
    assert encode(v201.ResetRequest(type="Now"), validate=False) == b'{"type":"Now"}'  # type: ignore[arg-type]


def test_validate_takes_plain_data_and_keeps_bytes() -> None:
    raw = b'{ "type" : "Immediate" }'
    assert validate("2.0.1", "Reset", "request", raw) is raw
    assert validate("2.0.1", "Reset", "request", {"type": "Immediate"}) == b'{"type":"Immediate"}'
    assert validate("2.0.1", "Heartbeat", "request", None) == b"{}"
    assert (
        validate("2.0.1", "Heartbeat", "response", {"currentTime": NOON}) == b'{"currentTime":"2024-05-01T12:00:00Z"}'
    )
    with pytest.raises(InvalidMessage, match=r"ResetResponse: \$\.status"):
        validate("2.0.1", "Reset", "response", {"status": "Perhaps"})
    with pytest.raises(InvalidMessage, match="cannot be written as JSON"):
        validate("2.0.1", "Reset", "request", {"type": object()})
    with pytest.raises(InvalidMessage):
        validate("2.0.1", "Reset", "request", '{"type":"\ud800"}')
    with pytest.raises(UnknownAction):
        validate("2.0.1", "Resett", "request", {})


def test_a_message_can_be_checked_before_it_is_sent() -> None:
    request = v201.ResetRequest(type="Immediate", evse_id=1)
    assert request.validate() is request
    request.evse_id = "one"  # type: ignore[assignment]
    with pytest.raises(InvalidMessage, match=r"ResetRequest: \$\.evseId: expected an integer, got \"one\"") as caught:
        request.validate()
    assert (caught.value.code, caught.value.path) == ("TypeConstraintViolation", "$.evseId")
    assert [v.path for v in caught.value.violations] == ["$.evseId"]
    with pytest.raises(InvalidMessage, match="cannot be written as JSON"):
        v201.DataTransferRequest(vendor_id="v", data=object()).validate()
