"""Makes JSON values that a JSON schema of OCPP allows, and values that are wrong in exactly one place."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

Schema = dict[str, Any]
FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
CHARACTERS = 'abcXYZ019 -_.:/@"\\\n\u00e9\u4e16\U0001f50c'
MOMENTS = (
    "2024-05-01T10:00:00Z", "2024-02-29T23:59:59.999Z", "2024-05-01T10:00:00+02:00", "1970-01-01T00:00:00.000001Z",
    "2024-05-01T10:00:00.12-11:30", "2016-12-31T23:59:60Z", "2024-05-01t10:00:00z", "9999-12-31T23:59:59Z",
)  # fmt: skip
NO_MOMENTS = (
    "2024-05-01T10:00:00", "2024-05-01", "10:00:00Z", "2024-13-01T10:00:00Z", "2024-02-30T10:00:00Z", "yesterday", "",
    "2024-05-01T25:00:00Z", "2024-05-01T10:00:61Z", "2024-05-01T10:00:60Z", "2024-05-01T10:00:00+25:00",
    "2024-05-01T10:00:00.Z", "1714557600", "2024-05-01T10:00Z", "\u0662\u0660\u0662\u0664-05-01T10:00:00Z",
)  # fmt: skip


def schemas(version: str) -> dict[str, Schema]:
    """Message class name -> the official schema as it is in PyPI's ``ocpp``."""
    spec = importlib.util.find_spec("ocpp")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / FOLDERS[version] / "schemas"
    found = {f.stem: json.loads(f.read_text(encoding="utf-8-sig")) for f in sorted(folder.glob("*.json"))}
    if version == "1.6":
        return {stem if stem.endswith("Response") else stem + "Request": s for stem, s in found.items()}
    return found


class Maker:
    """Values for one schema, by a source of chance."""

    def __init__(self, schema: Schema, chance: Random, *, full: bool = False) -> None:
        self.root = schema
        self.chance = chance
        self.full = full
        """Every optional field is there, every list has one item; and faults inside a definition are made once."""
        self.done: set[str] = set()

    def resolve(self, s: Schema) -> Schema:
        return self.root["definitions"][s["$ref"].rsplit("/", 1)[1]] if "$ref" in s else s

    def is_custom(self, s: Schema) -> bool:
        return s.get("type") == "object" and s.get("additionalProperties", True) is not False

    def valid(self, s: Schema, depth: int = 0) -> Any:
        s = self.resolve(s)
        kind = s.get("type")
        if "enum" in s:
            return self.chance.choice(s["enum"])
        if kind is None:
            return self.chance.choice([None, "text", 1.5, {"a": [1, {"b": None}]}, [], True])
        return getattr(self, kind)(s, depth)

    def object(self, s: Schema, depth: int) -> Any:
        required = s.get("required", [])
        share = 1.0 if self.full else (0.7, 0.5, 0.35)[depth] if depth < 3 else 0.15
        chosen = [n for n in s.get("properties", {}) if n in required or self.chance.random() < share]
        self.chance.shuffle(chosen)
        value = {n: self.valid(s["properties"][n], depth + 1) for n in chosen}
        if self.is_custom(s) and self.chance.random() < 0.7:
            value |= {"own": {"deep": [1, 2.5, None, {"x": "y"}]}, "Ключ": 1, "": False}
        return value

    def array(self, s: Schema, depth: int) -> Any:
        low, high = s.get("minItems", 0), s.get("maxItems", 1000)
        size = max(low, 1) if self.full else self.chance.choice([low, max(low, 1), min(high, low + 2)])
        return [self.valid(s["items"], depth + 1) for _ in range(size)]

    def string(self, s: Schema, depth: int) -> Any:
        if s.get("format") == "date-time":
            return self.chance.choice(MOMENTS)
        if s.get("format") == "uri":
            return self.chance.choice(
                ["ftp://a.example/x.bin", "https://u:p@h:1/%20?q=1#f", "urn:x:y", "http://[::1]/"]
            )
        longest = s.get("maxLength", 40)
        size = self.chance.choice([0, 1, min(longest, 12), longest])
        return "".join(self.chance.choices(CHARACTERS, k=size))

    def integer(self, s: Schema, depth: int) -> Any:
        low, high = s.get("minimum", -(2**70)), s.get("maximum", 2**70)
        return int(self.chance.choice([low, high, max(low, min(high, 1)), max(low, min(high, 0))]))

    def number(self, s: Schema, depth: int) -> Any:
        low, high = s.get("minimum", -1e20), s.get("maximum", 1e20)
        candidates = [low, high, int(low), 0, 1, 8.1, 16.0, 230.3, 0.3, -0.1, 1e16, 22.2, -5]
        if "multipleOf" not in s:
            candidates += [0.123456789, 1e-7, -3.14159]
        return self.chance.choice([c for c in candidates if low <= c <= high])

    def boolean(self, s: Schema, depth: int) -> Any:
        return self.chance.random() < 0.5

    def wrong(self, s: Schema, value: Any) -> Iterator[tuple[str, Any]]:
        """(what was done, the whole value with that one fault); whether it is one, the validators say."""
        reference = s.get("$ref", "")
        s = self.resolve(s)
        kind = s.get("type")
        if kind is None:
            return
        for other in (None, "x", 3, 2.5, True, [], {}, ["x"], {"x": 1}):
            yield f"becomes {other!r}", other
        if self.full and reference in self.done:
            return
        if reference:
            self.done.add(reference)
        yield from getattr(self, f"wrong_{kind}", lambda *_: ())(s, value)

    def wrong_object(self, s: Schema, value: Any) -> Iterator[tuple[str, Any]]:
        for name in value:
            yield f"loses {name}", {k: v for k, v in value.items() if k != name}
        yield "gets an unknown field", value | {"unheardOf": 1}
        yield "gets a field in wrong case", value | {"CUSTOMDATA": {"vendorId": "x"}}
        for name, sub in s.get("properties", {}).items():
            if name in value:
                for what, child in self.wrong(sub, value[name]):
                    yield f"{name} {what}", value | {name: child}

    def wrong_array(self, s: Schema, value: Any) -> Iterator[tuple[str, Any]]:
        item = value[0] if value else self.valid(s["items"], 3)
        if s.get("minItems"):
            yield "is too short", [item] * (s["minItems"] - 1)
        yield "is longest", [item] * s.get("maxItems", 20)
        yield "is too long", [item] * (s.get("maxItems", 20) + 1)
        for i, child in enumerate(value):
            for what, bad in self.wrong(s["items"], child):
                yield f"[{i}] {what}", [*value[:i], bad, *value[i + 1 :]]

    def wrong_string(self, s: Schema, value: Any) -> Iterator[tuple[str, Any]]:
        if s.get("format") == "date-time":
            yield from ((f"is {text!r}", text) for text in NO_MOMENTS)
        elif s.get("format") == "uri":
            yield from ((f"is {text!r}", text) for text in ("x", "//h/p", "http://a b", "http://h/%zz", "", "1:x"))
        elif "enum" in s:
            value = s["enum"][0]
            yield from ((f"is {text!r}", text) for text in (value.lower(), value + " ", "", "Nonesuch", value + "\0"))
        elif "maxLength" in s:
            yield "is a character too long", "\U0001f50c" * (s["maxLength"] + 1)
            yield "is as long as can be", "\U0001f50c" * s["maxLength"]

    def wrong_integer(self, s: Schema, value: Any) -> Iterator[tuple[str, Any]]:
        if "draft-04" not in self.root["$schema"]:  # see DIFFERENCES in test_differential.py
            yield "is written with a point", float(min(max(value, -(2**50)), 2**50))
        yield "is one and a half", 1.5
        yield from self.out_of_range(s)

    def wrong_number(self, s: Schema, value: Any) -> Iterator[tuple[str, Any]]:
        yield "has two decimals", 8.15
        yield "has many decimals", 4.35000001
        yield from self.out_of_range(s)

    def out_of_range(self, s: Schema) -> Iterator[tuple[str, Any]]:
        yield "is very low", s.get("minimum", 0) - 1
        yield "is very high", s.get("maximum", 0) + 1
        yield "is a little low", s.get("minimum", 0) - 0.5
        yield "is a little high", s.get("maximum", 0) + 0.5
