"""``ocppflow hash-password``, and where commands get a password from."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from ocppflow.cli.failure import Failure

ENVIRONMENT = "OCPPFLOW_PASSWORD"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def hash_password(
    password: Annotated[
        str | None,
        typer.Argument(metavar="[PASSWORD]", help="Asked for, hidden, if absent; - reads it from stdin."),
    ] = None,
    identity: Annotated[
        str | None, typer.Option(metavar="ID", help="Print the line of this station for the file of --auth.")
    ] = None,
) -> None:
    """Hash a station's password, for `ocppflow csms --auth FILE.toml` or CSMS(passwords=...).

    The file is TOML: a table [stations] with one line for each station, as --identity prints it.
    """
    from ocppflow.transport.passwords import hash_password as hashed

    if password is None:
        password = ask("Password", twice=True)
    elif password == "-":  # noqa: S105 - the usual sign for stdin
        password = _first_line(sys.stdin.readline(), "stdin")
    if not password:
        raise Failure("an empty password is no password")
    # OCPP 2.0.1 Part 2, A00.FR.205: 16 to 40 characters; 1.6 has up to 40 hex digits, of which 32 are recommended.
    if len(password) < 16:
        length = len(password)
        typer.echo(f"note: {length} characters; OCPP 2.x asks for at least 16 (A00.FR.205)", err=True)
    line = hashed(password)
    print(line if identity is None else f"{_key(identity)} = {json.dumps(line)}")


def ask(prompt: str, *, twice: bool = False) -> str:
    """A password typed without echo, twice if it must be right."""
    answer: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
    return answer


def find_password(given: str | None, file: Path | None, hexadecimal: bool) -> str | bytes | None:
    """The password that options or the environment name; None if none does. ``hexadecimal``: what is given are the
    hex digits of an AuthorizationKey of 1.6, and its bytes are wanted (row 5)."""
    if given is not None and file is not None:
        raise Failure("say --password or --password-file, not both")
    text: str | None
    if given == "-":
        text = ask("Password")
    elif given is not None:
        text = given
    elif file is not None:
        raw = sys.stdin.read() if str(file) == "-" else _read(file)
        text = _first_line(raw, str(file))
    else:
        text = os.environ.get(ENVIRONMENT)
    if text is None or not hexadecimal:
        return text
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Failure("--password-hex: the password is not made of pairs of hex digits") from None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Failure(f"{file}: a password file holds UTF-8 text") from None


def _first_line(text: str, source: str) -> str:
    line = text.rstrip("\r\n")
    if not line or "\n" in line:
        raise Failure(f"{source}: one line with the password is expected")
    return line


def _key(identity: str) -> str:
    """The identity as a TOML key."""
    return identity if _BARE_KEY.fullmatch(identity) else json.dumps(identity, ensure_ascii=False)
