"""What the Node-RED package sets its engine up with: exact versions, and the hashes of their files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))
sys.path.insert(0, str(Path(__file__).parents[3] / "node-red" / "setup"))

import set_up_engine

import pin_engine


def test_all_that_the_engine_is_set_up_with_is_pinned_and_has_hashes() -> None:
    assert pin_engine.faults() == []


def test_the_set_up_knows_every_text_and_reads_it_alike() -> None:
    texts = {each.stem for each in set_up_engine.PINNED.glob("*.txt")}
    assert texts == {set_up_engine.NEEDED.stem, set_up_engine.BUILD.stem, *set_up_engine.OPTIONAL}
    for text in set_up_engine.PINNED.glob("*.txt"):
        pinned = {f"{name}=={number}" for name, (number, _) in pin_engine.pins(text).items()}
        assert set(set_up_engine.pins(text)) == pinned


@pytest.mark.parametrize(
    ("text", "old", "new", "fault"),
    [
        ("needed", "websockets==", "sockets==", "needed.txt lacks websockets"),
        ("needed", "websockets==17", "websockets==16", "which is not what pyproject.toml asks for"),
        ("cryptography", "cffi==", "coffee==", "cryptography needs cffi, which is not pinned"),
        ("uvloop", "--hash=sha256:", "--hash=md5:", "uvloop has no hash"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, old: str, new: str, fault: str
) -> None:
    for file in pin_engine.PINNED.glob("*.txt"):
        words = file.read_text()
        (tmp_path / file.name).write_text(words.replace(old, new) if file.stem == text else words)
    monkeypatch.setattr(pin_engine, "PINNED", tmp_path)
    assert any(fault in each for each in pin_engine.faults())
