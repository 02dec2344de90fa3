"""docs/ocpp-j.md has all 33 rows, and names tests that exist where it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROWS = re.findall(
    r"^\| (\d+) \|.*`(test_row\w+)` in `([\w/]+)` \|$", (ROOT / "docs/ocpp-j.md").read_text(), re.MULTILINE
)


def test_every_row_is_there_once() -> None:
    assert sorted(int(number) for number, _, _ in ROWS) == list(range(1, 34))


@pytest.mark.parametrize(("number", "test", "folder"), ROWS)
def test_a_row_names_a_test_of_its_own_that_exists(number: str, test: str, folder: str) -> None:
    assert f"row{int(number):02}_" in test
    source = "".join(path.read_text() for path in (ROOT / folder).glob("test_*.py"))
    assert re.search(rf"def {test}\(", source)
