"""Our station passes the official test cases that it claims: every scenario that is written, in every version."""

from __future__ import annotations

from pathlib import Path

import pytest
from our_station import PICS, outcome

from ocppflow.check.cases import station_cases
from ocppflow.check.catalogue import listings
from ocppflow.check.verdict import Verdict
from ocppflow.messages import Version

#: Cases that our station does not pass yet, ids or ids with a version (``TC_B_01_CS-2.1``), a line each: what they need
#: is being built. The list only shrinks.
NOT_YET = frozenset((Path(__file__).parent / "not_yet.txt").read_text(encoding="utf-8").split())


def _params() -> list[object]:
    params: list[object] = []
    for (case_id, version), case in station_cases().items():
        if case.security_profiles:
            continue  # test_conformance_doors.py plays it
        listed = listings(version).get(case_id)
        if listed is None or not PICS.applies(listed):
            name = f"{case_id}-{version.value}"
            marks = [pytest.mark.xfail(strict=True, reason="not yet")] if {case_id, name} & NOT_YET else []
            params.append(pytest.param(case_id, version, marks=marks, id=name))
    return params


@pytest.mark.parametrize(("case_id", "version"), _params())
def test_our_station_passes(case_id: str, version: Version) -> None:
    result = outcome(station_cases()[case_id, version], version)
    if result.verdict is Verdict.NOT_APPLICABLE:
        pytest.skip(result.reason)
    assert (result.verdict, result.reason, result.not_cleaned) == (Verdict.PASS, "", []), "\n".join(
        f"{record.event:4} {record.data[:300]!r} {record.note}" for record in result.records
    )


def test_a_case_that_is_not_yet_passed_is_a_case() -> None:
    assert {case_id for case_id, _ in station_cases()} >= {name.partition("-")[0] for name in NOT_YET}
