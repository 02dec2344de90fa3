"""The engine, whose runtime may not read, and a CSMS node in a real Node-RED."""

from __future__ import annotations

from tests.attack.attack import STRANGERS, Bounds
from tests.attack.door_attacks import WrongPasswords
from tests.attack.frame_attacks import Pings
from tests.attack.log_attacks import Refusals
from tests.attack.message_attacks import Compressed, EmptyArrays, ValidBombs, ValidCalls
from tests.attack.targets import Setting

_ONE = (Setting(),)
_EVENTS = "the engine's events have back-pressure: they are counted and merged while the runtime does not read"


class EngineCalls(ValidCalls):
    name = "engine-calls"
    time = 0.3
    kind = "engine"
    settings = _ONE
    short = False


class EngineArrays(EmptyArrays):
    name = "engine-arrays"
    time = 0.3
    kind = "engine"
    settings = _ONE
    short = False


class EngineBombs(ValidBombs):
    name = "engine-bombs"
    time = 0.3
    kind = "engine"
    settings = _ONE
    short = False


class EngineRefusals(Refusals):
    name = "engine-refusals"
    kind = "engine"
    settings = _ONE
    short = False


class DeafRuntimeRefusals(Refusals):
    """REFUSED events for a runtime that does not read."""

    name = "unread-refused"
    kind = "engine, not read"
    promise = _EVENTS + " (49 to 631 MiB in 20 s)"
    bounds = Bounds(memory=24 * 2**20)
    time = 1.5
    settings = _ONE
    short = True


class DeafRuntimeCalls(ValidCalls):
    """Requests for a runtime that does not read."""

    name = "unread-requests"
    time = 0.6
    kind = "engine, not read"
    promise = _EVENTS
    settings = _ONE
    short = False


class DeafRuntimePings(Pings):
    name = "unread-engine-pings"
    time = 0.3
    kind = "engine, not read"
    promise = _EVENTS
    settings = _ONE
    short = False


class NodeRedCalls(ValidCalls):
    name = "node-red-calls"
    time = 1.0
    kind = "node-red"
    promise = "in Node-RED: nobody waits, the editor answers, memory is bounded"
    settings = _ONE
    short = False


class NodeRedRefusals(Refusals):
    name = "node-red-refusals"
    kind = "node-red"
    promise = NodeRedCalls.promise
    bounds = STRANGERS
    settings = _ONE
    short = False


class NodeRedBlanks(Compressed):
    name = "node-red-blanks"
    kind = "node-red"
    promise = "Node-RED's engine is not killed by its watchdog"
    rate = 20.0
    settings = _ONE

    @staticmethod
    def source():  # type: ignore[no-untyped-def]
        from tests.attack import shapes

        return shapes.blanks()


class EnginePasswords(WrongPasswords):
    name = "engine-passwords"
    time = 0.3
    kind = "engine"
    settings = _ONE
    short = False


ATTACKS = [
    EngineCalls(),
    EngineArrays(),
    EngineBombs(),
    EngineRefusals(),
    EnginePasswords(),
    DeafRuntimeRefusals(),
    DeafRuntimeCalls(),
    DeafRuntimePings(),
    NodeRedCalls(),
    NodeRedRefusals(),
    NodeRedBlanks(),
]
