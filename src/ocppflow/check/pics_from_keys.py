"""PICS of a 1.6 station from its configuration keys: feature profiles, and how many connectors it has."""

from __future__ import annotations

from typing import Final

import msgspec

from ocppflow.check.pics import Pics
from ocppflow.check.trial import Trial
from ocppflow.messages import v16

_PROFILES: Final = {
    "Core": "Core",
    "FirmwareManagement": "Firmware Management",
    "LocalAuthListManagement": "Local Authorization List Management",
    "RemoteTrigger": "Remote Trigger",
    "Reservation": "Reservation",
    "SmartCharging": "Smart Charging",
}
"""Of SupportedFeatureProfiles -> the profile that cases are listed in."""

_SECURITY: Final = "Security Extension"
_SECURITY_KEYS: Final = {"AuthorizationKey", "SecurityProfile"}


async def pics_from_keys(trial: Trial, base: Pics) -> Pics:
    """``base`` with what GetConfiguration tells. Raises CheckFailed if the station does not answer that."""
    answer = await trial.call(v16.GetConfigurationRequest())
    found = answer.at("configurationKey")
    keys = {each["key"]: str(each.get("value", "")) for each in found} if isinstance(found, list) else {}
    said = [name.strip() for name in keys.get("SupportedFeatureProfiles", "").split(",")]
    profiles = [name for name in base.profiles if name not in (*_PROFILES.values(), _SECURITY)]
    profiles += [_PROFILES[name] for name in said if name in _PROFILES]
    if _SECURITY_KEYS & keys.keys():
        profiles.append(_SECURITY)
    number = keys.get("NumberOfConnectors", "")
    settings = base.settings
    if number.isdigit() and int(number) > 0 and sum(settings.connectors) != int(number):
        settings = msgspec.structs.replace(settings, connectors=(1,) * int(number))
    return msgspec.structs.replace(base, profiles=tuple(profiles), settings=settings)
