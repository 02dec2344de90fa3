"""What is known of a station beyond one connection: its registration, who it says it is, and the answers it may ask for
again."""

from __future__ import annotations

from typing import Final

from ocppflow.rpc.events import CallReceived

TRANSACTION_ACTIONS: Final = frozenset({"StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent"})
"""Messages that a station keeps and sends again after a lost connection (1.6 3.7; 2.0.1 E04, E12). Their payload tells
a repetition from a station that merely began to count its ids anew, because it holds the moment it speaks of."""

FRESH: Final = frozenset({"BootNotification", "Heartbeat"})
"""Never answered from memory: the answer holds the current time, and processing them twice harms nobody."""

NOTHING: Final[frozenset[str]] = frozenset()  # one for all: an empty frozenset of its own costs a station 216 bytes

ANSWERS_KEPT = 8
"""Answers to transaction messages that are remembered. A station repeats the one that it got no answer to; a few more,
for stations that send a stored batch anew from its beginning."""
UNFINISHED_KEPT = 32
"""Calls at work for a connection that has ended: as many as ``Limits.in_progress`` lets one connection have."""

CallKey = tuple[str, int]
"""Message id, and the hash of the whole frame: the same message, to the letter."""


class History:
    """What outlives a connection of one station. One per identity; whoever owns the identities keeps it.

    ``registration`` is the status of the last BootNotificationResponse, None before the first: only a station that was
    told "Pending" or "Rejected" is held back (B01.FR.10), so nobody is locked out by a restarted CSMS. ``vendor``,
    ``model`` and ``firmware`` come from its BootNotification and select tolerance rules. ``triggered`` holds the
    actions that the CSMS asked for while the station is not accepted.

    Answers to transaction messages are kept, so that a repeated call gets the same answer instead of being carried out
    twice. A repetition is the same message to the letter: many stations count ids from 1 after each start, and a new
    call that happens to bear an old id is a new call.
    """

    __slots__ = ("answers", "firmware", "model", "registration", "triggered", "unfinished", "vendor")

    def __init__(self) -> None:
        self.registration: str | None = None
        self.vendor = ""
        self.model = ""
        self.firmware = ""
        self.triggered = NOTHING
        self.answers: dict[CallKey, bytes] | None = None
        """The last answers given, as whole frames."""
        self.unfinished: dict[CallKey, CallReceived] | None = None
        """Calls whose handlers are still at work for a connection that has ended."""

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to remember."""
        return self.registration is None and self.answers is None and not self.unfinished and not self.vendor

    def identified(self, vendor: str, model: str, firmware: str) -> None:
        """The station has said who it is."""
        self.vendor, self.model, self.firmware = vendor, model, firmware

    def remember(self, key: CallKey, frame: bytes) -> None:
        """Keep the answer ``frame`` beyond the connection."""
        answers = self.answers
        if answers is None:
            answers = self.answers = {}
        answers.pop(key, None)
        answers[key] = frame
        if len(answers) > ANSWERS_KEPT:
            del answers[next(iter(answers))]

    def leave_unfinished(self, call: CallReceived) -> None:
        """The connection of ``call`` ended while a handler was at work on it."""
        if self.unfinished is None:
            self.unfinished = {}
        self.unfinished.setdefault(call.key, call.without_content())
        if len(self.unfinished) > UNFINISHED_KEPT:
            del self.unfinished[next(iter(self.unfinished))]

    def finished(self, key: CallKey) -> None:
        """The call has been answered, or nobody waits for the handler any more."""
        if self.unfinished:
            self.unfinished.pop(key, None)
