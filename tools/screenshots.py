"""Draws the pictures of the README and the docs anew, from a real run of the demo: ``make screenshots``."""

from __future__ import annotations

import asyncio
import io
import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from ocppflow.cli.conversation import Conversation
from ocppflow.cli.csms_log import silenced
from ocppflow.cli.demo_command import SPEED, Demo
from ocppflow.cli.entry_lines import plain
from ocppflow.cli.sequence_svg import draw_trace
from ocppflow.cli.station_view import draw
from ocppflow.station.config_file import make_config
from ocppflow.station.hardware import ElectricVehicle
from ocppflow.testing import MemoryNetwork
from ocppflow.trace import TraceRecord, read_trace

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 132
START = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
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
            asyncio.run(Demo(console, SPEED, out, 9000).play())
        _terminal(console.file.getvalue().replace(str(out), "out"), IMAGES / "demo.svg")
        records = [record for record in read_trace(out / "demo.jsonl") if record.identity == "CS2"]
    title = "A station of OCPP 2.0.1 and its CSMS"
    (IMAGES / "conversation.svg").write_text(draw_trace(records, title=title), encoding="utf-8")
    asyncio.run(_station(IMAGES / "station.svg"))


async def _station(target: Path) -> None:
    """The live view of ``ocppflow station``, in the middle of a session."""
    paper = _paper()
    async with MemoryNetwork() as network:
        clock, lines = network.clock, list[Text]()
        csms = network.csms()
        csms.on_any(lambda _, call: _friendly(call.action, START + timedelta(seconds=clock.now() - 1000)))
        station = network.complete_station(csms, config=make_config("ac-double-post"), start_time=START)
        conversation = Conversation()

        def saw(record: TraceRecord) -> None:
            entry = conversation.feed(record)
            if entry.is_frame:
                lines.append(Text(f"{START + timedelta(seconds=clock.now() - 1000):%H:%M:%S}  {plain(entry)}"))

        station.add_trace(saw)
        await station.connect()
        await clock.advance(1)
        await station.plug(1, ev=ElectricVehicle(soc=34.0, capacity=58_000))
        await station.swipe(1, "04A1B2C3")
        await clock.advance(1380)
        await station.plug(2, ev=ElectricVehicle(soc=71.0, capacity=77_000))
        await clock.advance(2)
        paper.print("[bold green]$[/] ocppflow station CS1 ws://127.0.0.1:9000/ocpp --make ac-double-post")
        notice = ["an EV with 71 % is plugged in at EVSE 2"]
        paper.print(draw(station.snapshot(), lines, notice=notice, typed="swipe 2 04", cursor=10, height=22))
    _save(paper, "ocppflow station", "station", target)


def _friendly(action: str, now: datetime) -> dict[str, object]:
    if action == "BootNotification":
        return {"currentTime": now, "interval": 300, "status": "Accepted"}
    if action == "Heartbeat":
        return {"currentTime": now}
    return {"idTokenInfo": {"status": "Accepted"}} if action == "Authorize" else {}


def _paper() -> Console:
    return Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")


def _terminal(ansi: str, target: Path) -> None:
    """What the terminal showed, without its middle, as an SVG that needs no font from elsewhere."""
    lines = ansi.splitlines()
    refused = next(number for number, line in enumerate(lines) if "✗" in line)
    begin, end = refused - AROUND, refused + AROUND + 1
    gap = "\x1b[2m   ...\x1b[0m"
    shown = [*lines[:HEAD], gap, *lines[begin:end], gap, *lines[-TAIL:]]
    paper = _paper()
    paper.print("[bold green]$[/] make demo")
    for line in shown:
        paper.print(Text.from_ansi(line.rstrip()), no_wrap=True, overflow="ellipsis", crop=True)
    _save(paper, "ocppflow demo", "demo", target)


def _save(paper: Console, title: str, name: str, target: Path) -> None:
    svg = paper.export_svg(title=title, theme=THEME, unique_id=name)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("font-family: Fira Code, monospace", "font-family: ui-monospace, 'DejaVu Sans Mono', monospace")
    svg = svg.replace("<text ", '<text xml:space="preserve" ')
    svg = re.sub(r"<!-- Generated with Rich.*?-->\s*", "", svg)
    target.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
