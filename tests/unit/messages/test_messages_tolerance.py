"""Tolerance: strict, tolerant with a full list of violations, and rules."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from ocppflow.errors import ConfigurationError, InvalidMessage
from ocppflow.messages import v16, v201
from ocppflow.messages.codec import encode, inspect, violations
from ocppflow.messages.tolerance import STRICT, TOLERANT, Checked, Rule, Rules, Sender, Violation, check
from ocppflow.messages.walk import BUDGET, ENOUGH, LIMIT, MOST

BOOT: dict[str, Any] = {"reason": "PowerUp", "chargingStation": {"model": "M1", "vendorName": "Acme GmbH"}}
LONG = json.dumps(BOOT | {"chargingStation": {"model": "M1", "vendorName": "Acme GmbH", "serialNumber": "s" * 30}})
SERIAL = "$.chargingStation.serialNumber"


def test_what_is_valid_passes_under_every_policy_without_a_violation() -> None:
    for policy in (STRICT, TOLERANT, Rules([])):
        assert check(v201.HeartbeatRequest, b"{}", policy) == Checked(v201.HeartbeatRequest(), ())


def test_the_happy_path_never_asks_the_policy() -> None:
    class Untouched:
        def forgives(self, *_: object) -> bool:
            raise AssertionError("asked about a valid message")

    check(v201.BootNotificationRequest, json.dumps(BOOT), Untouched())
    check(v201.ResetRequest, b'{"type":"OnIdle","evseId":1.0}', Untouched())


def test_strict_is_the_default_and_refuses() -> None:
    with pytest.raises(InvalidMessage, match="at most 25 characters") as caught:
        check(v201.BootNotificationRequest, LONG)
    assert (caught.value.path, caught.value.code) == (SERIAL, "PropertyConstraintViolation")


def test_tolerant_delivers_and_reports_every_violation() -> None:
    raw = json.dumps(
        {
            "status": "Dozing",
            "errorCode": 7,
            "timestamp": "2024-05-01T12:00:00",
            "info": None,
            "vendorErrorCode": "x" * 51,
            "mood": {"a": 1},
        }
    )
    checked = check(v16.StatusNotificationRequest, raw, TOLERANT)
    assert {(v.path, v.code) for v in checked.violations} == {
        ("$.connectorId", "OccurrenceConstraintViolation"),
        ("$.status", "PropertyConstraintViolation"),
        ("$.errorCode", "TypeConstraintViolation"),
        ("$.timestamp", "PropertyConstraintViolation"),
        ("$.info", "TypeConstraintViolation"),
        ("$.vendorErrorCode", "PropertyConstraintViolation"),
        ("$.mood", "FormatViolation"),
    }
    message = checked.message
    assert isinstance(message, v16.StatusNotificationRequest)
    assert (message.status, message.error_code, message.vendor_error_code) == ("Dozing", 7, "x" * 51)
    assert message.timestamp == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert message.connector_id is UNSET
    assert message.info is UNSET


def test_J_4_1_5_null_and_empty_count_as_absent() -> None:
    for empty in (None, {}, []):
        raw = json.dumps(BOOT["chargingStation"] | {"modem": empty, "customData": empty})
        checked = check(v201.BootNotificationRequest, f'{{"reason":"PowerUp","chargingStation":{raw}}}', TOLERANT)
        station = checked.message.charging_station
        assert station.custom_data is UNSET
        if empty is None:
            assert station.modem is UNSET
        assert checked.violations
    raw = '{"idToken":{},"idTokenInfo":{"status":"Accepted"}}'
    assert check(
        v201.AuthorizeResponse, '{"idTokenInfo":{"status":"Accepted","groupIdToken":{}}}', TOLERANT
    ) == Checked(
        v201.AuthorizeResponse(id_token_info=v201.IdTokenInfoType(status="Accepted")),
        (
            Violation(
                "$.idTokenInfo.groupIdToken.idToken", "to be present", "nothing", "OccurrenceConstraintViolation"
            ),
            Violation("$.idTokenInfo.groupIdToken.type", "to be present", "nothing", "OccurrenceConstraintViolation"),
        ),
    )
    assert check(v201.AuthorizeRequest, raw, TOLERANT).message.id_token is UNSET


def test_a_rule_of_1_6_that_is_broken_does_not_stop_the_message() -> None:
    raw = (
        '{"status":"Accepted","chargingSchedule":{"chargingRateUnit":"A","minChargingRate":0.25,'
        '"chargingSchedulePeriod":[{"startPeriod":0,"limit":8.15}]}}'
    )
    checked = check(v16.GetCompositeScheduleResponse, raw, TOLERANT)
    assert [v.path for v in checked.violations] == [
        "$.chargingSchedule.chargingSchedulePeriod[0].limit",
        "$.chargingSchedule.minChargingRate",
    ]
    schedule = checked.message.charging_schedule
    assert isinstance(schedule, v16.ChargingSchedule)
    assert schedule.charging_schedule_period[0].limit == 8.15
    assert schedule.min_charging_rate == 0.25


@pytest.mark.parametrize("raw", [b"[]", b"3", b'"x"', b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused_even_by_the_tolerant(raw: bytes) -> None:
    with pytest.raises(InvalidMessage):
        check(v201.HeartbeatRequest, raw, TOLERANT)


def test_J_4_1_5_null_is_no_violation() -> None:
    assert check(v201.HeartbeatRequest, b"null", STRICT).violations == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["evse", "meterValue", "sampledValue", "timestamp", "customData", "id", "x"]), inner
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(["evseId", "meterValue", "customData", "x"]), JSON))
def test_tolerant_makes_a_struct_of_any_object(value: dict[str, Any]) -> None:
    checked = check(v201.MeterValuesRequest, json.dumps(value), TOLERANT)
    assert isinstance(checked.message, v201.MeterValuesRequest)
    if not checked.violations:
        encode(checked.message)
    try:
        check(v201.MeterValuesRequest, json.dumps(value), STRICT)
    except InvalidMessage:
        assert checked.violations
    else:
        assert not checked.violations


@pytest.mark.parametrize(
    ("rule", "forgiven"),
    [
        (Rule(), True),
        (Rule(vendor="acme*"), True),
        (Rule(vendor="Other*"), False),
        (Rule(model="m?"), True),
        (Rule(model="M2"), False),
        (Rule(identity="CS*"), True),
        (Rule(identity="cs*"), False),
        (Rule(action="BootNotification"), True),
        (Rule(action="Heartbeat"), False),
        (Rule(path=SERIAL), True),
        (Rule(path="$.chargingStation.*"), True),
        (Rule(path="$.*"), False),
        (Rule(path="$.**"), True),
        (Rule(path="**.serialNumber"), True),
        (Rule(path="$.chargingStation"), False),
        (Rule(forgive=["value"]), True),
        (Rule(forgive="value"), True),
        (Rule(forgive=["missing", "unknown", "type", "count"]), False),
    ],
)
def test_rules_choose_by_station_action_path_and_kind(rule: Rule, forgiven: bool) -> None:
    """Vendor and model are in the BootNotification itself."""
    if forgiven:
        checked = check(v201.BootNotificationRequest, LONG, Rules([rule]), identity="CS1")
        assert [v.path for v in checked.violations] == [SERIAL]
    else:
        with pytest.raises(InvalidMessage):
            check(v201.BootNotificationRequest, LONG, Rules([rule]), identity="CS1")


def test_one_violation_that_no_rule_forgives_refuses_the_message() -> None:
    raw = LONG[:-1] + ',"mood":1}'
    rules = Rules([Rule(path=SERIAL), Rule(action="Heartbeat")])
    with pytest.raises(InvalidMessage, match=r"\$\.mood: there is no such field"):
        check(v201.BootNotificationRequest, raw, rules)
    assert len(check(v201.BootNotificationRequest, raw, Rules([*rules.rules, Rule(path="$.mood")])).violations) == 2


def test_vendor_of_an_earlier_boot_selects_the_rule() -> None:
    raw = b'{"currentTime":1}'
    rules = Rules([Rule(vendor="Acme*", path="$.meterValue[*].sampledValue[*].value"), Rule(vendor="Old*")])
    with pytest.raises(InvalidMessage):
        check(v201.HeartbeatRequest, raw, rules)
    assert check(v201.HeartbeatRequest, raw, rules, vendor="OldCo", action="Heartbeat").violations
    meter = {"evseId": 1, "meterValue": [{"timestamp": "2024-05-01T12:00:00Z", "sampledValue": [{"value": "7"}]}]}
    checked = check(v201.MeterValuesRequest, json.dumps(meter), rules, vendor="ACME", action="MeterValues")
    assert [v.path for v in checked.violations] == ["$.meterValue[0].sampledValue[0].value"]


def test_kinds() -> None:
    checked = check(v201.MeterValuesRequest, b'{"meterValue":[],"x":1,"customData":3}', TOLERANT)
    assert [(v.path, v.kind) for v in checked.violations] == [
        ("$.evseId", "missing"),
        ("$.meterValue", "count"),
        ("$.customData", "type"),
        ("$.x", "unknown"),
    ]


def test_the_same_mistake_many_times_is_forgiven_as_often_and_listed_up_to_a_limit() -> None:
    keys = [{"key": f"K{i}", "readonly": "true"} for i in range(500)]
    raw = json.dumps({"configurationKey": keys})
    rule = Rule(path="$.configurationKey[*].readonly", forgive=["type"])
    for policy in (TOLERANT, Rules([rule])):
        checked = check(v16.GetConfigurationResponse, raw, policy)
        assert {key.readonly for key in checked.message.configuration_key or ()} == {True}
        assert len(checked.violations) == LIMIT
        assert str(checked.violations[-1]) == "$: expected fewer than 100 violations, got more"


def test_a_violation_beyond_the_list_still_has_to_be_forgiven() -> None:
    keys: list[dict[str, Any]] = [{"key": f"K{i}", "readonly": "true"} for i in range(500)]
    keys[-1]["value"] = 7
    rules = Rules([Rule(path="$.configurationKey[*].readonly", forgive=["type"])])
    with pytest.raises(InvalidMessage, match=r"\$\.configurationKey\[499\]\.value: expected a string, got 7$"):
        check(v16.GetConfigurationResponse, json.dumps({"configurationKey": keys}), rules)


def test_more_violations_than_are_examined_are_forgiven_only_by_who_forgives_all() -> None:
    raw = json.dumps({f"k{i}": 0 for i in range(MOST + 1)})
    assert len(check(v201.HeartbeatRequest, raw, TOLERANT).violations) == LIMIT
    with pytest.raises(InvalidMessage, match=f"fewer than {MOST} violations"):
        check(v201.HeartbeatRequest, raw, Rules([Rule(forgive=["unknown"])]))


def test_rules_from_toml() -> None:
    data = tomllib.loads(
        """
        [[rules]]
        vendor = "Acme*"
        path = "$.chargingStation.serialNumber"
        forgive = ["value"]
        [[rules]]
        action = "StatusNotification"
        forgive = "missing"
        """
    )
    assert Rules.from_data(data["rules"]).rules == (
        Rule(vendor="Acme*", path=SERIAL, forgive=["value"]),
        Rule(action="StatusNotification", forgive=["missing"]),
    )
    assert Rules.from_data([]).rules == ()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"vendor": "x"}, "rules must be a list of tables, not dict"),
        (["x"], "rule 1 must be a table, not str"),
        ([{}, {"vendr": "x"}], "rule 2: unknown key 'vendr'; known: vendor, model, identity, action, path, forgive"),
        ([{"vendor": 3}], "rule 1: vendor must be text, not 3"),
        ([{"forgive": 3}], "rule 1: forgive must be text or a list of texts, not 3"),
        ([{"forgive": [3]}], "rule 1: forgive must be text or a list of texts"),
        ([{"forgive": ["everything"]}], "rule 1: forgive: everything; known: missing, unknown, type"),
        ([{"forgive": []}], "rule 1: forgive: nothing; known:"),
        ([{"path": "serialNumber"}], r"rule 1: path: 'serialNumber' must start with '\$'"),
    ],
)
def test_rules_that_make_no_sense(data: object, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        Rules.from_data(data)


KNOWS_NOTHING = Sender(identity="CS1")


@pytest.mark.parametrize(
    ("rule", "sender", "waits"),
    [
        (Rule(vendor="Acme*"), KNOWS_NOTHING, True),
        (Rule(model="M*"), KNOWS_NOTHING, True),
        (Rule(vendor="Acme*", model="M*"), Sender(vendor="Acme"), True),
        (Rule(vendor="Acme*", model="M*"), Sender(vendor="Other"), False),
        (Rule(vendor="Acme*", model="M*"), Sender(vendor="Acme", model="X"), False),
        (Rule(vendor="Acme*"), Sender(vendor="Acme"), False),  # forgives already
        (Rule(), KNOWS_NOTHING, False),
        (Rule(vendor="Acme*", action="Reset"), KNOWS_NOTHING, False),
        (Rule(vendor="Acme*", path="$.other"), KNOWS_NOTHING, False),
        (Rule(vendor="Acme*", forgive="missing"), KNOWS_NOTHING, False),
        (Rule(vendor="Acme*", identity="CS2"), KNOWS_NOTHING, False),
    ],
)
def test_rules_tell_if_they_wait_for_vendor_or_model(rule: Rule, sender: Sender, waits: bool) -> None:
    (violation,) = violations(v16.HeartbeatResponse, '{"currentTime":3}')
    assert Rules([Rule(action="Other"), rule]).waits_for(violation, "Heartbeat", sender) is waits


def test_a_refusal_carries_all_violations() -> None:
    with pytest.raises(InvalidMessage, match=r"\(and 2 more\)") as caught:
        check(v16.StatusNotificationRequest, '{"connectorId":1,"status":"On","errorCode":"No","x":1}')
    assert [v.path for v in caught.value.violations] == ["$.errorCode", "$.status", "$.x"]
    rules = Rules([Rule(path="$.status")])
    with pytest.raises(InvalidMessage) as caught:
        check(v16.StatusNotificationRequest, '{"connectorId":1,"status":"On","errorCode":"No","x":1}', rules)
    assert [v.path for v in caught.value.violations] == ["$.errorCode", "$.x"]


def test_a_payload_that_is_refused_anyway_is_given_up_after_enough_violations() -> None:
    raw = json.dumps({f"k{i}": 0 for i in range(1000)})
    with pytest.raises(InvalidMessage, match=r"\(and at least 9 more\)") as caught:
        check(v201.HeartbeatRequest, raw)
    assert len(caught.value.violations) == ENOUGH


def test_the_rest_of_a_payload_that_is_refused_anyway_is_not_walked_for_ever() -> None:
    """A fault at the beginning, and behind it more valid values than are worth a look for further faults."""
    looked_at = 0

    class Counted(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            nonlocal looked_at
            for item in super().__iter__():
                looked_at += 1
                yield item

    value = {"timestamp": "2024-05-01T12:00:00Z", "sampledValue": [{"value": "1"}]}
    with pytest.raises(InvalidMessage, match=r"\$\.connectorId: is missing$") as caught:
        inspect(v16.MeterValuesRequest, {"meterValue": Counted([value] * (BUDGET - 10))}, (), lambda violation: False)
    assert len(caught.value.violations) == 1
    assert looked_at < BUDGET / 2
    with pytest.raises(InvalidMessage, match=r"\$\.connectorId: is missing$"):
        inspect(v16.MeterValuesRequest, {"meterValue": Counted([value] * BUDGET * 2)}, (), lambda violation: False)
    assert looked_at < BUDGET / 2, "a list that is too long is not begun"


def test_a_fault_at_the_end_of_a_long_payload_is_found() -> None:
    value = {"timestamp": "2024-05-01T12:00:00Z", "sampledValue": [{"value": "1"}]}
    raw = json.dumps({"connectorId": 1, "meterValue": [value] * BUDGET, "x": 1})
    with pytest.raises(InvalidMessage, match=r"\$\.x: there is no such field"):
        check(v16.MeterValuesRequest, raw)


def test_what_is_missing_can_be_told_from_the_message() -> None:
    raw = '{"connectorId":null,"meterValue":[{"sampledValue":[{"value":"1"},{}]},{"timestamp":"2024-05-01T12:00:00Z"}]}'
    message = check(v16.MeterValuesRequest, raw, TOLERANT).message
    assert message.missing_fields() == (
        "$.connectorId", "$.meterValue[0].timestamp", "$.meterValue[1].sampledValue",
    )  # fmt: skip
    assert message.connector_id is UNSET
    assert check(v201.HeartbeatRequest, b"{}").message.missing_fields() == ()
    boot = check(v201.BootNotificationRequest, b'{"reason":"PowerUp","chargingStation":{}}', TOLERANT).message
    assert boot.missing_fields() == ("$.chargingStation",)
