"""What is written for others names the standard's sections and requirements, not a numbering of our own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.house.sources import ROOT, shown

#: "X is no Y" is how other languages deny; English says "X is not a Y" (but "there is no Y", "is no longer").
_IS_NO = re.compile(
    r"(?<!there )(?<!There )\b(?:is|are|was|were) no (?!longer|more\b|use\b|different|better|match)[a-z]", re.ASCII
)
_OWN_NUMBER = re.compile(r"\brows? \d+\b|\btest_row_?\d", re.IGNORECASE)
_KINDS = {".py", ".md", ".js", ".html", ".json", ".toml"}
_PLACES = (
    "src",
    "docs",
    "examples",
    "node-red",
    "tests/attack",
    "tests/fuzz",
    "tests/wire",
    "tests/unit",
    "tests/flows",
)
_NOT_OURS = {"node_modules", "engine", "__pycache__"}


def _public() -> list[Path]:
    found = [path for place in _PLACES for path in sorted((ROOT / place).rglob("*")) if path.suffix in _KINDS]
    found += sorted(ROOT.glob("*.md"))
    return [path for path in found if path.is_file() and not _NOT_OURS & set(path.relative_to(ROOT).parts)]


@pytest.mark.parametrize(
    "text", ["row 14", "Rows 24 and 25", "(row 3)", "def test_row14_an_id", "def test_row_5_a_key"]
)
def test_a_number_of_our_own_is_recognized(text: str) -> None:
    assert _OWN_NUMBER.search(text)


def test_no_text_refers_to_a_row_of_a_table_of_our_own() -> None:
    files = [path for path in _public() if path != Path(__file__)]
    assert len(files) > 100
    found = [
        f"{shown(path)}:{number}: {line.strip()[:100]}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if _OWN_NUMBER.search(line)
    ]
    assert not found


@pytest.mark.parametrize("text", ["what is no JSON", "which are no stations"])
def test_a_denial_that_is_not_english_is_recognized(text: str) -> None:
    assert _IS_NO.search(text.lower())


@pytest.mark.parametrize("text", ["there is no such field", "is no longer there", "There are no stations"])
def test_a_denial_that_is_english_is_let_pass(text: str) -> None:
    assert not _IS_NO.search(text)


def test_no_text_for_users_denies_as_other_languages_do() -> None:
    users = ("src", "docs", "examples", "node-red")
    files = [path for path in _public() if path.suffix != ".json" and path.relative_to(ROOT).parts[0] in users]
    found = [
        f"{shown(path)}:{number}: {line.strip()[:120]}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if _IS_NO.search(line)
    ]
    assert not found
