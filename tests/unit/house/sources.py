"""The files that the tests of the house read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
SRC = ROOT / "src" / "ocppflow"
GENERATED = frozenset({"v16.py", "v201.py", "v21.py", "initial_tables.py"})


def modules(*, generated: bool = False) -> list[Path]:
    """The modules of ``src``, without the generated ones or those alone."""
    return [path for path in sorted(SRC.rglob("*.py")) if (path.name in GENERATED) is generated]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def classes(path: Path) -> Iterator[str]:
    """The names of all classes of a module, inner ones included."""
    return (node.name for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
