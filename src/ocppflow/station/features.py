"""What a station of a make does: which actions of the CSMS it answers, by functional block of the standard."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from ocppflow.endpoint import Router
from ocppflow.messages import Role, Version, actions
from ocppflow.station.station_config import StationConfig

FEATURE_ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    "local_list": ("SendLocalList", "GetLocalListVersion"),
    "reservation": ("ReserveNow", "CancelReservation"),
    "tariff": ("CostUpdated", "SetDefaultTariff", "GetTariffs", "ClearTariffs", "ChangeTransactionTariff"),
    "smart_charging": (
        *("SetChargingProfile", "GetChargingProfiles", "ClearChargingProfile", "GetCompositeSchedule"),
        *("UpdateDynamicSchedule", "UsePriorityCharging"),
    ),
    "firmware": ("UpdateFirmware", "SignedUpdateFirmware", "PublishFirmware", "UnpublishFirmware"),
    "monitoring": (
        *("SetVariableMonitoring", "ClearVariableMonitoring", "GetMonitoringReport"),
        *("SetMonitoringBase", "SetMonitoringLevel"),
    ),
    "display": ("SetDisplayMessage", "GetDisplayMessages", "ClearDisplayMessage"),
}
"""Feature of a StationConfig -> the actions that a station without it does not support."""

FUNCTIONAL_BLOCKS: Final[dict[str, tuple[str, ...]]] = {
    "A Security": ("CertificateSigned",),
    "B Provisioning": (
        *("GetVariables", "SetVariables", "GetBaseReport", "GetReport", "Reset", "SetNetworkProfile"),
        *("GetConfiguration", "ChangeConfiguration"),
    ),
    "C Authorization": ("ClearCache", "NotifyWebPaymentStarted"),
    "D Local authorization list": FEATURE_ACTIONS["local_list"],
    "E Transactions": ("GetTransactionStatus",),
    "F Remote control": (
        *("RequestStartTransaction", "RequestStopTransaction", "RemoteStartTransaction", "RemoteStopTransaction"),
        *("UnlockConnector", "TriggerMessage", "ExtendedTriggerMessage"),
    ),
    "G Availability": ("ChangeAvailability",),
    "H Reservation": FEATURE_ACTIONS["reservation"],
    "I Tariff and cost": FEATURE_ACTIONS["tariff"],
    "K Smart charging": (*FEATURE_ACTIONS["smart_charging"], "NotifyAllowedEnergyTransfer"),
    "L Firmware": FEATURE_ACTIONS["firmware"],
    "M Certificates": ("InstallCertificate", "GetInstalledCertificateIds", "DeleteCertificate"),
    "N Diagnostics": (
        *("GetLog", "GetDiagnostics", "CustomerInformation", *FEATURE_ACTIONS["monitoring"]),
        *("AdjustPeriodicEventStream", "GetPeriodicEventStream"),
    ),
    "O Display": FEATURE_ACTIONS["display"],
    "P Data transfer": ("DataTransfer",),
    "Q Bidirectional charging": ("AFRRSignal",),
    "R Distributed energy resources": ("SetDERControl", "GetDERControl", "ClearDERControl"),
    "S Battery swap": ("RequestBatterySwap",),
}
"""What a CSMS may send, by block; each action of any version is in one of them. J has nothing that a CSMS sends."""


class FeatureLine(msgspec.Struct, frozen=True):
    """What becomes of one action."""

    block: str
    action: str
    versions: tuple[Version, ...]
    """In which it exists, of those that the station speaks."""
    answered: bool
    why_not: str
    """What it is answered with instead, and why; empty if ``answered``."""


@lru_cache(maxsize=64)
def left_out(features: tuple[str, ...] | None, known: frozenset[str]) -> frozenset[str]:
    """Which of the ``known`` actions a station with only these features does not answer: NotSupported."""
    if features is None:
        return frozenset()
    missing = FEATURE_ACTIONS.keys() - set(features)
    return known & {action for feature in missing for action in FEATURE_ACTIONS[feature]}


def feature_list(config: StationConfig, behaviour: Router[Any]) -> list[FeatureLine]:
    """What a station of this make, with these handlers, answers; one line for each action that a CSMS may send in any
    of its versions."""
    without = left_out(config.features, behaviour.actions)
    feature_of = {action: feature for feature, names in FEATURE_ACTIONS.items() for action in names}
    lines = []
    for block, names in FUNCTIONAL_BLOCKS.items():
        for action in names:
            versions = tuple(version for version in config.versions if _is_asked(version, action))
            if not versions:
                continue
            handled = tuple(version for version in versions if _is_handled(behaviour, version, action))
            why_not = ""
            if action in without:
                why_not = f"NotSupported: the feature {feature_of[action]} is left out"
            elif not handled:
                why_not = "NotSupported: not implemented"
            elif handled != versions:
                missing = ", ".join(version for version in versions if version not in handled)
                why_not = f"NotSupported in {missing}: not implemented"
            lines.append(FeatureLine(block, action, versions, not why_not, why_not))
    return lines


def _is_asked(version: Version, action: str) -> bool:
    info = actions(version).get(action)
    return info is not None and info.sent_by(Role.CSMS)


def _is_handled(behaviour: Router[Any], version: Version, action: str) -> bool:
    return behaviour.found[actions(version)[action].request] is not None
