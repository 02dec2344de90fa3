"""A trace as tables, one per station, in the order in which the stations appear."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TextIO

from ocppflow.cli.conversation import Entry, milliseconds
from ocppflow.cli.entry_lines import COLOURS, arrow, clock, details, mark, pointer, style, what
from ocppflow.cli.paint import Paint, cells, fit
from ocppflow.plain_text import one_line

_TIME, _ARROW, _LATENCY = 12, 5, 8
_BEFORE = _TIME + 1 + _ARROW + 1
_DETAILS = 30  # at least, where the terminal has them


def print_tables(entries: Sequence[Entry], out: TextIO) -> None:
    """Print the tables. On a terminal they are coloured and fit its width; faults are wrapped, never cut."""
    paint = Paint(out)
    stations: dict[str, list[Entry]] = {}
    for entry in entries:
        stations.setdefault(entry.record.identity, []).append(entry)
    for number, group in enumerate(stations.values()):
        if number:
            out.write("\n")
        out.write(_heading(group, paint) + "\n")
        for line in _table(group, paint):
            out.write(line.rstrip() + "\n")


def _heading(group: Sequence[Entry], paint: Paint) -> str:
    versions = list(dict.fromkeys(one_line(entry.record.version, 20) for entry in group if entry.record.version))
    frames = sum(entry.is_frame for entry in group)
    # A refused call and its CALLERROR are one error.
    errors = sum(entry.severity == "error" and not entry.answered for entry in group)
    warnings = sum(entry.severity == "warning" for entry in group)
    facts = [f"OCPP {', '.join(versions)}" if versions else "", _day(group[0].record.time), _count(frames, "message")]
    text = f"{paint(group[0].station, 'station')}  {paint(' · '.join(fact for fact in facts if fact), 'dim')}"
    if errors:
        text += paint(f" · {_count(errors, 'error')}", "red")
    if warnings:
        text += paint(f" · {_count(warnings, 'warning')}", "yellow")
    return text


def _table(group: Sequence[Entry], paint: Paint) -> Iterator[str]:
    message = max(len("message"), *(cells(what(entry)) for entry in group))
    if paint.width:
        message = min(message, max(16, paint.width - _BEFORE - _LATENCY - 2 - _DETAILS))
    before = _BEFORE + message + 1 + _LATENCY + 2
    room = max(paint.width - before, 12) if paint.width else 0
    head = f"{'time':<{_BEFORE}}{'message':<{message}} {'latency':>{_LATENCY}}  details"
    yield paint(head, "dim")
    yield paint("─" * (paint.width or before + 40), "dim")
    for entry in group:
        colour = COLOURS[entry.severity]
        first, *more = _details(entry, room)
        yield (
            f"{paint(fit(clock(entry.record.time), _TIME), 'dim')} "
            f"{paint(fit(f'{arrow(entry)} {mark(entry)}', _ARROW), colour or pointer(entry))} "
            f"{paint(fit(what(entry), message), style(entry))} "
            f"{paint(milliseconds(entry.record.latency).rjust(_LATENCY), 'dim')}  "
            f"{paint(first, colour or 'dim')}"
        )
        for line in more:
            yield " " * before + paint(line, colour)


def _details(entry: Entry, room: int) -> list[str]:
    text = details(entry)
    if not room or cells(text) <= room:
        return [text]
    return textwrap.wrap(text, room) if entry.severity else [fit(text, room)]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _day(time: float) -> str:
    try:
        return datetime.fromtimestamp(time).astimezone().strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return ""
