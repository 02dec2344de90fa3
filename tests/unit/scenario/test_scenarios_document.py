"""docs/scenarios.md names every step, key, condition, message, field and scenario that there is, and no other."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from tests.unit.scenario.honest_csms import played

from ocppflow.cli.run_command import run
from ocppflow.messages import Version
from ocppflow.scenario import SHIPPED, read_scenario
from ocppflow.scenario.conditions import STATION_CONDITIONS
from ocppflow.scenario.neutral_words import MESSAGES
from ocppflow.scenario.scenario import ScenarioHead
from ocppflow.scenario.steps import STEPS, Step
from ocppflow.scenario.wanted import MEANINGS
from ocppflow.station.line_faults import FaultPlan

TEXT = (Path(__file__).parents[3] / "docs" / "scenarios.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| `")]


def rows(*cells: str) -> bool:
    return any(row[: len(cells)] == list(cells) for row in ROWS)


@pytest.mark.parametrize("kind", STEPS.values(), ids=lambda kind: kind.key)
def test_each_step_is_a_row_with_its_keys(kind: type[Step]) -> None:
    further = [name for name in kind.__struct_fields__ if name not in (*Step.__struct_fields__, kind.key)]
    assert rows(f"`{kind.key}`", kind.meaning, ", ".join(f"`{name}`" for name in further)), further


@pytest.mark.parametrize("name", SHIPPED)
def test_each_scenario_is_a_row(name: str) -> None:
    assert rows(f"`{name}`", read_scenario(name).head.proves)


@pytest.mark.parametrize("name", MEANINGS)
def test_each_condition_of_a_value_is_a_row(name: str) -> None:
    assert rows(f"`{name}`", MEANINGS[name])


@pytest.mark.parametrize("name", STATION_CONDITIONS)
def test_each_condition_of_a_station_is_a_row(name: str) -> None:
    assert rows(f"`{name}`", STATION_CONDITIONS[name].meaning)


@pytest.mark.parametrize("name", MESSAGES)
def test_each_neutral_message_is_a_row(name: str) -> None:
    message = MESSAGES[name]
    row = next(row for row in ROWS if row[0] == f"`{name}`" and len(row) == 4)
    assert row[1].startswith(message.action_16)
    assert row[2].startswith(message.action_2)
    fields = [f"`{field}`{'' if paths[0] else ' (2.x)'}" for field, paths in message.fields.items()]
    assert row[3] == ", ".join(fields)


def test_each_fault_is_a_row() -> None:
    assert [name for name in FaultPlan.__struct_fields__ if not rows(f"`{name}`")] == []


def test_the_keys_of_a_file_are_named() -> None:
    assert all(re.search(rf"`\[*{name}\]*`", TEXT) for name in ScenarioHead.__struct_fields__)


def test_each_option_is_named() -> None:
    options = {
        text
        for name, parameter in inspect.signature(run, eval_str=True).parameters.items()
        for option in parameter.annotation.__metadata__
        for text in (option.default, *(option.param_decls or ()))
        if name not in ("scenario", "url") and isinstance(text, str)
    }
    assert len(options) > 8
    assert {option for option in options if option not in TEXT} == set()


def test_the_examples_are_played(tmp_path: Path) -> None:
    toml = next(each for each in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL) if each.startswith("title"))
    python = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0]
    for version in Version:
        assert played(toml, version).verdict == "pass"
    file = tmp_path / "session.py"
    file.write_text(python)
    assert played(read_scenario(str(file)), Version.V21).verdict == "pass"
