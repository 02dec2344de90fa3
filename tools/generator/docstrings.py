"""The texts from which the generated modules take their docstrings: the TOML files in ``texts/``.

Each file covers one functional block, for the versions that it names::

    versions = ["2.0.1", "2.1"]
    subject = "functional block B, Provisioning"      # becomes part of the docstring of each request in the file

    [common]                                          # fields that mean the same in every type
    tbc = "To be continued: true if another message follows."

    [enums]
    ResetEnumType = "Immediate: terminates ongoing transactions. OnIdle: waits until they have ended."

    [ResetRequest]
    doc = "Resets the station or one EVSE (B11, B12)."
    evseId = "Absent: the whole station; see `type`."
    type."2.1" = "A text for one version; the others have none, or their own."

A field is called by its name on the wire, also in a text, where backticks turn it into the name of the attribute. An
empty text suppresses a common one. Line breaks within a text have no meaning.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generator.model import Model

FOLDER = Path(__file__).parent / "texts"
OF_CLASS = "doc"
FIELD_NAME = re.compile(r"`(\w+)`")
Texts = dict[str, str]


class Docstrings:
    """All texts for one version."""

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
                raise SystemExit(
                    f"{file}: {', '.join(twice)} of [{key}] for OCPP {self.version} is also in another file"
                )
            target |= texts
        for name, table in content.items():
            if name in self.types:
                raise SystemExit(f"{file}: [{name}] for OCPP {self.version} is also in another file")
            self.types[name] = self._texts(table)
            self.subjects[name] = subject

    def _texts(self, table: dict[str, Any]) -> Texts:
        """The texts of a table for this version, with white space normalized."""
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
        """The functional block or profile to which a type belongs."""
        return self.subjects.get(name, "")

    def described(self) -> Iterator[str]:
        """Every element that has a text: ``Type``, ``Type.field`` or, if it is common to all types, ``.field``."""
        yield from self.enums
        yield from (f".{wire}" for wire in self.common)
        for name, texts in self.types.items():
            yield from (name if key == OF_CLASS else f"{name}.{key}" for key in texts)

    def mentioned(self) -> Iterator[str]:
        """Every field that a text refers to, as ``.field``."""
        for texts in (self.enums, self.common, *self.types.values()):
            yield from (f".{wire}" for text in texts.values() for wire in FIELD_NAME.findall(text))


def elements(model: Model) -> Iterator[str]:
    """Every element of a model, as :meth:`Docstrings.described` calls it."""
    yield from model.enums
    for record in [*model.types.values(), *model.messages.values()]:
        yield record.name
        for field in record.fields:
            yield f"{record.name}.{field.wire}"
            yield f".{field.wire}"


def unknown(models: list[Model]) -> list[str]:
    """What the files name although no version has it: misspelled, renamed, or filed under the wrong version."""
    named: set[str] = set()
    for model in models:
        docs = Docstrings(model.version)
        named |= {*docs.described(), *docs.mentioned()}
    return sorted(named - {element for model in models for element in elements(model)})
