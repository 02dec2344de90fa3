"""What docs/device-model.md shows is so: its config is one, and its functions do what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from station_world import StationWorld
from variable_steps import status

from ocppflow.messages import Version
from ocppflow.station.config_file import parse_config
from ocppflow.station.device_model import variable_hooks

TEXT = (Path(__file__).parents[3] / "docs" / "device-model.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL))


@pytest.fixture
def hooks() -> Iterator[None]:
    """Whatever a test registers is gone after it."""
    tables: list[dict[Any, Any]] = [variable_hooks.REACTIONS, variable_hooks.CHECKERS, variable_hooks.TELLERS]
    before = [dict(table) for table in tables]
    yield
    for table, kept in zip(tables, before, strict=True):
        table.clear()
        table.update(kept)


@pytest.mark.usefixtures("hooks")
async def test_the_config_and_the_hooks_of_the_document() -> None:
    driven: list[tuple[int, int]] = []
    async with StationWorld(Version.V21, parse_config(block("toml"))) as world:
        names: dict[str, Any] = {
            "drive": lambda evse, speed: driven.append((evse, speed)),
            "measure": lambda evse: 20.0,
            "station": world.station,
        }
        await world.station.connect()
        await world.clock.advance(0)
        exec(compile(block("python"), "device-model.md", "exec"), names)
        assert world.station.device_model.integer("Fan", "Speed", evse=1) == 1200
        assert driven == [(1, 1200)]
        assert await status(world, "Fan", "Speed", "1250", evse=1) == ("Rejected", "InvalidValue")
        assert await status(world, "Fan", "Speed", "3000", evse=1) == ("Accepted", "")
        await world.clock.advance(0)
        events = [event for request in world.sent("NotifyEvent") for event in request["eventData"]]
        assert any(event.get("variableMonitoringId") == 1 and event["actualValue"] == "3000" for event in events)
        assert await status(world, "OCPPCommCtrlr", "OfflineThreshold", "5") == ("Rejected", "ReadOnly")
