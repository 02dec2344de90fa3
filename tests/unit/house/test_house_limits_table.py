"""docs/security.md has all limits, as they are, and each has its reason."""

from __future__ import annotations

import dataclasses
from types import ModuleType

import pytest
from tests.tool_modules import tool_module

from ocppflow import Limits, LinkLimits, ServerLimits


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return tool_module("generate_limits_table")


def test_the_tables_are_those_of_the_code(tool: ModuleType) -> None:
    document = tool.TARGET.read_text(encoding="utf-8")
    assert tool.with_tables(document) == document, "run 'make generate'"


@pytest.mark.parametrize("kind", [LinkLimits, ServerLimits, Limits])
def test_every_setting_has_its_reason(tool: ModuleType, kind: type) -> None:
    named = {
        entry.name: entry.reason
        for base in kind.__mro__
        if base.__name__.endswith("Limits")
        for entry in tool.of_class(base)
    }
    fields = {each.name for each in dataclasses.fields(kind)} if kind is not Limits else set(Limits.__struct_fields__)
    assert named.keys() == fields
    assert all(len(reason) > 20 for reason in named.values())


def test_every_constant_has_its_reason(tool: ModuleType) -> None:
    entries = [entry for wheres in tool.CONSTANTS.values() for where in wheres for entry in tool.of_module(where)]
    assert len(entries) == len({entry.name for entry in entries}) > 50
    assert all(len(entry.reason) > 15 for entry in entries)


def test_what_stands_beside_a_name_is_found(tool: ModuleType) -> None:
    import ast

    source = '''
A = 1  # the first
B = 2
C: int = 3
"""Of both, ``x``
and :data:`~a.b.D`."""
D = 4
def f(): ...
"""not of D"""
'''
    found = tool.reasons(ast.parse(source).body, source)
    assert found == {"A": "the first", "B": "Of both, ``x``\nand :data:`~a.b.D`.", "C": found["B"]}
    assert tool.plain(found["B"]) == "Of both, `x` and `D`."
