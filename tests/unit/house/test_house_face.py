"""The public face: what is exported is documented, and what the documents import is exported."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from tests.unit.house.sources import ROOT, shown

import ocppflow

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("*.py"))]
_IMPORT = re.compile(r"^\s*from (ocppflow[\w.]*) import \(?([\w, \n]+?)\)?$", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_what_a_document_imports_is_there(document: object) -> None:
    for module, names in _IMPORT.findall(document.read_text(encoding="utf-8")):  # type: ignore[attr-defined]
        for name in re.findall(r"\w+", names):
            assert hasattr(import_module(module), name) or import_module(f"{module}.{name}"), f"{module}: {name}"


@pytest.mark.parametrize("name", ocppflow.__all__)
def test_every_public_name_stands_in_the_documentation_of_the_python_api(name: str) -> None:
    assert re.search(rf"\b{name}\b", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ocppflow.__all__)
def test_every_public_name_has_a_docstring_or_is_a_value(name: str) -> None:
    value = getattr(ocppflow, name)
    assert not isinstance(value, type) or value.__doc__, name
