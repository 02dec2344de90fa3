"""``python -m ocppflow.nodes``: the engine on stdin and stdout, as ``ocppflow engine`` runs it, but without the
packages that only a command line needs. With ``--version`` it loads what it needs, says its version and ends: the proof
that an installation is whole."""

from __future__ import annotations

import sys
from importlib.metadata import version

from ocppflow.nodes.engine.engine_process import run_engine
from ocppflow.nodes.engine.standard_streams import serve_stdio
from ocppflow.transport.descriptors import raise_limit

if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        print(version("ocppflow"))
    elif sys.argv[1:]:
        sys.exit("usage: python -m ocppflow.nodes [--version]")
    else:
        raise_limit()
        run_engine(serve_stdio)
