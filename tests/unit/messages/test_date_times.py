"""Date-times: what is read, and that none is sent with more than three decimals (OCPP 2.0.1 Part 2, 2.1.4)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.errors import InvalidMessage
from ocppflow.messages import v16, v21, v201
from ocppflow.messages.codec import encode, to_json, validate
from ocppflow.messages.date_times import evident, in_milliseconds, valid

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ZONES = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC) | ZONES)


@given(MOMENTS)
def test_a_date_time_is_cut_to_milliseconds_and_otherwise_written_as_before(moment: datetime) -> None:
    (written,) = json.loads(encode(v201.HeartbeatResponse(current_time=moment))).values()
    assert re.fullmatch(r"[^.]*(\.\d{3})?(Z|[+-]\d\d:\d\d)", written)
    assert datetime.fromisoformat(written) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert re.sub(r"\.\d+", "", written) == json.loads(msgspec.json.encode(moment.replace(microsecond=0)))


@pytest.mark.parametrize(
    ("microsecond", "fraction"),
    [(0, ""), (1, ".000"), (999, ".000"), (1000, ".001"), (999_999, ".999"), (5000, ".005")],
)
def test_a_date_time_is_cut_and_not_rounded(microsecond: int, fraction: str) -> None:
    written = encode(v16.HeartbeatResponse(current_time=NOON.replace(microsecond=microsecond)))
    assert written == f'{{"currentTime":"2026-05-01T12:00:00{fraction}Z"}}'.encode()


def test_date_times_in_lists_and_data_types_are_cut_and_the_message_stays_as_it_is() -> None:
    fine = NOON.replace(microsecond=123_456)
    meter = v21.MeterValueType(timestamp=fine, sampled_value=[v21.SampledValueType(value=1)])
    event = v21.TransactionEventRequest(
        event_type="Updated",
        timestamp=fine,
        trigger_reason="Trigger",
        seq_no=1,
        transaction_info=v21.TransactionType(transaction_id="2026-05-01T12:00:00.123456Z"),
        meter_value=[v21.MeterValueType(timestamp=NOON, sampled_value=[v21.SampledValueType(value=1)]), meter],
    )
    written = json.loads(encode(event))
    assert written["timestamp"] == "2026-05-01T12:00:00.123Z"
    assert [m["timestamp"] for m in written["meterValue"]] == ["2026-05-01T12:00:00Z", "2026-05-01T12:00:00.123Z"]
    assert written["transactionInfo"]["transactionId"] == "2026-05-01T12:00:00.123456Z", "a text is not a date-time"
    assert event.timestamp == meter.timestamp == fine


def test_what_a_tester_sends_on_purpose_is_written_too() -> None:
    fine = NOON.replace(microsecond=123_456)
    broken: Any = v16.MeterValue(timestamp=fine, sampled_value=[])
    request = v16.MeterValuesRequest(connector_id=1, meter_value=[v16.MeterValue(timestamp=NOON, sampled_value=[1])])  # type: ignore[list-item]
    request.meter_value = [broken]
    assert json.loads(encode(request, validate=False))["meterValue"] == [
        {"timestamp": "2026-05-01T12:00:00.123Z", "sampledValue": []}
    ]


def test_date_times_in_plain_data_are_cut() -> None:
    fine = NOON.replace(microsecond=123_456)
    assert to_json({"a": [fine, {"b": fine}], "c": (fine,), "d": "x"}) == (
        b'{"a":["2026-05-01T12:00:00.123Z",{"b":"2026-05-01T12:00:00.123Z"}],"c":["2026-05-01T12:00:00.123Z"],"d":"x"}'
    )
    assert (
        validate("1.6", "Heartbeat", "response", {"currentTime": fine}) == b'{"currentTime":"2026-05-01T12:00:00.123Z"}'
    )
    text = b'{"currentTime":"2026-05-01T12:00:00.123456Z"}'
    assert validate("1.6", "Heartbeat", "response", text) == text


def test_nothing_is_copied_if_there_is_nothing_to_cut() -> None:
    for value in ([NOON], {"a": NOON}, v201.HeartbeatResponse(current_time=NOON), datetime(2026, 5, 1, 12, 0, 0, 5)):
        assert in_milliseconds(value) is value


def test_a_naive_date_time_with_microseconds_is_still_refused() -> None:
    with pytest.raises(InvalidMessage, match="a date-time with a time zone"):
        encode(v201.HeartbeatResponse(current_time=datetime(2026, 5, 1, 12, 0, 0, 123_456)))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-01T12:00:00", NOON),
        ("2026-05-01 12:00", NOON),
        ("2026-05-01T12:00Z", NOON),
        ("20260501T120000Z", NOON),
        ("2026-05-01T12:00:00,5", NOON.replace(microsecond=500_000)),
        ("2026-05-01T14:00:00+02", NOON),
        (" 2026-05-01T12:00:00 Z ", NOON),
        ("2026-05-01T12:00:00.1234567891234", NOON.replace(microsecond=123_456)),
        ("2016-12-31T23:59:60", datetime(2017, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_people_read_as_a_moment(text: str, moment: datetime) -> None:
    assert valid(text) is None
    assert evident(text) == moment
    assert (evident(text) or NOON).tzinfo is not None


@pytest.mark.parametrize(
    "text",
    ["", "0", "now", "2026-05-01", "12:00:00", "1777636800", "2026-02-30T12:00:00", "2026-05-01T25:00:00Z",
     "2026-05-01T12:00:60", "2026-W18-5T12:00:00Z", "0000-05-01T12:00:00", "9999-12-31T23:59:60",
     "2026-05-01T12:00:00+99", "\u0662\u0660\u0662\u0666-05-01T12:00:00"],
)  # fmt: skip
def test_what_names_no_moment(text: str) -> None:
    assert valid(text) is None
    assert evident(text) is None


@given(st.text("0123456789-:.,TtZz+ \t", max_size=40))
def test_reading_never_raises_and_agrees_with_itself(text: str) -> None:
    strict, lenient = valid(text), evident(text)
    assert strict is None or strict == lenient
    assert valid(text, offset_of_hours=True) in (strict, lenient)


@given(MOMENTS)
def test_what_we_write_we_read(moment: datetime) -> None:
    assert valid(msgspec.json.encode(moment).decode().strip('"')) == moment


def test_a_message_with_one_fine_time_and_a_text_that_looks_like_it_keeps_the_text() -> None:
    fine = NOON.replace(microsecond=123_456)
    message = v21.SecurityEventNotificationRequest(type="x", timestamp=NOON, tech_info="2026-05-01T12:00:00.123456Z")
    assert json.loads(encode(message))["techInfo"] == "2026-05-01T12:00:00.123456Z"
    message.timestamp = fine
    written = json.loads(encode(message))
    assert (written["timestamp"], written["techInfo"]) == ("2026-05-01T12:00:00.123Z", "2026-05-01T12:00:00.123456Z")
