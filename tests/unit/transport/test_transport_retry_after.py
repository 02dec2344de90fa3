"""How long a refusal asks to wait, in seconds or as a date (RFC 9110 10.2.3)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.transport.retry_after import retry_after

NOW = datetime(2015, 10, 21, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17),
        (" 17 ", 17),
        ("0", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 28 * 60),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", 28 * 60),
        ("Wed Oct 21 07:28:00 2015", 28 * 60),
        ("Wed, 21 Oct 2015 06:28:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 251956889999),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 99999999999 07:28:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("9" * 400, float("inf")),
    ],
)
def test_a_wait_is_read_in_seconds_and_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, NOW) == seconds


def test_without_the_header_nothing_is_asked() -> None:
    assert retry_after({}) is None


def test_a_date_counts_from_the_answers_own_date_because_a_station_may_not_know_the_time() -> None:
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT", "Date": "Wed, 21 Oct 2015 07:27:30 GMT"}
    assert retry_after(headers, datetime(1970, 1, 1, tzinfo=UTC)) == 30
    assert retry_after(headers | {"Date": "now"}, NOW) == 28 * 60


@given(st.text(), st.text())
def test_whatever_comes_is_a_wait_or_none(value: str, date: str) -> None:
    seconds = retry_after({"Retry-After": value, "Date": date}, NOW)
    assert seconds is None or seconds >= 0
