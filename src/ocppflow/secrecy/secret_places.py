"""Where the messages of the standard hold secrets: one list for each version. A test compares it with the official
schemas, so that a field that a new edition adds and that is named like a secret does not go unnoticed.

What else is a secret, a name tells (:mod:`ocppflow.secrecy.secret_names`): a vendor's keys and fields, customData.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class SecretKind(Enum):
    """What makes a secret of the value in such a place."""

    FIELD = "always"
    VALUE = "if its variable, component or configuration key has the name of a secret"
    PIN = "if its type is KeyCode, a private key-code such as a PIN (2.0.1 Part 2, IdTokenEnumType)"
    URL = "the user and the password in a URL"
    TEXT = "what a vendor's JSON or text in it names as a secret"


_FIELD, _VALUE, _PIN, _URL, _TEXT = SecretKind

_V16: Final = {
    "ChangeConfigurationRequest.value": _VALUE,
    "DataTransferRequest.data": _TEXT,
    "DataTransferResponse.data": _TEXT,
    "GetConfigurationResponse.configurationKey[*].value": _VALUE,
    "GetDiagnosticsRequest.location": _URL,
    "GetLogRequest.log.remoteLocation": _URL,
    "SignedUpdateFirmwareRequest.firmware.location": _URL,
    "UpdateFirmwareRequest.location": _URL,
}
_V201: Final = {
    "AuthorizeRequest.idToken.additionalInfo[*].additionalIdToken": _PIN,
    "AuthorizeRequest.idToken.idToken": _PIN,
    "AuthorizeRequest.iso15118CertificateHashData[*].responderURL": _URL,
    "AuthorizeResponse.idTokenInfo.groupIdToken.additionalInfo[*].additionalIdToken": _PIN,
    "AuthorizeResponse.idTokenInfo.groupIdToken.idToken": _PIN,
    "CustomerInformationRequest.idToken.additionalInfo[*].additionalIdToken": _PIN,
    "CustomerInformationRequest.idToken.idToken": _PIN,
    "DataTransferRequest.data": _TEXT,
    "DataTransferResponse.data": _TEXT,
    "GetCertificateStatusRequest.ocspRequestData.responderURL": _URL,
    "GetLogRequest.log.remoteLocation": _URL,
    "GetVariablesResponse.getVariableResult[*].attributeValue": _VALUE,
    "NotifyEventRequest.eventData[*].actualValue": _VALUE,
    "NotifyEventRequest.eventData[*].techInfo": _VALUE,
    "NotifyReportRequest.reportData[*].variableAttribute[*].value": _VALUE,
    "PublishFirmwareRequest.location": _URL,
    "PublishFirmwareStatusNotificationRequest.location[*]": _URL,
    "RequestStartTransactionRequest.groupIdToken.additionalInfo[*].additionalIdToken": _PIN,
    "RequestStartTransactionRequest.groupIdToken.idToken": _PIN,
    "RequestStartTransactionRequest.idToken.additionalInfo[*].additionalIdToken": _PIN,
    "RequestStartTransactionRequest.idToken.idToken": _PIN,
    "ReserveNowRequest.groupIdToken.additionalInfo[*].additionalIdToken": _PIN,
    "ReserveNowRequest.groupIdToken.idToken": _PIN,
    "ReserveNowRequest.idToken.additionalInfo[*].additionalIdToken": _PIN,
    "ReserveNowRequest.idToken.idToken": _PIN,
    "SendLocalListRequest.localAuthorizationList[*].idToken.additionalInfo[*].additionalIdToken": _PIN,
    "SendLocalListRequest.localAuthorizationList[*].idToken.idToken": _PIN,
    "SendLocalListRequest.localAuthorizationList[*].idTokenInfo.groupIdToken.additionalInfo[*].additionalIdToken": _PIN,
    "SendLocalListRequest.localAuthorizationList[*].idTokenInfo.groupIdToken.idToken": _PIN,
    "SetNetworkProfileRequest.connectionData.apn.apnPassword": _FIELD,
    "SetNetworkProfileRequest.connectionData.apn.simPin": _FIELD,
    "SetNetworkProfileRequest.connectionData.ocppCsmsUrl": _URL,
    "SetNetworkProfileRequest.connectionData.vpn.key": _FIELD,
    "SetNetworkProfileRequest.connectionData.vpn.password": _FIELD,
    "SetNetworkProfileRequest.connectionData.vpn.server": _URL,
    "SetVariablesRequest.setVariableData[*].attributeValue": _VALUE,
    "TransactionEventRequest.idToken.additionalInfo[*].additionalIdToken": _PIN,
    "TransactionEventRequest.idToken.idToken": _PIN,
    "TransactionEventResponse.idTokenInfo.groupIdToken.additionalInfo[*].additionalIdToken": _PIN,
    "TransactionEventResponse.idTokenInfo.groupIdToken.idToken": _PIN,
    "UpdateFirmwareRequest.firmware.location": _URL,
}
_V21: Final = _V201 | {
    "BatterySwapRequest.idToken.additionalInfo[*].additionalIdToken": _PIN,
    "BatterySwapRequest.idToken.idToken": _PIN,
    "GetCertificateChainStatusRequest.certificateStatusRequests[*].urls[*]": _URL,
    "NotifySettlementRequest.receiptUrl": _URL,
    "NotifySettlementResponse.receiptUrl": _URL,
    "RequestBatterySwapRequest.idToken.additionalInfo[*].additionalIdToken": _PIN,
    "RequestBatterySwapRequest.idToken.idToken": _PIN,
    "SetNetworkProfileRequest.connectionData.basicAuthPassword": _FIELD,
}

PLACES: Final[Mapping[str, Mapping[str, SecretKind]]] = MappingProxyType({"1.6": _V16, "2.0.1": _V201, "2.1": _V21})
"""Version -> message and path of a field -> what makes it a secret."""

FIELDS: Final = frozenset(
    path.rpartition(".")[2].lower()
    for places in PLACES.values()
    for path, kind in places.items()
    if kind is SecretKind.FIELD and not path.endswith(".key")
)
"""The names of fields that are secrets whatever stands beside them, in lower case: a ``key`` is one in a VPN alone."""
