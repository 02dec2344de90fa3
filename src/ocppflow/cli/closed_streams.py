"""A command whose stdin, stdout or stderr was closed by whoever started it (``2>&-``)."""

from __future__ import annotations

import os
import sys

_NAMES = ("stdin", "stdout", "stderr")


def fill_closed_streams() -> None:
    """Let what is closed lead nowhere. Otherwise the next file or socket that is opened takes its number, and what is
    written to stderr goes to a station; the event loop may also abort the process."""
    for number, name in enumerate(_NAMES):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which gets the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115 - for good


def lead_nowhere(number: int) -> None:
    """Let stdout (1) or stderr (2) lead nowhere from now on: nobody reads it, or its disk is full, and Python would
    complain when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
