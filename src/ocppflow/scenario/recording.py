"""Recording: what one station said and heard, as a trace has it, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.plain_text import one_line
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.trace import TraceRecord

Event = Literal["connected", "disconnected", "said", "asked"]

_frame = msgspec.json.Decoder(list[Any])
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_SHOWN: Final = 8


class RecordedMove(msgspec.Struct):
    """One thing that happened. ``said``: a call of the station's; ``asked``: one of the CSMS's. ``answer`` or
    ``error``, a CALLERROR's code, is what came of it; neither, if the recording has none. ``confirmed``: it wants an
    answer."""

    event: Event
    time: float
    action: str = ""
    payload: dict[str, Any] = {}
    answer: dict[str, Any] | None = None
    error: str = ""
    description: str = ""
    confirmed: bool = True

    __repr__ = discreet_repr


class Recording(msgspec.Struct):
    """All of it. ``skipped``: frames that are not messages."""

    identity: str
    version: Version
    moves: list[RecordedMove]
    skipped: int = 0

    @property
    def said(self) -> list[RecordedMove]:
        """The calls of the station's."""
        return [move for move in self.moves if move.event == "said"]


def recording(records: Iterable[TraceRecord], station: str | None = None) -> Recording:
    """The recording of ``station``, or of the only one. Where both sides have written down the same, the CSMS's view is
    taken. Raises ConfigurationError if the trace has not just one such station, or nothing that it said."""
    all_records = [record for record in records if record.identity and record.event != "missing"]
    known = list(dict.fromkeys(record.identity for record in all_records))
    named = ", ".join(one_line(each, 48) for each in known[:_SHOWN]) + (" ..." if len(known) > _SHOWN else "")
    if station is None and len(known) > 1:
        raise ConfigurationError(f"the trace has {len(known)} stations: choose one of {named}")
    if not known or (station is not None and station not in known):
        raise ConfigurationError(f"the trace has no station {station or ''}; it has {named or 'nothing'}")
    identity = station or known[0]
    own = [record for record in all_records if record.identity == identity]
    role = "CSMS" if any(record.role == "CSMS" for record in own) else "CS"
    reader = _Reader(role)
    for record in own:
        if record.role in (role, ""):
            reader.read(record)
    made = Recording(identity, reader.version, reader.moves, reader.skipped)
    if not made.said:
        raise ConfigurationError(f"the trace has nothing that {one_line(identity, 48)} said")
    return made


class _Reader:
    def __init__(self, role: str) -> None:
        self._said = "in" if role == "CSMS" else "out"
        self._open: dict[tuple[str, str], RecordedMove] = {}
        self.moves: list[RecordedMove] = []
        self.version = Version.V201
        self.skipped = 0

    def read(self, record: TraceRecord) -> None:
        """The next record."""
        if record.version:
            self.version = Version.parse(record.version)
        if record.event in ("connected", "disconnected"):
            self._open.clear()
            self.moves.append(RecordedMove("connected" if record.event == "connected" else "disconnected", record.time))
        elif record.event in ("in", "out"):
            self._frame(record)

    def _frame(self, record: TraceRecord) -> None:
        by_station = record.event == self._said
        try:
            kind, message_id, *rest = _frame.decode(record.data)
        except (*_UNREADABLE, ValueError):
            self.skipped += 1
            return
        if kind in (2, 6) and len(rest) == 2 and isinstance(rest[0], str) and isinstance(rest[1], dict):
            move = RecordedMove("said" if by_station else "asked", record.time, rest[0], rest[1], confirmed=kind == 2)
            self.moves.append(move)
            if kind == 2:
                self._open[move.event, str(message_id)] = move
            return
        asked = self._open.pop(("asked" if by_station else "said", str(message_id)), None)
        if asked is None:
            self.skipped += 1
        elif kind == 3 and rest and isinstance(rest[0], dict):
            asked.answer = rest[0]
        elif kind == 4 and rest:
            asked.error, asked.description = str(rest[0]), str(rest[1] if len(rest) > 1 else "")
