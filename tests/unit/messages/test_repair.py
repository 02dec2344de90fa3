"""Bytes that are JSON but for characters in strings: what is repaired, and that the structure never changes by it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.errors import InvalidMessage
from ocppflow.messages import v16
from ocppflow.messages.repair import MOST, repaired
from ocppflow.messages.tolerance import STRICT, TOLERANT, Rule, Rules, check


@pytest.mark.parametrize(
    ("raw", "fixed", "text"),
    [
        (b'["60\0\0"]', ["60"], "$: expected control characters in strings to be escaped, got a string with a bare one "
         "at byte 1"),
        (b'["a\tb\nc\0d\x1f"]', ["a\tb\nc\0d\x1f"], "at byte 1"),
        (b'{"k\0":1}', {"k": 1}, "at byte 1"),
        (b'["\\"\0"]', ['"'], "at byte 1"),
        (b'["x"]\0\0\r\n', ["x"], "$: expected nothing after the end, got a NUL at byte 5"),
        (b'["Z\xfcrich"]', ["Z\ufffdrich"], "$: expected UTF-8 text, got an invalid byte at byte 3"),
        (b'["\\ud83d!"]', ["\ufffd!"], "$: expected Unicode text, got half of a surrogate pair at byte 2"),
        (b'["\\udd0c\\ud83d"]', ["\ufffd\ufffd"], "at byte 2"),
        (b'["\\ud83d\\ud83d\\udd0c"]', ["\ufffd\U0001f50c"], "at byte 2"),
        (b'["\\\\ud83d", "\\ud83d"]', ["\\ud83d", "\ufffd"], "at byte 13"),
    ],
)  # fmt: skip
def test_what_is_repaired(raw: bytes, fixed: Any, text: str) -> None:
    body, (violation,) = repaired(raw)
    assert json.loads(body) == fixed
    assert text in str(violation)
    assert (violation.path, violation.code) == ("$", "FormatViolation")


def test_each_kind_is_reported_once() -> None:
    body, found = repaired(b'["\xff","\xfe","\\ud800","\\ud800","a\0","b\0"]\0')
    assert json.loads(body) == ["\ufffd", "\ufffd", "\ufffd", "\ufffd", "a", "b"]
    assert [v.got.rpartition(" ")[2] for v in found] == ["37", "2", "10", "27"], "positions in what came"


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[1,", b'["a', b"\\", b'"\\', b"[\x01]", b"1\0 2", b'["\\ud8"]', b'\0"', b'"\1', b'["\xe2\x82\xac"]',
     b'{\n\t"a": "b"\r\n}\n', b'"\\ud83d\\udd0c \\\\ud83d"'],
)  # fmt: skip
def test_what_is_sound_or_broken_otherwise_is_left_alone(raw: bytes) -> None:
    assert repaired(raw) == (raw, ())


def test_an_escape_is_never_torn_from_what_it_escapes() -> None:
    """Without the NUL, the backslash would escape the quote, and the string would end elsewhere."""
    body, _ = repaired(b'["\\\0",",1,"]')
    assert len(json.loads(body)) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


SHORT = {b"\\b": b"\b", b"\\t": b"\t", b"\\n": b"\n", b"\\f": b"\f", b"\\r": b"\r"}


@given(JSON, st.sampled_from([b"", b"\0", b"\0\0\n"]))
def test_bare_control_characters_are_read_as_they_came(value: Any, end: bytes) -> None:
    """Every control character is written bare, but for NULs: those at the end of a string would be dropped."""
    raw = json.dumps(value, ensure_ascii=False).encode().replace(b"\\\\", b"\\u005c")
    for escape, bare in SHORT.items():
        raw = raw.replace(escape, bare)
    for control in range(1, 0x20):
        raw = raw.replace(b"\\u%04x" % control, bytes((control,)))
    body, _ = repaired(raw + end)
    assert json.loads(body) == value


PARTS = [b'"', b"\\", b"\0", b"\x01", b"u", b"d800", b"[", b"]", b",", b"{", b":", b"\xff", b"1"]


@given(st.lists(st.sampled_from(PARTS)))
def test_a_repair_never_raises_and_is_made_once(parts: list[bytes]) -> None:
    raw = b"".join(parts)
    body, found = repaired(raw)
    assert (body == raw) == (not found)
    assert len(body) <= 6 * len(raw)
    try:
        json.loads(body)
    except ValueError:
        return
    assert repaired(body) == (body, ()), "what can be read needs no second repair"


@given(st.lists(st.sampled_from([r"\"", r"\\", r"\n", "a", "]", ",", "{"]), max_size=8), st.integers(0, 8))
def test_a_control_character_in_a_string_changes_no_structure(pieces: list[str], place: int) -> None:
    body, _ = repaired(f'["{"".join([*pieces[:place], chr(2), *pieces[place:]])}", "x"]'.encode())
    first, second = json.loads(body)
    assert first.replace("\x02", "") == json.loads(f'"{"".join(pieces)}"')
    assert second == "x"


def test_a_message_of_noise_is_left_alone() -> None:
    noise = b"[" + b'"\x01",' * (MOST + 1) + b"1]"
    assert repaired(noise) == (noise, ())


RAW = b'{"configurationKey":[{"key":"K","readonly":"no","value":"60\0"}]}'


def test_a_policy_decides_about_a_repair_as_about_any_violation() -> None:
    kind = v16.GetConfigurationResponse
    assert [v.path for v in check(kind, RAW, TOLERANT).violations] == ["$", "$.configurationKey[0].readonly"]
    rules = Rules([Rule(path="$", forgive=["any"]), Rule(path="$.configurationKey[*].readonly", forgive=["type"])])
    assert len(check(kind, RAW, rules).violations) == 2
    with pytest.raises(InvalidMessage, match=r"at byte \d+$"):
        check(kind, RAW, Rules([Rule(path="$.**")]))
    with pytest.raises(InvalidMessage, match=r"at byte \d+ \(and 1 more\)"):
        check(kind, RAW, STRICT)


def test_what_is_not_json_even_so_is_refused_by_all() -> None:
    with pytest.raises(InvalidMessage, match="and 1 more") as caught:
        check(v16.GetConfigurationResponse, b'{"unknownKey":["60\0",]}', TOLERANT)
    assert [v.expected for v in caught.value.violations][1] == "valid JSON"
