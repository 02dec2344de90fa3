"""Structs whose fields are columns."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy import Row

_StructT = TypeVar("_StructT", bound=Struct)


def struct_of(kind: type[_StructT], row: Row[Any]) -> _StructT:
    """A Struct from the columns of ``row`` that have the names of its fields."""
    return kind(**{name: getattr(row, name) for name in kind.__struct_fields__})
