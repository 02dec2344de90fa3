"""``ocppflow trace``: a trace file as a table, as it grows, as a picture, or as JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ocppflow.cli import trace_options as options
from ocppflow.cli.conversation import Conversation, Entry
from ocppflow.cli.failure import Failure
from ocppflow.cli.trace_reading import Remarks, TraceReader
from ocppflow.plain_text import json_text, one_line
from ocppflow.secrecy.discreet_repr import discreet_repr

if TYPE_CHECKING:
    from ocppflow.trace import TraceRecord

POLL = 0.2
"""Seconds between two looks at a followed file: somebody who watches notices no delay."""


def trace(
    file: options.File,
    station: options.Stations = None,
    errors: options.Errors = False,
    role: options.OneRole = None,
    follow: options.Follow = False,
    as_json: options.AsJSON = False,
    svg: options.SVG = None,
    rows: options.Rows = 200,
    title: options.Title = None,
    anonymize: options.Anonymize = None,
) -> None:
    """Show the conversation in a trace file, station by station.

    Arrows show who speaks to whom. Faults are marked, and so are calls without an answer.
    """
    if role is not None and role not in ("CSMS", "CS"):
        raise Failure(f"--role {role}: it must be CSMS or CS")
    if svg is not None and (follow or as_json):
        raise Failure(f"--svg cannot be combined with {'--follow' if follow else '--json'}")
    if anonymize is not None and (follow or as_json or svg is not None):
        raise Failure("--anonymize writes a trace file, and nothing else")
    remarks = Remarks(_remark)
    reader = TraceReader(file, remarks)
    if anonymize is not None:
        _write_anonymized(reader, anonymize, file, frozenset(station or ()))
        remarks.close()
        return
    choice = Choice(frozenset(station or ()), errors, role)
    if follow:
        _follow(reader, choice, as_json)
        return
    entries = choice.of(reader.read())
    remarks.close()
    if not reader.records:
        _remark(f"{file} is empty")
    elif not entries:
        _remark(f"nothing to show: {choice.why_nothing()}")
    if svg is not None:
        _draw(entries, svg, title if title is not None else file.name, rows)
    elif as_json:
        for entry in entries:
            _json(entry)
    else:
        from ocppflow.cli.trace_table import print_tables

        print_tables(entries, sys.stdout)


class Choice:
    """The entries that the options select."""

    def __init__(self, stations: frozenset[str], errors: bool, role: str | None) -> None:
        self._stations = stations
        self._errors = errors
        self._role = role
        self._seen: dict[str, set[str]] = {}

    def of(self, records: Iterable[TraceRecord]) -> list[Entry]:
        """The selected entries of a whole trace."""
        conversation = Conversation()
        entries = [conversation.feed(record) for record in records if self._wants(record)]
        conversation.finish()
        if self._role is None:
            entries = self._one_side(entries)
        if not self._errors:
            return entries
        about = {id(entry.request) for entry in entries if entry.severity and entry.request is not None}
        return [entry for entry in entries if entry.severity or id(entry) in about]

    def live(self, records: Iterable[TraceRecord]) -> Iterator[Entry]:
        """The selected entries of a growing trace."""
        conversation = Conversation()
        for record in records:
            if not self._wants(record) or (self._role is None and not self._leading(record)):
                continue
            entry = conversation.feed(record)
            if self._errors and entry.severity and entry.request is not None and not entry.request.severity:
                yield entry.request
            if entry.severity or not self._errors:
                yield entry

    def why_nothing(self) -> str:
        """Why no entry was selected."""
        if self._stations and not self._stations & set(self._seen):
            known = ", ".join(one_line(name, 48) for name in sorted(self._seen)[:8])
            return f"no station {', '.join(sorted(self._stations))}; the trace has {known}"
        return "no errors" if self._errors else f"the {self._role} wrote nothing"

    def _wants(self, record: TraceRecord) -> bool:
        self._seen.setdefault(record.identity, set()).add(record.role)
        if self._stations and record.identity not in self._stations:
            return False
        return self._role is None or record.role == self._role

    def _leading(self, record: TraceRecord) -> bool:
        """Whether it is not a station's own view of what the CSMS has recorded, too."""
        return record.role != "CS" or "CSMS" not in self._seen[record.identity]

    def _one_side(self, entries: list[Entry]) -> list[Entry]:
        kept = [entry for entry in entries if self._leading(entry.record)]
        if len(kept) < len(entries):
            count = len(entries) - len(kept)
            _remark(f"left out {count} record{'s' * (count != 1)} of the stations' own view; --role CS shows that view")
        return kept


def _follow(reader: TraceReader, choice: Choice, as_json: bool) -> None:
    from rich.console import Console

    from ocppflow.cli.entry_lines import coloured, show

    console = Console(highlight=False)
    try:
        for entry in choice.live(reader.follow(lambda: time.sleep(POLL))):
            if as_json:
                _json(entry)
            elif console.is_terminal:
                show(console, entry)
            else:
                print(coloured(entry).plain)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return


def _write_anonymized(reader: TraceReader, target: Path, source: Path, stations: frozenset[str]) -> None:
    from ocppflow.cli.anonymizing import anonymized
    from ocppflow.trace import to_line
    from ocppflow.trace_file import PRIVATE

    if target.exists() and source.exists() and target.samefile(source):
        raise Failure(f"--anonymize {target}: it is the trace itself; name another file")
    chosen = (record for record in reader.read() if not stations or record.identity in stations)
    lines = b"".join(map(to_line, anonymized(chosen)))
    if str(target) == "-":
        sys.stdout.buffer.write(lines)
        return
    target.touch(PRIVATE)
    target.write_bytes(lines)
    _remark(f"wrote {target}")


def _draw(entries: list[Entry], target: Path, title: str, rows: int) -> None:
    from ocppflow.cli.sequence_svg import draw

    picture = draw(entries, title=title, rows=rows)
    if str(target) == "-":
        sys.stdout.write(picture)
    else:
        target.write_text(picture, encoding="utf-8")
        _remark(f"wrote {target}")


class _EntryLine(msgspec.Struct, omit_defaults=True):
    """An entry as JSON. ``from`` and ``to`` are set for frames alone."""

    __repr__ = discreet_repr

    time: float
    station: str
    kind: str
    version: str = ""
    from_: str = msgspec.field(default="", name="from")
    to: str = ""
    action: str = ""
    id: str = ""
    latency: float | None = None
    code: str = ""
    severity: str = ""
    fault: str = ""
    note: str = ""
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def _json(entry: Entry) -> None:
    record = entry.record
    line = _EntryLine(
        record.time,
        record.identity,
        entry.kind,
        record.version,
        {"CSMS": "CS", "CS": "CSMS"}.get(entry.toward, ""),
        entry.toward,
        entry.action,
        entry.message_id,
        record.latency,
        entry.code,
        entry.severity,
        entry.fault,
        "" if entry.is_frame else record.note,
        msgspec.Raw(entry.payload) if entry.payload else msgspec.UNSET,
    )
    sys.stdout.write(json_text(msgspec.json.encode(line).decode()) + "\n")


def _remark(text: str) -> None:
    sys.stderr.write(f"ocppflow: {one_line(text)}\n")
