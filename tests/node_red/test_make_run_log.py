"""What ``make run`` shows of Node-RED's log sends the terminal no command, and forges no line."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "run_node_red.py"
EVIL = "\x1b]0;pwned\x07\r\nERROR forged\u202e\x9b2J"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_node_red", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
