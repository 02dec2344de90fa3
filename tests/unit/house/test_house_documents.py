"""What the documents point to is there: links, files, folders and make targets; the changelog keeps its form."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tests.unit.house.sources import ROOT, shown

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "node-red" / "README.md"]
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_TARGET = re.compile(r"\bmake ([a-z][a-z-]+)\b")
_TOP = ("src/", "tests/", "tools/", "docs/", "examples/", "node-red/", "benchmarks/", "out/", "dist/")
_MADE = ("out", "dist")  # written by a run


def _anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as Git hosts make them."""
    headings = _HEADING.findall(document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_every_link_within_the_project_leads_somewhere(document: Path) -> None:
    for link in _LINK.findall(document.read_text(encoding="utf-8")):
        if "://" in link or link.startswith("mailto:"):
            continue
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_every_file_and_folder_that_is_named_exists(document: Path) -> None:
    for code in _CODE.findall(document.read_text(encoding="utf-8")):
        path = code.split(":")[0]
        if (
            path.startswith(_TOP)
            and "NAME" not in path
            and re.fullmatch(r"[\w./-]+", path)
            and path.split("/")[0] not in _MADE
        ):
            assert (ROOT / path).exists(), code


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    code = "\n".join(
        [*_CODE.findall(text := document.read_text(encoding="utf-8")), *re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    )
    assert set(_TARGET.findall(code)) <= targets


def test_every_command_of_ci_is_a_make_target_that_is_documented() -> None:
    commands = re.findall(r"^make (\S+)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert commands
    assert all(f"`make {command}`" in text for command in commands)


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    releases = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert releases[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", release) for release in releases[1:])
    assert version in text
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Not there yet"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds


def test_the_same_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    npm = re.search(r'"version": "([^"]+)"', (ROOT / "node-red" / "package.json").read_text(encoding="utf-8"))
    assert npm is not None
    assert npm[1] == project
