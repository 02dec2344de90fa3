"""Who may speak before the station is accepted (B01.FR.10, B02.FR.09, B03.FR.07, B03.FR.08; OCPP-J 1.6 errata 3.10)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ocppflow.messages import Role
from ocppflow.rpc.frame import UNREADABLE
from ocppflow.rpc.history import NOTHING, History

BOOT = "BootNotification"
ACCEPTED = "Accepted"

#: Registrations with which neither side refuses anything.
FREE: Final = (None, ACCEPTED)

#: What a TriggerMessage names differently from the action that it triggers.
_TRIGGERS = {
    "SignChargingStationCertificate": "SignCertificate",
    "SignV2GCertificate": "SignCertificate",
    "SignV2G20Certificate": "SignCertificate",
    "SignCombinedCertificate": "SignCertificate",
    "SignChargePointCertificate": "SignCertificate",
}
_REPORTS = frozenset({"GetBaseReport", "GetReport"})
_TRIGGER_ACTIONS = frozenset({"TriggerMessage", "ExtendedTriggerMessage"})


class _Trigger(msgspec.Struct):
    requestedMessage: str  # noqa: N815 - the wire name


class _Status(msgspec.Struct):
    status: str


_status = msgspec.json.Decoder(_Status)
_trigger = msgspec.json.Decoder(_Trigger)


def booting(history: History, message: Any) -> None:
    """Note who the station says it is. ``message`` is a BootNotificationRequest of any version, which may lack whatever
    a tolerant policy forgives."""
    station = getattr(message, "charging_station", None)
    if station is not None:
        names = ("vendor_name", "model", "firmware_version")
    else:
        station, names = message, ("charge_point_vendor", "charge_point_model", "firmware_version")
    said = [getattr(station, name, "") for name in names]
    vendor, model, firmware = (each if isinstance(each, str) else "" for each in said)
    history.identified(vendor, model, firmware)


def registered(history: History, payload: bytes) -> None:
    """A BootNotificationResponse went out, or came in. It need not be valid to have a status."""
    try:
        history.registration = _status.decode(payload).status
    except UNREADABLE:
        return
    history.triggered = NOTHING


def triggering(history: History, action: str, payload: bytes) -> None:
    """The CSMS sends ``action``; what it asks for may come although the station is not accepted."""
    if history.registration in (None, ACCEPTED):
        return
    if action in _REPORTS:
        history.triggered |= {"NotifyReport"}
    elif action in _TRIGGER_ACTIONS:
        try:
            requested = _trigger.decode(payload).requestedMessage
        except UNREADABLE:
            return
        history.triggered |= {_TRIGGERS.get(requested, requested)}


def refusal(history: History, role: Role, action: str) -> str | None:
    """Why this side refuses the peer's ``action``; None if it does not."""
    if role is Role.CS:
        if history.registration != "Rejected":
            return None
        return f"{action} to a station whose BootNotification was Rejected (B03.FR.08)"
    if history.registration in FREE or action == BOOT or action in history.triggered:
        return None
    return (
        f"{action} before BootNotification was accepted: the last answer was {history.registration} "
        "(B01.FR.10, B02.FR.09, B03.FR.07)"
    )
