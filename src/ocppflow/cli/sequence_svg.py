"""A conversation as a sequence diagram in SVG: readable on a light and on a dark page, and at any size.

The stations stand left and right of the CSMS, so that few arrows cross a lane that is not theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from xml.sax.saxutils import escape

from ocppflow.cli.conversation import Conversation, Entry, milliseconds
from ocppflow.cli.entry_lines import said_by_call
from ocppflow.cli.payload_summary import summary
from ocppflow.cli.sequence_style import STYLE
from ocppflow.cli.text import one_line
from ocppflow.trace import TraceRecord

MAX_STATIONS = 8
CSMS = ""
"""The lane of the CSMS; no station has an empty identity."""

_TIMES = 86  # width of the column of times
_MARGIN = 26
_HALF = 84  # of the widest box on top of a lane
_HEAD = 118  # where the lanes begin
_SILENCE = 5.0  # seconds without a frame that are shown as a gap
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def draw(entries: Sequence[Entry], *, title: str = "", rows: int = 200) -> str:
    """The diagram as the text of an SVG file. Beyond ``rows`` entries, or eight stations, the rest is left out, and the
    picture says so."""
    stations = list(dict.fromkeys(entry.record.identity for entry in entries))
    drawn = stations[:MAX_STATIONS]
    wanted = [entry for entry in entries if entry.record.identity in drawn]
    picture = _Picture(drawn, title, wanted)
    for entry in wanted[:rows]:
        picture.add(entry)
    if len(wanted) > rows:
        picture.remark(f"… {len(wanted) - rows:,} more records are not drawn")
    if len(stations) > len(drawn):
        picture.remark(f"… {len(stations) - len(drawn):,} more stations are not drawn")
    return picture.finish()


def draw_trace(records: Iterable[TraceRecord], *, title: str = "", rows: int = 200) -> str:
    """As ``draw``, from the records of a trace."""
    conversation = Conversation()
    entries = [conversation.feed(record) for record in records]
    conversation.finish()
    return draw(entries, title=title, rows=rows)


@dataclass(slots=True)
class _Lane:
    """A vertical line. ``colour`` is the number of its class; ``since`` where the open connection began."""

    x: float
    colour: int
    name: str
    beside: int = 1
    """Where the CSMS is: 1 right, -1 left."""
    versions: list[str] = field(default_factory=list)
    since: float | None = None
    previous: Entry | None = None


class _Picture:
    def __init__(self, stations: Sequence[str], title: str, entries: Sequence[Entry]) -> None:
        self._gap = {0: 560, 1: 560, 2: 350}.get(len(stations), 290)
        self._lanes: dict[str, _Lane] = {}
        left = (len(stations) + 1) // 2
        order = [*stations[:left], CSMS, *stations[left:]]
        for position, name in enumerate(order):
            x = _TIMES + 14 + _HALF + position * self._gap
            number = (stations.index(name) % 6 + 1) if name != CSMS else 0
            self._lanes[name] = _Lane(x, number, name, 1 if position < left else -1)
        self._width = self._lanes[order[-1]].x + _HALF + _MARGIN
        self._title = title
        self._start = entries[0].record.time if entries else 0.0
        self._last = self._start
        self._y: float = _HEAD - 6
        self._behind: list[str] = []
        self._before: list[str] = []
        for entry in entries:
            lane, version = self._lanes[entry.record.identity], entry.record.version
            if version and version not in lane.versions:
                lane.versions.append(version)

    # --- rows ----------------------------------------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """The next record, below the others."""
        silence = entry.record.time - self._last
        if silence >= _SILENCE:
            self._silence(silence)
        self._last = max(self._last, entry.record.time)
        lane = self._lanes[entry.record.identity]
        if entry.is_frame:
            self._arrow(entry, lane)
        else:
            self._event(entry, lane)

    def _arrow(self, entry: Entry, lane: _Lane) -> None:
        self._y += 34
        y, csms = self._y, self._lanes[CSMS]
        self._time(entry, y)
        if lane.since is None:
            lane.since = y - 22  # the trace begins in the middle of a connection
        toward_csms = entry.toward == "CSMS"
        begin, end = (lane, csms) if toward_csms else (csms, lane)
        forth = 1 if end.x > begin.x else -1
        answer = entry.kind not in ("CALL", "SEND")
        colour = "bad" if entry.severity == "error" and answer else f"c{lane.colour}"
        tip = end.x - forth * 3
        shape = "line back" if answer else "line"
        self._before.append(f'<path class="{shape} {colour}" d="M{begin.x + forth * 3:g} {y:g}H{tip - forth * 7:g}"/>')
        head = (
            f"M{tip:g} {y:g}l{-forth * 9:g} -4.5v9z"
            if entry.kind != "SEND"
            else f"M{tip - forth * 8:g} {y - 5:g}L{tip:g} {y:g}l{-forth * 8:g} 5"
        )
        self._before.append(f'<path class="{"head" if entry.kind != "SEND" else "open"} {colour}" d="{head}"/>')
        self._label(entry, lane, y, answer)
        lane.previous = entry
        if entry.fault and not entry.code:
            self._note(entry.fault, entry.severity, lane)

    def _label(self, entry: Entry, lane: _Lane, y: float, answer: bool) -> None:
        """What is said, above the arrow, in the space beside the station's lane; id and latency below it."""
        middle = lane.x + lane.beside * self._gap / 2
        room = self._gap - 34
        if entry.kind in ("CALLERROR", "CALLRESULTERROR"):
            strong, weak = f"✗ {entry.code}", "" if said_by_call(entry) else entry.fault
            if len(weak) * 6.1 > room - len(strong) * 7.4 - 8:
                self._y += 11
                self._note(weak, "error", lane)
                weak = ""
        elif entry.kind == "unreadable":
            strong, weak = "✗", entry.record.data[:80].decode("utf-8", "backslashreplace")
        else:
            near = answer and entry.request is lane.previous  # the call stands right above
            strong, weak = ("" if near else f"{'↳ ' * answer}{entry.action}"), summary(entry.payload, limit=120)
            weak = weak or "{}" * answer
        strong = _cut(strong, room, 7.4)
        weak = _cut(one_line(weak), room - len(strong) * 7.4 - 8, 6.1)
        bad = " bad" if entry.severity == "error" and answer else ""
        spans = f'<tspan class="strong{bad}">{_x(strong)}</tspan>' if strong else ""
        gap = ' dx="7"' if strong and weak else ""
        spans += f'<tspan class="weak"{gap}>{_x(weak)}</tspan>' if weak else ""
        self._before.append(f'<text class="label" x="{middle:g}" y="{y - 7:g}">{spans}</text>')
        small = [milliseconds(entry.record.latency)] if answer else [_cut(one_line(entry.message_id), room, 5.5)]
        if any(small):
            text = " ".join(part for part in small if part)
            self._before.append(f'<text class="small" x="{middle:g}" y="{y + 11:g}">{_x(text)}</text>')
            self._y += 9

    def _event(self, entry: Entry, lane: _Lane) -> None:
        self._y += 31
        y = self._y
        self._time(entry, y)
        text = entry.kind if entry.kind != "connected" else "connected"
        kind = {"connected": "good", "refused": "bad"}.get(entry.kind, "warn" if entry.severity else "plain")
        if entry.kind == "connected":
            self._end(lane, y)
            lane.since = y
        elif entry.kind == "disconnected":
            self._end(lane, y)
        width = len(text) * 6.6 + 22
        x = lane.x - width / 2
        self._before.append(
            f'<rect class="pill {kind}" x="{x:g}" y="{y - 10:g}" width="{width:g}" height="20" rx="10"/>'
            f'<text class="event {kind}" x="{lane.x:g}" y="{y + 4:g}">{_x(text)}</text>'
        )
        note = entry.record.note
        if note and entry.kind == "disconnected" and not entry.severity:
            anchor = "start" if lane.beside > 0 else "end"
            said = _cut(one_line(note), self._gap - width / 2 - 30, 5.6)
            self._before.append(
                f'<text class="aside" text-anchor="{anchor}" x="{lane.x + lane.beside * (width / 2 + 8):g}" '
                f'y="{y + 4:g}">{_x(said)}</text>'
            )
        elif note:
            self._y += 8
            self._note(note, entry.severity, lane)

    def _note(self, text: str, severity: str, lane: _Lane) -> None:
        """A box with what is wrong, below the arrow or event that it is about."""
        width = self._gap - 44
        lines = _wrap(one_line(text), int((width - 20) / 5.9), 3)
        height = 14 * len(lines) + 9
        x = lane.x + lane.beside * self._gap / 2 - width / 2
        top = self._y + 6
        kind = "bad" if severity == "error" else "warn"
        self._before.append(
            f'<rect class="note {kind}" x="{x:g}" y="{top:g}" width="{width:g}" height="{height}" rx="4"/>'
        )
        for number, line in enumerate(lines):
            y = top + 15 + 14 * number
            self._before.append(f'<text class="said {kind}" x="{x + 10:g}" y="{y:g}">{_x(line)}</text>')
        self._y = top + height

    def _silence(self, seconds: float) -> None:
        self._y += 30
        text = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
        self._before.append(
            f'<path class="silence" d="M{_TIMES:g} {self._y:g}H{self._width - _MARGIN:g}"/>'
            f'<text class="time" x="{_TIMES - 10:g}" y="{self._y + 3.5:g}">{text} later</text>'
        )

    def remark(self, text: str) -> None:
        """A line below everything."""
        self._y += 32
        self._before.append(f'<text class="remark" x="{self._width / 2:g}" y="{self._y:g}">{_x(text)}</text>')

    def _time(self, entry: Entry, y: float) -> None:
        seconds = entry.record.time - self._start
        text = f"{seconds:.3f} s" if abs(seconds) < 1000 else f"{seconds:.0f} s"
        self._before.append(f'<text class="time" x="{_TIMES - 10:g}" y="{y + 3.5:g}">{text}</text>')

    def _end(self, lane: _Lane, y: float) -> None:
        """The connection is over here: its part of the lane is drawn strong."""
        if lane.since is not None:
            self._behind.append(f'<path class="alive c{lane.colour}" d="M{lane.x:g} {lane.since:g}V{y:g}"/>')
            lane.since = None

    # --- the whole -----------------------------------------------------------------------------------------------

    def finish(self) -> str:
        """The text of the SVG file."""
        bottom = self._y + 26
        lanes = "".join(self._lane(lane, bottom) for lane in self._lanes.values())
        width, height = f"{self._width:g}", f"{bottom + 18:g}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{_x(one_line(self._title) or "sequence diagram")}">\n<style>{STYLE}</style>\n'
            f'<rect class="page" width="{width}" height="{height}" rx="10"/>\n{self._heading()}\n'
            + "\n".join([lanes, *self._behind, *self._before])
            + "\n</svg>\n"
        )

    def _heading(self) -> str:
        try:
            day = datetime.fromtimestamp(self._start).astimezone().strftime("%Y-%m-%d %H:%M:%S") if self._start else ""
        except (OverflowError, ValueError, OSError):
            day = ""
        title = _cut(one_line(self._title), self._width - 2 * _MARGIN - 160, 9.5)
        return (
            f'<text class="title" x="{_MARGIN}" y="36">{_x(title)}</text>'
            f'<text class="day" x="{self._width - _MARGIN:g}" y="36">{day}</text>'
        )

    def _lane(self, lane: _Lane, bottom: float) -> str:
        self._end(lane, bottom)
        name = _cut(one_line(lane.name, 48) or "CSMS", 2 * _HALF - 12, 8.2)
        if not lane.name:
            self._behind.append(f'<path class="alive c0" d="M{lane.x:g} {_HEAD - 12}V{bottom:g}"/>')
        under = f"OCPP {', '.join(lane.versions)}" if lane.versions else "management system" if not lane.name else ""
        return (
            f'<path class="lane" d="M{lane.x:g} {_HEAD - 12}V{bottom:g}"/>'
            f'<rect class="box c{lane.colour}" x="{lane.x - _HALF:g}" y="56" width="{2 * _HALF:g}" height="50" rx="8"/>'
            f'<text class="name" x="{lane.x:g}" y="{78 if under else 86}">{_x(name)}</text>'
            f'<text class="under" x="{lane.x:g}" y="95">{_x(under)}</text>\n'
        )


def _x(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text), {'"': "&quot;"})


def _cut(text: str, room: float, per_character: float) -> str:
    """``text``, cut to about ``room`` pixels."""
    most = int(room / per_character)
    return text if len(text) <= most else text[: most - 1] + "…" if most > 2 else ""


def _wrap(text: str, width: int, lines: int) -> list[str]:
    """``text`` in at most ``lines`` lines, broken at spaces where there are any."""
    wrapped: list[str] = []
    while len(text) > width and len(wrapped) < lines - 1:
        at = text.rfind(" ", width // 2, width + 1)
        at = at if at > 0 else width
        wrapped.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*wrapped, text if len(text) <= width else text[: width - 1] + "…"]
