"""Our station passes the official test cases that ask for a security profile: it comes over a real socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from our_station import CONFIGS, PICS, POST

from ocppflow.check.cases import CheckCase, station_cases
from ocppflow.check.catalogue import listings
from ocppflow.check.over_sockets import station_over_sockets
from ocppflow.check.runner import run_case, settled
from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.endpoint import run_in_virtual_time
from ocppflow.messages import Version

SETTINGS = msgspec.structs.replace(PICS.settings, host="localhost", second_url="")


def at_the_door(case: CheckCase, version: Version, profile: int, folder: Path, **more: Any) -> CaseResult:
    """What comes of a case, with a station that is connected by that security profile."""

    async def play() -> CaseResult:
        config = more.pop("config", CONFIGS.get(case.id, POST))
        settings = msgspec.structs.replace(SETTINGS, security_profile=profile)
        joined = station_over_sockets(version, profile, folder, settings, config, **more)
        async with joined as (bench, operator, _):
            await settled(bench)
            return await run_case(bench, operator, PICS, case)

    return run_in_virtual_time(play())


def _params() -> list[object]:
    found: list[object] = []
    for (case_id, version), case in station_cases().items():
        listed = listings(version).get(case_id)
        if listed is None or not PICS.applies(listed):
            for profile in case.security_profiles:
                found.append(pytest.param(case, version, profile, id=f"{case_id}-{version.value}-{profile}"))
    return found


@pytest.mark.parametrize(("case", "version", "profile"), _params())
def test_our_station_passes_at_the_door(case: CheckCase, version: Version, profile: int, tmp_path: Path) -> None:
    result = at_the_door(case, version, profile, tmp_path)
    assert (result.verdict, result.reason, result.not_cleaned) == (Verdict.PASS, "", []), "\n".join(
        f"{record.event:4} {record.data[:300]!r} {record.note}" for record in result.records
    )


@pytest.mark.parametrize(
    "case_id", ["TC_L_01_CS", "TC_L_07_CS", "TC_L_10_CS", "TC_N_25_CS", "TC_N_26_CS", "TC_N_36_CS"]
)
@pytest.mark.parametrize("version", [Version.V201, Version.V21])
def test_files_go_over_the_network(case_id: str, version: Version, tmp_path: Path) -> None:
    result = at_the_door(station_cases()[case_id, version], version, 0, tmp_path)
    assert (result.verdict, result.reason, result.not_cleaned) == (Verdict.PASS, "", [])


@pytest.mark.parametrize("case_id", ["TC_N_101_CS", "TC_N_102_CS"])
def test_a_server_that_sends_elsewhere_or_asks_for_a_password(case_id: str, tmp_path: Path) -> None:
    result = at_the_door(station_cases()[case_id, Version.V21], Version.V21, 0, tmp_path)
    assert (result.verdict, result.reason, result.not_cleaned) == (Verdict.PASS, "", [])
