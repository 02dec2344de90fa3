"""A station that is broken on purpose does not pass: for each block a way to break it, and the case that sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from our_station import outcome

from ocppflow.check.cases import station_cases
from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.messages import Version, v21
from ocppflow.station import CompleteStation

V201 = Version.V201


def _outcome(
    case_id: str, prepare: Callable[[CompleteStation], object] = lambda _: None, version: Version = V201
) -> CaseResult:
    return outcome(station_cases()[case_id, version], version, prepare=prepare)


def _fails(result: CaseResult, text: str, requirement: str) -> None:
    assert result.verdict is Verdict.FAIL
    finding = result.findings[-1]
    assert text in finding.text
    assert requirement in finding.requirements


@pytest.fixture
def tampered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], Any]], None]:
    """Lets every message of the station's go through a function, which changes it, or returns another one."""

    def tamper(change: Callable[[Any], Any]) -> None:
        call = CompleteStation.call

        async def changed(self: CompleteStation, request: Any, **how: Any) -> Any:
            other = change(request)
            return await call(self, request if other is None else other, **how)

        monkeypatch.setattr(CompleteStation, "call", changed)

    return tamper


# --- B: provisioning -------------------------------------------------------------------------------------------------


def test_B06FR06_a_station_that_says_Rejected_for_an_unknown_component_is_seen() -> None:
    def answers(station: CompleteStation) -> None:
        @station.on(v21.GetVariablesRequest)
        async def rejected(_: CompleteStation, request: v21.GetVariablesRequest) -> v21.GetVariablesResponse:
            return v21.GetVariablesResponse(
                get_variable_result=[
                    v21.GetVariableResultType(
                        attribute_status="Rejected", component=each.component, variable=each.variable
                    )
                    for each in request.get_variable_data
                ]
            )

    result = _outcome("TC_B_32_CS", answers)
    _fails(result, "getVariableResult[0].attributeStatus is Rejected, not UnknownComponent", "B06.FR.06")
    assert result.findings[-1].message_id


def test_B07FR10_a_report_that_counts_wrong_is_seen(tampered: Any) -> None:
    def miscount(request: Any) -> None:
        if isinstance(request, v21.NotifyReportRequest):
            request.seq_no += 1

    tampered(miscount)
    _fails(_outcome("TC_B_13_CS"), "seqNo is 1, not 0", "B07.FR.10")


def test_B03FR02_a_station_that_talks_while_rejected_is_seen(tampered: Any) -> None:
    said: list[str] = []

    def talk(request: Any) -> Any:
        said.append(type(request).__name__)
        if said.count("BootNotificationRequest") == 3:
            said.append("")
            return v21.HeartbeatRequest()
        return None

    tampered(talk)
    assert _outcome("TC_B_03_CS").verdict is Verdict.FAIL


# --- E: transactions -------------------------------------------------------------------------------------------------


def test_E12FR02_events_that_do_not_say_that_they_were_offline_are_seen(tampered: Any) -> None:
    def deny(request: Any) -> None:
        if isinstance(request, v21.TransactionEventRequest):
            request.offline = False

    tampered(deny)
    _fails(_outcome("TC_E_44_CS"), "no TransactionEvent came with offline true", "E08.FR.05")


def test_E01FR03_a_wrong_reason_is_seen(tampered: Any) -> None:
    def misname(request: Any) -> None:
        if isinstance(request, v21.TransactionEventRequest) and request.trigger_reason == "Authorized":
            request.trigger_reason = "CablePluggedIn"

    tampered(misname)
    _fails(_outcome("TC_E_10_CS"), "triggerReason is CablePluggedIn, not Authorized", "E01.FR.03")


@pytest.mark.parametrize(("attempts", "seen"), [("1", "it was not sent again"), ("4", "it was sent 4 times, not 3")])
def test_E13FR02_a_station_that_does_not_count_its_attempts_is_seen(
    attempts: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ocppflow.station.device_model import DeviceModel

    integer = DeviceModel.integer

    def wrong(self: DeviceModel, component: str, variable: str, *rest: Any, **where: Any) -> int:
        return int(attempts) if variable == "MessageAttempts" else integer(self, component, variable, *rest, **where)

    monkeypatch.setattr(DeviceModel, "integer", wrong)
    result = _outcome("TC_E_50_CS")
    assert result.verdict is Verdict.FAIL
    assert seen in result.findings[-1].text


# --- F: remote control -----------------------------------------------------------------------------------------------


def test_F05FR02_unlocking_in_a_transaction_is_seen() -> None:
    def unlock(station: CompleteStation) -> None:
        @station.on(v21.UnlockConnectorRequest)
        async def always(_: CompleteStation, request: v21.UnlockConnectorRequest) -> v21.UnlockConnectorResponse:
            return v21.UnlockConnectorResponse(status="Unlocked")

    _fails(_outcome("TC_F_05_CS", unlock), "status is Unlocked, not OngoingAuthorizedTransaction", "F05.FR.02")


def test_F03FR08_a_stop_of_nothing_that_is_accepted_is_seen() -> None:
    def stop(station: CompleteStation) -> None:
        @station.on(v21.RequestStopTransactionRequest)
        async def always(
            _: CompleteStation, request: v21.RequestStopTransactionRequest
        ) -> v21.RequestStopTransactionResponse:
            return v21.RequestStopTransactionResponse(status="Accepted")

    _fails(_outcome("TC_F_09_CS", stop), "status is Accepted, not Rejected", "F03.FR.08")


# --- G: availability -------------------------------------------------------------------------------------------------


def test_G03FR04_Accepted_with_nothing_behind_it_is_seen() -> None:
    def nod(station: CompleteStation) -> None:
        @station.on(v21.ChangeAvailabilityRequest)
        async def always(_: CompleteStation, request: v21.ChangeAvailabilityRequest) -> v21.ChangeAvailabilityResponse:
            return v21.ChangeAvailabilityResponse(status="Accepted")

    result = _outcome("TC_G_03_CS", nod)
    _fails(result, "should be Unavailable and was told to be Available", "G03.FR.04")


def test_G01FR01_a_connector_that_is_never_told_is_seen(tampered: Any) -> None:
    def hush(request: Any) -> Any:
        return v21.HeartbeatRequest() if isinstance(request, v21.StatusNotificationRequest) else None

    tampered(hush)
    _fails(_outcome("TC_G_01_CS"), "nothing was told of it", "G01.FR.01")


# --- J: metering -----------------------------------------------------------------------------------------------------


def test_J02FR02_a_measurand_that_is_missing_is_seen(tampered: Any) -> None:
    def lose(request: Any) -> None:
        if isinstance(request, v21.TransactionEventRequest) and request.trigger_reason == "MeterValuePeriodic":
            for value in request.meter_value or []:
                value.sampled_value[:] = [
                    each for each in value.sampled_value if each.measurand == "Energy.Active.Import.Register"
                ]

    tampered(lose)
    assert "no value of" in _outcome("TC_J_09_CS").reason


def test_J01FR03_a_wrong_context_is_seen(tampered: Any) -> None:
    def misname(request: Any) -> None:
        if isinstance(request, v21.MeterValuesRequest):
            for value in request.meter_value:
                for each in value.sampled_value:
                    each.context = "Trigger"

    tampered(misname)
    _fails(_outcome("TC_J_01_CS"), "context is Trigger, not Sample.Clock", "J01.FR.03")


# --- any block: the schema -------------------------------------------------------------------------------------------


def test_a_message_that_breaks_the_schema_fails_the_case_with_the_path_of_the_field(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = CompleteStation.call

    async def careless(self: CompleteStation, request: Any, **how: Any) -> Any:
        if isinstance(request, v21.StatusNotificationRequest):
            payload = {"timestamp": "today", "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}
            await self.call_raw("StatusNotification", payload, validate=False)
        return await call(self, request, **how)

    monkeypatch.setattr(CompleteStation, "call", careless)
    result = _outcome("TC_G_02_CS")
    assert result.verdict is Verdict.FAIL
    assert any("$.timestamp" in finding.text for finding in result.findings)
