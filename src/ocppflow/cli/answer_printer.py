"""How answers and frames are shown: JSON as it came, coloured on a terminal."""

from __future__ import annotations

import sys
from typing import TextIO

import msgspec

from ocppflow.plain_text import json_text, one_line
from ocppflow.trace import TraceRecord


class AnswerPrinter:
    """Prints answers to ``out``: one compact line each, or indented and coloured on a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._pretty = out.isatty()

    def show(self, action: str, payload: bytes, latency: float) -> None:
        """One answer. Numbers and date-times keep their spelling."""
        if not self._pretty:
            self._out.write(json_text(msgspec.json.format(payload, indent=-1).decode()) + "\n")
            self._out.flush()
            return
        from rich.console import Console
        from rich.highlighter import JSONHighlighter
        from rich.text import Text

        console = Console(file=self._out)
        console.print(Text.assemble((action, "bold"), (f"  {latency * 1000:.1f} ms", "dim")))
        text = Text(json_text(msgspec.json.format(payload, indent=2).decode()))
        JSONHighlighter().highlight(text)
        console.print(text, soft_wrap=True)

    def note(self, text: str) -> None:
        """An error that does not end the command."""
        sys.stderr.write(f"ocppflow: {one_line(text)}\n")


def show_frame(record: TraceRecord) -> None:
    """A trace hook that shows frames on stderr, as ``curl -v`` does: ``>`` out, ``<`` in, ``*`` everything else."""
    sign = {"in": "<", "out": ">"}.get(record.event, "*")
    note = f"  # {record.note}" if record.note and record.data else record.note
    text = record.data.decode("utf-8", "backslashreplace") if record.data else record.event
    if not record.data:
        version = f" to {record.address}, OCPP {record.version}" if record.event == "connected" else ""
        text, note = f"{record.event}{version}", f" {note}" if note else ""
    sys.stderr.write(one_line(f"{sign} {text}{note}") + "\n")
