"""The arguments and options of ``ocppflow trace``, as Typer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="What --trace or a TraceFile wrote.")]
Stations = Annotated[
    list[str] | None, typer.Option("--station", "-s", metavar="ID", help="Only this station; may be repeated.")
]
Errors = Annotated[bool, typer.Option("--errors", "-e", help="Only what went wrong, with the calls that it is about.")]
OneRole = Annotated[
    str | None, typer.Option("--role", metavar="CSMS|CS", help="Only what this side saw. [CSMS, if both wrote]")
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show what is added, until Ctrl-C.")]
AsJSON = Annotated[bool, typer.Option("--json", help="One JSON object for each record.")]
SVG = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw a sequence diagram; - for stdout.")]
Rows = Annotated[int, typer.Option(metavar="N", min=1, help="The most rows that --svg draws.")]
Title = Annotated[str | None, typer.Option(metavar="TEXT", help="The picture's title. [the file's name]")]
Anonymize = Annotated[
    Path | None,
    typer.Option(metavar="FILE.jsonl", help="Write the trace without identities, tokens, addresses; - for stdout."),
]
