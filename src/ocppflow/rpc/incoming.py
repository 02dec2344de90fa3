"""The peer's calls: those that wait for our answer, and the answers given, should it ask again."""

from __future__ import annotations

from ocppflow.errors import Expired
from ocppflow.rpc.history import TRANSACTION_ACTIONS, Answers, Heir, History, Incoming, keeps

_NONE: dict[str, Incoming] = {}  # stands for the dict that an idle connection does not have; never written to


class PeerCalls:
    """The calls that wait, oldest first, and the memory of answers: ``history``'s for what concerns transactions, which
    is repeated on later connections too, and a small one of its own for the rest."""

    __slots__ = ("_answers", "_history", "waiting")

    def __init__(self, history: History) -> None:
        self._history = history
        self.waiting = _NONE
        """Message id -> call, oldest first; not to be changed from outside."""
        self._answers: Answers | None = None

    def add(self, message_id: str, call: Incoming) -> None:
        """A call came in."""
        if self.waiting is _NONE:
            self.waiting = {}
        self.waiting[message_id] = call

    def __getitem__(self, message_id: str) -> Incoming:
        """The waiting call. Raises Expired if none with this id waits."""
        try:
            return self.waiting[message_id]
        except KeyError:
            raise Expired(
                f"the call {message_id!r} waits for no answer: it has been answered, has expired, or never came"
            ) from None

    def done(self, message_id: str) -> Incoming:
        """The call is answered."""
        call = self.waiting.pop(message_id)
        if self._history.unfinished:
            self._history.finished(message_id, call.fingerprint)
        return call

    def remember(self, message_id: str, call: Incoming, frame: bytes) -> None:
        """Keep the response ``frame`` for a repetition of ``call``."""
        if call.action in TRANSACTION_ACTIONS:
            self._history.remember(message_id, call.fingerprint, frame)
        elif keeps(call.action):
            if self._answers is None:
                self._answers = Answers(4)
            self._answers.keep(message_id, call.fingerprint, frame)

    def answer_given(self, message_id: str, fingerprint: int) -> bytes | None:
        """The answer that this very call got before, if it is still remembered."""
        for answers in (self._answers, self._history.answers):
            if answers is not None and (found := answers.find(message_id, fingerprint)) is not None:
                return found
        return None

    def leave(self) -> None:
        """The connection is gone; what concerns transactions may be asked for again on the next one."""
        for message_id, call in self.waiting.items():
            if call.action in TRANSACTION_ACTIONS:
                self._history.unfinished_call(message_id, call)

    def take_over(self, message_id: str, fingerprint: int, now: float, heir: Heir) -> bool:
        """Whether this very call is still at work for an earlier connection; ``heir`` then gets its answer."""
        call = self._history.take_over(message_id, fingerprint, heir)
        if call is None:
            return False
        self.add(message_id, Incoming(call.action, fingerprint, now))
        return True

    def oldest(self) -> tuple[str, Incoming] | None:
        """The call that has waited longest."""
        return next(iter(self.waiting.items()), None) if self.waiting else None
