"""What the station has said in a test case, and how a scenario judges it: by field paths in wire names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from ocppflow.endpoint import CallAnswered, IncomingCall
from ocppflow.errors import OCPPError
from ocppflow.messages import Message, Version
from ocppflow.messages.json_paths import ABSENT, at
from ocppflow.messages.vocabulary import to_v21

MessageT = TypeVar("MessageT", bound=Message)

_SHOWN = 120

__all__ = ["ABSENT", "PRESENT", "Answer", "CheckFailed", "Finding", "Heard", "Spoken", "Where", "at", "fits", "worded"]

Where = Mapping[str, Any] | Callable[[Any], bool] | None
"""Which message is meant: by path the value it must have there, a tuple of possible ones, ABSENT or PRESENT; or a
function of the :class:`Heard`."""


class _Present:
    def __repr__(self) -> str:
        return "present"


PRESENT: Final = _Present()
"""Anything at all, where a value is wanted."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the station has done wrong."""

    text: str
    requirements: tuple[str, ...] = ()
    """Ids of the requirements that this breaks; empty: those that the case proves."""
    action: str = ""
    message_id: str = ""
    """Which message it was; empty if one did not come."""


class CheckFailed(OCPPError):
    """The station under test has failed; :attr:`finding` says in what."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def fits(value: Any, wanted: Any) -> bool:
    """Whether ``value`` is ``wanted``, or one of a tuple."""
    if isinstance(wanted, tuple):
        return any(fits(value, each) for each in wanted)
    if wanted is PRESENT:
        return value is not ABSENT
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    return value is wanted or bool(value == wanted)


def worded(wanted: Any) -> str:
    """``wanted`` as it is read in a sentence."""
    if isinstance(wanted, tuple):
        return " or ".join(map(worded, wanted))
    text = str(wanted) if isinstance(wanted, str | type(ABSENT) | _Present) else msgspec.json.encode(wanted).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


class Spoken(Generic[MessageT]):
    """A message of the station's: ``action``, ``message_id``, ``payload`` (a dict in wire names, as it came), ``when``
    (the clock's seconds)."""

    __slots__ = ("_message", "action", "message_id", "payload", "when")

    noun = ""

    def __init__(self, action: str, message_id: str, payload: dict[str, Any], message: Any, when: float) -> None:
        self.action = action
        self.message_id = message_id
        self.payload = payload
        self.when = when
        self._message = message

    @property
    def message(self) -> MessageT:
        """The Struct; of 2.1's vocabulary where 2.0.1 or 2.1 is spoken."""
        if self._message.__version__ is Version.V201:
            self._message = to_v21(self._message)
        message: MessageT = self._message
        return message

    def at(self, path: str) -> Any:
        """What stands at ``path``; ABSENT if nothing does."""
        return at(self.payload, path)

    def fits(self, where: Where) -> bool:
        """Whether this is such a message."""
        if where is None:
            return True
        if callable(where):
            return bool(where(self))
        return all(fits(self.at(path), wanted) for path, wanted in where.items())

    def must(self, path: str, *wanted: Any, by: str = "") -> Any:
        """What stands at ``path``, which must be one of ``wanted``, or ABSENT, or PRESENT. ``by``: the requirements
        that say so, separated by spaces. Raises CheckFailed."""
        value = self.at(path)
        if not fits(value, wanted):
            raise self.wrong(f"{path} is {worded(value)}, not {worded(wanted)}", by=by)
        return value

    def wrong(self, text: str, *, by: str = "") -> CheckFailed:
        """To be raised: what is wrong with this message."""
        text = f"{self.action}{self.noun}: {text}"
        return CheckFailed(
            Finding(text=text, requirements=tuple(by.split()), action=self.action, message_id=self.message_id)
        )

    def __repr__(self) -> str:
        return f"{self.action}{self.noun} {msgspec.json.encode(self.payload).decode()[:_SHOWN]}"


class Heard(Spoken[MessageT]):
    """A request of the station's. ``taken``: a step of the scenario was this message."""

    __slots__ = ("taken", "violations")

    def __init__(self, call: IncomingCall) -> None:
        super().__init__(call.action, call.message_id, call.data, call.message, call.received_at)
        self.taken = False
        self.violations = call.violations


class Answer(Spoken[MessageT]):
    """The station's response to a request of the scenario's."""

    __slots__ = ()

    noun = " response"

    def __init__(self, answered: CallAnswered, when: float) -> None:
        payload = msgspec.json.decode(answered.payload)
        super().__init__(answered.action, answered.message_id, payload, answered.message, when)
