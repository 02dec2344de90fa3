"""No pattern and no parser that sees a peer's bytes costs more than a fixed number of steps for each of them.

Patterns are found, not listed: whatever module makes one is under test from then on. Steps are counted, not seconds.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from itertools import product
from typing import Any

import pytest
from tests.unit.pattern_steps import Stepper, TooManySteps, possessive_groups_that_may_fail, steps

import ocppflow
from ocppflow.messages import Role, Version, v16
from ocppflow.messages.tolerance import _path_fits
from ocppflow.rpc.session import Session
from ocppflow.secrecy.blotting import faulty_without_secrets, text_without_secrets, without_secrets

pytestmark = pytest.mark.slow

STEPS_EACH = 40
"""What a pattern may cost for a character, with room: the square of LENGTH would be 60 for each."""
LENGTH = 120


def _patterns() -> dict[str, tuple[re.Pattern[Any], bool]]:
    """Name -> the pattern, and whether it is tried at every place of a text (``search``, ``sub``)."""
    found = {"v16.Uri": (re.compile(v16.Uri.__metadata__[0].pattern), True)}
    for module in pkgutil.walk_packages(ocppflow.__path__, "ocppflow."):
        if module.name.endswith("__main__"):
            continue
        loaded = importlib.import_module(module.name)
        for name, value in vars(loaded).items():
            each = value if isinstance(value, tuple) else (value,)
            for number, item in enumerate(each):
                pattern = item[0] if isinstance(item, tuple) and item else item
                if isinstance(pattern, re.Pattern):
                    only_at_start = re.search(rf"\b{name}\.(full)?match\(", inspect.getsource(loaded)) is not None
                    anywhere = re.search(rf"\b{name}\.(search|sub|find)", inspect.getsource(loaded)) is not None
                    found[f"{module.name}.{name}{number or ''}"] = pattern, anywhere or not only_at_start
    return found


PATTERNS = _patterns()

#: How an input gets past the beginning of a pattern, to where a repetition stands.
HEADS = (
    "", "[", "[2", "[2,", '[2,"', '2,"', "-", '"password"', '"password":', '"password":"', '"value":"', '"key":"',
    "a:", "http://", "HTTP/1.1 ", "%", "*", "2024-01-01T00:00:00.", "Expected ", "Expected `a` of length ",
    "Object missing required field `", " - at `",
)  # fmt: skip
#: What is repeated: one of each class of characters, and mixtures that patterns could confuse.
FILLERS = (
    " ", "\n", "1", "a", '"', "\\", "[", "]", ",", ":", "{", ".", "%", "%4", "-", "\x00", "\x7f", "é", "`",
    "\\\\", '\\"', '"a', " [", "[ ", " 1", "1,", ', "', '","', ' "', '" ', " - at `", ", got ", '"password"', '"key" :',
)  # fmt: skip
TAILS = ("", "!", '"')


def _of(pattern: re.Pattern[Any], text: str) -> Any:
    return text.encode() if isinstance(pattern.pattern, bytes) else text


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_pattern_takes_a_bounded_number_of_steps_for_each_character(name: str) -> None:
    pattern, anywhere = PATTERNS[name]
    for head, filler, tail in product(HEADS, FILLERS, TAILS):
        text = _of(pattern, head + filler * (LENGTH // len(filler)) + tail)
        try:
            steps(pattern, text, anywhere=anywhere, most=STEPS_EACH * len(text))
        except TooManySteps:
            pytest.fail(f"{pattern.pattern!r} takes more than {STEPS_EACH} steps a character of {text[:20]!r}...")


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_no_iteration_of_a_possessive_group_can_fail(name: str) -> None:
    """Up to Python 3.11.4 the repetition keeps what the failing iteration has taken, and finds another match or none.
    Write ``(?>(...)?)`` for what is optional; where it may come often, an empty alternative ends it: ``(?:ab|)*+``."""
    assert not possessive_groups_that_may_fail(PATTERNS[name][0])


def test_a_possessive_group_that_may_fail_is_seen() -> None:
    for bad in (r"a(?:b?(?:cd)*+)", r"(\.\d++)?+", r"(?:[^x]++|yz)*+", r"(?=(?:ab)++)", r"(?:(?=ab)ab)*+"):
        assert possessive_groups_that_may_fail(re.compile(bad)), bad
    for good in (r"a*+[bc]?+(?>(?:cd)*)", r"(?:[^x]++|yz|)*+", r"((ab|))*+"):
        assert not possessive_groups_that_may_fail(re.compile(good)), good


def test_the_counter_sees_a_pattern_that_costs_the_square() -> None:
    blanks = re.compile(rb"\s*\[?\s*(-?\d{1,9})")
    with pytest.raises(TooManySteps):
        steps(blanks, b" " * LENGTH, anywhere=False, most=STEPS_EACH * LENGTH)


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_the_counter_finds_the_matches_that_python_finds(name: str) -> None:
    pattern, _ = PATTERNS[name]
    for head, filler, tail in product(HEADS, FILLERS, TAILS):
        text = _of(pattern, head + filler * 3 + tail)
        found = pattern.match(text)
        assert Stepper(pattern, text, 100_000).match(0) == (found.end() if found else None), text


def _calls_of(function: Any, *arguments: Any) -> int:
    """How many functions are called, Python's and C's alike."""
    count = 0

    def called(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return count


MIB = 2**20


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("version", Version)
def test_a_mebibyte_of_anything_costs_a_session_a_fixed_number_of_calls(version: Version, role: Role) -> None:
    session = Session(version, role)
    flying = Session(version, role)
    flying.call(_heartbeat(version, role), 0.0, message_id="1")
    flying.data_to_send()
    heads = (
        "",
        "[",
        "[2,",
        '[2,"',
        '[2,"1","Heartbeat",',
        '[2,"1","Heartbeat",{"a":',
        '[3,"1",',
        '[4,"1","',
        '2,"1","a',
    )
    for each, head, filler in product((session, flying), heads, FILLERS):
        data = (head + filler * (MIB // len(filler.encode()))).encode()[:MIB]
        assert _calls_of(each.receive, data, 0.0) < 1000, data[:30]


def _heartbeat(version: Version, role: Role) -> Any:
    from ocppflow.rpc.dialect import RawMessage

    return RawMessage("Heartbeat", b"{}") if role is Role.CS else RawMessage("ClearCache", b"{}")


@pytest.mark.parametrize("head", ['{"vpn":{"key":"', '[2,"1","X",{"password":', "password ", "ftp://", '{"a":["', ""])
def test_a_mebibyte_of_anything_costs_the_blotting_of_secrets_a_bounded_number_of_calls(head: str) -> None:
    for filler in (*FILLERS, "{}", "{},", '{"a":[]},', "[[]]"):
        text = (head + filler * (MIB // len(filler.encode())))[:MIB]
        for function, given in (
            (without_secrets, text.encode()),
            (faulty_without_secrets, b"value" + text.encode()),
            (text_without_secrets, text),
        ):
            assert _calls_of(function, given) < 700_000, filler


@pytest.mark.parametrize("glob", ["**", "**a**a**a**a**b", "$.*.*.*.*x", "*" * 20 + "x"])
def test_the_path_of_a_rule_costs_no_more_than_its_length_times_that_of_the_path(glob: str) -> None:
    path = "$" + ".aa" * 200
    assert _calls_of(_path_fits, path, glob) < 8 * len(path) * (len(glob) + 1)
