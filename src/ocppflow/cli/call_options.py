"""The arguments and options of ``ocppflow call``, as Typer reads them."""

from __future__ import annotations

from typing import Annotated

import typer

Url = Annotated[
    str, typer.Argument(metavar="URL", help="ws:// or wss://; the last segment of its path is the identity.")
]
Messages = Annotated[
    list[str],
    typer.Argument(
        metavar="ACTION [JSON|@FILE|-] ...", help="What to send, in this order; @FILE and - (stdin) hold the JSON."
    ),
]
Identity = Annotated[
    str | None,
    typer.Option(metavar="ID", help="The identity; replaces {identity} in the URL, or is appended to its path."),
]
Versions = Annotated[
    list[str], typer.Option("--versions", metavar="V,V", help="Offered in this order; may be repeated.")
]
AssumeVersion = Annotated[
    str | None, typer.Option(metavar="V", help="The version of a CSMS that selects none of those offered.")
]

# --- who it is -----------------------------------------------------------------------------------------------------

Headers = Annotated[
    list[str] | None, typer.Option("--header", "-H", metavar="NAME:VALUE", help="Added to the handshake.")
]

# --- how it goes on ------------------------------------------------------------------------------------------------

NoValidate = Annotated[bool, typer.Option("--no-validate", help="Send and take what the schema forbids.")]
KeepGoing = Annotated[bool, typer.Option("--keep-going", "-k", help="Go on after a CALLERROR.")]
Timeout = Annotated[float, typer.Option(metavar="S", min=0.001, help="For the handshake, and for each answer.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every frame on stderr.")]
