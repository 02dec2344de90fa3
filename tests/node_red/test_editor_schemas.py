"""What the editor knows of the messages is what the engine knows: the same verdict, at the same places."""

from __future__ import annotations

import copy
import importlib.util
import json
import random
import re
from pathlib import Path
from typing import Any

import javascript
import msgspec
import pytest
from runtime_process import PACKAGE

from ocppflow.messages import Version, actions
from ocppflow.messages.codec import violations
from ocppflow.messages.walk import walk

ROOT = PACKAGE.parent
CATALOG = json.loads((PACKAGE / "nodes/locales/en-US/ocppflow-engine.json").read_text(encoding="utf-8"))
TEXTS = CATALOG["shared"]["finding"]
MOMENTS = [
    "2026-02-28T23:59:59Z", "2026-02-29T00:00:00Z", "2024-02-29 00:00:00.123456789+05:30", "2026-01-01T00:00:00",
    "2016-12-31T23:59:60Z", "2016-12-31T23:58:60Z", "2017-01-01T05:29:60+05:30", "2026-13-01T00:00:00Z", "2026-01-01",
    "2026-01-01T25:00:00Z", "2026-01-01T00:00:00+24:00", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "soon",
]  # fmt: skip
OTHERS: list[Any] = [None, True, "", "x" * 30, "ü" * 10_001, "https://example.com/a b", "a:b", 0, -1, 1.5, 0.25, 101,
                     1e6, [], {}, [[]], [{}], {"vendorId": 1}, {"vendorId": "v", "more": [1]}, *MOMENTS]  # fmt: skip


def table(version: Version) -> dict[str, Any]:
    return json.loads((PACKAGE / f"resources/messages-{version}.json").read_text(encoding="utf-8"))


def message_types(version: Version) -> dict[str, Any]:
    infos = actions(version).values()
    found = [each for info in infos for each in (info.request, info.response) if each is not None]
    return {each.__name__: each for each in found}


def full(rules: dict[str, Any], rule: dict[str, Any], depth: int = 0) -> Any:
    """A payload with all fields that a rule knows, optional ones only near the surface."""
    if "ref" in rule:
        return full(rules, rules[rule["ref"]], depth + 1)
    if "fields" in rule:
        names = rule["fields"] if depth < 4 else rule["required"]
        return {name: full(rules, rule["fields"][name], depth) for name in names}
    if "items" in rule:
        return [full(rules, rule["items"], depth)] * (rule.get("min") or 1)
    if "enum" in rule:
        return rule["enum"][-1]
    number = min(max(rule.get("min") or 0, 1), rule.get("max", 1))
    simple = {"string": "http://x", "boolean": True, "integer": number, "number": number,
              "date-time": "2026-01-01T00:00:00Z", "custom": {"vendorId": "v"}, "any": [1]}  # fmt: skip
    value = simple[rule["type"]]
    return value[: rule["max"]] if isinstance(value, str) and "max" in rule else value


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [each for key in keys for each in places(value[key])]


def mutants(payload: Any, chance: random.Random, count: int) -> list[Any]:
    made = [payload, *([] if payload == {} else [{}]), {**payload, "no-field": 1, "noField": {}}]
    for _ in range(count):
        mutant = copy.deepcopy(payload)
        for _ in range(chance.choice([1, 1, 2, 4])):
            spots = places(mutant)
            if not spots:
                break
            container, key = chance.choice(spots)
            kind = chance.randrange(4)
            if kind == 0:
                del container[key]
            elif kind == 1 and isinstance(container[key], list):
                container[key] = container[key] * chance.choice([0, 2, 2000])
            else:
                container[key] = copy.deepcopy(chance.choice(OTHERS))
        made.append(mutant)
    return made


def words(finding: dict[str, Any]) -> str:
    """The text of a finding without its lead."""
    key, values = finding["key"], finding["values"]
    plural = f"{key}_plural" in TEXTS and values.get("count") != 1
    text = re.sub(r"__(\w+?)__", lambda name: str(values[name[1]]), TEXTS[f"{key}_plural" if plural else key])
    return text.removeprefix("expected ")


def expected(violation: Any) -> str:
    known = {"to be present": TEXTS["missing"], "no such field": TEXTS["unknown"]}
    return known.get(violation.expected, violation.expected)


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
        engines = walk(types[name], msgspec.json.decode(raw))[1]
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


def test_the_tables_are_up_to_date_and_a_stale_one_is_told(monkeypatch, tmp_path: Path, capsys):
    path = ROOT / "tools/generate_editor_schemas.py"
    spec = importlib.util.spec_from_file_location("generate_editor_schemas", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr("sys.argv", ["tool", "--check"])
    assert tool.main() == 0
    monkeypatch.setattr(tool, "TARGET", tmp_path)
    assert tool.main() == 1
    assert "make generate" in capsys.readouterr().err
