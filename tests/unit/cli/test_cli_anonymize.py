"""``ocppflow trace --anonymize``: nothing is left that says whose it is, alike stays alike, and it still replays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scenario.honest_csms import played
from tests.unit.scenario.test_replay import replayed

from ocppflow.cli.anonymizing import anonymized
from ocppflow.cli.app import run
from ocppflow.messages import Version, request_type
from ocppflow.messages.codec import decoded
from ocppflow.trace import TraceRecord, read_trace, to_line

PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----\n"
SAID: list[tuple[Version, str, dict[str, Any]]] = [
    (
        Version.V201,
        "BootNotification",
        {
            "reason": "PowerUp",
            "chargingStation": {
                "model": "Box 9",
                "vendorName": "Acme",
                "serialNumber": "SN-77-0815",
                "modem": {"iccid": "8949000000000012345", "imsi": "262011234567890"},
            },
        },
    ),
    (
        Version.V16,
        "BootNotification",
        {"chargePointModel": "Box 9", "chargePointVendor": "Acme", "chargePointSerialNumber": "SN-77-0815"},
    ),
    (Version.V16, "Authorize", {"idTag": "04A1B2C3D4E5F6"}),
    (Version.V201, "Authorize", {"idToken": {"idToken": "04A1B2C3D4E5F6", "type": "ISO14443"}, "certificate": PEM}),
    (
        Version.V201,
        "SecurityEventNotification",
        {
            "type": "X",
            "timestamp": "2026-01-01T00:00:00Z",
            "techInfo": "card 04A1B2C3D4E5F6 at DE*ABC*E1 from 10.20.30.40 fe80::1:2 00:1a:2B:3c:4d:5e a@b.de "
            "wss://csms.acme.example/ocpp/DE*ABC*E1",
        },
    ),
    (
        Version.V201,
        "NotifyReport",
        {
            "requestId": 1,
            "generatedAt": "2026-01-01T00:00:00Z",
            "seqNo": 0,
            "reportData": [
                {
                    "component": {"name": "ChargingStation"},
                    "variable": {"name": "SerialNumber"},
                    "variableAttribute": [{"type": "Actual", "value": "SN-77-0815"}],
                },
                {
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": "HeartbeatInterval"},
                    "variableAttribute": [{"type": "Actual", "value": "300"}],
                },
            ],
        },
    ),
]
SECRETS = (
    *("SN-77-0815", "8949000000000012345", "262011234567890", "04A1B2C3D4E5F6", "MIIBszCCAVmgAwIBAgIUQ", "DE*ABC*E1"),
    *("10.20.30.40", "fe80::1:2", "00:1a:2B:3c:4d:5e", "a@b.de", "csms.acme", "203.0.113.99:4711"),
)


def records() -> list[TraceRecord]:
    made = [TraceRecord(0.0, "DE*ABC*E1", "connected", "CSMS", "2.0.1", "10.20.30.40:4711")]
    for number, (version, action, payload) in enumerate(SAID):
        data = json.dumps([2, f"id{number}", action, payload]).encode()
        made.append(TraceRecord(float(number), "DE*ABC*E1", "in", "CSMS", version.value, "10.20.30.40:4711", data=data))
    answer = {"configurationKey": [{"key": "SerialNumber", "readonly": True, "value": "SN-77-0815"}]}
    made.append(TraceRecord(9.0, "DE*ABC*E1", "in", "CSMS", "1.6", data=json.dumps([3, "x", answer]).encode()))
    made.append(
        TraceRecord(9.0, "DE*ABC*E1", "in", "CSMS", "1.6", data=b'[2,"x","Authorize",{"idTag":"04A1B2C3D4E5F6"')
    )
    made.append(TraceRecord(9.0, "DE*ABC*E1", "disconnected", "CSMS", note="DE*ABC*E1 went away"))
    return made


def test_nothing_that_says_whose_it_is_is_left() -> None:
    text = b"".join(map(to_line, anonymized(records()))).decode()
    assert [secret for secret in SECRETS if secret in text] == []
    for kept in ("Box 9", "Acme", "HeartbeatInterval", "300", "PowerUp", ":4711"):
        assert kept in text


def test_alike_stays_alike_and_valid() -> None:
    made = list(anonymized(records()))
    payloads = [json.loads(record.data)[3] for record in made[1 : 1 + len(SAID)]]
    assert payloads[2]["idTag"] == payloads[3]["idToken"]["idToken"] != ""
    serial = payloads[0]["chargingStation"]["serialNumber"]
    assert payloads[1]["chargePointSerialNumber"] == serial
    assert payloads[5]["reportData"][0]["variableAttribute"][0]["value"] == serial
    assert json.loads(made[len(SAID) + 1].data)[2]["configurationKey"][0]["value"] == serial
    assert payloads[4]["techInfo"].startswith(f"card {payloads[2]['idTag']} at {made[0].identity} from 192.0.2.1 ")
    for (version, action, _), payload in zip(SAID, payloads, strict=True):
        decoded(request_type(version, action), msgspec.json.encode(payload))
    assert {record.identity for record in made} == {"STATION1"}
    assert [record.address for record in made[:2]] == ["192.0.2.1:4711"] * 2
    assert made[-1].note == "STATION1 went away"


@pytest.mark.parametrize("version", Version)
def test_it_still_replays(version: Version, tmp_path: Path) -> None:
    source, target = tmp_path / "t.jsonl", tmp_path / "a.jsonl"
    source.write_bytes(b"".join(map(to_line, played("late-meter-values", version).records)))
    assert run(["trace", str(source), "--anonymize", str(target)]) == 0
    assert target.stat().st_mode & 0o077 == 0
    made = list(read_trace(target))
    assert b"04A1B2C3D4E5F6" not in target.read_bytes()
    result, _, _ = replayed(made, version)
    assert [(each.action, each.path, each.old, each.new) for each in result.differences] == []
    assert result.said > 5


def test_it_does_not_write_over_the_trace(tmp_path: Path) -> None:
    source = tmp_path / "t.jsonl"
    source.write_bytes(b"".join(map(to_line, records())))
    assert run(["trace", str(source), "--anonymize", str(source)]) == 2
    assert run(["trace", str(source), "--anonymize", str(tmp_path / "a"), "--json"]) == 2
    assert b"SN-77-0815" in source.read_bytes()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), min_size=1, max_size=8))
def test_stand_ins_are_as_different_as_what_they_stand_for(tokens: list[str]) -> None:
    frames = [json.dumps([2, "1", "Authorize", {"idTag": token}]).encode() for token in tokens]
    made = [
        json.loads(record.data)[3]["idTag"]
        for record in anonymized(TraceRecord(0.0, "A", "in", "CSMS", "1.6", data=data) for data in frames)
    ]
    assert [tokens.index(token) for token in tokens] == [made.index(token) for token in made]
    assert all(len(token) <= 20 for token in made)
