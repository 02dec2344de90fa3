"""The make-up of a station: what it is, what it consists of, what it can do. Every value has a default."""

from __future__ import annotations

import math
from typing import Final, Literal

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.secrecy.discreet_repr import discreet_repr

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


PERSONALITIES: Final = ("plain", "awkward")


def _wants(what: str, value: object, holds: bool) -> None:
    if not holds:
        raise ConfigurationError(f"{what}, not {value!r}")


class ConnectorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One connector of an EVSE."""

    type: str = "cType2"
    """Of the standard's ConnectorEnum, such as ``cType2``, ``sType2``, ``cCCS2``. A ``c`` has its cable fixed to the
    station, an ``s`` is a socket that locks the EV's own cable."""

    def __post_init__(self) -> None:
        _wants("type is 1 to 20 characters, such as cType2", self.type, 0 < len(self.type) <= 20)


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

    def __post_init__(self) -> None:
        _wants("phases is 1, 2 or 3", self.phases, 1 <= self.phases <= 3)
        _wants("max_amps is above 0 and at most 5000", self.max_amps, 0 < self.max_amps <= 5000)
        _wants("voltage is above 0 and at most 2000", self.voltage, 0 < self.voltage <= 2000)
        _wants("min_amps is from 0 to max_amps", self.min_amps, 0 <= self.min_amps <= self.max_amps)
        watts = self.max_watts
        _wants("max_watts is above 0 and at most 1e7", watts, watts is None or 0 < watts <= 1e7)
        _wants("connectors has 1 to 16 of them", len(self.connectors), 1 <= len(self.connectors) <= 16)

    @property
    def power(self) -> float:
        """W that it can give at most."""
        phases = 1 if self.current == "DC" else self.phases
        return self.max_watts if self.max_watts is not None else self.max_amps * self.voltage * phases


class VariableConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A variable of a component of one's own, or another value, limit or right for one of the standard's."""

    __repr__ = discreet_repr

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

    def __post_init__(self) -> None:
        _wants("model is 1 to 20 characters", self.model, 0 < len(self.model) <= 20)
        _wants("vendor is 1 to 50 characters", self.vendor, 0 < len(self.vendor) <= 50)
        _wants("serial_number is at most 25 characters", self.serial_number, len(self.serial_number) <= 25)
        _wants("firmware_version is at most 50 characters", self.firmware_version, len(self.firmware_version) <= 50)
        _wants("versions names at least one version", (), bool(self.versions))
        _wants("evses has 1 to 64 of them", len(self.evses), 1 <= len(self.evses) <= 64)
        for feature in self.features or ():
            _wants(f"a feature is one of {', '.join(FEATURES)}", feature, feature in FEATURES)
        known = ", ".join(PERSONALITIES)
        _wants(f"personality is one of {known}", self.personality, self.personality in PERSONALITIES)
        seconds = self.reboot_seconds
        _wants("diary_entries is 0 to 100000", self.diary_entries, 0 <= self.diary_entries <= 100_000)
        _wants("reboot_seconds is 0 or more", seconds, 0 <= seconds < math.inf)

    def has_evse(self, evse: int) -> bool:
        """Whether there is such an EVSE; 0 is the station. In 2.0.1 a CSMS may name one below 0 as well."""
        return 0 <= evse <= len(self.evses)

    def has(self, feature: str) -> bool:
        """Whether it has this feature."""
        return self.features is None or feature in self.features
