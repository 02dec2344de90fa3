"""The msgs that nodes send: Requests, Responses and Errors, connection events, the ocpp log.

``data`` is what the flow sees as ``payload.data``: JSON left as it came (``msgspec.Raw``), or plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ocppflow.csms import Station
from ocppflow.errors import CallTimeout, ConnectionLost, InvalidResponse, RemoteCallError, RemoteError
from ocppflow.messages.tolerance import Violation
from ocppflow.nodes.contract import ERROR, REQUEST, RESPONSE, Msg
from ocppflow.nodes.values import iso
from ocppflow.trace import TraceRecord
from ocppflow.transport.handshake import RefusedInfo
from ocppflow.transport.network import network_of


def request(
    version: str, cb_id: str, command: str, message_id: str, data: Any, violations: Sequence[Violation] = ()
) -> Msg:
    """A Request of the peer's."""
    return {
        "ocpp": _ocpp(version, cb_id, command, message_id, violations),
        "payload": {"msgType": REQUEST, "command": command, "data": data, "MessageId": message_id, "cbId": cb_id},
        "topic": f"{cb_id}/Request",
    }


def response(
    version: str, cb_id: str, command: str, message_id: str, data: Any, violations: Sequence[Violation] = ()
) -> Msg:
    """The Response to a Request of the flow's."""
    return {
        "ocpp": _ocpp(version, cb_id, command, message_id, violations),
        "payload": {"msgType": RESPONSE, "command": command, "data": data, "MessageId": message_id, "cbId": cb_id},
        "topic": f"{cb_id}/Response",
    }


def error(version: str, cb_id: str, command: str, message_id: str, exc: RemoteError) -> Msg:
    """What came instead of a Response; of one that the schema forbids, all that is wrong with it."""
    violations = exc.violations if isinstance(exc, InvalidResponse) else ()
    return {
        "ocpp": _ocpp(version, cb_id, command, message_id, violations),
        "payload": {
            "msgType": ERROR,
            "command": command,
            "error": _error(exc),
            "MessageId": message_id,
            "cbId": cb_id,
        },
        "topic": f"{cb_id}/Error",
    }


def _error(exc: RemoteError) -> dict[str, Any]:
    match exc:
        case RemoteCallError():
            return {"code": exc.code, "description": exc.description, "details": exc.details}
        case CallTimeout():
            code = "Timeout"
        case ConnectionLost():
            code = "ConnectionLost"
        case InvalidResponse():
            code = exc.code
        case _:
            code = "GenericError"
    return {"code": code, "description": str(exc), "details": {}, "local": True}


def _ocpp(version: str, cb_id: str, command: str, message_id: str, violations: Sequence[Violation]) -> dict[str, Any]:
    ocpp: dict[str, Any] = {
        "ocppVersion": version,
        "MessageId": message_id,
        "command": command,
        "cbId": cb_id,
    }
    if violations:
        ocpp["violations"] = [
            {"path": each.path, "expected": each.expected, "got": each.got, "code": each.code} for each in violations
        ]
    return ocpp


REFUSED: Final = "REFUSED"

#: RFC 6455 7.4.1. For connections that end without a word of their own.
_CLOSE_CODES: Final = {
    1000: "closed normally",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "closed without a code",
    1006: "lost without a closing handshake",
    1007: "invalid data",
    1008: "policy violation",
    1009: "message too big",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
}


def ending(code: int, reason: str) -> dict[str, Any]:
    """The payload of an OFFLINE event. The reason is never empty."""
    return {"code": code, "reason": reason or _CLOSE_CODES.get(code, f"closed with {code}")}


def station(each: Station) -> dict[str, Any]:
    """A connected station, as ``connections`` lists it and an ONLINE event tells of it."""
    peer = each.peer
    return {
        "since": iso(each.connected_at),
        "version": each.version.value,
        "remote": peer.address,
        "securityProfile": peer.security_profile,
        "lastSeen": iso(each.last_seen),
    }


class ConnectionEvent(dict[str, Any]):
    """A msg about a connection. Whoever cannot pass all of them on may merge them, and say in ``payload.more`` how
    many others one stands for."""

    @property
    def state(self) -> str:
        """ONLINE, OFFLINE or REFUSED."""
        state: str = self["ocpp"]["websocket"]
        return state

    @property
    def cb_id(self) -> str:
        """The station."""
        cb_id: str = self["ocpp"]["cbId"]
        return cb_id

    @property
    def count(self) -> int:
        """How many it stands for, itself among them."""
        return 1 + int(self["payload"].get("more", 0))

    @property
    def network(self) -> str:
        """Whose share it takes."""
        remote: str = self["payload"].get("remote", "")
        return network_of(remote.rpartition(":")[0])


def connection(cb_id: str, state: str, payload: dict[str, Any], version: str = "") -> ConnectionEvent:
    """A connection event; ``state`` is ONLINE, OFFLINE or REFUSED."""
    ocpp = {"websocket": state, "cbId": cb_id}
    if version:
        ocpp["ocppVersion"] = version
    return ConnectionEvent(ocpp=ocpp, payload=payload, topic=f"{cb_id}/Connection")


def refused(info: RefusedInfo) -> ConnectionEvent:
    """A peer was not let in."""
    about = {"reason": info.reason or "no reason was given", "status": info.status, "remote": info.address}
    if info.more:
        about["more"] = info.more
    return connection(info.identity, REFUSED, about)


def log_entry(record: TraceRecord, *, raw: bool) -> Msg:
    """A message as it travelled, without the secrets that no trace hook is handed. What is not JSON is a string."""
    data = record.data
    payload: Any
    try:
        payload = msgspec.json.decode(data)
        if raw:
            payload = msgspec.Raw(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        payload = data.decode("utf-8", "backslashreplace")
    sent_by_csms = (record.event == "out") is (record.role == "CSMS")
    return {
        "timestamp": round(record.time * 1000),
        "cbId": record.identity,
        "msgFrom": "CSMS" if sent_by_csms else "CS",
        "payload": payload,
    }
