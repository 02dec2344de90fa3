"""What is known of a station beyond one connection: its registration, and the answers it may ask for again."""

from __future__ import annotations

from typing import Protocol

import msgspec

#: Messages that a station keeps and sends again after a lost connection (1.6 3.7; 2.0.1 E04, E12). Their payload tells
#: a repetition from a station that merely began to count its ids anew, because it holds the moment it speaks of.
TRANSACTION_ACTIONS = frozenset({"StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent"})

#: Never answered from memory: the answer holds the current time, and processing them twice harms nobody.
_FRESH = frozenset({"BootNotification", "Heartbeat"})

NOTHING: frozenset[str] = frozenset()  # one for all: an empty frozenset of its own would cost each station 216 bytes
_UNFINISHED = 32
_ANSWERS = 8


class Heir(Protocol):
    """Who gets the answer to a call that came on an earlier connection: the session of the newer one."""

    def pass_on(self, message_id: str, data: bytes) -> None:
        """Send the answer ``data``, if the call still waits."""


class Incoming(msgspec.Struct):
    """A call of the peer's that waits. ``fingerprint`` is the hash of its frame; ``heir`` is set if the peer has asked
    again on a newer connection."""

    action: str
    fingerprint: int
    received_at: float
    heir: Heir | None = None


class Answers:
    """The last answers given, so that a repeated call gets the same answer instead of being carried out twice.

    A repetition is the same message to the letter: many stations count ids from 1 after each start, and a new call that
    happens to bear an old id is a new call. Only the frame's hash is kept. One call is in flight at a time, so a
    repetition is of one of the last few.
    """

    __slots__ = ("_frames", "_limit")

    def __init__(self, limit: int) -> None:
        self._frames: dict[tuple[str, int], bytes] = {}
        self._limit = limit

    def keep(self, message_id: str, fingerprint: int, frame: bytes) -> None:
        """Remember the answer ``frame`` to the call of which ``fingerprint`` is the hash."""
        frames, key = self._frames, (message_id, fingerprint)
        frames.pop(key, None)
        frames[key] = frame
        if len(frames) > self._limit:
            del frames[next(iter(frames))]

    def find(self, message_id: str, fingerprint: int) -> bytes | None:
        """The answer given to this very call, if it is still remembered."""
        return self._frames.get((message_id, fingerprint))

    def __len__(self) -> int:
        return len(self._frames)


def keeps(action: str) -> bool:
    """Whether a repetition of ``action`` is answered from memory at all."""
    return action not in _FRESH


class History:
    """What outlives a connection of one station. One per identity; whoever owns the identities keeps it.

    ``registration`` is the status of the last BootNotificationResponse, None before the first: only a station that was
    told "Pending" or "Rejected" is held back (B01.FR.10), so nobody is locked out by a restarted CSMS. ``vendor`` and
    ``model`` come from its BootNotification and select tolerance rules. ``triggered`` holds the actions that the CSMS
    asked for while the station is not accepted.
    """

    __slots__ = ("answers", "model", "registration", "triggered", "unfinished", "vendor")

    def __init__(self) -> None:
        self.registration: str | None = None
        self.vendor = ""
        self.model = ""
        self.triggered = NOTHING
        self.answers: Answers | None = None
        self.unfinished: dict[tuple[str, int], Incoming] | None = None
        """Calls whose handlers are still at work for a connection that has ended."""

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to remember."""
        return self.registration is None and self.answers is None and not self.unfinished

    def remember(self, message_id: str, fingerprint: int, frame: bytes) -> None:
        """Keep an answer beyond the connection."""
        if self.answers is None:
            self.answers = Answers(_ANSWERS)
        self.answers.keep(message_id, fingerprint, frame)

    def unfinished_call(self, message_id: str, call: Incoming) -> None:
        """The connection of ``call`` ended while a handler was at work on it."""
        if self.unfinished is None:
            self.unfinished = {}
        self.unfinished.setdefault((message_id, call.fingerprint), call)
        if len(self.unfinished) > _UNFINISHED:
            del self.unfinished[next(iter(self.unfinished))]

    def take_over(self, message_id: str, fingerprint: int, heir: Heir) -> Incoming | None:
        """The unfinished call that the peer repeats; its answer goes to ``heir`` from now on."""
        call = self.unfinished.get((message_id, fingerprint)) if self.unfinished else None
        if call is not None:
            call.heir = heir
        return call

    def finished(self, message_id: str, fingerprint: int) -> None:
        """The call has been answered, or nobody waits for the handler any more."""
        if self.unfinished:
            self.unfinished.pop((message_id, fingerprint), None)
