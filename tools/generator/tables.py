"""What the schema files lack: who sends what, the names of types in OCPP 1.6, and corrections of faulty schemas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

# The requests that the station sends; the CSMS sends all others. 1.6: chapter 6 of the specification and chapter 5 of
# the security white paper. 2.x: Part 2, "Messages, Datatypes & Enumerations" where it names the sender, otherwise the
# use case. PublishFirmware goes to a Local Controller, which is a station from the point of view of the CSMS.
# fmt: off
SENT_BY_STATION: dict[str, frozenset[str]] = {
    "1.6": frozenset(
        {
        "Authorize", "BootNotification", "DiagnosticsStatusNotification",
        "FirmwareStatusNotification", "Heartbeat", "LogStatusNotification", "MeterValues",
        "SecurityEventNotification", "SignCertificate", "SignedFirmwareStatusNotification",
        "StartTransaction", "StatusNotification", "StopTransaction",
        }
    ),
    "2.0.1": frozenset(
        {
        "Authorize", "BootNotification", "ClearedChargingLimit", "FirmwareStatusNotification",
        "Get15118EVCertificate", "GetCertificateStatus", "Heartbeat", "LogStatusNotification",
        "MeterValues", "NotifyChargingLimit", "NotifyCustomerInformation", "NotifyDisplayMessages",
        "NotifyEVChargingNeeds", "NotifyEVChargingSchedule", "NotifyEvent", "NotifyMonitoringReport",
        "NotifyReport", "PublishFirmwareStatusNotification", "ReportChargingProfiles",
        "ReservationStatusUpdate", "SecurityEventNotification", "SignCertificate",
        "StatusNotification", "TransactionEvent",
        }
    ),
}
SENT_BY_STATION["2.1"] = SENT_BY_STATION["2.0.1"] | frozenset(
    {
        "BatterySwap", "ClosePeriodicEventStream", "GetCertificateChainStatus", "NotifyDERAlarm",
        "NotifyDERStartStop", "NotifyPeriodicEventStream", "NotifyPriorityCharging",
        "NotifySettlement", "OpenPeriodicEventStream", "PullDynamicScheduleUpdate",
        "ReportDERControl", "VatNumberValidation",
        }
)
# fmt: on
SENT_BY_BOTH = frozenset({"DataTransfer"})

# The schemas of OCPP 1.6 do not name inner types. These are the names from chapter 7 of the specification, by
# "Schema/field" or, for all schemas, by "field".
NAMES_16: dict[str, str] = {
    "chargingProfile": "ChargingProfile",
    "csChargingProfiles": "ChargingProfile",
    "chargingSchedule": "ChargingSchedule",
    "chargingSchedulePeriod": "ChargingSchedulePeriod",
    "configurationKey": "KeyValue",
    "idTagInfo": "IdTagInfo",
    "localAuthorizationList": "AuthorizationData",
    "meterValue": "MeterValue",
    "sampledValue": "SampledValue",
    "transactionData": "MeterValue",
    "BootNotificationResponse/status": "RegistrationStatus",
    "CancelReservationResponse/status": "CancelReservationStatus",
    "ChangeAvailabilityRequest/type": "AvailabilityType",
    "ChangeAvailabilityResponse/status": "AvailabilityStatus",
    "ChangeConfigurationResponse/status": "ConfigurationStatus",
    "ClearCacheResponse/status": "ClearCacheStatus",
    "ClearChargingProfileResponse/status": "ClearChargingProfileStatus",
    "DataTransferResponse/status": "DataTransferStatus",
    "DiagnosticsStatusNotificationRequest/status": "DiagnosticsStatus",
    "FirmwareStatusNotificationRequest/status": "FirmwareStatus",
    "GetCompositeScheduleResponse/status": "GetCompositeScheduleStatus",
    "IdTagInfo/status": "AuthorizationStatus",
    "RemoteStartTransactionResponse/status": "RemoteStartStopStatus",
    "RemoteStopTransactionResponse/status": "RemoteStartStopStatus",
    "ReserveNowResponse/status": "ReservationStatus",
    "ResetRequest/type": "ResetType",
    "ResetResponse/status": "ResetStatus",
    "SendLocalListResponse/status": "UpdateStatus",
    "SetChargingProfileResponse/status": "ChargingProfileStatus",
    "StatusNotificationRequest/status": "ChargePointStatus",
    "TriggerMessageResponse/status": "TriggerMessageStatus",
    "UnlockConnectorResponse/status": "UnlockStatus",
    "chargingProfileKind": "ChargingProfileKindType",
    "chargingProfilePurpose": "ChargingProfilePurposeType",
    "chargingRateUnit": "ChargingRateUnitType",
    "context": "ReadingContext",
    "errorCode": "ChargePointErrorCode",
    "format": "ValueFormat",
    "location": "Location",
    "measurand": "Measurand",
    "phase": "Phase",
    "reason": "Reason",
    "recurrencyKind": "RecurrencyKindType",
    "requestedMessage": "MessageTrigger",
    "unit": "UnitOfMeasure",
    "updateType": "UpdateType",
}


@dataclass(frozen=True)
class Overlay:
    """A correction of a schema file. ``apply`` changes the schema in place; applying it twice must do no harm."""

    version: str
    schema: str
    source: str
    effect: str
    apply: Callable[[Schema], None]


def _at(schema: Schema, path: str) -> Schema:
    """The subschema of a field such as ``"meterValue/sampledValue/unit"``; the items of arrays are implied."""
    for name in path.split("/"):
        schema = schema["properties"][name]
        schema = schema.get("items", schema)
    return schema


def _allow(path: str, *values: str) -> Callable[[Schema], None]:
    def apply(schema: Schema) -> None:
        enum = _at(schema, path)["enum"]
        enum.extend(v for v in values if v not in enum)

    return apply


def _integer(*paths: str) -> Callable[[Schema], None]:
    def apply(schema: Schema) -> None:
        for path in paths:
            _at(schema, path)["type"] = "integer"

    return apply


def _optional(name: str) -> Callable[[Schema], None]:
    def apply(schema: Schema) -> None:
        schema["required"] = [n for n in schema["required"] if n != name]

    return apply


def _id_tag_info(schema: Schema) -> None:
    info = _at(schema, "localAuthorizationList/idTagInfo")
    for name in ("expiryDate", "parentIdTag"):
        if name in info:  # the published file has them next to "properties" instead of inside
            info["properties"][name] = info.pop(name)


_CELSIUS = ("Celsius", "Celcius")

# Some copies of the 1.6 schemas already contain some of these corrections; with the overlays the result is the same.
OVERLAYS: tuple[Overlay, ...] = (
    Overlay("1.6", "MeterValues", "OCPP-J 1.6 errata 2025-04, 2.1", "both spellings of Celsius",
            _allow("meterValue/sampledValue/unit", *_CELSIUS)),
    Overlay("1.6", "StopTransaction", "OCPP-J 1.6 errata 2025-04, 2.1", "both spellings of Celsius",
            _allow("transactionData/sampledValue/unit", *_CELSIUS)),
    Overlay("1.6", "SendLocalList", "OCPP-J 1.6 errata 2.3", "expiryDate and parentIdTag are properties", _id_tag_info),
    Overlay("1.6", "BootNotificationResponse", "OCPP-J 1.6 errata 2.4", "interval is an integer", _integer("interval")),
    Overlay("1.6", "UpdateFirmware", "OCPP-J 1.6 errata 2.5", "retries and retryInterval are integers",
            _integer("retries", "retryInterval")),
    Overlay("1.6", "StopTransaction", "OCPP-J 1.6 errata 2.6", "reason is optional", _optional("reason")),
    Overlay("1.6", "MeterValues", "OCPP 1.6 errata 3.86", "the unit of Frequency is Hertz",
            _allow("meterValue/sampledValue/unit", "Hertz")),
    Overlay("1.6", "StopTransaction", "OCPP 1.6 errata 3.86", "the unit of Frequency is Hertz",
            _allow("transactionData/sampledValue/unit", "Hertz")),
)  # fmt: skip

# Lists that must not be empty in one message, although another message shares their type: the message checks them.
# (1.6: both MeterValues and StopTransaction contain MeterValue, but only MeterValues requires sampled values in it.)
NOT_EMPTY_WITHIN: dict[tuple[str, str], tuple[str, str]] = {
    ("1.6", "MeterValuesRequest"): ("meterValue", "sampledValue"),
}


def corrected(version: str, stem: str, schema: Schema) -> Schema:
    """The schema with every overlay for its file applied."""
    for overlay in OVERLAYS:
        if (overlay.version, overlay.schema) == (version, stem):
            overlay.apply(schema)
    return schema
