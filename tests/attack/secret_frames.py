"""Frames and handshakes with a marker in each place where a secret may stand."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any, Final

from tests.attack.way_in import basic
from tests.fuzz.wire import request

MARK: Final = "S3cr3tM4rk"  # followed by the number of its place


class Places:
    """Numbers the markers, so that a finding says where its marker was planted."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def mark(self) -> str:
        return f"{MARK}{next(self._numbers):03}"


def _profile(secret: str, password: str | None = None) -> dict[str, Any]:
    data = {"ocppInterface": "Wired0", "ocppTransport": "JSON", "messageTimeout": 30, "securityProfile": 1}
    data |= {"ocppCsmsUrl": f"wss://user:{secret}@csms.example/ocpp", "basicAuthPassword": password or secret}
    data["apn"] = {"apn": "x", "apnUserName": "u", "apnPassword": secret, "simPin": 1234, "apnAuthentication": "AUTO"}
    data["vpn"] = {"server": "x", "user": "u", "password": secret, "key": secret, "type": "IKEv2"}
    return {"configurationSlot": 1, "connectionData": data}


def _variables(name: str, secret: str) -> dict[str, Any]:
    where = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": name}}
    return {"setVariableData": [{**where, "attributeValue": secret}]}


def _report(name: str, secret: str) -> dict[str, Any]:
    where = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": name}}
    data = [{**where, "variableAttribute": [{"value": secret}]}]
    return {"requestId": 1, "generatedAt": "2026-01-01T00:00:00Z", "seqNo": 0, "reportData": data}


def _signed(payload: dict[str, Any]) -> dict[str, Any]:
    """As the standard signs: the payload in base64url."""
    inner = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return {"payload": inner, "signatures": [{"protected": "e30", "signature": "x"}]}


_NAMES_2X: Final = (
    "BasicAuthPassword",
    "basicauthpassword",
    "VendorSecretKey",
    "AuthorizationKey",
    "SimPin",
    "ApnPassword",
)
_URL = "ftp://user:{}@files.example/log"


def _calls_2x(places: Places) -> Iterator[tuple[str, dict[str, Any]]]:
    mark = places.mark
    yield "SetNetworkProfile", _profile(mark())
    yield "SetNetworkProfile", _profile(mark(), mark() * 10)  # too long: the error shows what it was
    for name in _NAMES_2X:
        yield "SetVariables", _variables(name, mark())
        yield "NotifyReport", _report(name, mark())
    yield "GetLog", {"requestId": 1, "logType": "X", "log": {"remoteLocation": _URL.format(mark())}}
    yield "UpdateFirmware", {"requestId": 1, "firmware": {"location": _URL.format(mark()), "retrieveDateTime": "x"}}
    yield "SetVariables-Signed", _signed(_variables("BasicAuthPassword", mark()))
    yield "Heartbeat", {"basicAuthPassword": mark()}
    yield "DataTransfer", {"vendorId": 1, "data": {"password": mark()}}


def _calls_16(places: Places) -> Iterator[tuple[str, dict[str, Any]]]:
    mark = places.mark
    for key in ("AuthorizationKey", "authorizationkey", "VendorPassword", "SimPin", "WifiPSK"):
        yield "ChangeConfiguration", {"key": key, "value": mark()}
        yield "ChangeConfiguration", {"key": key, "value": {"x": mark()}}
    yield "GetDiagnostics", {"location": _URL.format(mark())}
    yield "UpdateFirmware", {"location": _URL.format(mark()), "retrieveDate": 5}


def _answers(places: Places) -> Iterator[dict[str, Any]]:
    mark = places.mark
    yield {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": mark()}]}
    where = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    yield {"getVariableResult": [{**where, "attributeStatus": "Accepted", "attributeValue": mark()}]}


def _frames(
    calls: Iterator[tuple[str, dict[str, Any]]], answers: Iterator[dict[str, Any]], places: Places
) -> list[bytes]:
    """Each call whole, with an escaped name, and cut short; answers to nothing; an error that tells a secret."""
    made: list[bytes] = []
    for number, (action, payload) in enumerate(calls):
        whole = json.dumps([2, f"s{number}", action, payload], separators=(",", ":"))
        cut = whole[: whole.rindex(MARK) + len(MARK) + 3] if MARK in whole else whole[: len(whole) // 2]
        made += [whole.encode(), whole.replace("assword", "\\u0061ssword").encode(), cut.encode()]
        made.append(whole[:-1].encode() + b",{}]")
    made += [json.dumps([3, f"a{number}", payload]).encode() for number, payload in enumerate(answers)]
    made.append(
        json.dumps([4, "e", "GenericError", "no " + _URL.format(places.mark()), {"password": places.mark()}]).encode()
    )
    return made


def by_version() -> dict[str, list[bytes]]:
    """The frames for each subprotocol."""
    places = Places()
    return {
        "ocpp2.0.1": _frames(_calls_2x(places), _answers(places), places),
        "ocpp2.1": _frames(_calls_2x(places), _answers(places), places),
        "ocpp1.6": _frames(_calls_16(places), _answers(places), places),
    }


def doors() -> list[bytes]:
    """Handshakes with secrets: wrong passwords, passwords in the URL."""
    places = Places()
    return [
        request("/ocpp/EVIL-1", Authorization=basic("EVIL-1", places.mark())),
        request("/ocpp/EVIL-1", Authorization=basic("Other", places.mark())),
        request("/ocpp/EVIL-1", Authorization="Basic " + places.mark()),
        request("/ocpp/EVIL-1", Authorization="Bearer " + places.mark()),
        request(f"ws://EVIL-1:{places.mark()}@localhost/nowhere/EVIL-1"),
        request(f"/nowhere/EVIL-1?password={places.mark()}"),
    ]


def found_in(output: bytes) -> list[tuple[str, bytes]]:
    """The markers in an output, plain or in base64, each with a line that has it; no more than ten."""
    found: dict[str, bytes] = {}
    needles = [MARK.encode(), *_in_base64()]
    for line in output.split(b"\n"):
        for needle in needles:
            if (at := line.find(needle)) >= 0:
                found.setdefault(line[at : at + len(MARK) + 3].decode(errors="replace"), line[max(0, at - 150) :])
        if len(found) >= 10:
            break
    return list(found.items())


def _in_base64() -> list[bytes]:
    """How base64 of a longer text shows the marker, at each of three places."""
    shown = []
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + MARK.encode())
        shown.append(encoded[4 if shift else 0 : len(encoded) - 4])
    return shown
