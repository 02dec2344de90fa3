"""A 1.6 station that is broken on purpose does not pass: for each feature profile a way to break it, and the case that
sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from our_station import outcome

from ocppflow.check.cases import station_cases
from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.messages import Version, v16
from ocppflow.station import CompleteStation


def _outcome(case_id: str, prepare: Callable[[CompleteStation], object] = lambda _: None) -> CaseResult:
    return outcome(station_cases()[case_id, Version.V16], Version.V16, prepare=prepare)


def _fails(result: CaseResult, text: str, requirement: str) -> None:
    assert result.verdict is Verdict.FAIL, result.reason
    finding = result.findings[-1]
    assert text in finding.text
    assert requirement in finding.requirements


@pytest.fixture
def tampered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], Any]], None]:
    """Lets every message of the station's go through a function, which changes it, or returns another one."""

    def tamper(change: Callable[[Any], Any]) -> None:
        call = CompleteStation._call

        async def changed(self: CompleteStation, request: Any, *how: Any) -> Any:
            other = change(request)
            return await call(self, request if other is None else other, *how)

        monkeypatch.setattr(CompleteStation, "_call", changed)

    return tamper


# --- Core ------------------------------------------------------------------------------------------------------------


def test_core_a_connector_that_is_never_told_after_a_boot_is_seen(tampered: Any) -> None:
    def hush(request: Any) -> Any:
        silent = isinstance(request, v16.StatusNotificationRequest) and request.connector_id == 2
        return v16.HeartbeatRequest() if silent else None

    tampered(hush)
    _fails(_outcome("TC_001_CS"), "no StatusNotification with connectorId 2", "1.6/errata-3.22")


def test_core_a_wrong_reason_is_seen(tampered: Any) -> None:
    def misname(request: Any) -> None:
        if isinstance(request, v16.StopTransactionRequest):
            request.reason = "Local"

    tampered(misname)
    _fails(_outcome("TC_016_CS"), "reason is Local, not SoftReset", "1.6/5.14")
    _fails(_outcome("TC_012_CS"), "reason is Local, not Remote", "1.6/5.12")


def test_core_a_meter_that_runs_backwards_is_seen(tampered: Any) -> None:
    def lower(request: Any) -> None:
        if isinstance(request, v16.StopTransactionRequest):
            request.meter_stop = -5

    tampered(lower)
    _fails(_outcome("TC_003_CS"), "Wh below meterStart", "1.6/4.10")


def test_core_a_key_that_takes_everything_is_seen() -> None:
    def nod(station: CompleteStation) -> None:
        @station.on(v16.ChangeConfigurationRequest)
        async def always(
            _: CompleteStation, request: v16.ChangeConfigurationRequest
        ) -> v16.ChangeConfigurationResponse:
            return v16.ChangeConfigurationResponse(status="Accepted")

    _fails(_outcome("TC_040_1_CS", nod), "status is Accepted, not NotSupported", "1.6/5.3")
    _fails(_outcome("TC_021_CS", nod), "MeterValueSampleInterval is 60", "1.6/5.3")


def test_core_values_in_a_wrong_interval_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station.device_model import DeviceModel

    integer = DeviceModel.integer

    def slow(self: DeviceModel, component: str, variable: str, *rest: Any, **where: Any) -> int:
        found = integer(self, component, variable, *rest, **where)
        return found * 2 if variable == "TxUpdatedInterval" else found

    monkeypatch.setattr(DeviceModel, "integer", slow)
    _fails(_outcome("TC_070_CS"), "s apart", "1.6/3.16.1")


# --- the other profiles ----------------------------------------------------------------------------------------------


def test_firmware_management_a_step_that_is_left_out_is_seen(tampered: Any) -> None:
    def skip(request: Any) -> Any:
        silent = isinstance(request, v16.FirmwareStatusNotificationRequest) and request.status == "Downloaded"
        return v16.HeartbeatRequest() if silent else None

    tampered(skip)
    _fails(_outcome("TC_044_1_CS"), "status is Installing, not Downloaded", "1.6/5.19")


def test_local_list_a_list_that_only_seems_to_be_taken_is_seen() -> None:
    def nod(station: CompleteStation) -> None:
        @station.on(v16.SendLocalListRequest)
        async def always(_: CompleteStation, request: v16.SendLocalListRequest) -> v16.SendLocalListResponse:
            return v16.SendLocalListResponse(status="Accepted")

    _fails(_outcome("TC_043_4_CS", nod), "listVersion is 0, not 5", "1.6/5.10")


def test_reservation_one_that_is_not_kept_is_seen() -> None:
    def nod(station: CompleteStation) -> None:
        @station.on(v16.ReserveNowRequest)
        async def always(_: CompleteStation, request: v16.ReserveNowRequest) -> v16.ReserveNowResponse:
            return v16.ReserveNowResponse(status="Accepted")

    _fails(_outcome("TC_046_CS", nod), "no StatusNotification with connectorId 1, status Reserved", "1.6/5.13")


def test_reservation_a_transaction_that_does_not_name_it_is_seen(tampered: Any) -> None:
    from msgspec import UNSET

    def forget(request: Any) -> None:
        if isinstance(request, v16.StartTransactionRequest):
            request.reservation_id = UNSET

    tampered(forget)
    _fails(_outcome("TC_046_CS"), "reservationId is absent, not 46", "1.6/5.13")


def test_smart_charging_a_profile_that_limits_nothing_is_seen() -> None:
    def nod(station: CompleteStation) -> None:
        @station.on(v16.SetChargingProfileRequest)
        async def always(_: CompleteStation, request: v16.SetChargingProfileRequest) -> v16.SetChargingProfileResponse:
            return v16.SetChargingProfileResponse(status="Accepted")

    _fails(_outcome("TC_056_CS", nod), "the limit is 32", "1.6/5.7")
    _fails(_outcome("TC_058_1_CS", nod), "status is Accepted, not Rejected", "1.6/5.16")


def test_remote_trigger_Accepted_with_nothing_behind_it_is_seen() -> None:
    def nod(station: CompleteStation) -> None:
        @station.on(v16.TriggerMessageRequest)
        async def always(_: CompleteStation, request: v16.TriggerMessageRequest) -> v16.TriggerMessageResponse:
            return v16.TriggerMessageResponse(status="Accepted")

    _fails(_outcome("TC_054_CS", nod), "no Heartbeat", "1.6/5.17")


def test_security_a_signature_that_nobody_checks_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station.blocks import firmware

    monkeypatch.setattr(firmware, "is_signed", lambda *_: True)
    _fails(_outcome("TC_081_CS"), "no SignedFirmwareStatusNotification with status InvalidSignature", "L01.FR.01")


def test_security_a_password_that_can_be_read_is_seen() -> None:
    def tell(station: CompleteStation) -> None:
        @station.on(v16.GetConfigurationRequest)
        async def always(_: CompleteStation, request: v16.GetConfigurationRequest) -> v16.GetConfigurationResponse:
            shown = v16.KeyValue(key="AuthorizationKey", readonly=False, value="00112233445566778899aabbccddeeff")
            return v16.GetConfigurationResponse(configuration_key=[shown])

    _fails(_outcome("TC_073_CS", tell), "the AuthorizationKey can be read", "A01.FR.12")


def test_every_case_of_16_is_listed_with_its_profile() -> None:
    from ocppflow.check.catalogue import listings

    written = {case_id for case_id, version in station_cases() if version is Version.V16}
    assert written == listings(Version.V16).keys()
    assert {each.profile for listed in listings(Version.V16).values() for each in listed} >= {
        "Core",
        "Firmware Management",
        "Local Authorization List Management",
        "Remote Trigger",
        "Reservation",
        "Security Extension",
        "Smart Charging",
    }
