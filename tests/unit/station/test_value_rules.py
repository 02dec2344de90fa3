"""B05.FR.07 and B05.FR.08: which texts are values. Judged against an independent, slow and obvious reading."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.station.device_model import Declaration, VariableKey
from ocppflow.station.device_model.declaration import DataType
from ocppflow.station.device_model.value_rules import Unfit, fit

KEY = VariableKey("Some", "Thing")


def declared(data_type: DataType, **more: object) -> Declaration:
    return Declaration(key=KEY, data_type=data_type, **more)  # type: ignore[arg-type]


def reason(declaration: Declaration, text: str) -> str | None:
    try:
        fit(declaration, text)
    except Unfit as exc:
        return exc.refusal.reason
    return None


NUMBERLIKE = st.one_of(
    st.integers(-(2**33), 2**33).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.from_regex(r"[-+ ]?[0-9]{0,3}[.,]?[0-9]{0,8}(e[0-9])?", fullmatch=True),
    st.sampled_from(["", "-", "-0", "00", "+1", "0x1", "1_000", "٣", "NaN", "Infinity", " 1", "1\n", "true"]),
)


@given(NUMBERLIKE, st.none() | st.integers(-50, 50), st.none() | st.integers(-50, 50))
def test_B05FR07_B05FR08_integers(text: str, least: int | None, most: int | None) -> None:
    try:
        number = int(text) if text.isascii() else None
    except ValueError:
        number = None
    fine = number is not None and str(number) == text and -(2**31) <= number < 2**31
    verdict = reason(declared("integer", min_limit=least, max_limit=most), text)
    if not fine:
        assert verdict == "InvalidValue"
        return
    assert number is not None
    outside = (least is not None and number < least) or (most is not None and number > most)
    assert verdict == ("ValueOutOfRange" if outside else None)


@given(NUMBERLIKE)
def test_B05FR07_decimals_have_at_most_six_places_and_no_exponent(text: str) -> None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    plain = text.isascii() and all(each in "0123456789.-" for each in text) and not text.startswith(".")
    places = len(text.partition(".")[2])
    fine = number.is_finite() and plain and not text.endswith(".") and places <= 6
    assert (reason(declared("decimal"), text) is None) == fine


@pytest.mark.parametrize("text", ["true", "false"])
def test_booleans(text: str) -> None:
    assert reason(declared("boolean"), text) is None


@given(st.text(max_size=6).filter(lambda text: text not in ("true", "false")))
def test_B05FR07_nothing_else_is_a_boolean(text: str) -> None:
    assert reason(declared("boolean"), text) == "InvalidValue"


@given(st.datetimes(timezones=st.timezones() | st.none(), min_value=datetime(1900, 1, 1)))
def test_B05FR07_dateTimes_name_their_offset(moment: datetime) -> None:
    text = moment.replace(microsecond=0).isoformat()
    offset = moment.utcoffset()
    whole = offset is not None and offset.total_seconds() % 60 == 0
    assert (reason(declared("dateTime"), text) is None) == whole


@pytest.mark.parametrize(
    "text",
    ["2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00.1234Z", "2026-01-01T24:00:01Z", "yesterday", "300"],
)
def test_B05FR07_what_is_no_dateTime(text: str) -> None:
    assert reason(declared("dateTime"), text) == "InvalidValue"


VALUES = ("A", "B", "C")


@given(st.lists(st.sampled_from([*VALUES, "D", ""]), max_size=5), st.sampled_from(["", " "]))
def test_lists_take_each_of_their_values_once(members: list[str], blank: str) -> None:
    text = f",{blank}".join(members)
    fine = len(set(members)) == len(members) and set(members) <= set(VALUES)
    if text.strip() == "":
        fine = True  # an empty list
    declaration = declared("MemberList", values_list=VALUES)
    assert (reason(declaration, text) is None) == fine
    if fine:
        assert fit(declaration, text) == ",".join(each for each in members if each)


def test_the_order_of_a_sequence_is_kept() -> None:
    assert fit(declared("SequenceList", values_list=VALUES), "C, A") == "C,A"


@given(st.text(max_size=12), st.integers(0, 6), st.integers(0, 12))
def test_B05FR08_limits_of_a_text_count_characters(text: str, least: int, most: int) -> None:
    verdict = reason(declared("string", min_limit=least, max_limit=most), text)
    assert (verdict is None) == (least <= len(text) <= most)


@given(st.text(max_size=3))
def test_an_option_is_one_of_the_list(text: str) -> None:
    assert (reason(declared("OptionList", values_list=VALUES), text) is None) == (text in VALUES)
