"""Frames of a trace as a conversation: who says what to whom, which answer belongs to which call, what went wrong.

The table, the picture, the JSON of ``ocppflow trace`` and the log of ``ocppflow csms`` are views of this.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from ocppflow.plain_text import one_line
from ocppflow.trace import TraceRecord

Kind = Literal[
    "CALL",
    "CALLRESULT",
    "CALLERROR",
    "CALLRESULTERROR",
    "SEND",
    "unreadable",
    "connected",
    "disconnected",
    "refused",
    "missing",
]
Severity = Literal["", "warning", "error"]
_Key = tuple[str, str, str, str]
"""Of a call: station, role of whoever wrote the trace, the side that the call goes to, message id."""

_KINDS: dict[int, Kind] = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR", 5: "CALLRESULTERROR", 6: "SEND"}
_OTHER = {"CSMS": "CS", "CS": "CSMS", "": ""}
_BACK = {"in": "out", "out": "in"}
_LENGTHS: dict[Kind, int] = {"CALL": 4, "CALLRESULT": 3, "CALLERROR": 5, "CALLRESULTERROR": 5, "SEND": 4}
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_frame = msgspec.json.Decoder(list[msgspec.Raw])
# A CALL's kind, id and action, or a CALLRESULT's kind and id; what follows is not looked at.
_HEAD = re.compile(rb'\[\s*+(?:2\s*+,\s*+"([^"\\]{1,36}+)"\s*+,\s*+"([^"\\]{1,60}+)"|3\s*+,\s*+"([^"\\]{1,36}+)"\s*+,)')

MAX_OPEN = 4096
"""Calls that may wait for their answers at once, of all stations."""

MAX_OPEN_BYTES = 8 * 2**20
"""How many bytes their frames may take. Beyond either bound the oldest are forgotten; their answers are then shown
without an action."""

MAX_ANSWERED = 256
"""Answered calls that are remembered, because their answers may still be refused (2.1 CALLRESULTERROR)."""

MAX_ANSWERED_BYTES = 16 * 1024
"""Of a call that takes more memory, only the action is remembered."""

MAX_NAME = 255
"""Characters of an identity or a message id; the standard allows 48 and 36. What is longer is shown, but not
remembered: a peer may have sent an id of 1 MiB."""

MAX_FAULT = 1000
"""Characters of what is wrong with a frame: a peer may have broken the schema a thousand times in one message."""


@dataclass(slots=True)
class Entry:
    """A record and what it means. ``toward`` is the side that a frame goes to. ``action`` of an answer is its call's.
    ``fault`` says in one line what is wrong, ``severity`` how bad it is."""

    record: TraceRecord
    kind: Kind
    toward: Literal["CSMS", "CS", ""] = ""
    message_id: str = ""
    action: str = ""
    payload: bytes = field(default=b"", repr=False)
    code: str = ""
    request: Entry | None = field(default=None, repr=False)
    answered: bool = False
    severity: Severity = ""
    fault: str = ""

    @property
    def is_frame(self) -> bool:
        """Whether it is a message, not something that happened to the connection."""
        return self.toward != ""

    @property
    def station(self) -> str:
        """The station's identity, fit for a terminal."""
        return one_line(self.record.identity, 48) or "?"


class Conversation:
    """Interprets records in the order of their time, for any number of stations."""

    def __init__(self) -> None:
        self._open: OrderedDict[_Key, Entry] = OrderedDict()
        self._open_bytes = 0
        self._last_answered: OrderedDict[_Key, Entry | str] = OrderedDict()
        self._passed: dict[tuple[str, str, bytes], bytes] = {}

    def feed(self, record: TraceRecord) -> Entry:
        """The next record. Never raises for what a frame holds."""
        if record.event in ("in", "out"):
            return self._frame(record)
        if record.event == "disconnected":
            self._lose(record)
        entry = Entry(record, record.event)  # type: ignore[arg-type]
        if record.event in ("refused", "missing"):
            entry.severity, entry.fault = "error", one_line(record.note, MAX_FAULT)
        elif record.event == "disconnected" and not record.note.startswith(("1000", "1001")):
            entry.severity, entry.fault = "warning", one_line(record.note, MAX_FAULT)
        return entry

    def pass_by(self, identity: str, event: str, data: bytes) -> None:
        """A CSMS's message that is not shown. Costs a fraction of :meth:`feed`: only the id and the action are
        read, so that a later answer can be matched to its call."""
        head = _HEAD.match(data)
        if head is None or len(identity) > MAX_NAME:
            return
        message_id, action, answered_id = head.groups()
        if action:
            if len(self._passed) >= MAX_OPEN:
                self._passed.clear()
            self._passed[identity, event, message_id] = action
            if self._open:  # the id may be in use for a call that was never answered
                self._take((identity, "CSMS", _toward("CSMS", event), message_id.decode("utf-8", "replace")))
        elif self._passed.pop((identity, _BACK[event], answered_id), None) is None:
            self._take((identity, "CSMS", _toward("CSMS", _BACK[event]), answered_id.decode("utf-8", "replace")))

    def finish(self) -> None:
        """The trace is over: mark the calls that were never answered."""
        for call in self._open.values():
            _mark(call, "error", "no answer in this trace")
        self._open.clear()
        self._open_bytes = 0

    def _frame(self, record: TraceRecord) -> Entry:
        entry = Entry(record, "unreadable", _toward(record.role, record.event))
        _read(entry)
        if entry.kind == "CALL":
            self._passed.pop((record.identity, record.event, entry.message_id.encode("utf-8", "replace")), None)
            self._remember(_key(record, entry.toward, entry.message_id), entry)
        elif entry.kind in ("CALLRESULT", "CALLERROR", "CALLRESULTERROR"):
            self._answered(entry)
        if entry.kind in ("CALLERROR", "CALLRESULTERROR"):
            entry.severity = "error"
        elif entry.kind == "unreadable":
            _mark(entry, "error", "not a message of OCPP-J")
        if record.note:
            refused = any(note.startswith("refused: ") for note in record.note.split("; "))
            _mark(entry, "error" if refused else "warning", one_line(record.note, MAX_FAULT))
        return entry

    def _remember(self, key: _Key, call: Entry) -> None:
        if max(map(len, key)) > MAX_NAME:
            return
        self._take(key)
        self._open[key] = call
        self._open_bytes += _size(call)
        while len(self._open) > MAX_OPEN or self._open_bytes > MAX_OPEN_BYTES:
            _, oldest = self._open.popitem(last=False)
            self._open_bytes -= _size(oldest)

    def _take(self, key: _Key) -> Entry | None:
        call = self._open.pop(key, None)
        if call is not None:
            self._open_bytes -= _size(call)
        return call

    def _answered(self, answer: Entry) -> None:
        """A CALLRESULTERROR refuses an answer and goes the way of the call; the other two go against it."""
        asked: Entry | str | None
        if answer.kind == "CALLRESULTERROR":
            asked = self._last_answered.pop(_key(answer.record, answer.toward, answer.message_id), None)
        else:
            key = _key(answer.record, _OTHER[answer.toward], answer.message_id)
            asked = self._take(key) or self._passed_action(answer)
            if answer.kind == "CALLRESULT":
                self._may_be_refused(key, asked, answer.record)
        if isinstance(asked, Entry):
            asked.answered = True
            answer.request, answer.action = asked, asked.action
        elif asked is not None:
            answer.action = asked

    def _passed_action(self, answer: Entry) -> str | None:
        """The action of the call that it answers, if that call was not shown."""
        record = answer.record
        action = self._passed.pop(
            (record.identity, _BACK[record.event], answer.message_id.encode("utf-8", "replace")), None
        )
        return None if action is None else one_line(action.decode("utf-8", "replace"))

    def _may_be_refused(self, key: _Key, asked: Entry | str | None, answer: TraceRecord) -> None:
        """Remember an answered call: a refusal of the answer (2.1) comes right after it, if at all."""
        if asked is None or answer.version not in ("2.1", ""):
            return
        if len(self._last_answered) >= MAX_ANSWERED:
            self._last_answered.popitem(last=False)
        if isinstance(asked, Entry) and _size(asked) > MAX_ANSWERED_BYTES:
            asked = asked.action
        self._last_answered[key] = asked

    def _lose(self, record: TraceRecord) -> None:
        lost = [key for key in self._open if key[:2] == (record.identity, record.role)]
        for key in lost:
            call = self._open.pop(key)
            self._open_bytes -= _size(call)
            _mark(call, "error", "no answer before the connection ended")


def _toward(role: str, event: str) -> Literal["CSMS", "CS"]:
    return "CSMS" if (event == "in") is (role != "CS") else "CS"


def _key(record: TraceRecord, toward: str, message_id: str) -> _Key:
    return (record.identity, record.role, toward, message_id)


def _size(call: Entry) -> int:
    """Bytes of memory, or a little more: the frame, its payload once more, and the objects around them."""
    return 2 * len(call.record.data) + 4 * len(call.record.note) + 1024


def _mark(entry: Entry, severity: Severity, fault: str) -> None:
    if entry.severity != "error":
        entry.severity = severity
    entry.fault = f"{entry.fault}; {fault}" if entry.fault else fault


def _read(entry: Entry) -> None:
    """Parse the frame; what cannot be parsed stays "unreadable"."""
    try:
        parts = _frame.decode(entry.record.data)
        kind = _KINDS[msgspec.json.decode(parts[0])]
        message_id = msgspec.json.decode(parts[1])
    except (*_UNREADABLE, KeyError, IndexError, TypeError):
        return
    if len(parts) != _LENGTHS[kind] or not isinstance(message_id, str):
        return
    entry.kind, entry.message_id, entry.payload = kind, message_id, bytes(parts[-1])
    if kind in ("CALL", "SEND"):
        entry.action = one_line(_text(parts[2]), 60)
    elif kind in ("CALLERROR", "CALLRESULTERROR"):
        entry.code = one_line(_text(parts[2]), 60)
        entry.fault = one_line(_text(parts[3]), MAX_FAULT)


def _text(raw: msgspec.Raw) -> str:
    value = msgspec.json.decode(raw)
    return value if isinstance(value, str) else str(value)


def milliseconds(latency: float | None) -> str:
    """A latency (s) for people; empty for None."""
    if latency is None:
        return ""
    if latency < 0.001:
        return "< 1 ms"  # the event loop's clock may have no finer resolution
    return f"{latency * 1000:.1f} ms" if latency < 1 else f"{latency:.2f} s"
