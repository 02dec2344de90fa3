"""Handlers of ours for what the peers in these tests say, in each version."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from ocppflow import CSMS, ChargingStation, Station
from ocppflow.messages import Version, request_type

_CSMS_ANSWERS: dict[str, dict[str, Any]] = {
    "BootNotification": {"interval": 300, "status": "Accepted"},
    "Heartbeat": {},
    "StatusNotification": {},
    "MeterValues": {},
}
_CSMS_ANSWERS_16: dict[str, dict[str, Any]] = {
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "StartTransaction": {"idTagInfo": {"status": "Accepted"}},
    "StopTransaction": {},
}
_CSMS_ANSWERS_2: dict[str, dict[str, Any]] = {
    "Authorize": {"idTokenInfo": {"status": "Accepted"}},
    "TransactionEvent": {"idTokenInfo": {"status": "Accepted"}},
}
_TIMED = {"BootNotification", "Heartbeat"}


def message(version: Version, action: str) -> Any:
    """The request type of ``action``."""
    return request_type(version, action)


def answer_as_csms(csms: CSMS, version: Version) -> list[str]:
    """Give ``csms`` what a charging session needs; the actions heard are noted in the list returned."""
    heard: list[str] = []
    numbers = itertools.count(1)
    answers = _CSMS_ANSWERS | (_CSMS_ANSWERS_16 if version is Version.V16 else _CSMS_ANSWERS_2)

    def register(action: str, answer: dict[str, Any]) -> None:
        @csms.on(request_type(version, action))
        async def handler(station: Station, request: Any) -> dict[str, Any]:
            heard.append(action)
            extra: dict[str, Any] = {"currentTime": datetime.now(UTC)} if action in _TIMED else {}
            if action == "StartTransaction":
                extra["transactionId"] = next(numbers)
            return answer | extra

    for action, answer in answers.items():
        register(action, answer)
    return heard


def answer_as_station(station: ChargingStation, version: Version) -> list[tuple[str, str]]:
    """Have ``station`` accept a Reset; what is asked for is noted in the list returned."""
    heard: list[tuple[str, str]] = []

    @station.on(request_type(version, "Reset"))
    async def reset(station: ChargingStation, request: Any) -> dict[str, Any]:
        heard.append(("Reset", request.type))
        return {"status": "Accepted"}

    return heard


def boot_payload(version: Version, vendor: str = "Ours") -> dict[str, Any]:
    """A BootNotification in wire names."""
    if version is Version.V16:
        return {"chargePointVendor": vendor, "chargePointModel": "Wallbox"}
    return {"chargingStation": {"vendorName": vendor, "model": "Wallbox"}, "reason": "PowerUp"}


def status_payload(version: Version) -> dict[str, Any]:
    """A StatusNotification in wire names."""
    if version is Version.V16:
        return {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    return {"timestamp": iso_now(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}


def iso_now() -> str:
    """The time as the standard writes it."""
    return datetime.now(UTC).isoformat()


def reset_kind(version: Version) -> str:
    """A type of Reset that the version knows."""
    return "Soft" if version is Version.V16 else "OnIdle"
