"""Reads the schemas of one version into plain records, from which :mod:`generator.emit` writes the module."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator import tables

Schema = dict[str, Any]
FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
URI = r"^[A-Za-z][A-Za-z0-9+.\-]*:([A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$"


@dataclass(frozen=True)
class Field:
    """A field of a data type or message: its name on the wire, its attribute, and the type as Python source."""

    wire: str
    name: str
    type: str
    required: bool
    tenths: bool = False  # at most one decimal


@dataclass
class Record:
    """A data type or a message."""

    name: str
    fields: tuple[Field, ...]
    not_empty: tuple[str, str] | None = None  # see tables.NOT_EMPTY_WITHIN


@dataclass
class Model:
    """Everything that the schemas of one version define, by name."""

    version: str
    aliases: dict[str, str] = field(default_factory=dict)  # String20 -> Annotated[...]
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    types: dict[str, Record] = field(default_factory=dict)
    messages: dict[str, Record] = field(default_factory=dict)

    @property
    def actions(self) -> list[str]:
        return sorted({re.sub("(Request|Response)$", "", name) for name in self.messages})


def snake(wire: str) -> str:
    """``limit_L2`` -> ``limit_l2``, ``responderURL`` -> ``responder_url``, ``bulkSoC`` -> ``bulk_soc``."""
    text = re.sub(r"EMAIDs", "Emaids", re.sub(r"V2X", "V2x", wire))
    text = re.sub(r"([sS])o([CH])(?![a-z])", lambda m: m[1] + "o" + m[2].lower(), text)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", text).replace("__", "_").lower()


def load(version: str) -> dict[str, Schema]:
    """The corrected schemas from PyPI's ``ocpp``, by the stem of their files."""
    spec = importlib.util.find_spec("ocpp")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the PyPI package 'ocpp', which contains the schemas, is not installed: pip install ocpp")
    folder = Path(spec.submodule_search_locations[0]) / FOLDERS[version] / "schemas"
    files = sorted(folder.glob("*.json"))
    return {f.stem: tables.corrected(version, f.stem, json.loads(f.read_text(encoding="utf-8-sig"))) for f in files}


def class_name(version: str, stem: str) -> str:
    """The class for a schema file. In 1.6 the file of a request is named after its action alone."""
    if version == "1.6" and not stem.endswith("Response"):
        return stem + "Request"
    return stem


class Reader:
    """Turns the schemas of one version into a :class:`Model`; exits if it finds what the generator does not support."""

    def __init__(self, version: str) -> None:
        self.model = Model(version)

    def read(self) -> Model:
        for stem, schema in load(self.model.version).items():
            for name, definition in schema.get("definitions", {}).items():
                self.define(name, definition)
            name = class_name(self.model.version, stem)
            rule = tables.NOT_EMPTY_WITHIN.get((self.model.version, name))
            if rule:
                del schema["properties"][rule[0]]["items"]["properties"][rule[1]]["minItems"]
            self.model.messages[name] = Record(name, self.fields(name, schema), rule)
        return self.model

    def define(self, name: str, schema: Schema) -> None:
        if name == "CustomDataType":
            return  # defined in base, as the only type that may hold unknown keys
        if "enum" in schema:
            values = tuple(schema["enum"])
            known = self.model.enums.setdefault(name, values)
            if sorted(known) != sorted(values):
                raise SystemExit(f"OCPP {self.model.version}: two different enums are called {name}")
        else:
            record = Record(name, self.fields(name, schema))
            known_record = self.model.types.setdefault(name, record)
            if sorted(known_record.fields, key=str) != sorted(record.fields, key=str):
                raise SystemExit(f"OCPP {self.model.version}: two different types are called {name}")

    def fields(self, owner: str, schema: Schema) -> tuple[Field, ...]:
        if schema.get("additionalProperties", True) is not False:
            raise SystemExit(
                f"OCPP {self.model.version}: {owner} allows unknown fields, which the generator does not support"
            )
        required = schema.get("required", [])
        return tuple(
            Field(
                wire=wire,
                name=snake(wire),
                type=self.type_of(owner, wire, sub),
                required=wire in required,
                tenths="multipleOf" in sub,
            )
            for wire, sub in schema.get("properties", {}).items()
        )

    def type_of(self, owner: str, wire: str, s: Schema) -> str:
        if "$ref" in s:
            return str(s["$ref"]).removeprefix("#/definitions/")
        kind = s.get("type")
        if kind is None:
            return "Any"
        if "enum" in s or kind == "object":
            name = tables.NAMES_16.get(f"{owner}/{wire}") or tables.NAMES_16[wire]
            self.define(name, s)
            return name
        if kind == "array":
            return self.array(self.type_of(owner, wire, s["items"]), s)
        if kind == "string":
            return self.string(s)
        return {"boolean": lambda _: "bool", "integer": self.integer, "number": self.number}[kind](s)

    def alias(self, name: str, definition: str) -> str:
        self.model.aliases[name] = definition
        return name

    def array(self, item: str, s: Schema) -> str:
        bounds = [f"{k}={s[j]}" for k, j in (("min_length", "minItems"), ("max_length", "maxItems")) if j in s]
        return f"Annotated[list[{item}], Meta({', '.join(bounds)})]" if bounds else f"list[{item}]"

    def string(self, s: Schema) -> str:
        if s.get("format") == "date-time":
            return "DateTime"
        if s.get("format") == "uri":
            return self.alias("Uri", f"Annotated[str, Meta(pattern={URI!r})]")
        if "maxLength" in s:
            n = s["maxLength"]
            return self.alias(f"String{n}", f"Annotated[str, Meta(max_length={n})]")
        return "str"

    def bounds(self, s: Schema) -> tuple[str, str]:
        """The suffix of the alias and the arguments of Meta, such as ``("0To100", "ge=0, le=100")``."""
        low, high = s.get("minimum"), s.get("maximum")
        args = ", ".join(f"{k}={v:g}" for k, v in (("ge", low), ("le", high)) if v is not None)
        if low is None and high is None:
            return "", ""
        if high is None:
            return f"From{low:g}", args
        return (f"UpTo{high:g}" if low is None else f"{low:g}To{high:g}"), args

    def integer(self, s: Schema) -> str:
        suffix, args = self.bounds(s)
        return self.alias(f"Int{suffix}", f"Annotated[int, Meta({args})]") if suffix else "int"

    def number(self, s: Schema) -> str:
        if s.get("multipleOf") not in (None, 0.1):
            raise SystemExit(f"the generator does not support multipleOf {s['multipleOf']}")
        suffix, args = self.bounds(s)
        if not suffix:
            return "Number"
        return self.alias(f"Number{suffix}", f"Annotated[int, Meta({args})] | Annotated[float, Meta({args})]")
