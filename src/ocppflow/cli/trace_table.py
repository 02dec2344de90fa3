"""A trace as tables, one for each station, in the order in which the stations appear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ocppflow.cli.conversation import Entry, milliseconds
from ocppflow.cli.lines import arrow, clock, details, mark, style, what

_AT_ONCE = 500
_REST = 60  # columns of the terminal for all but the message, the details cut short
_PIPE_WIDTH = 240


def print_tables(entries: Sequence[Entry], out: TextIO) -> None:
    """Print the tables, in pieces, so that a long trace begins to show at once."""
    console = Console(file=out, highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    stations: dict[str, list[Entry]] = {}
    for entry in entries:
        stations.setdefault(entry.record.identity, []).append(entry)
    for group in stations.values():
        _print(console, out, _heading(group))
        width = min(max(len(what(entry)) for entry in group), max(16, console.width - _REST))
        for start in range(0, len(group), _AT_ONCE):
            _print(console, out, _table(group[start : start + _AT_ONCE], width, header=start == 0))
        out.write("\n")


def _print(console: Console, out: TextIO, shown: Table | Text) -> None:
    """To a pipe: wide enough to lose nothing, and without the blanks that fill a table's last column."""
    if console.is_terminal:
        console.print(shown)
        return
    with console.capture() as captured:
        console.print(shown)
    out.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def _heading(group: Sequence[Entry]) -> Text:
    versions = list(dict.fromkeys(entry.record.version for entry in group if entry.record.version))
    frames = sum(entry.is_frame for entry in group)
    # A call that was refused and its refusal are one error.
    errors = sum(entry.severity == "error" and not entry.answered for entry in group)
    warnings = sum(entry.severity == "warning" for entry in group)
    facts = [f"OCPP {', '.join(versions)}" if versions else "", _day(group[0].record.time), _count(frames, "message")]
    text = Text.assemble((group[0].station, "bold blue"), "  ", (" · ".join(fact for fact in facts if fact), "dim"))
    if errors:
        text.append(f" · {_count(errors, 'error')}", "red")
    if warnings:
        text.append(f" · {_count(warnings, 'warning')}", "yellow")
    return text


def _table(group: Sequence[Entry], width: int, *, header: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_header=header, header_style="dim", show_edge=False, padding=0)
    table.add_column("time", style="dim", width=12, no_wrap=True)
    table.add_column("", width=5, no_wrap=True)
    table.add_column("message", width=width, no_wrap=True, overflow="ellipsis")
    table.add_column("latency", justify="right", style="dim", width=8, no_wrap=True)
    table.add_column("details")  # the one column that gives way where the terminal is narrow
    for entry in group:
        colour = {"error": "red", "warning": "yellow"}.get(entry.severity, "")
        pointer = "cyan" if entry.toward == "CSMS" else "magenta" if entry.is_frame else "dim"
        table.add_row(
            clock(entry.record.time),
            Text(f"{arrow(entry)} {mark(entry)}", colour or pointer),
            Text(what(entry), style(entry)),
            milliseconds(entry.record.latency),
            Text(details(entry), colour or "dim", no_wrap=not entry.severity, overflow="ellipsis"),
        )
    return table


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _day(time: float) -> str:
    try:
        return datetime.fromtimestamp(time).astimezone().strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return ""
