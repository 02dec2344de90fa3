"""docs/ocpp-j.md names a test for each requirement, and every test that is named after a section has a row there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "ocpp-j.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([A-Z]?[\d.]+(?:FR\.\d+)?) \|.*`(test_\w+)` in `([\w/]+)` \|$", TEXT, re.MULTILINE)


def _prefix(source: str) -> str:
    """What the name of a test of that section or requirement begins with."""
    return f"test_{'' if source[0].isalpha() else 'J_'}{source.replace('.', '_')}_"


def test_every_row_of_the_tables_is_read() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| source")]
    assert len(ROWS) == len(rows) > 30


@pytest.mark.parametrize(("source", "test", "folder"), ROWS, ids=[test for _, test, _ in ROWS])
def test_a_row_names_a_test_of_its_own_that_exists(source: str, test: str, folder: str) -> None:
    assert test.startswith(_prefix(source))
    source_text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / folder).glob("test_*.py"))
    assert re.search(rf"def {test}\(", source_text)


def test_every_section_that_a_test_is_named_after_has_a_row() -> None:
    tests = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        if "node_modules" not in path.parts
        for name in re.findall(r"def (test_J_\w+)\(", path.read_text(encoding="utf-8"))
    }
    prefixes = tuple(_prefix(source) for source, _, _ in ROWS)
    assert len(tests) > 100
    assert not [name for name in sorted(tests) if not name.startswith(prefixes)]
