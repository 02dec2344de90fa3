"""``ocppflow hash-password``: the hash of a station's password."""

from __future__ import annotations

import json
import re
import sys
from typing import Annotated

import typer

from ocppflow.cli.failure import Failure
from ocppflow.cli.password_input import ask, first_line

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def hash_password(
    password: Annotated[
        str | None,
        typer.Argument(metavar="[PASSWORD]", help="Asked for without echo if absent; - reads it from stdin."),
    ] = None,
    identity: Annotated[
        str | None, typer.Option(metavar="ID", help="Print the line for this station in the file of --auth.")
    ] = None,
) -> None:
    """Hash a station's password, for `ocppflow csms --auth FILE.toml` or CSMS(passwords=...).

    The file is TOML: a table [stations] with one line for each station, as --identity prints it.
    """
    from ocppflow.transport.passwords import hash_password as hashed

    if password is None:
        password = ask("Password", twice=True)
    elif password == "-":  # noqa: S105 - the usual sign for stdin
        password = first_line(sys.stdin.readline(), "stdin")
    if not password:
        raise Failure("the password is empty")
    # OCPP 2.0.1 Part 2, A00.FR.205: 16 to 40 characters; 1.6 has up to 40 hex digits, of which 32 are recommended.
    if len(password) < 16:
        length = len(password)
        typer.echo(f"note: {length} characters; OCPP 2.x asks for at least 16 (A00.FR.205)", err=True)
    line = hashed(password)
    print(line if identity is None else f"{_key(identity)} = {json.dumps(line)}")


def _key(identity: str) -> str:
    """The identity as a TOML key."""
    return identity if _BARE_KEY.fullmatch(identity) else json.dumps(identity, ensure_ascii=False)
