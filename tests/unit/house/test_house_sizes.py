"""A file that is read from top to bottom, a function that is seen at one glance."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.unit.house.sources import ROOT, modules, shown, tree

LINES_OF_A_FILE = 400
"""About what is read in one go."""

LINES_OF_A_BODY = 40
"""About what a screen shows. Signature and docstring aside: the options of a command are one parameter a line."""


_OTHERS = (
    "node-red/nodes/**/*.js",
    "node-red/resources/*.js",
    "tools/**/*.py",
    "benchmarks/**/*.py",
    "tests/fuzz/*.py",
    "tests/attack/*.py",
)


def _files() -> list[Path]:
    others = [path for pattern in _OTHERS for path in sorted(ROOT.glob(pattern)) if "node_modules" not in path.parts]
    return [*modules(), *others]


def test_no_file_is_too_long() -> None:
    lengths = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in _files()}
    assert len(lengths) > 150
    assert not {name: length for name, length in lengths.items() if length > LINES_OF_A_FILE}


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{shown(path)}: {node.name}": _body_lines(node)
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert lengths
    assert not {name: length for name, length in lengths.items() if length > LINES_OF_A_BODY}
