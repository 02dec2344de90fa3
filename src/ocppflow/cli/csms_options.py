"""The options of ``ocppflow csms``, as Typer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocppflow.cli.csms_log import LEVELS

App = Annotated[
    str, typer.Option("--app", metavar="FILE.py:NAME", help="The CSMS object; also module:NAME.", show_default=False)
]
Listen = Annotated[
    str | None, typer.Option(metavar="URL", help="What stations append their identity to. [ws://127.0.0.1:9000/ocpp]")
]
Versions = Annotated[
    list[str] | None, typer.Option("--versions", metavar="V,V", help="Versions to speak, in place of the app's.")
]

# --- who is let in -------------------------------------------------------------------------------------------------

Auth = Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Password hashes, in place of the app's.")]
NoAuth = Annotated[bool, typer.Option("--no-auth", help="Let every station in, without a password.")]
HideIdentities = Annotated[
    bool,
    typer.Option("--hide-identities", help="Refuse with one and the same 401, be there such a station or not."),
]
TLSCert = Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate chain, PEM; for wss://.")]
TLSKey = Annotated[Path | None, typer.Option(metavar="FILE", help="Its key, if it is in another file.")]
ClientCA = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Who signs the stations' certificates (security profile 3).")
]

# --- what is forgiven --------------------------------------------------------------------------------------------

PolicyName = Annotated[
    str | None, typer.Option("--policy", metavar="NAME", help="strict or tolerant of messages that break the schema.")
]
RulesFile = Annotated[
    Path | None,
    typer.Option("--rules", metavar="FILE", help="Rules: what to forgive which stations; TOML or JSON."),
]
StationsFile = Annotated[
    Path | None,
    typer.Option("--memory", metavar="FILE", help="Remember vendors and models here, so that rules survive a restart."),
]
AssumeVersion = Annotated[
    str | None, typer.Option(metavar="V", help="The version of a station that offers none (no subprotocol).")
]
AssumeIdentity = Annotated[str | None, typer.Option(metavar="ID", help="The identity of a station whose URL has none.")]
AnyUsername = Annotated[bool, typer.Option("--any-username", help="The HTTP Basic user name need not be the identity.")]
AnyConnectionHeader = Annotated[
    bool, typer.Option("--any-connection-header", help="A handshake may lack `Connection: Upgrade`.")
]
AllowOrigins = Annotated[
    list[str] | None,
    typer.Option("--allow-origin", metavar="ORIGIN", help="Let in requests with this Origin; `*`: all. Repeatable."),
]
PingInterval = Annotated[
    float | None, typer.Option(metavar="S", min=0.0, help="Seconds between pings; 0: no pings. [60]")
]
LimitTexts = Annotated[
    list[str] | None,
    typer.Option("--limits", metavar="NAME=VALUE", help="Another limit, named in docs/cli.md; may be repeated."),
]

# --- what is logged --------------------------------------------------------------------------------------------------

Trace = Annotated[Path | None, typer.Option(metavar="FILE.jsonl", help="Append every frame to this file.")]
JSONLog = Annotated[bool, typer.Option("--json-log", help="Log a JSON object per line.")]
LogLevel = Annotated[str, typer.Option(metavar="LEVEL", help=", ".join(LEVELS) + "; info shows frames.")]
LogFrames = Annotated[
    int, typer.Option(metavar="N", min=0, help="Frames shown per second, at most; the rest is counted. 0: all.")
]
