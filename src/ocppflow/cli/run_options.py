"""The arguments and options of ``ocppflow run``, as Typer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Scenario = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A shipped one by name, or a .toml or .py file.", show_default=False)
]
Url = Annotated[
    str,
    typer.Argument(metavar="URL", help="The CSMS, ws:// or wss://; the identity is appended.", show_default=False),
]
Identity = Annotated[str, typer.Option("--id", metavar="ID", help="The station's identity.")]
Versions = Annotated[
    list[str] | None,
    typer.Option("--versions", metavar="V,V", help="Play it once in each; else once, in the one that the CSMS takes."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A variable of the scenario's; may be repeated."),
]
AskCommand = Annotated[
    str | None,
    typer.Option("--ask", metavar="COMMAND", help="Runs for what has to be done at the CSMS; else you are asked."),
]
ListScenarios = Annotated[bool, typer.Option("--list", help="List the shipped scenarios; then end.")]
PrintScenario = Annotated[bool, typer.Option("--print", help="Print the file of a shipped scenario; then end.")]
JUnit = Annotated[Path | None, typer.Option("--junit", metavar="FILE.xml", help="Write the results as JUnit XML.")]
JSONFile = Annotated[Path | None, typer.Option("--json", metavar="FILE.json", help="Write the results as JSON.")]
HTMLFile = Annotated[
    Path | None, typer.Option("--html", metavar="FILE.html", help="Write a page with the sequence diagrams.")
]
