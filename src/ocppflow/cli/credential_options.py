"""The options by which a station shows who it is, alike for all commands that connect as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocppflow.cli.password_input import ENVIRONMENT

Password = Annotated[
    str | None, typer.Option(metavar="TEXT", help=f"HTTP Basic password; - asks for it. Else ${ENVIRONMENT} is used.")
]
PasswordFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Read the password from a file.")]
PasswordHex = Annotated[
    bool, typer.Option("--password-hex", help="The password is the hex digits of a 1.6 key, which is sent as bytes.")
]
Cert = Annotated[Path | None, typer.Option(metavar="FILE", help="The station's certificate, PEM.")]
Key = Annotated[Path | None, typer.Option(metavar="FILE", help="Its key, if it is in another file.")]
CA = Annotated[Path | None, typer.Option(metavar="FILE", help="Trusted roots in place of the system's.")]
