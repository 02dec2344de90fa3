"""The examples run as they stand, against each other and in every version they speak."""

from __future__ import annotations

import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ocppflow import CSMS, ChargingStation

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def csms() -> CSMS:
    return runpy.run_path(str(EXAMPLES / "csms_minimal.py"))["csms"]


async def test_the_minimal_station_charges_at_the_minimal_csms(csms: CSMS, capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(EXAMPLES / "station_minimal.py"))["main"]
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        await main(listener.url, "CS1", seconds=0)
    lines = capsys.readouterr().out.splitlines()
    assert "CS1: ocppflow Minimal has booted: PowerUp" in lines
    assert "CS1 EVSE 1 connector 1: Occupied" in lines
    assert "Started: the token is Accepted" in lines
    assert lines[-1].endswith("is over")


def boot_2x() -> dict[str, Any]:
    return {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}


def event(kind: str, number: int) -> dict[str, Any]:
    return {
        "eventType": kind,
        "timestamp": datetime.now(UTC).isoformat(),
        "triggerReason": "Authorized",
        "seqNo": number,
        "transactionInfo": {"transactionId": "t1"},
        "idToken": {"idToken": "A1", "type": "Central"},
    }


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_the_minimal_csms_answers_a_2x_station(csms: CSMS, version: str) -> None:
    listener = csms.listen("ws://127.0.0.1:0/ocpp")
    async with listener, ChargingStation("CS1", listener.url, versions=[version]) as cs:
        assert (await cs.call_raw("BootNotification", boot_2x())).message.status == "Accepted"
        assert (await cs.call_raw("Heartbeat")).message.current_time <= datetime.now(UTC)
        answer = await cs.call_raw("TransactionEvent", event("Started", 0))
        assert answer.message.id_token_info.status == "Accepted"


async def test_the_minimal_csms_answers_a_1_6_station(csms: CSMS) -> None:
    stamp = datetime.now(UTC).isoformat()
    listener = csms.listen("ws://127.0.0.1:0/ocpp")
    async with listener, ChargingStation("CS1", listener.url, versions=["1.6"]) as cs:
        boot = await cs.call_raw("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"})
        assert boot.message.status == "Accepted"
        assert (await cs.call_raw("Heartbeat")).message.current_time <= datetime.now(UTC)
        await cs.call_raw("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
        started = await cs.call_raw(
            "StartTransaction", {"connectorId": 1, "idTag": "A1", "meterStart": 10, "timestamp": stamp}
        )
        again = await cs.call_raw(
            "StartTransaction", {"connectorId": 2, "idTag": "A1", "meterStart": 10, "timestamp": stamp}
        )
        assert again.message.transaction_id != started.message.transaction_id
        values = [{"timestamp": stamp, "sampledValue": [{"value": "20"}]}]
        await cs.call_raw("MeterValues", {"connectorId": 1, "meterValue": values})
        number = started.message.transaction_id
        await cs.call_raw("StopTransaction", {"transactionId": number, "meterStop": 30, "timestamp": stamp})
