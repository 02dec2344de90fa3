"""A conversation as a sequence diagram in SVG: readable on a light and on a dark page, and at any size.

The stations stand left and right of the CSMS, so that few arrows cross a lane that is not theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ocppflow.cli.conversation import Conversation, Entry, milliseconds
from ocppflow.cli.entry_lines import said_by_call
from ocppflow.cli.payload_summary import summary
from ocppflow.cli.sequence_style import STYLE
from ocppflow.cli.svg_text import cut, quoted, width, wrap
from ocppflow.plain_text import one_line
from ocppflow.trace import TraceRecord

MAX_STATIONS = 8
"""Lanes beside the CSMS's; more would not be readable on one page."""

CSMS = None
"""The key of the CSMS's lane; the others' are identities. A refusal without an identity is drawn on it."""

_TIMES = 86  # width of the column of times
_MARGIN = 26
_HALF = 84  # of the widest box on top of a lane
_HEAD = 118  # where the lanes begin
_LINE = 14  # from one line of text to the next
_BESIDE = 24  # kept free of text in the space between two lanes
_NOTE_LINES = 6  # of a note: enough for three violations
_SILENCE = 5.0  # seconds without a frame that are drawn as a gap


def draw(entries: Sequence[Entry], *, title: str = "", rows: int = 200) -> str:
    """The diagram as the text of an SVG file. Beyond ``rows`` entries, or eight stations, the rest is left out, and the
    picture says so."""
    stations = list(
        dict.fromkeys(entry.record.identity for entry in entries if entry.record.identity or entry.is_frame)
    )
    drawn = stations[:MAX_STATIONS]
    left_out = frozenset(stations[MAX_STATIONS:])
    wanted = [entry for entry in entries if entry.record.identity not in left_out]
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
    name: str | None
    beside: int = 1
    """Where the CSMS is: 1 right, -1 left."""
    versions: list[str] = field(default_factory=list)
    since: float | None = None
    previous: Entry | None = None


class _Picture:
    def __init__(self, stations: Sequence[str], title: str, entries: Sequence[Entry]) -> None:
        self._gap = {0: 560, 1: 560, 2: 350}.get(len(stations), 290)
        self._lanes: dict[str | None, _Lane] = {}
        left = (len(stations) + 1) // 2
        order: list[str | None] = [*stations[:left], CSMS, *stations[left:]]
        for position, name in enumerate(order):
            x = _TIMES + 14 + _HALF + position * self._gap
            number = stations.index(name) % 6 + 1 if name is not None else 0
            beside = 1 if position < left or not stations else -1
            self._lanes[name] = _Lane(x, number, name, beside)
        self._width = self._lanes[order[-1]].x + (_HALF if stations else self._gap) + _MARGIN
        self._title = title
        self._start = entries[0].record.time if entries else 0.0
        self._last = self._start
        self._y: float = _HEAD - 6
        self._behind: list[str] = []
        self._before: list[str] = []
        for entry in entries:
            lane, version = self._lane_of(entry), entry.record.version
            if version and version not in lane.versions:
                lane.versions.append(version)

    def _lane_of(self, entry: Entry) -> _Lane:
        return self._lanes.get(entry.record.identity) or self._lanes[CSMS]

    # --- rows ----------------------------------------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """The next record, below the others."""
        silence = entry.record.time - self._last
        if silence >= _SILENCE:
            self._silence(silence)
        self._last = max(self._last, entry.record.time)
        lane = self._lane_of(entry)
        if entry.is_frame:
            self._arrow(entry, lane)
        else:
            self._event(entry, lane)

    def _arrow(self, entry: Entry, lane: _Lane) -> None:
        answer = entry.kind not in ("CALL", "SEND")
        strong, weak = self._words(entry, lane, answer)
        self._y += 34 + _LINE * (len(weak) - 1)
        y, csms = self._y, self._lanes[CSMS]
        self._time(entry, y)
        if lane.since is None:
            lane.since = y - 22  # the trace begins in the middle of a connection
        begin, end = (lane, csms) if entry.toward == "CSMS" else (csms, lane)
        forth = 1 if end.x > begin.x else -1
        bad = entry.severity == "error" and answer
        colour = "bad" if bad else f"c{lane.colour}"
        tip = end.x - forth * 3
        shape = "line back" if answer else "line"
        self._before.append(f'<path class="{shape} {colour}" d="M{begin.x + forth * 3:g} {y:g}H{tip - forth * 7:g}"/>')
        head = (
            f"M{tip:g} {y:g}l{-forth * 9:g} -4.5v9z"
            if entry.kind != "SEND"
            else f"M{tip - forth * 8:g} {y - 5:g}L{tip:g} {y:g}l{-forth * 8:g} 5"
        )
        self._before.append(f'<path class="{"head" if entry.kind != "SEND" else "open"} {colour}" d="{head}"/>')
        self._label(lane, y, strong, weak, bad)
        self._small(entry, lane, y, answer)
        lane.previous = entry
        if entry.fault and not said_by_call(entry) and entry.fault not in weak:
            self._note(entry.fault, entry.severity, lane)

    def _words(self, entry: Entry, lane: _Lane, answer: bool) -> tuple[str, list[str]]:
        """The words in bold and the lines of the others, the first of them empty if they do not fit beside the bold."""
        room = self._gap - _BESIDE
        if entry.kind in ("CALLERROR", "CALLRESULTERROR"):
            # The call of a CALLRESULTERROR is not right above it, so its action is named.
            action = f"{entry.action}: " if entry.kind == "CALLRESULTERROR" and entry.action else ""
            strong, said = f"✗ {action}{entry.code}", "" if said_by_call(entry) else entry.fault
            if width(strong, 12, bold=True) + 7 + width(said, 11) > room:
                said = ""  # a note has more room
        elif entry.kind == "unreadable":
            strong, said = "✗", one_line(entry.record.data[:80].decode("utf-8", "backslashreplace"))
        else:
            near = answer and entry.request is lane.previous  # the call stands right above
            strong, said = ("" if near else f"{'↳ ' * answer}{entry.action}"), summary(entry.payload, limit=120)
            said = said or "{}" * answer
        strong = cut(strong, room, 12, bold=True)
        if strong and width(strong, 12, bold=True) + 7 + width(said, 11) > room:
            return strong, ["", *wrap(said, room, 11, 2)]
        return strong, wrap(said, room, 11, 2)

    def _label(self, lane: _Lane, y: float, strong: str, weak: list[str], bad: bool) -> None:
        """The words above an arrow, in the space beside the station's lane."""
        middle = lane.x + lane.beside * self._gap / 2
        top = y - 7 - _LINE * (len(weak) - 1)
        for number, line in enumerate(weak):
            first = strong if number == 0 else ""
            spans = f'<tspan class="strong{" bad" * bad}">{quoted(first)}</tspan>' if first else ""
            gap = ' dx="7"' if first and line else ""
            spans += f'<tspan class="weak"{gap}>{quoted(line)}</tspan>' if line else ""
            self._before.append(f'<text class="label" x="{middle:g}" y="{top + _LINE * number:g}">{spans}</text>')

    def _small(self, entry: Entry, lane: _Lane, y: float, answer: bool) -> None:
        """Below the arrow: the id of a call, the latency of an answer."""
        text = milliseconds(entry.record.latency) if answer else cut(one_line(entry.message_id), self._gap - 34, 9.5)
        if text:
            x = lane.x + lane.beside * self._gap / 2
            self._before.append(f'<text class="small" x="{x:g}" y="{y + 11:g}">{quoted(text)}</text>')
            self._y += 9

    def _event(self, entry: Entry, lane: _Lane) -> None:
        self._y += 31
        y = self._y
        self._time(entry, y)
        text = entry.kind
        kind = {"connected": "good", "refused": "bad"}.get(entry.kind, "warn" if entry.severity else "plain")
        if entry.kind == "connected":
            self._end(lane, y)
            lane.since = y
        elif entry.kind == "disconnected":
            self._end(lane, y)
        size = width(text, 11, bold=True) + 22
        x = lane.x - size / 2
        self._before.append(
            f'<rect class="pill {kind}" x="{x:g}" y="{y - 10:g}" width="{size:g}" height="20" rx="10"/>'
            f'<text class="event {kind}" x="{lane.x:g}" y="{y + 4:g}">{quoted(text)}</text>'
        )
        note = entry.record.note
        if note and entry.kind == "disconnected" and not entry.severity:
            anchor = "start" if lane.beside > 0 else "end"
            said = cut(one_line(note), self._gap - size / 2 - 30, 11)
            self._before.append(
                f'<text class="aside" text-anchor="{anchor}" x="{lane.x + lane.beside * (size / 2 + 8):g}" '
                f'y="{y + 4:g}">{quoted(said)}</text>'
            )
        elif note:
            self._y += 8
            self._note(note, entry.severity, lane)

    def _note(self, text: str, severity: str, lane: _Lane) -> None:
        """A box with what is wrong, below the arrow or event that it is about."""
        across = self._gap - 44
        lines = wrap(one_line(text), across - 20, 11, _NOTE_LINES)
        height = 14 * len(lines) + 9
        x = lane.x + lane.beside * self._gap / 2 - across / 2
        top = self._y + 6
        kind = "bad" if severity == "error" else "warn"
        self._before.append(
            f'<rect class="note {kind}" x="{x:g}" y="{top:g}" width="{across:g}" height="{height}" rx="4"/>'
        )
        for number, line in enumerate(lines):
            y = top + 15 + 14 * number
            self._before.append(f'<text class="said {kind}" x="{x + 10:g}" y="{y:g}">{quoted(line)}</text>')
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
        self._before.append(f'<text class="remark" x="{self._width / 2:g}" y="{self._y:g}">{quoted(text)}</text>')

    def _time(self, entry: Entry, y: float) -> None:
        seconds = entry.record.time - self._start
        text = f"{seconds:.3f} s" if abs(seconds) < 1000 else f"{seconds:.0f} s"
        self._before.append(f'<text class="time" x="{_TIMES - 10:g}" y="{y + 3.5:g}">{text}</text>')

    def _end(self, lane: _Lane, y: float) -> None:
        """The connection is over here: draw its part of the lane as a solid line."""
        if lane.since is not None:
            self._behind.append(f'<path class="alive c{lane.colour}" d="M{lane.x:g} {lane.since:g}V{y:g}"/>')
            lane.since = None

    # --- the whole -----------------------------------------------------------------------------------------------

    def finish(self) -> str:
        """The text of the SVG file."""
        label = quoted(one_line(self._title) or "sequence diagram")
        bottom = self._y + 26
        lanes = "".join(self._lane(lane, bottom) for lane in self._lanes.values())
        across, height = f"{self._width:g}", f"{bottom + 18:g}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {height}" width="{across}" '
            f'height="{height}" role="img" aria-label="{label}">\n<style>{STYLE}</style>\n'
            f'<rect class="page" width="{across}" height="{height}" rx="10"/>\n{self._heading()}\n'
            + "\n".join([lanes, *self._behind, *self._before])
            + "\n</svg>\n"
        )

    def _heading(self) -> str:
        try:
            day = datetime.fromtimestamp(self._start).astimezone().strftime("%Y-%m-%d %H:%M:%S") if self._start else ""
        except (OverflowError, ValueError, OSError):
            day = ""
        title = cut(one_line(self._title), self._width - 2 * _MARGIN - 160, 17, bold=True)
        return (
            f'<text class="title" x="{_MARGIN}" y="36">{quoted(title)}</text>'
            f'<text class="day" x="{self._width - _MARGIN:g}" y="36">{day}</text>'
        )

    def _lane(self, lane: _Lane, bottom: float) -> str:
        self._end(lane, bottom)
        name = "CSMS" if lane.name is None else one_line(lane.name, 48) or "?"
        name = cut(name, 2 * _HALF - 12, 14, bold=True)
        if lane.name is None:
            self._behind.append(f'<path class="alive c0" d="M{lane.x:g} {_HEAD - 12}V{bottom:g}"/>')
        under = (
            f"OCPP {', '.join(lane.versions)}" if lane.versions else "management system" if lane.name is None else ""
        )
        return (
            f'<path class="lane" d="M{lane.x:g} {_HEAD - 12}V{bottom:g}"/>'
            f'<rect class="box c{lane.colour}" x="{lane.x - _HALF:g}" y="56" width="{2 * _HALF:g}" height="50" rx="8"/>'
            f'<text class="name" x="{lane.x:g}" y="{78 if under else 86}">{quoted(name)}</text>'
            f'<text class="under" x="{lane.x:g}" y="95">{quoted(under)}</text>\n'
        )
