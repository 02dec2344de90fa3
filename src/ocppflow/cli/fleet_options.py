"""The arguments and options of ``ocppflow fleet``, as Typer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ocppflow.cli.password_input import ENVIRONMENT

Url = Annotated[
    str,
    typer.Argument(metavar="URL", help="The CSMS, ws:// or wss://; each identity is appended.", show_default=False),
]

# --- what it is ------------------------------------------------------------------------------------------------------

Count = Annotated[int, typer.Option("--count", "-n", metavar="N", min=1, help="Stations.")]
Configs = Annotated[
    list[Path] | None,
    typer.Option("--config", metavar="FILE.toml", help="A make-up; with several the stations take them in turn."),
]
Makes = Annotated[list[str] | None, typer.Option("--make", metavar="NAME", help="A shipped make-up; likewise several.")]
Versions = Annotated[
    list[str] | None, typer.Option("--versions", metavar="V,V", help="Offered in this order, in place of the makes'.")
]
Prefix = Annotated[str, typer.Option(metavar="TEXT", help="Identities are this and a number: FLEET00001.")]
Seed = Annotated[int, typer.Option(metavar="N", help="All chance comes from here: one seed, one run.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Keep here what outlives a restart, queues as well; else nothing does."),
]

# --- who it is -------------------------------------------------------------------------------------------------------

Password = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help=f"HTTP Basic password of all; {{identity}} in it stands for each one's own. Else ${ENVIRONMENT} is used.",
    ),
]
Cert = Annotated[Path | None, typer.Option(metavar="FILE", help="A certificate for all of them, PEM.")]

# --- what it does ----------------------------------------------------------------------------------------------------

ArrivalsOption = Annotated[
    str,
    typer.Option("--arrivals", metavar="HOW", help="EVs that come to each EVSE: none, all (at once), or such as 2/h."),
]
Stay = Annotated[str, typer.Option(metavar="TIME", help="How long an EV stays on average, unless it is full before.")]
Ramp = Annotated[float, typer.Option(metavar="N", min=0.1, help="Stations that begin to connect in a second.")]
Faults = Annotated[
    str | None, typer.Option(metavar="FAULTS", help="What goes wrong on purpose: drop=0.01,delay=2 or a TOML file.")
]
Duration = Annotated[
    str | None, typer.Option(metavar="TIME", help="Stop after 90s, 15m, 2h, 7d ...; else with Ctrl-C.")
]

# --- what comes of it ------------------------------------------------------------------------------------------------

Report = Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write the report as JSON.")]
Page = Annotated[Path | None, typer.Option("--html", metavar="FILE.html", help="Write it as a page with plots.")]
Plain = Annotated[bool, typer.Option("--plain", help="A line now and then in place of the live view.")]
