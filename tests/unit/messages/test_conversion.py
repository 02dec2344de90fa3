"""Values of the wrong type that a policy forgives: which have one evident meaning, and which stay as they came."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from ocppflow.errors import InvalidMessage
from ocppflow.messages import v16, v21, v201
from ocppflow.messages.codec import encode
from ocppflow.messages.conversion import boolean_of, integer_of, number_of, text_of
from ocppflow.messages.tolerance import STRICT, TOLERANT, Rule, Rules, check


@pytest.mark.parametrize(
    ("convert", "value", "result"),
    [
        (integer_of, "16", 16), (integer_of, " +16\n", 16), (integer_of, "-3", -3), (integer_of, "16.0", 16),
        (integer_of, "007", 7), (integer_of, "1e3", 1000), (integer_of, "1.5", "1.5"), (integer_of, "", ""),
        (integer_of, "0x10", "0x10"), (integer_of, "1_000", "1_000"), (integer_of, True, True), (integer_of, 1.5, 1.5),
        (integer_of, "9" * 31, "9" * 31), (integer_of, "\u0661", "\u0661"), (integer_of, ["1"], ["1"]),
        (number_of, "1.5", 1.5), (number_of, "16", 16), (number_of, "-1.5e-3", -0.0015), (number_of, "1,5", "1,5"),
        (number_of, "1e999", "1e999"), (number_of, "nan", "nan"), (number_of, "inf", "inf"), (number_of, {}, {}),
        (boolean_of, "true", True), (boolean_of, "False", False), (boolean_of, 1, True), (boolean_of, 0, False),
        (boolean_of, "0", False), (boolean_of, "1", True), (boolean_of, 1.0, True), (boolean_of, 2, 2),
        (boolean_of, "yes", "yes"), (boolean_of, "", ""), (boolean_of, [], []),
        (text_of, 16, "16"), (text_of, 12.5, "12.5"), (text_of, 16.0, "16.0"), (text_of, True, "true"),
        (text_of, 1e16, "1e16"), (text_of, {"a": 1}, {"a": 1}), (text_of, ["x"], ["x"]),
    ],
)  # fmt: skip
def test_what_is_evident_is_converted_and_nothing_else(convert: Any, value: Any, result: Any) -> None:
    got = convert(value)
    assert (got, type(got)) == (result, type(result))


@given(st.integers(-(10**29), 10**29))
def test_an_integer_as_text_is_that_integer(number: int) -> None:
    assert integer_of(str(number)) == number_of(text_of(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_as_text_is_that_number(number: float) -> None:
    assert number_of(text_of(number)) == number


@given(st.text() | st.binary().map(repr))
def test_converting_never_raises(text: str) -> None:
    for convert in (text_of, number_of, integer_of, boolean_of):
        convert(text)


def forgiven(kind: Any, payload: dict[str, Any]) -> Any:
    checked = check(kind, json.dumps(payload), TOLERANT)
    assert checked.violations
    with pytest.raises(InvalidMessage):
        check(kind, json.dumps(payload), STRICT)
    return checked.message


def test_every_type_of_field_is_converted() -> None:
    message = forgiven(
        v201.TransactionEventRequest,
        {
            "eventType": "Started",
            "timestamp": "2026-05-01T12:00:00",
            "triggerReason": "Authorized",
            "seqNo": "1",
            "offline": "false",
            "transactionInfo": {"transactionId": 77},
            "idToken": [{"idToken": 12345678, "type": "ISO14443"}],
            "meterValue": {
                "timestamp": "2026-05-01T12:00:00Z",
                "sampledValue": {"value": "230.1", "unitOfMeasure": {"multiplier": "0"}},
            },
        },
    )
    expected = v201.TransactionEventRequest(
        event_type="Started",
        timestamp=datetime(2026, 5, 1, 12, tzinfo=UTC),
        trigger_reason="Authorized",
        seq_no=1,
        offline=False,
        transaction_info=v201.TransactionType(transaction_id="77"),
        id_token=v201.IdTokenType(id_token="12345678", type="ISO14443"),
        meter_value=[
            v201.MeterValueType(
                timestamp=datetime(2026, 5, 1, 12, tzinfo=UTC),
                sampled_value=[
                    v201.SampledValueType(value=230.1, unit_of_measure=v201.UnitOfMeasureType(multiplier=0))
                ],
            )
        ],
    )
    assert message == expected
    encode(message)  # nothing invalid is left in it


def test_the_paths_are_those_of_what_came() -> None:
    payload = '{"connectorId":1,"meterValue":{"timestamp":"x","sampledValue":[{"value":1}]}}'
    found = [v.path for v in check(v16.MeterValuesRequest, payload, TOLERANT).violations]
    assert found == ["$.meterValue", "$.meterValue.timestamp", "$.meterValue.sampledValue[0].value"]
    found = [
        v.path for v in check(v201.AuthorizeRequest, '{"idToken":[{"idToken":1,"type":"X"}]}', TOLERANT).violations
    ]
    assert found == ["$.idToken", "$.idToken[0].idToken", "$.idToken[0].type"]


def test_a_text_alone_is_a_list_of_it() -> None:
    assert forgiven(v16.GetConfigurationRequest, {"key": "HeartbeatInterval"}).key == ["HeartbeatInterval"]
    assert forgiven(v201.ClearVariableMonitoringRequest, {"id": 3}).id == [3]
    assert forgiven(v201.ClearVariableMonitoringRequest, {"id": True}).id is True
    assert forgiven(v201.ClearVariableMonitoringRequest, {"id": "3"}).id == "3"


@pytest.mark.parametrize("empty", [None, {}, []])
def test_an_empty_value_of_the_wrong_type_is_no_value(empty: Any) -> None:
    if empty != {}:
        station = {"model": "m", "vendorName": "v", "modem": empty}
        boot = forgiven(v201.BootNotificationRequest, {"reason": "PowerUp", "chargingStation": station})
        assert boot.charging_station.modem is UNSET
    if empty != []:
        assert forgiven(v16.GetConfigurationRequest, {"key": empty}).key is UNSET


def test_what_is_converted_still_has_to_obey_the_rules_for_its_value() -> None:
    """A rule that forgives the type forgives neither the length nor the range."""
    long = '{"idTag":123456789012345678901}'
    assert [v.kind for v in check(v16.AuthorizeRequest, long, TOLERANT).violations] == ["type", "value"]
    with pytest.raises(InvalidMessage, match="at most 20 characters"):
        check(v16.AuthorizeRequest, long, Rules([Rule(forgive="type")]))
    assert check(v16.AuthorizeRequest, '{"idTag":1}', Rules([Rule(forgive="type")])).message.id_tag == "1"
    below = check(v21.ResetRequest, '{"type":"OnIdle","evseId":"-1"}', TOLERANT)
    assert [v.kind for v in below.violations] == ["type", "value"]
    assert below.message.evse_id == -1


def test_an_enum_value_is_never_guessed() -> None:
    payload = {"connectorId": 1, "errorCode": 0, "status": "available"}
    message = forgiven(v16.StatusNotificationRequest, payload)
    assert (message.error_code, message.status) == (0, "available")
