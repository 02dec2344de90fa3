"""The cases of tokens and reservations hold wherever transactions start and stop at our station."""

from __future__ import annotations

import msgspec
import pytest
from our_station import POST, outcome

from ocppflow.check.cases import station_cases
from ocppflow.check.verdict import Verdict
from ocppflow.messages import Version
from ocppflow.station import VariableConfig

_POINTS = [
    ("ParkingBayOccupancy", "ParkingBayOccupancy"),
    ("EVConnected", "EVConnected"),
    ("Authorized", "Authorized"),
    ("EnergyTransfer", "EnergyTransfer"),
    ("EVConnected,Authorized", "PowerPathClosed"),
]

#: Their texts give them a TxStartPoint or TxStopPoint that not every station has.
_BOUND = {"TC_C_49_CS"}

_CASES = [case for case, version in station_cases() if case[3] in "CHI" and version is Version.V201]


@pytest.mark.parametrize(("start", "stop"), _POINTS)
def test_the_cases_hold_for_all_points(start: str, stop: str) -> None:
    chosen = (
        VariableConfig(component="TxCtrlr", variable="TxStartPoint", value=start),
        VariableConfig(component="TxCtrlr", variable="TxStopPoint", value=stop),
    )
    config = msgspec.structs.replace(POST, variables=chosen)
    wrong: dict[str, str] = {}
    for case_id in _CASES:
        result = outcome(station_cases()[case_id, Version.V201], Version.V201, config=config)
        if result.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE) and case_id not in _BOUND:
            wrong[case_id] = f"{result.verdict.value}: {result.reason}"
    assert wrong == {}
