"""What is attacked: a CSMS and stations of ours with a few handlers that answer at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from ocppflow import CSMS, ChargingStation
from ocppflow.errors import NotSupported
from ocppflow.messages import Role, Version, request_type

_CSMS_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "BootNotification": {"interval": 300, "status": "Accepted"},
    "DataTransfer": {"status": "Accepted"},
    "Heartbeat": {},
    "MeterValues": {},
    "StatusNotification": {},
}
_STATION_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "ClearCache": {"status": "Accepted"},
    "DataTransfer": {"status": "Accepted"},
    "Reset": {"status": "Accepted"},
}
_TIMED: Final = {"BootNotification", "Heartbeat"}

#: A call that each role answers, to know that all before it has been answered.
SENTINEL: Final = {
    Role.CSMS: b'[2,"sentinel","Heartbeat",{}]',
    Role.CS: b'[2,"sentinel","ClearCache",{}]',
}


def csms_to_attack(**settings: Any) -> CSMS:
    """A CSMS that answers some actions and refuses the rest."""
    csms = CSMS(**settings)

    def known(station: Any, request: Any) -> dict[str, Any]:
        action = type(request).__name__.removesuffix("Request")
        times = {"currentTime": datetime.now(UTC)} if action in _TIMED else {}
        return _CSMS_ANSWERS[action] | times

    for version in Version:
        for action in _CSMS_ANSWERS:
            csms.on(request_type(version, action))(known)
    return csms


def station_to_attack(identity: str, url: str, **settings: Any) -> ChargingStation:
    """A station that answers some actions and refuses the rest."""
    station = ChargingStation(identity, url, **settings)

    @station.on_any
    def answer(station: ChargingStation, call: Any) -> dict[str, Any]:
        if call.action not in _STATION_ANSWERS:
            raise NotSupported(f"{call.action} is not for now")
        return _STATION_ANSWERS[call.action]

    return station
