"""The options of ``ocppflow check``, as Typer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Kind = Annotated[str, typer.Argument(metavar="station", help="What is checked: a charging station.")]
Identity = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="The station's identity; else the first that comes.")
]
Listen = Annotated[str, typer.Option(metavar="URL", help="Where the station connects to, its identity appended.")]
Versions = Annotated[
    list[str], typer.Option("--versions", metavar="V,V", help="Versions to check, one after the other.")
]

# --- what is checked -------------------------------------------------------------------------------------------------

Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="TC_B_*", help="Cases whose id matches; may be repeated.")
]
Block = Annotated[
    list[str] | None, typer.Option("--block", metavar="B", help="Cases of this functional block; may be repeated.")
]
ListCases = Annotated[bool, typer.Option("--list", help="List the cases, and which would be carried out; then end.")]
PicsFile = Annotated[
    Path | None, typer.Option("--pics", metavar="FILE.toml", help="What the station has; --print-pics writes one.")
]
PicsFromStation = Annotated[
    bool, typer.Option("--pics-from-station", help="Ask the station's device model for most of it.")
]
PrintPics = Annotated[
    bool, typer.Option("--print-pics", help="Print a commented PICS file (with --pics-from-station, of the station).")
]

# --- who operates it -------------------------------------------------------------------------------------------------

Control = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="The station's control API does what an operator would, shown $OCPPFLOW_CONTROL_TOKEN."
    ),
]
Unattended = Annotated[
    bool, typer.Option("--unattended", help="Nobody is asked: cases that need an operator are errors.")
]

# --- who is let in ---------------------------------------------------------------------------------------------------

Password = Annotated[
    str | None, typer.Option(metavar="TEXT", help="The station's password; - asks for it. None: profile 0.")
]
TLSCert = Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate chain, PEM; for wss://.")]
TLSKey = Annotated[Path | None, typer.Option(metavar="FILE", help="Its key, if it is in another file.")]
Authorities = Annotated[
    Path | None,
    typer.Option(
        "--authorities",
        metavar="DIR",
        help="Certificates of the check's own, made there, for wss://; the station has to trust csms-root.pem.",
    ),
]

# --- what comes of it ------------------------------------------------------------------------------------------------

Patience = Annotated[
    float | None, typer.Option(metavar="S", min=0.1, help="Seconds for a message that must come; else as in the PICS.")
]
JUnit = Annotated[Path | None, typer.Option("--junit", metavar="FILE.xml", help="Results as JUnit XML.")]
JSONFile = Annotated[Path | None, typer.Option("--json", metavar="FILE.json", help="Results as JSON.")]
HTMLFile = Annotated[
    Path | None, typer.Option("--html", metavar="FILE.html", help="A page with a sequence diagram of each case.")
]
