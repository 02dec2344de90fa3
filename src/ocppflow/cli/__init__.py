"""The command line: one module per command, imported when it is used.

Exit codes: 0 for success, 1 if a call was answered with a CALLERROR, 2 if something was refused, timed out or was
mistyped, 130 after Ctrl-C. Every error that a user can cause is one line on stderr.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point ``ocppflow``."""
    from ocppflow.cli.closed_streams import fill_closed_streams

    fill_closed_streams()
    from ocppflow.cli.app import run

    sys.exit(run(sys.argv[1:]))
