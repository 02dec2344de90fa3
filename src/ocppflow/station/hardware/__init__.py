"""The interface to a station's hardware."""

from ocppflow.station.hardware.interface import (
    NOTHING,
    EvDemand,
    EvseHardware,
    Fault,
    Hardware,
    HardwareEvents,
    MeterReading,
    Offer,
    SignedReading,
)

__all__ = [
    "NOTHING",
    "EvDemand",
    "EvseHardware",
    "Fault",
    "Hardware",
    "HardwareEvents",
    "MeterReading",
    "Offer",
    "SignedReading",
]
