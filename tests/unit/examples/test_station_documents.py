"""docs/station.md and docs/hardware.md say what is so, and the example over a serial line charges."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ocppflow import CSMS
from ocppflow.cli.app import run
from ocppflow.control.control_app import control_app
from ocppflow.station import CompleteStation
from ocppflow.station.awkward_words import HABITS
from ocppflow.station.config_file import MAKES, parse_config
from ocppflow.station.hands import Hands
from ocppflow.station.hardware import FAULTS, ElectricVehicle, EvseHardware, Hardware, HardwareEvents
from ocppflow.station.station_commands import VERBS
from ocppflow.testing import ManualClock

ROOT = Path(__file__).parents[3]
STATION = (ROOT / "docs" / "station.md").read_text(encoding="utf-8")
HARDWARE = (ROOT / "docs" / "hardware.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "examples" / "serial_hardware.py").read_text(encoding="utf-8")


def test_the_example_is_the_one_in_the_document_and_short() -> None:
    assert f"```python\n{EXAMPLE}```" in HARDWARE
    code = [line for line in EXAMPLE.splitlines() if line.strip()]
    assert len(code) <= 70


@pytest.mark.parametrize("kind", [Hardware, EvseHardware, HardwareEvents])
def test_all_of_the_interface_is_told_of(kind: type) -> None:
    names = [name for name in vars(kind) if not name.startswith("_")]
    assert names
    assert not [name for name in names if not re.search(rf"\b{name}\b", HARDWARE)]


def test_faults_and_fields_of_an_ev_are_told_of() -> None:
    assert all(f"| `{code}` | {text} |" in HARDWARE for code, text in FAULTS.items())
    assert all(f"`{name}`" in HARDWARE for name in ElectricVehicle.__struct_fields__)


def test_commands_makes_and_habits_are_told_of() -> None:
    assert all(f"| `{verb.usage}` | {verb.help} |" in STATION for verb in VERBS.values())
    assert all(f"| `{name}` | {text} |" in STATION for name, text in MAKES.items())
    assert all(f"| {', '.join(habit.versions)} | {habit.says} |" in STATION for habit in HABITS)


def test_options_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["station", "--help"]) == 0
    options = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert len(options) > 15
    assert not [option for option in options if f"{option} " not in STATION and f"{option}`" not in STATION]


def test_verbs_and_paths_are_told_of() -> None:
    verbs = [name for name in vars(Hands) if not name.startswith("_")]
    assert not {verb for verb in verbs if f"{verb}(" not in STATION} - {"simulated", "hardware"}
    station = CompleteStation("CS1", "ws://127.0.0.1:9/ocpp", clock=ManualClock())
    for path in control_app(station).openapi_schema.paths or {}:
        assert path in STATION or f"`/{path.rpartition('/')[2]}`" in STATION, path


def test_the_config_in_the_document_loads() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", STATION, re.DOTALL)
    config = parse_config(text)
    assert (config.model, config.evses[0].connectors[0].type) == ("Garage", "sType2")


# --- the example ---------------------------------------------------------------------------------------------------


@pytest.fixture
def fake_board(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import fake_board

    yield fake_board
    for name in ("fake_board", "serial_hardware"):
        del sys.modules[name]


class Listener:
    """A CSMS that keeps TransactionEvents, and says when one has come that is waited for."""

    def __init__(self) -> None:
        self.csms = CSMS()
        self.csms.on_any(self._answer)
        self.events: list[dict[str, Any]] = []
        self._came = asyncio.Event()
        self.registered = asyncio.Event()

    def _answer(self, station: Any, call: Any) -> Any:
        if call.action == "TransactionEvent":
            self.events.append(call.data)
            self._came.set()
        if call.action == "NotifyEvent":  # which nobody sends before
            self.registered.set()
        if call.action == "BootNotification":
            return {"currentTime": datetime.now(UTC), "interval": 300, "status": "Accepted"}
        return {"idTokenInfo": {"status": "Accepted"}} if call.action in ("Authorize", "TransactionEvent") else {}

    async def until(self, **fields: Any) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while True:
                for event in self.events:
                    flat = {**event, **event["transactionInfo"]}
                    if all(flat.get(name) == value for name, value in fields.items()):
                        return event
                self._came.clear()
                await self._came.wait()


async def test_the_example_charges_over_its_serial_line(fake_board: Any) -> None:
    listener = Listener()
    async with listener.csms.listen("ws://127.0.0.1:0/ocpp") as port:
        board = fake_board.FakeBoard()
        async with fake_board.station_over(board, port.url) as station:
            await asyncio.wait_for(listener.registered.wait(), 20)
            board.plug("B")
            board.swipe("04A1B2C3")
            await listener.until(eventType="Started")
            board.plug("C")
            await listener.until(chargingState="Charging")
            assert (board.closed, board.amps) == (True, 16.0)
            board.pass_time(3600)
            board.unplug()
            ended = await listener.until(eventType="Ended")
            assert ended["transactionInfo"]["stoppedReason"] == "EVDisconnected"
            meters = [value for meter in ended["meterValue"] for value in meter["sampledValue"]]
            registers = [each["value"] for each in meters if each["measurand"] == "Energy.Active.Import.Register"]
            assert registers[-1] == pytest.approx(5000 + 3 * 230 * 16)
            assert station.snapshot().evses[0].ev is None
        assert not board.closed
