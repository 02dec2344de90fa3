"""What the CSMS of the test cases answers where a scenario says nothing: whatever lets the station go on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ocppflow.check.heard import Heard
from ocppflow.messages import Version

_ACCEPTED = {
    "DataTransfer",
    "Get15118EVCertificate",
    "GetCertificateStatus",
    "NotifyEVChargingNeeds",
    "NotifyEVChargingSchedule",
    "SignCertificate",
    "OpenPeriodicEventStream",
    "PullDynamicScheduleUpdate",
}


def wire_time(moment: datetime) -> str:
    """As it is written in a message."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def usual_answer(heard: Heard[Any], version: Version, now: datetime, interval: int) -> dict[str, Any]:
    """The response's payload. ``interval``: the heartbeats'."""
    match heard.action:
        case "BootNotification":
            return {"currentTime": wire_time(now), "interval": interval, "status": "Accepted"}
        case "Heartbeat":
            return {"currentTime": wire_time(now)}
        case "Authorize" | "StartTransaction" | "StopTransaction" if version is Version.V16:
            answer: dict[str, Any] = {"idTagInfo": {"status": "Accepted"}}
            return {**answer, "transactionId": 1} if heard.action == "StartTransaction" else answer
        case "Authorize":
            return {"idTokenInfo": {"status": "Accepted"}}
        case "TransactionEvent" if "idToken" in heard.payload:
            return {"idTokenInfo": {"status": "Accepted"}}  # E01.FR.16, E05: whoever asks is told
        case "Get15118EVCertificate":
            return {"status": "Accepted", "exiResponse": ""}
        case "GetCertificateChainStatus":
            asked = heard.payload.get("certificateStatusRequests", [])
            return {"certificateStatus": [_good(each, now) for each in asked]}
        case "VatNumberValidation":
            return {"status": "Accepted", "vatNumber": heard.payload.get("vatNumber", "")}
    return {"status": "Accepted"} if heard.action in _ACCEPTED else {}


def _good(asked: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A certificate that has not been revoked."""
    told: dict[str, Any] = {name: asked[name] for name in ("certificateHashData", "source") if name in asked}
    return {**told, "status": "Good", "nextUpdate": wire_time(now + timedelta(days=1))}
