"""Valid messages of every action in all versions, made at random from the official schemas."""

from __future__ import annotations

import importlib.resources
import json
from functools import cache
from random import Random
from typing import Any, Final

from ocppflow.messages import Role, Version, actions

_STRINGS: Final = ("x", "EV-1", "ünïcödé ☃", "0", "a b", '"', "\\")
_DEPTH: Final = 6


@cache
def _schema(version: Version, action: str, kind: str) -> dict[str, Any]:
    folder = importlib.resources.files("ocpp") / ("v" + version.value.replace(".", "")) / "schemas"
    suffix = {"request": "", "response": "Response"}[kind] if version is Version.V16 else kind.capitalize()
    name = f"{action}.json" if action == "NotifyPeriodicEventStream" else f"{action}{suffix}.json"
    return json.loads((folder / name).read_text("utf-8-sig"))


class Instances:
    """Makes instances of one schema; ``fullness`` is how likely an optional field is there."""

    def __init__(self, root: dict[str, Any], random: Random, fullness: float) -> None:
        self._definitions = root.get("definitions", {})
        self._random = random
        self._fullness = fullness

    def make(self, schema: dict[str, Any], depth: int = 0) -> Any:
        if "$ref" in schema:
            schema = self._definitions[schema["$ref"].rpartition("/")[2]]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        kind = schema.get("type", "object")
        return getattr(self, f"_{kind}")(schema, depth)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        wanted = set(schema.get("required", ()))
        optional = depth < _DEPTH
        return {
            name: self.make(each, depth + 1)
            for name, each in schema.get("properties", {}).items()
            if name in wanted or (optional and self._random.random() < self._fullness)
        }

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        low = schema.get("minItems", 1)
        high = min(schema.get("maxItems", 3), low + 2)
        return [self.make(schema.get("items", {}), depth + 1) for _ in range(self._random.randint(low, high))]

    def _string(self, schema: dict[str, Any], depth: int) -> str:
        if schema.get("format") == "date-time":
            return "2026-02-03T04:05:06.789Z"
        if "uri" in schema.get("format", ""):
            return "https://example.org/x"
        limit = schema.get("maxLength", 40)
        text = self._random.choice(_STRINGS) * self._random.choice((1, 1, 2, limit))
        return text[:limit]

    def _integer(self, schema: dict[str, Any], depth: int) -> int:
        return self._random.randint(int(schema.get("minimum", 0)), int(schema.get("maximum", 1000)))

    def _number(self, schema: dict[str, Any], depth: int) -> float:
        return self._random.randint(0, 10_000) / 10

    def _boolean(self, schema: dict[str, Any], depth: int) -> bool:
        return self._random.random() < 0.5


class Corpus:
    """Payloads by what they are for: requests of both sides, and responses."""

    def __init__(self, version: Version, target: Role, random: Random, per_action: int = 4) -> None:
        self.requests: list[tuple[str, str]] = []
        self.responses: list[str] = []
        for action, info in actions(version).items():
            for number in range(per_action):
                fullness = number / max(1, per_action - 1)
                self.requests.append((action, self._payload(version, action, "request", random, fullness)))
                if info.confirmed:
                    self.responses.append(self._payload(version, action, "response", random, fullness))
        self.callable = [each for each in self.requests if actions(version)[each[0]].sent_by(target.peer)]

    @staticmethod
    def _payload(version: Version, action: str, kind: str, random: Random, fullness: float) -> str:
        schema = _schema(version, action, kind)
        instance = Instances(schema, random, fullness).make(schema)
        return json.dumps(instance, ensure_ascii=random.random() < 0.5)
