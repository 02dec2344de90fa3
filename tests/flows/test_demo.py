"""The demo tells the truth: what it shows is what its trace holds, and what the flows did."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ocppflow.cli.app import run
from ocppflow.cli.conversation import Conversation, Entry
from ocppflow.trace import read_trace

REGISTER = "Energy.Active.Import.Register"
METERED = ("StartTransaction", "MeterValues", "StopTransaction", "TransactionEvent")


@pytest.fixture
def demo(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["demo", "--speed", "600", "--out", str(tmp_path)]) == 0
    return capsys.readouterr().out, tmp_path


LIMIT_AND_STOP = {
    "1.6": ["SetChargingProfile", "RemoteStopTransaction"],
    "2.0.1": ["SetChargingProfile", "RequestStopTransaction"],
    "2.1": ["SetChargingProfile", "RequestStopTransaction"],
}


def test_three_stations_boot_charge_are_limited_and_stopped_by_the_csms(demo: tuple[str, Path]) -> None:
    out, folder = demo
    conversation = Conversation()
    entries = [conversation.feed(record) for record in read_trace(folder / "demo.jsonl")]
    conversation.finish()
    for name, version in (("CS1", "1.6"), ("CS2", "2.0.1"), ("CS3", "2.1")):
        mine = [entry for entry in entries if entry.station == name]
        assert {entry.record.version for entry in mine} == {version}
        said = [entry.action for entry in mine if entry.kind == "CALL" and entry.toward == "CSMS"]
        told = [entry.action for entry in mine if entry.kind == "CALL" and entry.toward == "CS"]
        assert said.count("BootNotification") == 1
        assert {"Authorize", "SecurityEventNotification"} <= set(said)
        assert told == LIMIT_AND_STOP[version]
        assert all(entry.answered for entry in mine if entry.kind == "CALL")
        assert all(b'"Rejected"' not in entry.payload for entry in mine if entry.is_frame)
        registers = _registers(mine)
        assert max(registers) - registers[0] > 100
        assert max(registers) - registers[0] == pytest.approx(float(_row(out, name)["energy"]) * 1000, abs=5)
        assert _row(out, name)["transactions"] == "1"
    assert (folder / "demo.svg").read_text(encoding="utf-8").startswith("<svg")


def test_the_wrong_message_is_refused_with_its_reason(demo: tuple[str, Path]) -> None:
    out, folder = demo
    refused = [record for record in read_trace(folder / "demo.jsonl") if record.note.startswith("refused")]
    assert [record.identity for record in refused] == ["CS2"]
    assert "$.connectorStatus" in refused[0].note
    assert 'got "Charging"' in re.sub(r"\s+", " ", out)


def test_a_busy_port_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], busy_port: int) -> None:
    assert run(["demo", "--port", str(busy_port), "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"port {busy_port}: another program uses this port" in error


@pytest.fixture
def busy_port() -> object:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def _row(out: str, name: str) -> dict[str, str]:
    line = next(line for line in reversed(out.splitlines()) if line.split()[:1] == [name] and "kWh" in line)
    _, version, messages, transactions, energy, *_ = line.split()
    return {"version": version, "messages": messages, "transactions": transactions, "energy": energy}


def _registers(entries: list[Entry]) -> list[float]:
    """Wh, all values of the register in the station's own messages."""
    found: list[float] = []

    def look(value: object) -> None:
        if isinstance(value, dict):
            found.extend(float(value[name]) for name in ("meterStart", "meterStop") if name in value)
            whole = value.get("measurand", REGISTER) == REGISTER and "phase" not in value
            if "value" in value and whole and not isinstance(value["value"], dict):
                found.append(float(value["value"]))
            value = list(value.values())
        for each in value if isinstance(value, list) else ():
            look(each)

    for entry in entries:
        if entry.kind == "CALL" and entry.toward == "CSMS" and entry.action in METERED:
            look(json.loads(entry.payload))
    return found
