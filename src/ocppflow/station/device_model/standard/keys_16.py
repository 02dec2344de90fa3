"""Configuration keys of 1.6 that 2.1 has no variable for: they are variables of a component of their own."""

from __future__ import annotations

from ocppflow.messages import Version
from ocppflow.station.device_model.declaration import Declaration
from ocppflow.station.device_model.standard.declarer import Declarer
from ocppflow.station.station_config import StationConfig

KEYS_OF_ITS_OWN = "Configuration16"
"""Every variable of this component is a configuration key of that name: a vendor's own as well."""


def declare_keys_16(config: StationConfig, made: list[Declaration]) -> None:
    """Declare them for a station that can speak 1.6."""
    if Version.V16 not in config.versions:
        return
    keys = Declarer(made, KEYS_OF_ITS_OWN)
    number = sum(len(evse.connectors) for evse in config.evses)
    rotations = [f"{connector}.RST" for connector in range(number + 1)]
    keys.text("ConnectorPhaseRotation", ",".join(rotations), "RW", most=500)
    keys.integer("ConnectorPhaseRotationMaxLength", number + 1)
    keys.integer("MinimumStatusDuration", 0, "RW", unit="s", least=0, most=3600)
