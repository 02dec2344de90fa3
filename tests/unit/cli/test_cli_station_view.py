"""What the live view shows."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import pytest
from rich.console import Console
from rich.text import Text

from ocppflow.cli.station_view import draw
from ocppflow.station import CompleteStation, StationConfig
from ocppflow.station.config_file import make_config
from ocppflow.station.hardware import ElectricVehicle
from ocppflow.station.station_snapshot import StationSnapshot
from ocppflow.testing import ManualClock


def _shown(**changes: Any) -> StationSnapshot:
    station = CompleteStation(
        "CS1", "ws://127.0.0.1:9/ocpp", config=make_config("dc-fast-charger"), clock=ManualClock()
    )
    station.simulated.plug(1, 2, ElectricVehicle(soc=42.5))
    station.simulated.fault(3, "ground")
    return msgspec.structs.replace(station.snapshot(), **changes)


def _lines(shown: StationSnapshot, *, width: int = 130, height: int = 24, **more: Any) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    with console.capture() as capture:
        console.print(draw(shown, more.pop("messages", []), height=height, **more))
    return capture.get().splitlines()


def test_evses_connectors_evs_and_faults_are_shown() -> None:
    text = "\n".join(_lines(_shown(connection="connected", version="2.1", registration="Accepted")))
    for part in ("CS1", "DC Fast Charger", "connected", "OCPP 2.1", "Accepted", "2 cG105", "42.5 %", "GroundFailure"):
        assert part in text


@pytest.mark.parametrize("height", [14, 18, 24, 40])
@pytest.mark.parametrize("notice", [(), ("done",), ("a", "b", "c")])
def test_it_fills_the_terminal_and_the_typed_line_is_the_last(height: int, notice: tuple[str, ...]) -> None:
    messages = [Text(f"message {number}") for number in range(100)]
    lines = _lines(_shown(), height=height, messages=messages, notice=notice, typed="plug 1", cursor=6)
    assert len(lines) == height
    assert lines[-1].startswith("> plug 1")
    assert any("message 99" in line for line in lines) is (height - len(notice) > 11)


def test_a_small_terminal_shows_what_matters() -> None:
    lines = _lines(_shown(problems=["the disk is full"]), width=60, height=10, typed="x", cursor=1)
    assert any("the disk is full" in line for line in lines)
    assert lines[-1].startswith("> x")


def test_hostile_text_does_not_reach_the_terminal() -> None:
    lines = _lines(_shown(problems=["bad \x1b[2J\x07 news"]))
    assert "\x1b" not in "\n".join(lines)
    assert "\x07" not in "\n".join(lines)


def test_the_wait_for_the_next_attempt_is_shown() -> None:
    assert "waiting 12 s" in _lines(_shown(connection="waiting"), waits=12.2)[0]


def test_a_make_with_the_longest_names_fits() -> None:
    config = StationConfig(model="M" * 20, vendor="V" * 50)
    station = CompleteStation("I" * 48, "ws://127.0.0.1:9/ocpp", config=config, clock=ManualClock())
    assert all(len(line) <= 80 for line in _lines(station.snapshot(), width=80))
