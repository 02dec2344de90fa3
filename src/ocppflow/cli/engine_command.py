"""``ocppflow engine``"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer


def engine(
    socket: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Serve on this Unix socket instead of stdin and stdout."),
    ] = None,
) -> None:
    """Host CSMS and CS nodes for a flow runtime.

    The runtime talks in lines of JSON, on stdin and stdout or on a Unix socket; docs/engine-protocol.md has the
    protocol. The end of the input, SIGTERM and SIGINT close all nodes in order, within 5
    seconds; a second signal ends it at once.
    """
    from ocppflow.nodes.engine.engine_process import run_engine
    from ocppflow.nodes.engine.standard_streams import serve_stdio
    from ocppflow.nodes.engine.unix_socket import serve_socket
    from ocppflow.transport.descriptors import raise_limit

    raise_limit()
    run_engine(serve_stdio if socket is None else partial(serve_socket, socket))
