"""Tolerance rules from a file, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocppflow.errors import ConfigurationError
from ocppflow.messages.rules_file import read_rules
from ocppflow.messages.tolerance import Rule


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rules.toml", '[[rules]]\nvendor = "Acme*"\nforgive = ["type"]\n'),
        ("rules", '[[rules]]\nvendor = "Acme*"\nforgive = ["type"]\n'),
        ("rules.json", '{"rules": [{"vendor": "Acme*", "forgive": ["type"]}]}'),
        ("rules.JSON", '[{"vendor": "Acme*", "forgive": ["type"]}]'),
    ],
)
def test_rules_are_read_from_toml_and_json(tmp_path: Path, name: str, text: str):
    file = tmp_path / name
    file.write_text(text)
    assert read_rules(file).rules == (Rule(vendor="Acme*", forgive=["type"]),)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("r.toml", b"[[rule", "not TOML"),
        ("r.toml", b"[[rule]]\n", "rules stand in tables [[rules]]; it has 'rule'"),
        ("r.toml", b"rules = 5\n", "rules must be a list of tables, not int"),
        ("r.toml", b'[[rules]]\nforgive = ["all"]\n', "rule 1"),
        ("r.json", b"[", "not JSON"),
        ("r.json", b"{}", "rules stand in tables [[rules]]; it is empty"),
        ("r.toml", b"", "rules stand in tables [[rules]]; it is empty"),
        ("r.json", b"5", "rules must be a list of tables"),
        ("r.json", b"\xff", "not UTF-8"),
    ],
)
def test_a_rules_file_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path, name: str, text: bytes, words: str):
    file = tmp_path / name
    file.write_bytes(text)
    with pytest.raises(ConfigurationError) as caught:
        read_rules(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_rules_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"none\.toml: No such file"):
        read_rules(tmp_path / "none.toml")
