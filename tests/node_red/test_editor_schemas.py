"""What the editor knows of the messages is what the engine knows: the same verdict, at the same places."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import javascript
import msgspec
import pytest
from editor_payloads import full, message_types, mutants, table
from runtime_process import PACKAGE
from tests.tool_modules import tool_module

from ocppflow.messages import Message, Version, actions
from ocppflow.messages.codec import violations
from ocppflow.messages.violation import Violation
from ocppflow.messages.walk import Report, walk

ROOT = PACKAGE.parent
CATALOG = json.loads((PACKAGE / "nodes/locales/en-US/ocppflow-engine.json").read_text(encoding="utf-8"))
TEXTS = CATALOG["shared"]["finding"]


def words(finding: dict[str, Any]) -> str:
    """The text of a finding without its lead."""
    key, values = finding["key"], finding["values"]
    plural = f"{key}_plural" in TEXTS and values.get("count") != 1
    text = re.sub(r"__(\w+?)__", lambda name: str(values[name[1]]), TEXTS[f"{key}_plural" if plural else key])
    return text.removeprefix("expected ")


def expected(violation: Any) -> str:
    known = {"to be present": TEXTS["missing"], "no such field": TEXTS["unknown"]}
    return known.get(violation.expected, violation.expected)


def engines_findings(kind: type[Message], raw: str) -> list[Violation]:
    """All that is wrong with a payload, but for what is wrong with a value after its type was forgiven."""
    report = Report(kind.__version__, lambda violation: True)
    walk(kind, msgspec.json.decode(raw), report)
    found: list[Violation] = []
    for each in report.found:
        if not any(v.kind == "type" and re.fullmatch(re.escape(v.path) + r"([.\[].*)?", each.path) for v in found):
            found.append(each)
    return found


def is_same(ours: str, engines: str) -> bool:
    """The engine shortens long lists of names."""
    return ours.startswith(engines[:-4]) if engines.endswith(", ...") else ours == engines


@pytest.mark.parametrize("version", list(Version), ids=str)
def test_the_editor_finds_what_the_engine_finds_in_every_message(version: Version):
    chance, rules, types = random.Random(7), table(version), message_types(version)
    cases = []
    for name in types:
        sound = full(rules["types"], {"ref": name})
        assert violations(types[name], json.dumps(sound)) == (), name
        cases += [(name, each) for each in mutants(sound, chance, 25)]
    found = javascript.run(
        "resources/schema.js",
        "return given.cases.map(([type, value]) => it.check(given.table, type, value))",
        {"table": rules, "cases": cases},
    )
    faulty = 0
    for (name, value), findings in zip(cases, found, strict=True):
        raw = json.dumps(value)
        engines = engines_findings(types[name], raw)
        assert bool(findings) == bool(violations(types[name], raw)), (name, raw[:500], findings, engines)
        faulty += bool(findings)
        if len(engines) < 99:
            assert [each["path"] for each in findings] == [each.path for each in engines], (name, raw[:500])
            for ours, theirs in zip(findings, engines, strict=True):
                assert is_same(words(ours), expected(theirs)), (ours, theirs)
    assert len(cases) // 2 < faulty < len(cases)


@pytest.mark.parametrize("version", list(Version), ids=str)
def test_every_template_is_what_the_engine_takes_and_holds_the_required_fields_alone(version: Version):
    rules, types = table(version), message_types(version)
    made = javascript.run(
        "resources/schema.js",
        "return given.types.map(type => it.template(given.table, type, '2026-01-01T00:00:00Z'))",
        {"table": rules, "types": list(types)},
    )
    for (name, kind), payload in zip(types.items(), made, strict=True):
        assert violations(kind, json.dumps(payload)) == (), name
        assert sorted(payload) == sorted(rules["types"][name]["required"]), name


@pytest.mark.parametrize("version", list(Version), ids=str)
def test_the_lists_of_actions_are_the_engines(version: Version):
    listed = table(version)["actions"]
    assert listed.keys() == actions(version).keys()
    for name, info in actions(version).items():
        assert set(listed[name]["senders"]) == {str(role) for role in info.senders}
        assert listed[name].get("response") == (info.response.__name__ if info.response else None)


@pytest.mark.parametrize("version", list(Version), ids=str)
def test_the_tables_tell_what_a_field_means_by_its_name_on_the_wire(version: Version):
    types = table(version)["types"]
    told = [(name, field, rule["doc"]) for name, each in types.items() for field, rule in each["fields"].items()
            if "doc" in rule]  # fmt: skip
    assert len(told) > 100
    known = {field for each in types.values() for field in each["fields"]} | {"true", "false"}
    for name, field, doc in told:
        assert set(re.findall(r"`(\w+)`", doc)) <= known, (name, field, doc)


def test_the_tables_are_up_to_date_and_a_stale_one_is_told(monkeypatch, tmp_path: Path, capsys):
    tool = tool_module("generate_editor_schemas")
    monkeypatch.setattr("sys.argv", ["tool", "--check"])
    assert tool.main() == 0
    monkeypatch.setattr(tool, "TARGET", tmp_path)
    assert tool.main() == 1
    assert "make generate" in capsys.readouterr().err
