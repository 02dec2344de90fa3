"""``ocppflow hash-password``"""

from __future__ import annotations

import io
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ocppflow.transport.passwords import HashedPasswords, verify_password

PASSWORD = "correct-horse-battery"


def test_the_hash_on_stdout_is_the_passwords(cli: Any) -> None:
    result = cli("hash-password", PASSWORD)
    assert (result.code, result.err) == (0, "")
    assert verify_password(PASSWORD.encode(), result.out.strip())
    assert cli("hash-password", PASSWORD).out != result.out, "salted"


@pytest.mark.parametrize("identity", ["CS1", "CS 1", 'quote"d', "site.CS1", "ö"])
def test_with_identity_it_is_a_line_for_the_auth_file(cli: Any, tmp_path: Path, identity: str) -> None:
    file = tmp_path / "auth.toml"
    file.write_text("[stations]\n" + cli("hash-password", PASSWORD, "--identity", identity).out, encoding="utf-8")
    assert list(tomllib.loads(file.read_text(encoding="utf-8"))["stations"]) == [identity]
    assert identity in HashedPasswords.from_toml(file)


def test_a_dash_reads_stdin(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert verify_password(PASSWORD.encode(), cli("hash-password", "-").out.strip())


def test_without_a_password_it_asks_hidden_and_twice(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr("typer.prompt", lambda text, **how: asked.append(how) or PASSWORD)
    assert verify_password(PASSWORD.encode(), cli("hash-password").out.strip())
    assert [(how["hide_input"], how["confirmation_prompt"]) for how in asked] == [(True, True)]


def test_a_short_password_is_hashed_with_a_note_and_an_empty_one_is_not(cli: Any) -> None:
    short = cli("hash-password", "abc")
    assert short.code == 0
    assert short.err == "note: 3 characters; OCPP 2.x asks for at least 16 (A00.FR.205)\n"
    cli("hash-password", "").failed_with("the password is empty")
