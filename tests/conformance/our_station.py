"""Our station as it is tested by the official cases, and what it claims."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ocppflow.check.cases import CheckCase
from ocppflow.check.check_settings import CheckSettings
from ocppflow.check.in_process import station_in_process
from ocppflow.check.pics import read_pics
from ocppflow.check.runner import run_case, settled
from ocppflow.check.verdict import CaseResult
from ocppflow.endpoint import run_in_virtual_time
from ocppflow.messages import Version
from ocppflow.station import CompleteStation, ConnectorConfig, EvseConfig, StationConfig

POST = StationConfig(
    model="Double post",
    serial_number="0001",
    evses=(
        EvseConfig(connectors=(ConnectorConfig("sType2"),)),
        EvseConfig(connectors=(ConnectorConfig("sType2"),)),
    ),
)
"""Two AC EVSEs with sockets."""

PICS = read_pics(Path(__file__).parent / "our_station.toml")
"""What it claims."""


def outcome(
    case: CheckCase,
    version: Version,
    *,
    config: StationConfig = POST,
    prepare: Callable[[CompleteStation], object] = lambda _: None,
    settings: CheckSettings = PICS.settings,
    **more: Any,
) -> CaseResult:
    """What comes of one case, with a station that is made for it. ``prepare`` may break it."""

    async def play() -> CaseResult:
        joined = station_in_process(version, settings, config, prepare=prepare, **more)
        async with joined as (bench, operator, _):
            await settled(bench)
            return await run_case(bench, operator, PICS, case)

    return run_in_virtual_time(play())
