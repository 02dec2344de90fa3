"""The make-up of a station: what it is, what it consists of, what it can do. Every value has a default."""

from __future__ import annotations

from typing import Literal

import msgspec

from ocppflow.messages import Version

Current = Literal["AC", "DC"]

FEATURES: dict[str, str] = {
    "auth_cache": "authorization cache (C)",
    "local_list": "local authorization list (D)",
    "reservation": "reservations (H)",
    "tariff": "tariff and cost (I)",
    "signed_meter_values": "meter values with the meter's signature (J)",
    "smart_charging": "smart charging (K)",
    "firmware": "firmware update (L)",
    "iso15118": "certificates of ISO 15118 (M)",
    "monitoring": "monitoring of variables (N)",
    "display": "display messages (O)",
}
"""What a station can have or go without, with what it is and its functional block."""


class ConnectorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One connector of an EVSE."""

    type: str = "cType2"
    """Of the standard's ConnectorEnum, such as ``cType2``, ``sType2``, ``cCCS2``. A ``c`` has its cable fixed to the
    station, an ``s`` is a socket that locks the EV's own cable."""


class EvseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One EVSE."""

    current: Current = "AC"
    phases: int = 3
    max_amps: float = 32.0
    """Per phase; for DC what the station can give at all."""
    voltage: float = 230.0
    """From phase to neutral; for DC the highest."""
    max_watts: float | None = None
    """None: what amps, phases and voltage make."""
    min_amps: float = 6.0
    """Below this an AC EV cannot charge (IEC 61851-1)."""
    connectors: tuple[ConnectorConfig, ...] = (ConnectorConfig(),)

    @property
    def power(self) -> float:
        """W that it can give at most."""
        phases = 1 if self.current == "DC" else self.phases
        return self.max_watts if self.max_watts is not None else self.max_amps * self.voltage * phases


class VariableConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A variable of a component of one's own, or another value, limit or right for one of the standard's."""

    component: str
    variable: str
    value: str | None = None
    """The Actual value of a new station. None: the standard's, or none at all."""
    component_instance: str = ""
    variable_instance: str = ""
    evse: int = 0
    connector: int = 0
    mutability: Literal["ReadOnly", "WriteOnly", "ReadWrite"] | None = None
    data_type: str | None = None
    unit: str = ""
    min_limit: float | None = None
    max_limit: float | None = None
    values_list: str = ""
    reboot_required: bool = False
    """A new value counts after the next boot."""
    required: bool = False
    """The station does not start while it has no value."""
    targets: bool = False
    """It has the attributes Target, MinSet and MaxSet too."""


MonitorType = Literal[
    "UpperThreshold",
    "LowerThreshold",
    "Delta",
    "Periodic",
    "PeriodicClockAligned",
    "TargetDelta",
    "TargetDeltaRelative",
]


class MonitorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A monitor that the station has from the start (N03)."""

    component: str
    variable: str
    type: MonitorType
    value: float = 1.0
    """Of the variable's unit; seconds for the periodic types."""
    severity: int = 5
    """0 (danger) to 9 (debug)."""
    component_instance: str = ""
    variable_instance: str = ""
    evse: int = 0
    connector: int = 0
    hard_wired: bool = False
    """A CSMS can neither change it nor turn it off; else it is preconfigured."""


class StationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A station's make-up."""

    model: str = "Wallbox"
    vendor: str = "ocppflow"
    serial_number: str = ""
    firmware_version: str = "1.0.0"
    versions: tuple[Version, ...] = (Version.V21, Version.V201)
    evses: tuple[EvseConfig, ...] = (EvseConfig(),)
    features: tuple[str, ...] | None = None
    """Names of ``FEATURES``; None: all of them."""
    personality: str = "plain"
    """``plain``, or ``awkward``: says it as badly as chargers in the field do."""
    reboot_seconds: float = 5.0
    """Between going down and being up again."""
    variables: tuple[VariableConfig, ...] = ()
    diary_entries: int = 100
    """Of the diagnostics log, which is a ring in memory: 12 KB when it is full."""
    monitors: tuple[MonitorConfig, ...] = ()
    key_kind: Literal["ECDSA", "RSA"] = "ECDSA"
    """Of the station's key for TLS with the CSMS, when it makes a new one (A02.FR.02)."""
    seed: int = 0
    """All chance in this station comes from here and from its identity."""

    def has(self, feature: str) -> bool:
        """Whether it has this feature."""
        return self.features is None or feature in self.features
