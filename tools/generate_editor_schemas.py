"""Writes what Node-RED's editor has to know of the messages: ``node-red/resources/messages-<version>.json``.

It is made from the message types themselves, so the editor and the engine cannot disagree. ``--check`` only compares.

The form: ``actions`` is action -> {senders, request, response}, each of the latter the name of a type; ``types`` is
name -> a rule. A rule has one of ``fields`` (wire name -> rule; ``required`` those that must be there), ``items``,
``enum`` or ``type`` (string, integer, number, boolean, date-time, custom, any), or is ``ref``, the name of a type; and
``max`` and ``min``: characters of a string, items of an array, or values of a number. ``doc`` says what a type or a
field means, in the words of the message types' docstrings.
"""

from __future__ import annotations

import json
import re
import sys
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from msgspec import inspect

sys.path.insert(0, str(Path(__file__).parent))

from generator.docstrings import Docstrings
from ocppflow.messages import Version, actions
from ocppflow.messages.base import CustomDataType, check_not_empty, check_tenths

TARGET = Path(__file__).parents[1] / "node-red" / "resources"
Rule = dict[str, Any]


class Table:
    """The rules of one version."""

    def __init__(self, version: Version) -> None:
        self._docs = Docstrings(str(version))
        self.types: dict[str, Rule] = {}
        self.actions: dict[str, Rule] = {}
        for name, info in sorted(actions(version).items()):
            row: Rule = {"senders": sorted(info.senders)}
            for kind, message in (("request", info.request), ("response", info.response)):
                if message is not None:
                    row[kind] = self.rule(inspect.type_info(message))["ref"]
            self.actions[name] = row

    @singledispatchmethod
    def rule(self, info: inspect.Type) -> Rule:
        """The rule of a type. Raises NotImplementedError for one that no message uses."""
        raise NotImplementedError(f"no rule for {info!r}")

    @rule.register
    def _(self, info: inspect.StructType) -> Rule:
        name = info.cls.__name__
        if name not in self.types:
            made = self.types[name] = {}
            if doc := self._docs.of_class(name):
                made["doc"] = doc
            made["fields"] = {field.encode_name: self._field(info.cls, field) for field in info.fields}
            made["required"] = [field.encode_name for field in info.fields if field.required]
            _add_own_checks(info.cls, made)
        return {"ref": name}

    def _field(self, owner: type, field: inspect.Field) -> Rule:
        """The rule of a field, with what it means and what the values of its enum mean."""
        annotation = owner.__annotations__.get(field.name, "")
        enums = [self._docs.of_enum(word) for word in re.findall(r"\w+", annotation)]
        doc = " ".join(filter(None, [self._docs.of_field(owner.__name__, field.encode_name), *enums]))
        rule = self.rule(field.type)
        return {**rule, "doc": doc} if doc else rule

    @rule.register
    def _(self, info: inspect.LiteralType) -> Rule:
        return {"enum": list(info.values)}

    @rule.register
    def _(self, info: inspect.ListType) -> Rule:
        return _bounded({"items": self.rule(info.item_type)}, info.min_length, info.max_length)

    @rule.register
    def _(self, info: inspect.StrType) -> Rule:
        made = _bounded({"type": "string"}, info.min_length, info.max_length)
        return {**made, "pattern": info.pattern} if info.pattern else made

    @rule.register
    def _(self, info: inspect.IntType) -> Rule:
        return _bounded({"type": "integer"}, info.ge, info.le)

    @rule.register
    def _(self, info: inspect.FloatType) -> Rule:
        return _bounded({"type": "number"}, info.ge, info.le)

    @rule.register
    def _(self, info: inspect.UnionType) -> Rule:
        """The only union in use is ``Number``: an int or a float with the same bounds."""
        return next(self.rule(each) for each in info.types if isinstance(each, inspect.FloatType))

    @rule.register
    def _(self, info: inspect.BoolType) -> Rule:
        return {"type": "boolean"}

    @rule.register
    def _(self, info: inspect.DateTimeType) -> Rule:
        return {"type": "date-time"}

    @rule.register
    def _(self, info: inspect.AnyType) -> Rule:
        return {"type": "any"}

    @rule.register
    def _(self, info: inspect.CustomType) -> Rule:
        assert info.cls is CustomDataType, info
        return {"type": "custom"}


def _bounded(rule: Rule, least: float | None, most: float | None) -> Rule:
    bounds = {"min": least, "max": most}
    return {**rule, **{name: value for name, value in bounds.items() if value is not None}}


def _add_own_checks(kind: type, made: Rule) -> None:
    """The two rules that types cannot say; a Struct that has one calls its check, with wire names as constants."""
    post = getattr(kind, "__post_init__", None)
    if post is None:
        return
    words = [word for word in post.__code__.co_consts if isinstance(word, str) and word in made["fields"]]
    if check_tenths.__name__ in post.__code__.co_names:
        made["fields"][words[0]]["decimals"] = 1
    elif check_not_empty.__name__ in post.__code__.co_names:
        inner = next(word for word in post.__code__.co_consts if isinstance(word, str) and word != words[0])
        made["fields"][words[0]]["notEmpty"] = inner
    else:
        raise NotImplementedError(f"{kind.__name__} checks itself in a way that the editor does not know")


def text_of(version: Version) -> str:
    """The file of a version: one line for each action and type."""
    table = Table(version)
    parts = []
    for name, rows in (("actions", table.actions), ("types", dict(sorted(table.types.items())))):
        lines = ",\n".join(
            f"{json.dumps(key)}:{json.dumps(row, separators=(',', ':'), ensure_ascii=False)}"
            for key, row in rows.items()
        )
        parts.append(f'"{name}":{{\n{lines}\n}}')
    return f'{{"version":"{version}",\n' + ",\n".join(parts) + "}\n"


def main() -> int:
    stale = []
    for version in Version:
        path, text = TARGET / f"messages-{version}.json", text_of(version)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        print(f"not up to date: {', '.join(stale)}; run 'make generate'", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
