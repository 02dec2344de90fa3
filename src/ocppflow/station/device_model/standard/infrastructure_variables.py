"""ChargingStation, EVSE, Connector and TokenReader: what there is to charge at."""

from __future__ import annotations

from ocppflow.messages import Version
from ocppflow.station.device_model.declaration import Declaration
from ocppflow.station.device_model.standard.declarer import Declarer
from ocppflow.station.station_config import EvseConfig, StationConfig

STATES = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")
CHARGING_STATES = ("EVConnected", "Charging", "SuspendedEV", "SuspendedEVSE", "Idle")


def declare_infrastructure(config: StationConfig, made: list[Declaration]) -> None:
    """Declare the station, its EVSEs and their connectors."""
    station = Declarer(made, "ChargingStation")
    _common(station, max((_phases(evse) for evse in config.evses), default=0))
    station.decimal("Power", None, "live", unit="W", most=sum(evse.power for evse in config.evses))
    station.text("Model", config.model, most=20)
    station.text("VendorName", config.vendor, most=50)
    station.text("SerialNumber", None, "kept", most=25)
    station.text("FirmwareVersion", None, "kept", most=50)
    station.flag("AllowNewSessionsPendingFirmwareUpdate", False, "RW")
    station.text("ActiveTransactionId", None, "live", since=Version.V21)
    Declarer(made, "Controller").flag("Available", True)
    reader = Declarer(made, "TokenReader")
    reader.flag("Available", True)
    reader.flag("Problem", False, "live")
    for number, evse in enumerate(config.evses, 1):
        _declare_evse(number, evse, made)


def _common(declare: Declarer, phases: int) -> None:
    declare.flag("Available", True, required=True)
    declare.option("AvailabilityState", "Available", STATES, "live", required=True)
    declare.flag("Problem", False, "live")
    declare.integer("SupplyPhases", phases, required=True)


def _phases(evse: EvseConfig) -> int:
    return evse.phases if evse.current == "AC" else 0


def _declare_evse(number: int, config: EvseConfig, made: list[Declaration]) -> None:
    evse = Declarer(made, "EVSE", evse=number)
    _common(evse, _phases(config))
    evse.flag("AllowReset", True)
    evse.decimal("Power", None, "live", unit="W", most=config.power, required=True)
    evse.text("EvseId", "", "RW", most=36)
    evse.option("ChargingState", None, CHARGING_STATES, "live", since=Version.V21)
    evse.text("ActiveTransactionId", None, "live", since=Version.V21)
    for place, connector in enumerate(config.connectors, 1):
        declare = Declarer(made, "Connector", evse=number, connector=place)
        _common(declare, _phases(config))
        declare.text("ConnectorType", connector.type, required=True)
        if connector.type.startswith("s"):  # a socket: it locks the EV's own cable
            Declarer(made, "ConnectorPlugRetentionLock", evse=number, connector=place).flag("Problem", False, "live")
