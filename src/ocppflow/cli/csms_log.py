"""The log of ``ocppflow csms``: a line for people (time, station, message) or a JSON object for programs."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from ocppflow.cli.conversation import MAX_NAME, Conversation, Entry
from ocppflow.cli.entry_lines import clock, plain
from ocppflow.cli.log_sink import FRAMES_PER_SECOND, LogSink
from ocppflow.cli.paint import Paint
from ocppflow.log_budget import budgeted
from ocppflow.plain_text import SHOWN_IDENTITY, json_text, one_line, printable
from ocppflow.quotas import Quotas
from ocppflow.secrecy.blotting import text_without_secrets, traceback_without_secrets

if TYPE_CHECKING:
    from ocppflow.trace import TraceRecord

LEVELS = ("debug", "info", "warning", "error")

FRAMES = "ocppflow.messages"
"""The logger that JSON lines of frames name."""

FAULTS_PER_SECOND = 100
"""Frames with a fault that are shown of each station in a second, however many others are left out: enough to see what
is wrong, too few to bury the faults of other stations."""

ALL_FAULTS_PER_SECOND = 200.0
"""The same of all stations together, in the long run."""

MAX_FRAME = 64 * 1024
"""Bytes of a frame that a JSON line has whole; real messages are smaller, but for a few. Of a longer one it has the
size."""

_MOST_NAMES = 10_000  # formatted names of stations that are kept; about 1 MB

_OURS = "ocppflow"

_FAULTS = frozenset({"CALLERROR", "CALLRESULTERROR", "unreadable"})
_COLOURS = {"": "", "info": "", "warning": "yellow", "error": "red", "critical": "red"}


class CSMSLog(logging.Handler):
    """Writes log records to ``sink`` and, as a SelectiveHook of the trace, messages."""

    def __init__(self, sink: LogSink, lines: Lines | JSONLines) -> None:
        super().__init__()
        self._sink = sink
        self._lines = lines
        self._conversation = Conversation()
        self._told = ("", "")
        self._faults = Quotas(FAULTS_PER_SECOND, ALL_FAULTS_PER_SECOND, 1.0)
        self._sees_messages = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless the line of the frame that it is about has just said the same."""
        try:
            if self._sees_messages and getattr(record, "sums_up", "") == "%s: %s":
                return  # reports about messages: whether those are shown or counted is decided here
            station, text = _said(record)
            if station and self._is_told(station, text):
                return
            self._sink.put(self._lines.record(record, station, text))
        except Exception:
            self.handleError(record)

    def _is_told(self, station: str, text: str) -> bool:
        identity, note = self._told
        reason = text.partition(": ")[2] if text.startswith("forgiven in ") else text
        if reason.endswith("…"):
            reason = reason[:-1]
        return station == identity and reason in note

    def wants_message(self) -> bool:
        """Whether another message without a fault will be shown."""
        return self._sink.has_room()

    def passed_over(self, identity: str, event: str, data: bytes) -> None:
        """A message that is not shown; the answer to it may be."""
        self._conversation.pass_by(identity, event, data)

    def __call__(self, record: TraceRecord) -> None:
        """Write a line for a message. The library logs connection events itself."""
        if record.event not in ("in", "out"):
            if record.event == "disconnected":
                self._conversation.feed(record)
            return
        self._sees_messages = True
        entry = self._conversation.feed(record)
        if not record.note and entry.kind not in _FAULTS:
            self._sink.put(self._lines.frame(entry))
        elif self._counts(record):
            self._told = (one_line(record.identity, SHOWN_IDENTITY), one_line(record.note))
            self._sink.put(self._lines.frame(entry))

    def _counts(self, record: TraceRecord) -> bool:
        """Whether the fault of a frame is to be shown."""
        if self._faults.is_over(record.time):
            self._faults.end()
        return self._faults.tally(record.identity[:MAX_NAME], record.time) is None or self._sink.has_room()

    def last_words(self, text: str) -> str:
        """The line of what the process says when it ends without its event loop."""
        level = {"levelno": logging.ERROR, "levelname": "ERROR"}
        return self._lines.record(logging.makeLogRecord({"name": "ocppflow.cli", **level}), "", text) + "\n"

    def close(self) -> None:
        """Write what waits."""
        self._sink.close()
        super().close()


def set_up(level: str, *, as_json: bool, per_second: int = FRAMES_PER_SECOND, stream: TextIO | None = None) -> CSMSLog:
    """Send the library's log, and the app's, to stderr."""
    stream = stream or sys.stderr
    lines = JSONLines() if as_json else Lines(Paint(stream))
    handler = CSMSLog(LogSink(stream, lines.left_out, per_second=per_second), lines)
    budgeted("asyncio", "concurrent.futures", "py.warnings", "websockets")
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    return handler


@contextmanager
def silenced() -> Iterator[None]:
    """For commands that report errors themselves: the library's log would repeat them."""
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
    if not record.name.startswith(_OURS):  # the library's own have been looked through, argument by argument
        text = text_without_secrets(text)
    if isinstance(record.msg, str) and record.msg.startswith("%s: ") and isinstance(record.args, tuple):
        station = str(record.args[0])
        return station, text[len(station) + 2 :]
    return "", text


def _traceback(record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    return traceback_without_secrets(record.exc_text or logging.Formatter().formatException(record.exc_info))


class Lines:
    """For people."""

    def __init__(self, paint: Paint) -> None:
        self._paint = paint
        self._names: dict[str, str] = {}

    def record(self, record: logging.LogRecord, station: str, text: str) -> str:
        """The line of a log record, and its traceback."""
        level = record.levelname.lower()
        if record.levelno >= logging.WARNING:
            text = f"{level}: {text}"
        line = self._line(record.created, station, self._paint(one_line(text), _COLOURS.get(level, "")))
        return f"{line}\n{printable(_traceback(record))}" if record.exc_info else line

    def frame(self, entry: Entry) -> str:
        """The line of a frame."""
        return self._line(entry.record.time, entry.record.identity, self._paint(plain(entry), _COLOURS[entry.severity]))

    def left_out(self, count: int) -> str:
        """The line that says how many frames are not shown."""
        text = f"... {count:,} more message{'' if count == 1 else 's'} not shown; --trace FILE keeps them all"
        return self._line(time.time(), "", self._paint(text, "dim"))

    def _line(self, when: float, station: str, text: str) -> str:
        return f"{self._paint(clock(when), 'dim')}  {self._name(station)}  {text}"

    def _name(self, station: str) -> str:
        name = self._names.get(station)
        if name is None:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            name = self._paint(f"{one_line(station, 48) or '-':<12}", "station" if station else "dim")
            if len(station) <= MAX_NAME:
                self._names[station] = name
        return name


class JSONLines:
    """For programs: ``time`` (UTC), ``level``, ``logger``, ``text``, and where they apply ``station``, ``traceback``
    and the fields of a message: ``type``, ``toward``, ``action``, ``id``, ``latency``, ``fault``, ``frame``."""

    def record(self, record: logging.LogRecord, station: str, text: str) -> str:
        """The line of a log record."""
        line = _head(record.created, record.levelname.lower(), record.name)
        if station:
            line["station"] = station
        line["text"] = text
        if record.exc_info:
            line["traceback"] = _traceback(record)
        return _encoded(line | getattr(record, "fields", {}))

    def frame(self, entry: Entry) -> str:
        """The line of a frame."""
        record = entry.record
        line = _head(record.time, entry.severity or "info", FRAMES) | {"station": record.identity[:MAX_NAME]}
        is_long = len(record.data) > MAX_FRAME
        latency = None if record.latency is None else round(record.latency, 6)
        fields: dict[str, Any] = {
            "type": entry.kind,
            "toward": entry.toward,
            "action": entry.action,
            "id": entry.message_id[:MAX_NAME],
            "latency": latency,
            "code": entry.code,
            "fault": entry.fault,
            "frame": "" if is_long else record.data.decode("utf-8", "backslashreplace"),
            "bytes": len(record.data) if is_long else None,
        }
        return _encoded(line | {name: value for name, value in fields.items() if value not in ("", None)})

    def left_out(self, count: int) -> str:
        """The line that says how many frames are not shown."""
        return _encoded(_head(time.time(), "info", FRAMES) | {"event": "left out", "count": count})


def _head(when: float, level: str, logger: str) -> dict[str, Any]:
    stamp = datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")
    return {"time": stamp, "level": level, "logger": logger}


def _encoded(line: dict[str, Any]) -> str:
    return json_text(msgspec.json.encode(line).decode())
