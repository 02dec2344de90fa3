"""What is declared of a make of stations: the standard's components and variables (Part 2, Referenced Components and
Variables), and those of the config's own."""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from ocppflow.station.device_model.declaration import Declaration
from ocppflow.station.device_model.declared_variables import DeclaredVariables
from ocppflow.station.device_model.own_variables import declare_own
from ocppflow.station.device_model.standard.access_variables import declare_access
from ocppflow.station.device_model.standard.charging_variables import declare_charging
from ocppflow.station.device_model.standard.communication_variables import declare_communication
from ocppflow.station.device_model.standard.controller_variables import declare_controllers
from ocppflow.station.device_model.standard.infrastructure_variables import declare_infrastructure
from ocppflow.station.device_model.standard.keys_16 import declare_keys_16
from ocppflow.station.device_model.standard.transaction_variables import declare_transactions
from ocppflow.station.station_config import StationConfig


def declarations(config: StationConfig) -> DeclaredVariables:
    """All declarations of a station of this make. Stations of one make share them, whatever their serial numbers.

    Raises ConfigurationError for variables of the config's that make no sense."""
    make = replace(config, serial_number="", firmware_version="", seed=0, reboot_seconds=0.0, monitors=())
    return _declarations(make)


@lru_cache(maxsize=64)
def _declarations(make: StationConfig) -> DeclaredVariables:
    made: list[Declaration] = []
    declare_infrastructure(make, made)
    declare_communication(make, made)
    declare_controllers(make, made)
    declare_access(make, made)
    declare_transactions(make, made)
    declare_charging(make, made)
    declare_keys_16(make, made)
    declare_own(make, made)
    return DeclaredVariables(made)
