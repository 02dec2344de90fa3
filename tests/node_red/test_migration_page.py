"""The page for those who come from Argonne's package says of speed what the README says, and names what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from runtime_process import PACKAGE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def figures(text: str, head: str) -> tuple[str, ...]:
    """The two cells of the row that begins with ``head``."""
    found = re.search(rf"^\| {re.escape(head)} \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE | re.IGNORECASE)
    assert found is not None, head
    return tuple(cell.strip() for cell in found.groups())


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("50 stations, TransactionEvents per second", "TransactionEvents per second"),
        ("Processor time per TransactionEvent", "Processor time per TransactionEvent"),
        ("Memory per idle connection", "Memory per idle connection"),
    ],
)
def test_its_figures_are_those_of_the_readme(here: str, there: str):
    in_node_red = README.partition("| the same flow in Node-RED |")[2]
    ours, theirs = figures(in_node_red, there)
    assert figures(PAGE, here) == (theirs, ours)


def test_the_properties_that_it_names_are_in_the_dialogs():
    stricter = PAGE.partition("## What is stricter")[2]
    dialogs = (PACKAGE / "nodes" / "csms.html").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z]+[A-Z]\w+)`", stricter))
    assert {"assumeVersion", "maxMessageSize", "messageTimeout"} <= named
    assert {name for name in named if f"            {name}: {{" not in dialogs} == set()


def test_the_versions_that_it_asks_for_are_the_packages():
    manifest = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
    assert (manifest["node-red"]["version"], manifest["engines"]["node"]) == (">=4.0.0", ">=20")
    assert "Node-RED 4 or later and Node.js 20 or later" in PAGE
