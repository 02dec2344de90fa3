"""A station that is broken on purpose does not pass: for each block a way to break it, and the case that sees it."""

from __future__ import annotations

from collections.abc import Callable

from our_station import outcome

from ocppflow.check.cases import station_cases
from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.messages import Version, v201
from ocppflow.station import ChargingStation, CompleteStation


def _outcome(case_id: str, prepare: Callable[[CompleteStation], object]) -> CaseResult:
    return outcome(station_cases()[case_id, Version.V201], Version.V201, prepare=prepare)


def test_B06FR06_a_station_that_says_Rejected_for_an_unknown_component_is_seen() -> None:
    def answers(station: CompleteStation) -> None:
        @station.on(v201.GetVariablesRequest)
        async def unknown(_: ChargingStation, request: v201.GetVariablesRequest) -> v201.GetVariablesResponse:
            asked = request.get_variable_data
            return v201.GetVariablesResponse(
                get_variable_result=[
                    v201.GetVariableResultType(
                        attribute_status="Rejected", component=each.component, variable=each.variable
                    )
                    for each in asked
                ]
            )

    result = _outcome("TC_B_32_CS", answers)
    assert result.verdict is Verdict.FAIL
    finding = result.findings[-1]
    assert finding.requirements == ("B06.FR.06",)
    assert finding.text == (
        "GetVariables response: getVariableResult[0].attributeStatus is Rejected, not UnknownComponent"
    )
    assert finding.message_id
