"""Our station as it is tested by the official cases, and what it claims."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ocppflow.check.cases import CheckCase
from ocppflow.check.check_settings import CheckSettings
from ocppflow.check.in_process import station_in_process
from ocppflow.check.pics import read_pics
from ocppflow.check.runner import run_case, settled
from ocppflow.check.verdict import CaseResult
from ocppflow.endpoint import run_in_virtual_time
from ocppflow.messages import Version
from ocppflow.station import CompleteStation, ConnectorConfig, EvseConfig, StationConfig
from ocppflow.station.station_config import MonitorConfig, VariableConfig

POST = StationConfig(
    model="Double post",
    serial_number="0001",
    evses=(
        EvseConfig(connectors=(ConnectorConfig("sType2"),)),
        EvseConfig(connectors=(ConnectorConfig("sType2"),)),
    ),
)
"""Two AC EVSEs with sockets."""

STRICT_POST = msgspec.structs.replace(
    POST, variables=(VariableConfig("SecurityCtrlr", "AdditionalRootCertificateCheck", "true"),)
)
"""The same, for the cases in which a new CSMS root has to be signed by the old one."""

WATCHED_POST = msgspec.structs.replace(
    POST,
    monitors=(MonitorConfig("EVSE", "AvailabilityState", evse=1, type="Delta", value=1.0, severity=6),),
)
"""The same with a preconfigured monitor."""

AIMING_POST = msgspec.structs.replace(POST, variables=(VariableConfig("EVSE", "Power", evse=1, targets=True),))
"""The same with a target for its power."""

CONFIGS = {
    **dict.fromkeys(("TC_M_09_CS", "TC_M_30_CS", "TC_M_31_CS"), STRICT_POST),
    "TC_N_41_CS": WATCHED_POST,
    "TC_N_104_CS": AIMING_POST,
}
"""By case: what the station is that it is for, if it is another one than usual."""

PICS = read_pics(Path(__file__).parent / "our_station.toml")
"""What it claims."""


def outcome(
    case: CheckCase,
    version: Version,
    *,
    config: StationConfig | None = None,
    prepare: Callable[[CompleteStation], object] = lambda _: None,
    settings: CheckSettings = PICS.settings,
    **more: Any,
) -> CaseResult:
    """What comes of one case, with a station that is made for it. ``prepare`` may break it."""

    async def play() -> CaseResult:
        made = config or CONFIGS.get(case.id, POST)
        joined = station_in_process(version, settings, made, prepare=prepare, **more)
        async with joined as (bench, operator, _):
            await settled(bench)
            return await run_case(bench, operator, PICS, case)

    return run_in_virtual_time(play())
