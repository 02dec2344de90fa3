"""What the generated modules say about messages, data types, enums and fields: the TOML files in ``docstrings/``.

A file covers one functional block for the versions that it names::

    versions = ["2.0.1", "2.1"]
    subject = "functional block B, Provisioning"      # the requests in this file name it in their docstring

    [common]                                          # fields that mean the same wherever they occur
    tbc = "True if further parts follow."

    [enums]
    ResetEnumType = "OnIdle waits for the end of ongoing transactions, Immediate ends them."

    [ResetRequest]
    doc = "Asks the station to restart itself or one EVSE."
    evseId = "The EVSE to reset; absent for the whole station (B11.FR.09)."
    other."2.1" = "A text for one version only; the other one then has none, or its own."

Fields go by their names on the wire. An empty text takes a common one away. Line breaks within a text are free.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generator.model import Model

FOLDER = Path(__file__).parent / "docstrings"
OF_CLASS = "doc"
Texts = dict[str, str]


class Docstrings:
    """All texts for one version. ``problems`` lists what in the files has no counterpart in the model."""

    def __init__(self, version: str, folder: Path = FOLDER) -> None:
        self.version = version
        self.common: Texts = {}
        self.enums: Texts = {}
        self.types: dict[str, Texts] = {}
        self.subjects: Texts = {}
        for path in sorted(folder.glob("*.toml")):
            try:
                content = tomllib.loads(path.read_text(encoding="utf-8"))
            except tomllib.TOMLDecodeError as error:
                raise SystemExit(f"{path.name}: {error}") from None
            if version in content.pop("versions"):
                self._add(path.name, content.pop("subject"), content)

    def _add(self, file: str, subject: str, content: dict[str, Any]) -> None:
        for target, key in ((self.common, "common"), (self.enums, "enums")):
            texts = self._texts(content.pop(key, {}))
            if twice := sorted(target.keys() & texts.keys()):
                raise SystemExit(f"{file}: {', '.join(twice)} of [{key}] for OCPP {self.version} stands elsewhere too")
            target |= texts
        for name, table in content.items():
            if name in self.types:
                raise SystemExit(f"{file}: [{name}] for OCPP {self.version} stands elsewhere too")
            self.types[name] = self._texts(table)
            self.subjects[name] = subject

    def _texts(self, table: dict[str, Any]) -> Texts:
        """The texts of one table for this version, with white space normalized."""
        chosen = {k: v.get(self.version) if isinstance(v, dict) else v for k, v in table.items()}
        return {key: " ".join(text.split()) for key, text in chosen.items() if text is not None}

    def of_class(self, name: str) -> str:
        return self.types.get(name, {}).get(OF_CLASS, "")

    def of_field(self, owner: str, wire: str) -> str:
        own = self.types.get(owner, {}).get(wire)
        return self.common.get(wire, "") if own is None else own

    def of_enum(self, name: str) -> str:
        return self.enums.get(name, "")

    def subject(self, name: str) -> str:
        """The functional block or profile that a type was filed under."""
        return self.subjects.get(name, "")

    def names(self) -> Iterator[str]:
        """Every element that has a text, as ``Type``, ``Type.field`` or, for a common one, ``.field``."""
        yield from self.enums
        yield from (f".{wire}" for wire in self.common)
        for name, texts in self.types.items():
            yield from (name if key == OF_CLASS else f"{name}.{key}" for key in texts)


def elements(model: Model) -> Iterator[str]:
    """Every element of a model that may have a text, as :meth:`Docstrings.names` writes it."""
    yield from model.enums
    for record in [*model.types.values(), *model.messages.values()]:
        yield record.name
        for field in record.fields:
            yield f"{record.name}.{field.wire}"
            yield f".{field.wire}"


def unknown(models: list[Model]) -> list[str]:
    """What the files describe although no version has it: renamed, misspelt, or filed under the wrong versions."""
    described = {name for model in models for name in Docstrings(model.version).names()}
    return sorted(described - {element for model in models for element in elements(model)})
