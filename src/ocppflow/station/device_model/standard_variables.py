"""The components and variables of the standard that a station of ours has (Part 2, Referenced Components and
Variables)."""

from __future__ import annotations

from functools import lru_cache

from ocppflow.station.device_model.declaration import Declaration, VariableKey
from ocppflow.station.station_config import StationConfig


@lru_cache(maxsize=64)
def declarations(config: StationConfig) -> dict[VariableKey, Declaration]:
    """All declarations of a station of this make; stations of one make share them."""
    made = [
        Declaration(
            key=VariableKey("OCPPCommCtrlr", "HeartbeatInterval"),
            data_type="integer",
            value="300",
            mutability="ReadWrite",
            unit="s",
            min_limit=1,
        ),
        Declaration(
            key=VariableKey("OCPPCommCtrlr", "OfflineThreshold"),
            data_type="integer",
            value="60",
            mutability="ReadWrite",
            unit="s",
            min_limit=0,
        ),
    ]
    return {declaration.key: declaration for declaration in made}
