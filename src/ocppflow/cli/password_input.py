"""Where commands get a password from: an option, a file, the environment, or a prompt."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from ocppflow.cli.failure import Failure

ENVIRONMENT = "OCPPFLOW_PASSWORD"


def ask(prompt: str, *, twice: bool = False) -> str:
    """Ask for a password without echo, twice if it will be stored."""
    answer: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
    return answer


def find_password(given: str | None, file: Path | None, hexadecimal: bool) -> str | bytes | None:
    """The password from options or the environment; None if there is none. ``hexadecimal``: it is the hex
    digits of an OCPP 1.6 AuthorizationKey, whose bytes are returned."""
    if given is not None and file is not None:
        raise Failure("give --password or --password-file, not both")
    text: str | None
    if given == "-":
        text = ask("Password")
    elif given is not None:
        text = given
    elif file is not None:
        raw = sys.stdin.read() if str(file) == "-" else _read(file)
        text = first_line(raw, str(file))
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


def first_line(text: str, source: str) -> str:
    """The single line of ``source``, without its line break."""
    line = text.rstrip("\r\n")
    if not line or "\n" in line:
        raise Failure(f"{source}: one line with the password is expected")
    return line
