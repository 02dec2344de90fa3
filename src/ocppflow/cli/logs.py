"""The log of ``ocppflow csms``: lines for people (time, station, what), or a JSON object a line for machines."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from ocppflow.cli.conversation import Conversation
from ocppflow.cli.paint import Paint
from ocppflow.cli.text import one_line
from ocppflow.trace import TraceRecord, without_secrets

if TYPE_CHECKING:
    from ocppflow.cli.conversation import Entry

LEVELS = ("debug", "info", "warning", "error")

messages = logging.getLogger("ocppflow.messages")
"""One line for each frame, at level info."""


def set_up(level: str, *, as_json: bool, stream: TextIO | None = None) -> None:
    """Send the library's log, and the app's, to stderr."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JSONLines() if as_json else Lines(Paint(handler.stream)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


@contextmanager
def silenced() -> Iterator[None]:
    """For commands that say in a line of their own what the library's log would say once more."""
    library, nowhere = logging.getLogger("ocppflow"), logging.NullHandler()
    propagates = library.propagate
    library.addHandler(nowhere)
    library.propagate = False
    try:
        yield
    finally:
        library.propagate = propagates
        library.removeHandler(nowhere)


def _said(record: logging.LogRecord) -> tuple[str, str]:
    """The station a record is about, if its text begins with one, and the rest of the text."""
    text = record.getMessage()
    if isinstance(record.msg, str) and record.msg.startswith("%s: ") and isinstance(record.args, tuple):
        station = str(record.args[0])
        return station, text[len(station) + 2 :]
    return "", text


def log_frame(conversation: Conversation, record: TraceRecord) -> None:
    """A trace hook's work: a line in the log for a frame. What befalls connections is in the log already."""
    if record.event in ("in", "out"):
        entry = conversation.feed(record)
        messages.info("%s: frame", record.identity, extra={"entry": entry})
    elif record.event == "disconnected":
        conversation.feed(record)


_COLOURS = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}


class Lines(logging.Formatter):
    """For people."""

    def __init__(self, paint: Paint) -> None:
        super().__init__()
        self._paint = paint

    def format(self, record: logging.LogRecord) -> str:
        from ocppflow.cli.entry_lines import clock, plain

        entry: Entry | None = getattr(record, "entry", None)
        station, text = _said(record)
        level = record.levelno
        if entry is not None:
            text = plain(entry)
            level = {"": level, "warning": logging.WARNING, "error": logging.ERROR}[entry.severity]
        elif record.levelno >= logging.WARNING:
            text = f"{record.levelname.lower()}: {text}"
        text = self._paint(one_line(text) if entry is None else text, _COLOURS.get(level, ""))
        who = self._paint(f"{one_line(station, 48) or '-':<12}", "station" if station else "dim")
        line = f"{self._paint(clock(record.created), 'dim')}  {who}  {text}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JSONLines(logging.Formatter):
    """For machines: ``time`` (UTC), ``level``, ``logger``, ``text``, and where they apply ``station``, ``traceback``
    and the fields of a message: ``type``, ``toward``, ``action``, ``id``, ``latency``, ``fault``, ``frame``."""

    def format(self, record: logging.LogRecord) -> str:
        station, text = _said(record)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if station:
            line["station"] = station
        entry: Entry | None = getattr(record, "entry", None)
        line |= {"text": text} if entry is None else _entry_fields(entry)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        line |= getattr(record, "fields", {})
        return msgspec.json.encode(line).decode()


def _entry_fields(entry: Entry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "type": entry.kind,
        "toward": entry.toward,
        "action": entry.action,
        "id": entry.message_id,
        "latency": None if entry.record.latency is None else round(entry.record.latency, 6),
        "code": entry.code,
        "fault": entry.fault,
        "frame": without_secrets(entry.record.data).decode("utf-8", "backslashreplace"),
    }
    return {name: value for name, value in fields.items() if value not in ("", None)}
