"""An Entry as one line of text: in the log of a running CSMS, and in a trace that is followed."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import TYPE_CHECKING

from ocppflow.cli.conversation import Entry, milliseconds
from ocppflow.cli.payload_summary import summary
from ocppflow.plain_text import one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

TO_CSMS, TO_CS = "──▶", "◀──"
_MARKS = {"": "  ", "warning": "! ", "error": "✗ "}
COLOURS = {"": "", "warning": "yellow", "error": "red"}


def clock(time: float) -> str:
    """Local time of day to the millisecond."""
    try:
        thousandths = round(time * 1000)
        return f"{_second(thousandths // 1000)}.{thousandths % 1000:03d}"
    except (OverflowError, ValueError, OSError):
        return "?"


@functools.lru_cache(maxsize=16)
def _second(time: int) -> str:
    """Cached, because many lines fall into one second."""
    return datetime.fromtimestamp(time).astimezone().strftime("%H:%M:%S")


def arrow(entry: Entry) -> str:
    """Seen with the station on the left and the CSMS on the right; a dot for what is not a frame."""
    if not entry.is_frame:
        return " ● "
    return TO_CSMS if entry.toward == "CSMS" else TO_CS


def what(entry: Entry) -> str:
    """The action, the answered action, or the event."""
    match entry.kind:
        case "CALL" | "SEND":
            return entry.action
        case "CALLRESULT" | "CALLERROR" | "CALLRESULTERROR":
            return f"↳ {entry.action or 'answer to ' + one_line(entry.message_id, 20)}"
        case "connected":
            return f"connected, OCPP {one_line(entry.record.version, 20)}" if entry.record.version else "connected"
        case other:
            return other


def details(entry: Entry, limit: int = 0) -> str:
    """What is wrong with it, and its most telling fields, which are cut to ``limit`` characters if that is not 0."""
    if entry.kind == "connected":
        return one_line(entry.record.address, limit)
    if entry.kind in ("disconnected", "refused", "missing"):
        return entry.fault or one_line(entry.record.note)
    if entry.code:
        return f"{entry.code}: {entry.fault}" if entry.fault and not said_by_call(entry) else entry.code
    if entry.kind == "unreadable":
        return f"{entry.fault}: {one_line(entry.record.data[:200].decode('utf-8', 'backslashreplace'))}"
    said = summary(entry.payload)
    if limit:
        said = one_line(said, limit)
    return f"{entry.fault} · {said}" if entry.fault and said else entry.fault or said


def said_by_call(answer: Entry) -> bool:
    """Whether the call that this CALLERROR refuses is marked with the reason already."""
    return answer.request is not None and answer.fault in answer.request.fault


def style(entry: Entry) -> str:
    """The colour of its severity; without a fault, calls are bold."""
    if entry.severity:
        return COLOURS[entry.severity]
    return "bold" if entry.kind in ("CALL", "SEND") else ""


def plain(entry: Entry) -> str:
    """One line without time and station."""
    latency = milliseconds(entry.record.latency)
    said = "  ".join(part for part in (what(entry), latency, details(entry)) if part)
    return f"{arrow(entry)} {_MARKS[entry.severity]}{said}"


def mark(entry: Entry) -> str:
    """The sign of its severity, for output without colours."""
    return _MARKS[entry.severity].strip()


def pointer(entry: Entry) -> str:
    """The colour of the arrow where nothing is wrong."""
    return "cyan" if entry.toward == "CSMS" else "magenta" if entry.is_frame else "dim"


def coloured(entry: Entry, *, width: int = 12) -> Text:
    """The line with time and station (padded to ``width``), as text of Rich's."""
    from rich.text import Text

    colour = COLOURS[entry.severity]
    latency = milliseconds(entry.record.latency)
    return Text.assemble(
        (clock(entry.record.time), "dim"),
        "  ",
        (f"{entry.station:<{width}}", "bold blue"),
        "  ",
        (arrow(entry), colour or pointer(entry)),
        " ",
        (_MARKS[entry.severity], colour),
        (what(entry), style(entry)),
        (f"  {latency}" if latency else "", "dim"),
        (f"  {details(entry)}" if details(entry) else "", colour or "dim"),
    )


def show(console: Console, entry: Entry, *, width: int = 12) -> None:
    """Print the line; on a terminal what is said is cut to its width, a fault is not."""
    line = coloured(entry, width=width)
    if entry.severity:
        console.print(line, soft_wrap=True)
    else:
        console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
