"""The configuration keys of 1.6 as views on the device model: each is a variable under another name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import UNSET

from ocppflow.messages import v16, v21
from ocppflow.station.device_model import Declaration
from ocppflow.station.device_model.standard.keys_16 import KEYS_OF_ITS_OWN
from ocppflow.station.dialect_16.numbering import places

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation


class KeyView(NamedTuple):
    """Which variable a key shows."""

    component: str
    variable: str
    instance: str = ""
    read_only: bool = False
    """1.6 only reads it, whatever 2.1 allows."""
    limit: bool = False
    """It shows the variable's upper limit, not its value."""


_VIEWS: Final[dict[str, KeyView]] = {
    # Core
    "AllowOfflineTxForUnknownId": KeyView("AuthCtrlr", "OfflineTxForUnknownIdEnabled"),
    "AuthorizationCacheEnabled": KeyView("AuthCacheCtrlr", "Enabled"),
    "AuthorizeRemoteTxRequests": KeyView("AuthCtrlr", "AuthorizeRemoteStart"),
    "ClockAlignedDataInterval": KeyView("AlignedDataCtrlr", "Interval"),
    "ConnectionTimeOut": KeyView("TxCtrlr", "EVConnectionTimeOut"),
    "GetConfigurationMaxKeys": KeyView("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables", read_only=True),
    "HeartbeatInterval": KeyView("OCPPCommCtrlr", "HeartbeatInterval"),
    "LocalAuthorizeOffline": KeyView("AuthCtrlr", "LocalAuthorizeOffline"),
    "LocalPreAuthorize": KeyView("AuthCtrlr", "LocalPreAuthorize"),
    "MaxEnergyOnInvalidId": KeyView("TxCtrlr", "MaxEnergyOnInvalidId"),
    "MeterValuesAlignedData": KeyView("AlignedDataCtrlr", "Measurands"),
    "MeterValuesSampledData": KeyView("SampledDataCtrlr", "TxUpdatedMeasurands"),
    "MeterValueSampleInterval": KeyView("SampledDataCtrlr", "TxUpdatedInterval"),
    "ResetRetries": KeyView("OCPPCommCtrlr", "ResetRetries"),
    "StopTransactionOnEVSideDisconnect": KeyView("TxCtrlr", "StopTxOnEVSideDisconnect"),
    "StopTransactionOnInvalidId": KeyView("TxCtrlr", "StopTxOnInvalidId"),
    "StopTxnAlignedData": KeyView("AlignedDataCtrlr", "TxEndedMeasurands"),
    "StopTxnSampledData": KeyView("SampledDataCtrlr", "TxEndedMeasurands"),
    "TransactionMessageAttempts": KeyView("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"),
    "TransactionMessageRetryInterval": KeyView("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"),
    "UnlockConnectorOnEVSideDisconnect": KeyView("OCPPCommCtrlr", "UnlockOnEVSideDisconnect"),
    "WebSocketPingInterval": KeyView("OCPPCommCtrlr", "WebSocketPingInterval"),
    # Local Auth List Management
    "LocalAuthListEnabled": KeyView("LocalAuthListCtrlr", "Enabled"),
    "LocalAuthListMaxLength": KeyView("LocalAuthListCtrlr", "Entries", read_only=True, limit=True),
    "SendLocalListMaxLength": KeyView("LocalAuthListCtrlr", "ItemsPerMessage", read_only=True),
    # Reservation
    "ReserveConnectorZeroSupported": KeyView("ReservationCtrlr", "NonEvseSpecific", read_only=True),
    # Smart Charging
    "ChargeProfileMaxStackLevel": KeyView("SmartChargingCtrlr", "ProfileStackLevel", read_only=True),
    "ChargingScheduleAllowedChargingRateUnit": KeyView("SmartChargingCtrlr", "RateUnit", read_only=True),
    "ChargingScheduleMaxPeriods": KeyView("SmartChargingCtrlr", "PeriodsPerSchedule", read_only=True),
    "ConnectorSwitch3to1PhaseSupported": KeyView("SmartChargingCtrlr", "Phases3to1", read_only=True),
    "MaxChargingProfilesInstalled": KeyView(
        "SmartChargingCtrlr", "Entries", "ChargingProfiles", read_only=True, limit=True
    ),
    # Security
    "AdditionalRootCertificateCheck": KeyView("SecurityCtrlr", "AdditionalRootCertificateCheck", read_only=True),
    "AuthorizationKey": KeyView("SecurityCtrlr", "BasicAuthPassword"),
    "CertificateSignedMaxChainSize": KeyView("SecurityCtrlr", "MaxCertificateChainSize", read_only=True),
    "CertificateStoreMaxLength": KeyView("SecurityCtrlr", "CertificateEntries", read_only=True, limit=True),
    "CpoName": KeyView("SecurityCtrlr", "OrganizationName"),
    "SecurityProfile": KeyView("SecurityCtrlr", "SecurityProfile"),
    "SupportedFileTransferProtocols": KeyView("OCPPCommCtrlr", "FileTransferProtocols", read_only=True),
}

_PROFILES: Final[dict[str, str]] = {
    "LocalAuthListManagement": "LocalAuthListCtrlr",
    "Reservation": "ReservationCtrlr",
    "SmartCharging": "SmartChargingCtrlr",
}
"""Feature profile -> the component that says whether the station has it. Core, FirmwareManagement and RemoteTrigger
have none: they are always there."""


def _profiles(station: CompleteStation) -> str:
    model = station.device_model
    optional = [name for name, component in _PROFILES.items() if model.flag(component, "Available", True)]
    return ",".join(["Core", "FirmwareManagement", *optional, "RemoteTrigger"])


def _connectors(station: CompleteStation) -> str:
    return str(len(places(station.config)))


_COMPUTED: Final[dict[str, Callable[[CompleteStation], str]]] = {
    "NumberOfConnectors": _connectors,
    "SupportedFeatureProfiles": _profiles,
}

_SPELT: Final = {key.lower(): key for key in (*_VIEWS, *_COMPUTED)}


def _declaration(station: CompleteStation, key: str) -> tuple[Declaration, KeyView] | None:
    view = _VIEWS.get(_SPELT.get(key.lower(), key)) or KeyView(KEYS_OF_ITS_OWN, key)
    found = station.device_model.find(view.component, view.variable, variable_instance=view.instance)
    return None if found is None else (found, view)


def known_keys(station: CompleteStation) -> list[str]:
    """All keys that this station has, sorted."""
    model = station.device_model
    own = [key.variable for key in model.declared if key.component == KEYS_OF_ITS_OWN]
    return sorted([*_COMPUTED, *(key for key in _VIEWS if _declaration(station, key) is not None), *own])


def read_key(station: CompleteStation, key: str) -> v16.KeyValue | None:
    """A key with its value; None if this station does not have it."""
    name = _SPELT.get(key.lower(), key)
    if name in _COMPUTED:
        return v16.KeyValue(key=name, readonly=True, value=_COMPUTED[name](station))
    found = _declaration(station, name)
    if found is None:
        return None
    declaration, view = found
    read_only = view.read_only or declaration.mutability == "ReadOnly"
    if declaration.mutability == "WriteOnly":
        return v16.KeyValue(key=name, readonly=False, value=UNSET)
    return v16.KeyValue(key=name, readonly=read_only, value=_shown(station, declaration, view)[:500])


def _shown(station: CompleteStation, declaration: Declaration, view: KeyView) -> str:
    if view.limit and declaration.max_limit is not None:
        return str(int(declaration.max_limit))
    value = station.device_model.text(view.component, view.variable, variable_instance=view.instance)
    if view.variable == "RateUnit":
        return value.replace("A", "Current").replace("W", "Power")
    return value


def to_set(station: CompleteStation, key: str, value: str) -> v21.SetVariableDataType | v16.ConfigurationStatus:
    """What ChangeConfiguration asks of the device model, or the refusal."""
    name = _SPELT.get(key.lower(), key)
    if name in _COMPUTED:
        return "Rejected"
    found = _declaration(station, name)
    if found is None:
        return "NotSupported"
    declaration, view = found
    if view.read_only or declaration.mutability == "ReadOnly":
        return "Rejected"
    return v21.SetVariableDataType(
        attribute_value=value,
        component=v21.ComponentType(name=view.component),
        variable=v21.VariableType(name=view.variable, instance=view.instance or UNSET),
    )
