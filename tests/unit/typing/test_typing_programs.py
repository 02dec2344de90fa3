"""What a type checker must say of programs that use the library, and of what it must be silent.

A line of ``programs/*.py`` that ends in ``# error: TEXT`` must be an error of ``mypy --strict`` whose message holds
TEXT; ``# error: TEXT | TEXT`` expects two. Every other line must pass.
"""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[3]
PROGRAMS = sorted(Path(__file__).parent.glob("programs/*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PREAMBLE = """
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ocppflow import *

csms: CSMS
cs: ChargingStation
station: Station
database: Any
"""
"""What the blocks of docs/python.md may take for granted, as its first paragraph says, and some database."""
_CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
_EXPECTED = re.compile(r"# error: (.+)$")
_SAID = re.compile(r"^(?P<file>.+?):(?P<line>\d+): error: (?P<text>.+)$")

Complaints = dict[int, list[str]]


def expected(program: Path) -> Complaints:
    lines = enumerate(program.read_text(encoding="utf-8").splitlines(), 1)
    return {number: found[1].split(" | ") for number, line in lines if (found := _EXPECTED.search(line))}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The Python that the documents show: a block of the README is a program, one of docs/python.md the inside of an
    async function."""
    folder = tmp_path_factory.mktemp("samples")
    programs = {
        f"readme_{number}": code
        for number, code in enumerate(_CODE.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    }
    for number, code in enumerate(_CODE.findall((ROOT / "docs" / "python.md").read_text(encoding="utf-8"))):
        inside = textwrap.indent(code, "    ")
        programs[f"python_{number}"] = f"{PREAMBLE}\n\nasync def sample() -> None:\n{inside}"
    for name, code in programs.items():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    return [folder / f"{name}.py" for name in programs]


@pytest.fixture(scope="module")
def said(samples: list[Path]) -> dict[Path, Complaints]:
    """What mypy says of all programs, in one run, with the settings under which ``src`` itself is checked."""
    arguments = ["--config-file", str(ROOT / "pyproject.toml"), "--strict", "--hide-error-context", "--no-pretty"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # the settings name folders
        output, problems, _ = api.run([*arguments, "--no-color-output", *map(str, [*PROGRAMS, *EXAMPLES, *samples])])
    assert not problems
    found: dict[Path, Complaints] = defaultdict(lambda: defaultdict(list))
    for line in output.splitlines():
        if match := _SAID.match(line):
            found[(ROOT / match["file"]).resolve()][int(match["line"])].append(match["text"])
    return found


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_mypy_refuses_exactly_the_lines_that_are_wrong(program: Path, said: dict[Path, Complaints]) -> None:
    wanted = expected(program)
    assert wanted, "a program without a wrong line would pass with everything typed as Any"
    assert sorted(said[program]) == sorted(wanted), dict(said[program])
    for line, texts in wanted.items():
        complaints = said[program][line]
        assert len(complaints) == len(texts), complaints
        assert all(any(text in complaint for complaint in complaints) for text in texts), complaints


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_the_examples_are_typed(example: Path, said: dict[Path, Complaints]) -> None:
    assert not said[example], dict(said[example])


def test_the_code_of_the_documents_is_typed(samples: list[Path], said: dict[Path, Complaints]) -> None:
    assert len(samples) > 20
    wrong = {sample.name: dict(said[sample]) for sample in samples if said[sample]}
    assert not wrong
