"""What can break in the simulated hardware, and what comes of it."""

from __future__ import annotations

import difflib
from typing import Final

from ocppflow.station.hardware.hardware_errors import NoSuchFault

FAULTS: Final = {
    "ConnectorLockFailure": "the lock neither locks nor unlocks",
    "EVCommunicationError": "the control pilot is gone: the EV asks for nothing, and draws nothing",
    "EmergencyStop": "the button is pressed: the contactor opens",
    "GroundFailure": "the residual-current device opens the contactor",
    "HighTemperature": "too hot inside: the contactor opens",
    "InternalError": "something inside: the contactor opens",
    "OtherError": "something that changes nothing else",
    "OverCurrentFailure": "the circuit breaker opens the contactor",
    "OverVoltage": "the contactor opens",
    "PowerMeterFailure": "the meter stands still",
    "PowerSwitchFailure": "the contactor stays as it is, closed (welded) or open",
    "ReaderFailure": "no token is read",
    "UnderVoltage": "the contactor opens",
    "WeakSignal": "the radio hardly receives; nothing else changes",
}
"""Code -> what it does. The codes are those of OCPP 1.6 (ChargePointErrorCode), whose names people know, and
EmergencyStop."""

_ALIASES: Final = {
    "emergency": "EmergencyStop",
    "ground": "GroundFailure",
    "groundfault": "GroundFailure",
    "lock": "ConnectorLockFailure",
    "meter": "PowerMeterFailure",
    "overcurrent": "OverCurrentFailure",
    "overheat": "HighTemperature",
    "overtemperature": "HighTemperature",
    "pilot": "EVCommunicationError",
    "reader": "ReaderFailure",
    "welded": "PowerSwitchFailure",
}

TRIPPING: Final = frozenset(
    {
        *("EmergencyStop", "GroundFailure", "HighTemperature", "InternalError", "OverCurrentFailure", "OverVoltage"),
        "UnderVoltage",
    }
)
"""With one of these the contactor opens by itself, and cannot be closed."""


def fault_code(text: str) -> str:
    """The code that ``text`` means, in any case, or by a short name such as ``ground`` or ``welded``. Raises
    NoSuchFault, with what is nearest."""
    known = {code.lower(): code for code in FAULTS} | _ALIASES
    key = text.lower().replace("-", "").replace("_", "")
    if key in known:
        return known[key]
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {known[near[0]]}?" if near else f"the faults are {', '.join(FAULTS)}"
    raise NoSuchFault(f"there is no fault {text!r}; {hint}")
