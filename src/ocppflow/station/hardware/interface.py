"""What a station needs of its hardware, and what the hardware tells the station.

Whoever has a real contactor, meter and reader implements ``Hardware`` and ``EvseHardware`` and has a station; the
simulated hardware beside this file is one such implementation. Nothing here may block: commands begin something and
return, readings are the latest known. What comes of a command, and all that happens by itself, is told to
``HardwareEvents``, on the event loop's thread (``loop.call_soon_threadsafe`` brings it there).
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from enum import Enum
from typing import Protocol

import msgspec

from ocppflow.endpoint import Clock
from ocppflow.messages.v21 import IdTokenType
from ocppflow.station.station_store import StationStore


class EvDemand(Enum):
    """What the EV says over the control pilot (IEC 61851-1), or over its higher-level protocol."""

    NONE = "none"
    """No EV, or one that does not answer (state A)."""
    CONNECTED = "connected"
    """Connected, and asks for no energy (state B)."""
    READY = "ready"
    """Asks for energy (states C and D); it draws as soon as the contactor is closed and something is offered."""


class MeterReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the meter of an EVSE, or of the grid connection, shows at one moment. Sequences are by phase, L1 first."""

    energy_import: float
    """Wh. The register of the meter: it only grows, over restarts too."""
    energy_export: float = 0.0
    """Wh that the EV has fed back; a register as well."""
    power: float = 0.0
    """W, negative while the EV feeds back."""
    currents: tuple[float, ...] = ()
    """A; one item for DC."""
    voltages: tuple[float, ...] = ()
    """V from phase to neutral; one item for DC."""
    frequency: float | None = None
    """Hz."""
    soc: float | None = None
    """Percent, if the EV tells."""
    temperature: float | None = None
    """Degrees Celsius inside."""
    signed: SignedReading | None = None
    """The same register as the meter has signed it, if it can."""


class SignedReading(msgspec.Struct, frozen=True, kw_only=True):
    """A register with the meter's signature, as it goes into ``SignedMeterValueType``."""

    data: str
    """Base64."""
    signing_method: str
    """Such as ``ECDSA-secp256r1-SHA256``; empty if the data tell."""
    encoding_method: str
    """Such as ``OCMF``."""
    public_key: str
    """Base64; empty if it is not to be sent."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What the EV may draw at most from now on. An offer of 0 A pauses it."""

    watts: float
    """Over all phases."""
    amps: float
    """Per phase (AC); 0 pauses."""
    phases: int
    """1, 2 or 3; 1 for DC."""


NOTHING = Offer(watts=0.0, amps=0.0, phases=3)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something is broken. ``code`` is one of the standard's reasons of a connector's Problem in 2.x, or an
    error code of 1.6 (``GroundFailure``, ``OverCurrentFailure``, ``ConnectorLockFailure`` ...)."""

    code: str
    text: str = ""
    vendor_code: str = ""


class EvseHardware(Protocol):
    """One EVSE: contactor, control pilot, meter, and its connectors, which are numbered from 1."""

    def lock(self, connector: int) -> Awaitable[bool]:
        """Lock the cable in; whether that has worked. True where the cable is fixed at the station."""

    def unlock(self, connector: int) -> Awaitable[bool]:
        """Let the cable go; whether that has worked."""

    def energize(self, on: bool) -> None:
        """Close or open the contactor. If it does not obey, that is told as a fault."""

    def offer(self, offer: Offer) -> None:
        """What the EV may draw from now on."""

    def read(self) -> MeterReading:
        """The latest reading, at once."""


class HardwareEvents(Protocol):
    """What the hardware tells. ``evse`` and ``connector`` count from 1; 0 means the whole station or EVSE."""

    def plugged(self, evse: int, connector: int) -> None:
        """A cable with an EV behind it is in."""

    def unplugged(self, evse: int, connector: int) -> None:
        """It is out."""

    def demand(self, evse: int, demand: EvDemand) -> None:
        """What the EV asks for has changed."""

    def presented(self, evse: int, token: IdTokenType) -> None:
        """A token has been read; ``evse`` is 0 if one reader serves them all."""

    def bay(self, evse: int, taken: bool) -> None:
        """A vehicle has entered the parking bay, or has left it; only where a detector sees that."""

    def stopped_by_ev(self, evse: int) -> None:
        """The EV has ended the session over its higher-level protocol (SessionStopReq of ISO 15118)."""

    def faulted(self, evse: int, connector: int, fault: Fault) -> None:
        """Something broke."""

    def cleared(self, evse: int, connector: int) -> None:
        """Nothing is broken there any more."""

    def security_event(self, kind: str, info: str = "") -> None:
        """Something of the standard's list of security events, such as ``TamperDetectionActivated``."""


class Hardware(Protocol):
    """All of a station's hardware."""

    @property
    def evses(self) -> Sequence[EvseHardware]:
        """EVSE 1 is the first."""

    def start(self, events: HardwareEvents, clock: Clock, store: StationStore) -> None:
        """The station has power: tell ``events`` from now on, and before this returns what is so already (a cable that
        is in, what its EV asks for, a fault): whether a transaction of before goes on is decided then.
        What the hardware has to remember over restarts goes into ``store`` under the area ``hardware``."""

    def stop(self) -> None:
        """The station has no power, or is switched off: contactors open, nothing is told any more."""
