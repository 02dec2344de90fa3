"""Payloads of every message, sound and spoilt, to hold the editor's verdict against the engine's."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from runtime_process import PACKAGE

from ocppflow.messages import Version, actions

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
