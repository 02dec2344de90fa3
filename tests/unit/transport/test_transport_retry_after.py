"""How long a refusal asks to wait, in seconds or as a date (RFC 9110 10.2.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.http11 import Response

from ocppflow.transport.backoff import LONGEST_RETRY_AFTER, SHORTEST_WAIT, Backoff
from ocppflow.transport.client_opening import _refusal
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


@pytest.mark.parametrize("status", [503, 429, 500, 401, 404, 302])
@pytest.mark.parametrize(
    "value", ["31557600000000", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "-5", "soon", "-" * 400]
)
def test_J_5_4_no_answer_of_a_csms_silences_a_station_for_longer_than_an_hour(status: int, value: str) -> None:
    """Whatever its status is."""
    answer = Response(status, "No", Headers({"Retry-After": value}), b"")
    refused = _refusal("here", answer)
    backoff = Backoff(10, 2, 2, uniform=lambda low, high: high)
    asks = not value.startswith("-") and value != "soon"
    assert backoff.next(refused.retry_after) == (LONGEST_RETRY_AFTER if asks else 12)
    assert backoff.next(None) == 22, "what one answer asked for is not kept for the next"


@given(st.one_of(st.text(max_size=40), st.integers().map(str), st.datetimes().map(format_datetime)))
def test_whatever_the_header_says_the_wait_is_half_a_second_to_an_hour(value: str) -> None:
    for number in range(5):
        wait = Backoff(0, 0, number).next(retry_after({"Retry-After": value}))
        assert SHORTEST_WAIT <= wait <= LONGEST_RETRY_AFTER
