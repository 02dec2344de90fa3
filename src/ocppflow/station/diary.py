"""Diary: what a station remembers of what it has heard, said and lived through, for its diagnostics log (N01)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from ocppflow.plain_text import one_line
from ocppflow.secrecy.blotting import text_without_secrets
from ocppflow.station.wall_time import WallTime
from ocppflow.trace import TraceRecord

_LONGEST = 300
"""Characters of an entry."""


class Diary:
    """A ring of the latest ``most`` entries, without secrets. It is a trace hook that does without what messages hold:
    of each it keeps kind, id and action, which costs next to nothing; a message that has a fault it keeps whole."""

    __slots__ = ("_entries", "_on_fault", "_time")

    def __init__(self, time: WallTime, most: int, on_fault: Callable[[str], object]) -> None:
        """``on_fault`` is called with what is wrong with a message of the CSMS's."""
        self._time = time
        self._on_fault = on_fault
        self._entries: deque[bytes] = deque(maxlen=most)

    def note(self, text: str) -> None:
        """Something has happened."""
        self._add(one_line(text_without_secrets(text), _LONGEST).encode())

    def _add(self, text: bytes) -> None:
        self._entries.append(b"%.3f %s" % (self._time.now().timestamp(), text))

    def entries(self) -> Iterator[tuple[datetime, str]]:
        """When, and what, the oldest first."""
        for entry in self._entries:
            seconds, _, text = entry.partition(b" ")
            yield datetime.fromtimestamp(float(seconds), UTC), text.decode(errors="replace")

    # --- as a trace hook ---------------------------------------------------------------------------------------------

    def wants_message(self) -> bool:
        """No: its kind and action are enough."""
        return False

    def passed_over(self, identity: str, event: str, data: bytes, /) -> None:
        """A message without a fault: its head."""
        self._add(b"%s %s" % (event.encode(), data[:_LONGEST]))

    def __call__(self, record: TraceRecord, /) -> None:
        """Something else: it has no secrets any more."""
        said = record.data[:_LONGEST].decode(errors="replace")
        self._add(one_line(" ".join(filter(None, (record.event, record.note, said))), _LONGEST).encode())
        if record.event == "in" and record.note:
            self._on_fault(record.note)
