"""The steps of a scenario, as they stand in its file. Each kind has a key that names it, such as ``expect``."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from ocppflow.messages import Version
from ocppflow.secrecy.discreet_repr import discreet_repr

PATIENCE: Final = 30.0
"""Seconds for which a step waits that says nothing else: as long as a station waits for an answer."""


class Step(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What all steps can have."""

    key: ClassVar[str] = ""
    meaning: ClassVar[str] = ""

    versions: tuple[Version, ...] = ()
    """The step is for these versions of OCPP alone."""
    note: str = ""
    """Why it is there; shown if it fails."""

    @property
    def subject(self) -> str:
        """What stands at the step's key."""
        return str(getattr(self, self.key))


class DoStep(Step):
    """A command."""

    key = "do"
    meaning = "something is done at the station, in the words of `ocppflow station`: plug, swipe, power-cut ..."

    do: str
    """Such as ``plug 1 soc=20``."""


class ExpectStep(Step):
    """A message that has to come."""

    __repr__ = discreet_repr

    key = "expect"
    meaning = "a message has to come, and its answer"

    expect: str
    """A neutral name, or an action."""
    by: str = ""
    """``station`` or ``csms``, for an action that both may send; else it is known."""
    where: dict[str, Any] = {}
    """Which message is meant: by field what it must be there. Others are passed over."""
    must: dict[str, Any] = {}
    """What that message and its answer must have in their fields; else the scenario fails."""
    error: str = ""
    """The CALLERROR that it has to be answered with, or ``*`` for any; without it an answer is wanted."""
    capture: dict[str, str] = {}
    """By name of a variable the field whose value it gets."""
    within: float = PATIENCE
    """Seconds."""


class NeverStep(Step):
    """A message that must not come."""

    __repr__ = discreet_repr

    key = "never"
    meaning = "a message must not come for a while; the one step that only waits"

    never: str
    """A neutral name, or an action."""
    during: float
    """Seconds."""
    by: str = ""
    """As in ``expect``."""
    where: dict[str, Any] = {}
    """As in ``expect``."""


class CallStep(Step):
    """A call of the station's."""

    __repr__ = discreet_repr

    key = "call"
    meaning = "the station sends a message of your own, and the answer is judged"

    call: str
    """An action."""
    data: dict[str, Any] = {}
    """The payload in wire names; the schema is not asked."""
    must: dict[str, Any] = {}
    """By path of the answer what it must be there."""
    error: str = ""
    """The CALLERROR that is wanted, or ``*`` for any; without it an answer is wanted."""
    capture: dict[str, str] = {}
    """By name of a variable the path of the answer whose value it gets."""
    within: float = PATIENCE
    """Seconds."""


class WaitStep(Step):
    """Something that has to come about at the station."""

    __repr__ = discreet_repr

    key = "wait_for"
    meaning = "wait for something that is seen at the station itself"

    wait_for: str
    """A condition."""
    be: Any = None
    """What a condition with a value must be: a value, a list, or such as ``{ at_least = 100 }``."""
    evse: int = 1
    connector: int = 1
    within: float = PATIENCE
    """Seconds."""


class PolicyStep(Step):
    """How the station answers."""

    __repr__ = discreet_repr

    key = "answer"
    meaning = "from now on the station answers a message, or all, otherwise; with nothing else, as usual again"

    answer: str
    """A neutral name, an action, or ``*``."""
    ignore: bool = False
    """Never answer."""
    error: str = ""
    """Answer with this CALLERROR."""
    override: dict[str, Any] = {}
    """By path of the answer what stands there in place of what would."""
    delay: float = 0.0
    """Seconds until the answer goes out."""
    once: bool = False
    """For the next such message only."""


class SetStep(Step):
    """A variable of the station's."""

    key = "set"
    meaning = "give a variable of the station's device model a value, from inside"

    set: str
    """``Component.Variable``, or ``Component.Variable(instance)``."""
    to: str | int | float | bool
    """The value."""


class AskStep(Step):
    """Something that the CSMS has to be told."""

    key = "ask"
    meaning = "ask whoever runs the CSMS, or the command of `--ask`, to do something there"

    ask: str
    """The sentence."""
    name: str = ""
    """A short word for it, for a program."""


class ReplaceStep(Step):
    """Another station in its place."""

    key = "replace"
    meaning = "the station is replaced by a new one of the same identity, which knows nothing of before"

    replace: str
    """Why; for people."""


class RepeatStep(Step):
    """Steps, several times."""

    key = "repeat"
    meaning = "do its `steps` several times"

    repeat: int
    """How often."""
    steps: tuple[Step, ...]
    """Steps like any others."""


STEPS: Final[dict[str, type[Step]]] = {
    kind.key: kind
    for kind in (
        *(DoStep, ExpectStep, NeverStep, WaitStep, CallStep, PolicyStep, SetStep, AskStep, ReplaceStep),
        RepeatStep,
    )
}
"""By key."""
