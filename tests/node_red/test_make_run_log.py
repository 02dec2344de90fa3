"""What ``make run`` shows of Node-RED's log sends the terminal no command, and forges no line."""

from __future__ import annotations

from types import ModuleType

import pytest
from tests.tool_modules import tool_module

EVIL = "\x1b]0;pwned\x07\r\nERROR forged\u202e\x9b2J"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return tool_module("run_node_red")


@pytest.mark.parametrize("level", [20, 30, 40])
@pytest.mark.parametrize("start", ["", "[ocppflow] ", "CS1 ──▶ "])
def test_a_line_has_no_control_characters_and_its_continuation_is_indented(
    tool: ModuleType, level: int, start: str
) -> None:
    shown = tool._line(level, {"text": start + EVIL, "type": "CSMS", "name": EVIL}).plain
    first, *more = shown.split("\n")
    assert all(line.isprintable() for line in (first, *more))
    assert all(line.startswith(" " * 10) for line in more)
    assert "\\x1b]0;pwned" in shown
