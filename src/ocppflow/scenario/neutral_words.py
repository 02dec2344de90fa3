"""Neutral words: how a scenario names a message and its fields so that one scenario serves OCPP 1.6, 2.0.1 and 2.1.

A neutral message is an action with a condition, in each version; a neutral field is a path. What a version has no field
for cannot be judged in it, and the result says so. Everything else is named as it is on the wire: the action, and paths
in wire names (``answer.`` before those of the answer).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ocppflow.messages import Version


class NeutralMessage(NamedTuple):
    """A message. ``action_16`` and ``action_2``: its action; ``where_2``: by path of the request, what makes a
    TransactionEvent this one. ``fields``: by neutral name the path in 1.6 and that in 2.x, each empty if there is
    none. ``also_16``: paths that the request must have in 1.6."""

    meaning: str
    action_16: str
    action_2: str
    fields: Mapping[str, tuple[str, str]]
    where_2: Mapping[str, Any] = {}
    also_16: tuple[str, ...] = ()
    other_form: NeutralMessage | None = None
    """Another message of 2.x that says the same."""

    def form(self, action: str, version: Version) -> NeutralMessage | None:
        """This, or its other form, as the action has it; None if it is neither."""
        if action == self.action(version):
            return self
        other = self.other_form
        return other if other is not None and version is not Version.V16 and action == other.action_2 else None

    def action(self, version: Version) -> str:
        """What it is called in a version."""
        return self.action_16 if version is Version.V16 else self.action_2

    def path(self, field: str, version: Version) -> str | None:
        """Where a field stands; empty if this version has none, None if it is not a neutral field."""
        found = self.fields.get(field)
        return None if found is None else found[0 if version is Version.V16 else 1]


_TOKEN: Final = ("idTag", "idToken.idToken")
_TOKEN_STATUS: Final = ("answer.idTagInfo.status", "answer.idTokenInfo.status")
_STATUS: Final = ("answer.status", "answer.status")
_ID: Final = "transactionInfo.transactionId"

MESSAGES: Final[dict[str, NeutralMessage]] = {
    "boot": NeutralMessage(
        "the station has started",
        "BootNotification",
        "BootNotification",
        {"status": _STATUS, "interval": ("answer.interval", "answer.interval"), "reason": ("", "reason")},
    ),
    "heartbeat": NeutralMessage("the station lives", "Heartbeat", "Heartbeat", {}),
    "authorize": NeutralMessage(
        "may this token charge?", "Authorize", "Authorize", {"token": _TOKEN, "status": _TOKEN_STATUS}
    ),
    "started": NeutralMessage(
        "a transaction has begun",
        "StartTransaction",
        "TransactionEvent",
        {
            "transaction": ("answer.transactionId", _ID),
            "token": _TOKEN,
            "status": _TOKEN_STATUS,
            "evse": ("connectorId", "evse.id"),
            "offline": ("", "offline"),
            "time": ("timestamp", "timestamp"),
        },
        {"eventType": "Started"},
    ),
    "updated": NeutralMessage(
        "something about a transaction, such as meter values",
        "MeterValues",
        "TransactionEvent",
        {
            "transaction": ("transactionId", _ID),
            "trigger": ("", "triggerReason"),
            "state": ("", "transactionInfo.chargingState"),
            "offline": ("", "offline"),
        },
        {"eventType": "Updated"},
        ("transactionId",),
    ),
    "ended": NeutralMessage(
        "a transaction has ended",
        "StopTransaction",
        "TransactionEvent",
        {
            "transaction": ("transactionId", _ID),
            "reason": ("reason", "transactionInfo.stoppedReason"),
            "token": _TOKEN,
            "status": _TOKEN_STATUS,
            "offline": ("", "offline"),
            "time": ("timestamp", "timestamp"),
        },
        {"eventType": "Ended"},
    ),
    "status": NeutralMessage(
        "the state of a connector",
        "StatusNotification",
        "StatusNotification",
        {"evse": ("connectorId", "evseId"), "status": ("status", "connectorStatus")},
        other_form=NeutralMessage(
            "the state of a connector as an event",
            "",
            "NotifyEvent",
            {
                "evse": ("", "eventData[0].component.evse.id"),
                "status": ("", "eventData[0].actualValue"),
            },
            {"eventData[0].component.name": "Connector", "eventData[0].variable.name": "AvailabilityState"},
        ),
    ),
    "remote_start": NeutralMessage(
        "the CSMS wants a transaction to begin",
        "RemoteStartTransaction",
        "RequestStartTransaction",
        {"token": _TOKEN, "evse": ("connectorId", "evseId"), "status": _STATUS},
    ),
    "remote_stop": NeutralMessage(
        "the CSMS wants a transaction to end",
        "RemoteStopTransaction",
        "RequestStopTransaction",
        {"transaction": ("transactionId", "transactionId"), "status": _STATUS},
    ),
    "limit": NeutralMessage(
        "the CSMS sets a charging profile",
        "SetChargingProfile",
        "SetChargingProfile",
        {
            "evse": ("connectorId", "evseId"),
            "purpose": ("csChargingProfiles.chargingProfilePurpose", "chargingProfile.chargingProfilePurpose"),
            "status": _STATUS,
        },
    ),
    "reset": NeutralMessage("the CSMS wants a reset", "Reset", "Reset", {"status": _STATUS}),
    "trigger": NeutralMessage(
        "the CSMS wants to be told something",
        "TriggerMessage",
        "TriggerMessage",
        {"message": ("requestedMessage", "requestedMessage"), "status": _STATUS},
    ),
    "unlock": NeutralMessage(
        "the CSMS wants a cable unlocked",
        "UnlockConnector",
        "UnlockConnector",
        {"evse": ("connectorId", "evseId"), "status": _STATUS},
    ),
    "availability": NeutralMessage(
        "the CSMS takes out of service, or puts back",
        "ChangeAvailability",
        "ChangeAvailability",
        {
            "evse": ("connectorId", "evse.id"),
            "wanted": ("type", "operationalStatus"),
            "status": _STATUS,
        },
    ),
}
"""By neutral name. In 1.6 ``evse`` is the connector's number, which is that of the EVSE where each EVSE has one."""

_OCCUPIED_16: Final = ("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing")


def values_in(version: Version, message: str, field: str, value: Any) -> Any:
    """A wanted value in a version's words: 1.6 has five words for a connector that is Occupied."""
    if version is Version.V16 and (message, field) == ("status", "status") and value == "Occupied":
        return list(_OCCUPIED_16)
    return value
