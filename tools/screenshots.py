"""Draws the pictures of the README and the docs anew, from a real run of the demo: ``make screenshots``."""

from __future__ import annotations

import asyncio
import io
import re
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from ocppflow.cli.csms_log import silenced
from ocppflow.cli.demo_command import Demo
from ocppflow.cli.sequence_svg import draw_trace
from ocppflow.trace import read_trace

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 132
HEAD, AROUND, TAIL = 22, 5, 17
"""Lines of the beginning, on either side of the refused message, and of the end."""

# Colours that are readable on the dark ground of the terminal's picture.
THEME = TerminalTheme(
    (17, 22, 29),
    (214, 222, 235),
    [
        (75, 85, 99),
        (248, 113, 113),
        (74, 222, 128),
        (250, 204, 21),
        (96, 165, 250),
        (192, 132, 252),
        (34, 211, 238),
        (229, 231, 235),
    ],
)


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        console = Console(
            file=io.StringIO(), force_terminal=True, color_system="truecolor", width=WIDTH, highlight=False
        )
        with silenced():
            asyncio.run(Demo(console, 0.35, out, 9000).play())
        _terminal(console.file.getvalue().replace(str(out), "out"), IMAGES / "demo.svg")
        records = [record for record in read_trace(out / "demo.jsonl") if record.identity == "CS2"]
    title = "A station of OCPP 2.0.1 and its CSMS"
    (IMAGES / "conversation.svg").write_text(draw_trace(records, title=title), encoding="utf-8")


def _terminal(ansi: str, target: Path) -> None:
    """What the terminal showed, without its middle, as an SVG that needs no font from elsewhere."""
    from rich.text import Text

    lines = ansi.splitlines()
    refused = next(number for number, line in enumerate(lines) if "✗" in line)
    begin, end = refused - AROUND, refused + AROUND + 1
    gap = "\x1b[2m   ...\x1b[0m"
    shown = [*lines[:HEAD], gap, *lines[begin:end], gap, *lines[-TAIL:]]
    paper = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    paper.print("[bold green]$[/] make demo")
    for line in shown:
        paper.print(Text.from_ansi(line.rstrip()), no_wrap=True, overflow="ellipsis", crop=True)
    svg = paper.export_svg(title="ocppflow demo", theme=THEME, unique_id="demo")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("font-family: Fira Code, monospace", "font-family: ui-monospace, 'DejaVu Sans Mono', monospace")
    svg = svg.replace("<text ", '<text xml:space="preserve" ')
    svg = re.sub(r"<!-- Generated with Rich.*?-->\s*", "", svg)
    target.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
