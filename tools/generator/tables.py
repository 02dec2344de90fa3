"""What the schema files do not say: who sends what, how OCPP 1.6 names its types, and where a schema is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

# Who sends a request. 1.6: chapter 6 of the specification and chapter 5 of the security white paper; 2.x: Part 2,
# "Messages, Datatypes & Enumerations" where the section names the sender, else the use case that sends it.
# What is not listed is sent by the CSMS. PublishFirmware goes to a Local Controller, which is a station to the CSMS.
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

# OCPP 1.6 schemas have no names for inner types; these are those of chapter 7 of the specification, by field.
# A key is "Schema/field" or "field" (then for every schema).
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
    """One correction of a schema file. ``apply`` changes the schema in place and must be harmless if repeated."""

    version: str
    schema: str
    source: str
    effect: str
    apply: Callable[[Schema], None]


def _at(schema: Schema, path: str) -> Schema:
    """The subschema of a field: ``"meterValue/sampledValue/unit"``; arrays are entered by themselves."""
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
        if name in info:  # the published file has them beside "properties"
            info["properties"][name] = info.pop(name)


_CELSIUS = ("Celsius", "Celcius")

# The 1.6 copies at hand hold some of these corrections already; an overlay makes the outcome independent of the copy.
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

# A list that must not be empty in one message only, although its type is shared with another: checked by that message.
# (1.6: the schema of MeterValues asks for sampled values, that of StopTransaction does not; both hold a MeterValue.)
NOT_EMPTY_WITHIN: dict[tuple[str, str], tuple[str, str]] = {
    ("1.6", "MeterValuesRequest"): ("meterValue", "sampledValue"),
}


def corrected(version: str, stem: str, schema: Schema) -> Schema:
    """The schema with every overlay for its file applied."""
    for overlay in OVERLAYS:
        if (overlay.version, overlay.schema) == (version, stem):
            overlay.apply(schema)
    return schema
