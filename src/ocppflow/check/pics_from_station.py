"""PICS from the station's own device model: what its variables tell of its features. What no variable tells (kinds of
tokens, hardware, questions) is as the file says, or as most stations have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from ocppflow.check.pics import Pics
from ocppflow.check.pics_from_keys import pics_from_keys
from ocppflow.check.trial import Trial
from ocppflow.check.variables import Reported, base_report
from ocppflow.messages import Version

_START: Final = {
    "EVConnected": "C-09.1",
    "Authorized": "C-09.2",
    "DataSigned": "C-09.3",
    "PowerPathClosed": "C-09.4",
    "EnergyTransfer": "C-09.5",
    "ParkingBayOccupancy": "C-09.6",
}
_STOP: Final = {
    "EVConnected": "C-10.1",
    "Authorized": "C-10.2",
    "PowerPathClosed": "C-10.3",
    "EnergyTransfer": "C-10.4",
    "ParkingBayOccupancy": "C-10.5",
}
_THERE: Final = {
    "C-02": ("AuthCtrlr", "OfflineTxForUnknownIdEnabled"),
    "C-03": ("TxCtrlr", "MaxEnergyOnInvalidId"),
    "C-06": ("TxCtrlr", "StopTxOnEVSideDisconnect"),
    "C-12": ("OCPPCommCtrlr", "UnlockOnEVSideDisconnect"),
    "C-21": ("OCPPCommCtrlr", "QueueAllMessages"),
    "C-25": ("ClockCtrlr", "TimeOffset"),
    "C-26": ("ClockCtrlr", "TimeZone"),
    "C-28": ("AlignedDataCtrlr", "SendDuringIdle"),
    "C-42": ("SampledDataCtrlr", "SignReadings"),
    "C-48": ("AuthCtrlr", "AuthorizeRemoteStart"),
    "C-49": ("AuthCacheCtrlr", "Enabled"),
    "C-53": ("AuthCacheCtrlr", "LifeTime"),
    "C-58": ("AuthCtrlr", "DisableRemoteAuthorization"),
    "C-59": ("AuthCacheCtrlr", "DisablePostAuthorize"),
    "LA-0": ("LocalAuthListCtrlr", "Entries"),
    "LA-1": ("LocalAuthListCtrlr", "Enabled"),
    "LA-3": ("LocalAuthListCtrlr", "DisablePostAuthorize"),
    "R-2": ("ReservationCtrlr", "NonEvseSpecific"),
    "R-3": ("ReservationCtrlr", "Enabled"),
    "UI-0": ("DisplayMessageCtrlr", "SupportedPriorities"),
    "DM-3": ("MonitoringCtrlr", "OfflineQueuingSeverity"),
    "AS-2": ("SecurityCtrlr", "AdditionalRootCertificateCheck"),
}
_BOTH: Final = {
    "C-06.1": ("TxCtrlr", "StopTxOnEVSideDisconnect", "false"),
    "C-06.2": ("TxCtrlr", "StopTxOnEVSideDisconnect", "true"),
    "C-12.1": ("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "true"),
    "C-12.2": ("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "false"),
    "C-48.1": ("AuthCtrlr", "AuthorizeRemoteStart", "true"),
    "C-48.2": ("AuthCtrlr", "AuthorizeRemoteStart", "false"),
}
"""A feature that one value means: the station has it if it has that value, or may be given it."""

_MEMBERS: Final = {
    "SC-2.1": ("SmartChargingCtrlr", "RateUnit", "A"),
    "SC-2.2": ("SmartChargingCtrlr", "RateUnit", "W"),
    "SC-6": ("SmartChargingCtrlr", "SupportedAdditionalPurposes", "PriorityCharging"),
    "UI-1.1": ("DisplayMessageCtrlr", "SupportedPriorities", "AlwaysFront"),
    "UI-1.2": ("DisplayMessageCtrlr", "SupportedPriorities", "InFront"),
    "UI-1.3": ("DisplayMessageCtrlr", "SupportedPriorities", "NormalCycle"),
    "UI-2.1": ("DisplayMessageCtrlr", "SupportedFormats", "ASCII"),
    "UI-2.2": ("DisplayMessageCtrlr", "SupportedFormats", "HTML"),
    "UI-2.3": ("DisplayMessageCtrlr", "SupportedFormats", "URI"),
    "UI-2.4": ("DisplayMessageCtrlr", "SupportedFormats", "UTF8"),
}
"""A feature that an item of a list means."""

_SUPPORTS: Final = {
    "SC-3": "LimitAtSoC",
    "SC-5": "UseLocalTime",
    "SC-7": "RandomizedDelay",
    "SC-8": "DynamicProfiles",
    "SC-9.1": "EvseSleep",
}
"""A feature that an instance of SmartChargingCtrlr.SupportsFeature tells of."""

_PROFILES: Final = {
    "Smart Charging": "SmartChargingCtrlr",
    "Reservation": "ReservationCtrlr",
    "Local Authorization List Management": "LocalAuthListCtrlr",
    "Advanced Device Management": "MonitoringCtrlr",
    "Advanced User Interface": "DisplayMessageCtrlr",
    "ISO 15118 Support": "ISO15118Ctrlr",
}


async def pics_from_station(trial: Trial, base: Pics) -> Pics:
    """``base`` with what the station's FullInventory tells, or in 1.6 its keys. Raises CheckFailed if it gives none."""
    if trial.version is Version.V16:
        return await pics_from_keys(trial, base)
    return pics_of_report(await base_report(trial), base)


def pics_of_report(report: list[Reported], base: Pics) -> Pics:
    """``base`` with what a report tells: what it does tell, whether there or not, overrules ``base``."""
    table = {(item.component, item.variable): item for item in report}
    features = dict(base.features)
    for feature, place in _THERE.items():
        features[feature] = place in table
    for feature, (component, variable, value) in _BOTH.items():
        item = table.get((component, variable))
        features[feature] = item is not None and (item.mutability == "ReadWrite" or item.value == value)
    _points(features, table.get(("TxCtrlr", "TxStartPoint")), _START, "C-51")
    _points(features, table.get(("TxCtrlr", "TxStopPoint")), _STOP, "C-52")
    for feature, (component, variable, value) in _MEMBERS.items():
        item = table.get((component, variable))
        features[feature] = item is not None and value in _items(item)
    supported = {item.instance for item in report if item.variable == "SupportsFeature" and item.value == "true"}
    features |= {feature: name in supported for feature, name in _SUPPORTS.items()}
    for feature, variable in (("SC-5.1", "C-25"), ("SC-5.2", "C-26")):
        features[feature] = bool(features["SC-5"] and features[variable])
    features["HFS-8"] = len({item.evse for item in report if item.component == "EVSE" and item.evse})
    profiles = [name for name in base.profiles if name not in _PROFILES]
    profiles += [name for name, component in _PROFILES.items() if _is_on(report, component)]
    counts = dict.fromkeys(sorted({item.evse for item in report if item.component == "EVSE" and item.evse}), 0)
    for evse, _ in {(item.evse, item.connector) for item in report if item.component == "Connector" and item.connector}:
        counts[evse] = counts.get(evse, 0) + 1
    settings = base.settings
    if features["SC-2.2"] and not features["SC-2.1"]:
        settings = msgspec.structs.replace(settings, rate_unit="W")
    if counts:
        settings = msgspec.structs.replace(settings, connectors=tuple(max(1, count) for count in counts.values()))
    return msgspec.structs.replace(base, features=features, profiles=tuple(profiles), settings=settings)


def _items(item: Reported) -> set[str]:
    return {value.strip() for value in (item.value or "").split(",")}


def _points(features: dict[str, float | bool], item: Reported | None, names: dict[str, str], settable: str) -> None:
    if item is None:
        return
    writable = item.mutability == "ReadWrite"
    allowed = str(item.data.get("variableCharacteristics", {}).get("valuesList", "")) if writable else item.value or ""
    values = {value.strip() for value in allowed.split(",")}
    features[settable] = writable
    features |= {feature: name in values for name, feature in names.items()}


def _is_on(report: list[Reported], component: str) -> bool:
    """Whether a component is there, and not said to be missing or switched off for good."""
    mine = [item for item in report if item.component == component]
    off: Callable[[Reported], bool] = lambda item: (  # noqa: E731
        item.value == "false"
        and (item.variable == "Available" or (item.variable == "Enabled" and item.mutability == "ReadOnly"))
    )
    return bool(mine) and not any(map(off, mine))
