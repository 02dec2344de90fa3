#!/usr/bin/env python3
"""Writes ``src/ocppflow/messages/v16.py``, ``v201.py`` and ``v21.py`` from the JSON schemas inside PyPI's ``ocpp``
and the texts in ``tools/generator/texts``.

With ``--check`` it writes nothing; if a committed module would change, it prints a summary and exits with 1.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from generator.docstrings import unknown
from generator.emit import ModuleText
from generator.model import FOLDERS, Reader

TARGET = Path(__file__).resolve().parent.parent / "src" / "ocppflow" / "messages"
SHOWN_LINES = 40


def generate() -> dict[Path, str]:
    """The text that each module should have. Exits if the docstrings name an element that no version has."""
    models = [Reader(version).read() for version in FOLDERS]
    if stray := unknown(models):
        raise SystemExit(f"tools/generator/texts names what no version has: {', '.join(stray)}")
    return {TARGET / f"{FOLDERS[model.version]}.py": str(ModuleText(model)) for model in models}


def difference(path: Path, wanted: str) -> list[str]:
    """The lines of a unified diff from the committed module to the wanted text; empty if they are equal."""
    current = path.read_text(encoding="utf-8") if path.exists() else ""
    return list(
        difflib.unified_diff(current.splitlines(), wanted.splitlines(), path.name, "generated", lineterm="", n=1)
    )


def check() -> int:
    stale = 0
    for path, wanted in generate().items():
        lines = difference(path, wanted)
        if lines:
            stale += 1
            print(f"{path.name} differs from what the generator writes ({len(lines)} lines of diff):")
            print("\n".join(lines[:SHOWN_LINES]))
    if stale:
        print("run: make generate")
    return 1 if stale else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a module is out of date")
    if parser.parse_args().check:
        return check()
    for path, text in generate().items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote {path.name}: {text.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
