"""The interface to a station's hardware, and a simulated one."""

from ocppflow.station.hardware.electric_vehicle import ElectricVehicle
from ocppflow.station.hardware.hardware_errors import HardwareRefused, NoSuchFault, NoSuchPlace, NotNow
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
from ocppflow.station.hardware.simulated_faults import FAULTS
from ocppflow.station.hardware.simulated_hardware import SimulatedHardware

__all__ = [
    "FAULTS",
    "NOTHING",
    "ElectricVehicle",
    "EvDemand",
    "EvseHardware",
    "Fault",
    "Hardware",
    "HardwareEvents",
    "HardwareRefused",
    "MeterReading",
    "NoSuchFault",
    "NoSuchPlace",
    "NotNow",
    "Offer",
    "SignedReading",
    "SimulatedHardware",
]
