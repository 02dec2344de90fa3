"""What the simulated hardware cannot be asked to do.

::

    HardwareRefused
    ├── NoSuchPlace        no such EVSE or connector
    ├── NoSuchFault        nothing breaks in this way
    └── NotNow             not as things stand: nothing is plugged in, a cable is in already, the reader is broken
"""

from __future__ import annotations

from ocppflow.errors import LocalError


class HardwareRefused(LocalError):
    """The hardware cannot do it; says why, and what to do."""


class NoSuchPlace(HardwareRefused):
    """There is no such EVSE, or no such connector."""


class NoSuchFault(HardwareRefused):
    """Nothing breaks in this way."""


class NotNow(HardwareRefused):
    """Not as things stand."""
