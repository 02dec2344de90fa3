"""msgspec's errors are text; here its wording is pinned, and what we make of it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from ocppflow.messages import v16, v201
from ocppflow.messages.base import DateTime, Number
from ocppflow.messages.codec import REFUSALS, decoder_for
from ocppflow.messages.violation import Violation, shorten, violation_of


class Probe(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    needed: int
    text: Annotated[str, Meta(max_length=2)] = ""
    items: Annotated[list[str], Meta(min_length=1, max_length=2)] = msgspec.field(default_factory=lambda: ["x"])
    share: Annotated[int, Meta(ge=0, le=100)] = 0
    amount: Annotated[float, Meta(ge=0)] = 0
    number: Number = 0
    flag: bool = False
    moment: DateTime | msgspec.UnsetType = msgspec.UNSET
    reason: v201.BootReasonEnumType = "PowerUp"
    uri: v16.Uri = "x:"


OCCURRENCE, PROPERTY = "OccurrenceConstraintViolation", "PropertyConstraintViolation"
TYPE, FORMAT = "TypeConstraintViolation", "FormatViolation"


@pytest.mark.parametrize(
    ("fields", "text", "code", "path"),
    [
        ({}, "Object missing required field `needed`", OCCURRENCE, "$.needed"),
        ({"needed": 1, "b": 1}, "Object contains unknown field `b`", FORMAT, "$.b"),
        ({"needed": "1"}, "Expected `int`, got `str` - at `$.needed`", TYPE, "$.needed"),
        ({"needed": 1.5}, "Expected `int`, got `float` - at `$.needed`", TYPE, "$.needed"),
        ({"needed": None}, "Expected `int`, got `null` - at `$.needed`", TYPE, "$.needed"),
        ({"needed": 1, "text": "abc"}, "Expected `str` of length <= 2 - at `$.text`", PROPERTY, "$.text"),
        ({"needed": 1, "items": []}, "Expected `array` of length >= 1 - at `$.items`", OCCURRENCE, "$.items"),
        ({"needed": 1, "items": ["a"] * 3}, "Expected `array` of length <= 2 - at `$.items`", OCCURRENCE, "$.items"),
        ({"needed": 1, "items": [1]}, "Expected `str`, got `int` - at `$.items[0]`", TYPE, "$.items[0]"),
        ({"needed": 1, "items": {}}, "Expected `array`, got `object` - at `$.items`", TYPE, "$.items"),
        ({"needed": 1, "share": -1}, "Expected `int` >= 0 - at `$.share`", PROPERTY, "$.share"),
        ({"needed": 1, "share": 101}, "Expected `int` <= 100 - at `$.share`", PROPERTY, "$.share"),
        ({"needed": 1, "amount": -0.5}, "Expected `float` >= 0.0 - at `$.amount`", PROPERTY, "$.amount"),
        ({"needed": 1, "number": "1"}, "Expected `int | float`, got `str` - at `$.number`", TYPE, "$.number"),
        ({"needed": 1, "flag": 1}, "Expected `bool`, got `int` - at `$.flag`", TYPE, "$.flag"),
        ({"needed": 1, "moment": "soon"}, "Invalid RFC3339 encoded datetime - at `$.moment`", PROPERTY, "$.moment"),
        ({"needed": 1, "moment": "2024-05-01T12:00:00"},
         "Expected `datetime` with a timezone component - at `$.moment`", PROPERTY, "$.moment"),
        ({"needed": 1, "moment": 3}, "Expected `datetime`, got `int` - at `$.moment`", TYPE, "$.moment"),
        ({"needed": 1, "reason": "No"}, "Invalid enum value 'No' - at `$.reason`", PROPERTY, "$.reason"),
        ({"needed": 1, "uri": "x"}, "Expected `str` matching regex", PROPERTY, "$.uri"),
    ],
)  # fmt: skip
def test_texts_of_msgspec(fields: dict[str, Any], text: str, code: str, path: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        decoder_for(Probe).decode(msgspec.json.encode(fields))
    assert str(caught.value).startswith(text)
    violation = violation_of(caught.value)
    assert (violation.code, violation.path) == (code, path)
    assert violation.expected
    assert "`" not in str(violation)


@pytest.mark.parametrize(
    ("raw", "kind", "code"),
    [
        (b"[]", msgspec.ValidationError, FORMAT),
        (b"{", msgspec.DecodeError, FORMAT),
        (b'{"needed":1}x', msgspec.DecodeError, FORMAT),
        (b'{"needed":1e999}', msgspec.ValidationError, PROPERTY),
        (b'{"text":"\xff"}', (UnicodeDecodeError, msgspec.DecodeError), FORMAT),  # up to msgspec 0.22, and later
    ],
)
def test_what_msgspec_raises_for_what_is_no_payload(
    raw: bytes, kind: type[Exception] | tuple[type[Exception], ...], code: str
) -> None:
    with pytest.raises(REFUSALS) as caught:
        decoder_for(Probe).decode(raw)
    assert isinstance(caught.value, kind)
    assert violation_of(caught.value).code == code
    assert violation_of(caught.value).path.startswith("$")


def test_nesting_ends_in_a_recursion_error_not_in_a_crash() -> None:
    with pytest.raises(RecursionError) as caught:
        decoder_for(v201.HeartbeatRequest).decode(b'{"customData":' + b"[" * 100_000)
    assert violation_of(caught.value).code == FORMAT


def test_rules_that_msgspec_does_not_know_keep_their_path() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        decoder_for(v201.HeartbeatRequest).decode(b'{"customData":{"vendorId":5}}')
    assert violation_of(caught.value) == Violation("$.customData.vendorId", "a string", "5", TYPE)
    with pytest.raises(msgspec.ValidationError) as caught:
        decoder_for(v16.ChargingSchedulePeriod).decode(b'{"startPeriod":0,"limit":8.15}')
    assert violation_of(caught.value) == Violation("$.limit", "at most one decimal", "8.15", PROPERTY)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x", '"x"'),
        (None, "null"),
        (1.5, "1.5"),
        ({"a": [1]}, '{"a":[1]}'),
        (list(range(1000)), "an array of 1000"),
        ({str(i): i for i in range(99)}, "an object of 99"),
        ("y" * 1000, '"' + "y" * 58 + "… (1000 characters)"),
        ("\ud800\x00\n", '"\\ud800\\u0000\\n"'),
        (object(), "a Python object"),
        ([["z" * 200]], '[["' + "z" * 56 + "…"),
    ],
)
def test_values_are_shown_short_and_in_one_line(value: object, shown: str) -> None:
    assert shorten(value) == shown
