"""The arguments and options of ``ocppflow station``, as Typer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocppflow.cli.csms_log import LEVELS

Identity = Annotated[str, typer.Argument(metavar="ID", help="The station's identity.", show_default=False)]
Url = Annotated[
    str,
    typer.Argument(metavar="URL", help="The CSMS, ws:// or wss://; the identity is appended.", show_default=False),
]

# --- what it is ------------------------------------------------------------------------------------------------------

Config = Annotated[
    Path | None, typer.Option(metavar="FILE.toml", help="The station's make-up; --print-config writes one.")
]
Make = Annotated[str | None, typer.Option(metavar="NAME", help="A shipped make-up in its place: see docs/station.md.")]
Versions = Annotated[
    list[str] | None, typer.Option("--versions", metavar="V,V", help="Offered in this order, in place of the make's.")
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="All chance comes from here and from the identity.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Keep here what outlives a restart; else nothing does."),
]

# --- who it is -------------------------------------------------------------------------------------------------------


# --- how it is used --------------------------------------------------------------------------------------------------

Control = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Be controlled over HTTP too, as /openapi.json there says."),
]
Faults = Annotated[
    str | None,
    typer.Option(metavar="FAULTS", help="What goes wrong on purpose: drop=0.01,delay=2 or a TOML file."),
]
Plain = Annotated[bool, typer.Option("--plain", help="Log lines, at a terminal too.")]
PrintConfig = Annotated[bool, typer.Option("--print-config", help="Print the make-up as a commented file, and end.")]
Features = Annotated[
    bool, typer.Option("--features", help="List which actions of a CSMS it answers, and which not; and end.")
]
Trace = Annotated[Path | None, typer.Option(metavar="FILE.jsonl", help="Append every frame to this file.")]
JSONLog = Annotated[bool, typer.Option("--json-log", help="Log a JSON object per line.")]
LogLevel = Annotated[str, typer.Option(metavar="LEVEL", help=", ".join(LEVELS) + "; info shows frames.")]
