"""A station that is broken on purpose does not pass: blocks A, L, M and N."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from our_station import POST, outcome
from test_conformance_doors import at_the_door

from ocppflow.check.cases import station_cases
from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.endpoint import client_context
from ocppflow.messages import Version, v21
from ocppflow.station import CompleteStation
from ocppflow.station.station_config import MonitorConfig

V201 = Version.V201


def _outcome(case_id: str, prepare: Callable[[CompleteStation], object] = lambda _: None) -> CaseResult:
    return outcome(station_cases()[case_id, V201], V201, prepare=prepare)


def _fails(result: CaseResult, text: str, requirement: str) -> None:
    assert result.verdict is Verdict.FAIL
    finding = result.findings[-1]
    assert text in finding.text
    assert requirement in finding.requirements


# --- L: firmware -----------------------------------------------------------------------------------------------------


def test_L01FR04_firmware_that_is_not_verified_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocppflow.station.blocks.firmware.is_signed", lambda *_: True)
    _fails(_outcome("TC_L_06_CS"), "status is SignatureVerified, not InvalidSignature", "L01.FR.03")


def test_L01FR21_a_signing_certificate_that_is_not_checked_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocppflow.station.blocks.firmware.check_chain", lambda *_: None)
    _fails(_outcome("TC_L_05_CS"), "status is Accepted, not InvalidCertificate or RevokedCertificate", "L01.FR.22")


def test_L01FR16_firmware_that_is_installed_too_early_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station.blocks.firmware import Firmware

    until = Firmware._until
    monkeypatch.setattr(Firmware, "_until", lambda self, moment: until(self, moment) - 30)
    _fails(_outcome("TC_L_02_CS"), "and not before 60 s was it due", "L01.FR.16")


def test_L01FR10_another_request_id_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    call = CompleteStation.call

    async def misnumber(self: CompleteStation, request: Any, **how: Any) -> Any:
        if isinstance(request, v21.FirmwareStatusNotificationRequest):
            request.request_id = 4711
        return await call(self, request, **how)

    monkeypatch.setattr(CompleteStation, "call", misnumber)
    _fails(_outcome("TC_L_01_CS"), "requestId is 4711, not 1", "L01.FR.10")


# --- M: certificates -------------------------------------------------------------------------------------------------


def test_M05FR07_a_root_that_has_expired_and_is_taken_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocppflow.station.blocks.certificates.check_certificate", lambda *_: None)
    _fails(_outcome("TC_M_07_CS"), "status is Accepted, not Rejected", "M05.FR.07")


def test_M03FR04_a_wrong_hash_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station import x509_tools

    monkeypatch.setattr(x509_tools, "_key_bits", lambda certificate: certificate.subject.public_bytes())
    _fails(_outcome("TC_M_12_CS"), "the CSMSRootCertificate that was installed is not listed", "M03.FR.01")


def test_M04FR06_a_station_that_deletes_its_own_certificate_is_seen() -> None:
    def deletes(station: CompleteStation) -> None:
        @station.on(v21.DeleteCertificateRequest)
        async def always(_: CompleteStation, request: v21.DeleteCertificateRequest) -> v21.DeleteCertificateResponse:
            return v21.DeleteCertificateResponse(status="Accepted")

    _fails(_outcome("TC_M_23_CS", deletes), "status is Accepted, not NotFound or Failed", "M04.FR.06")


# --- N: diagnostics --------------------------------------------------------------------------------------------------


def test_N01FR09_a_log_that_is_said_to_have_come_and_has_not_is_seen() -> None:
    def claims(station: CompleteStation) -> None:
        async def nothing(*_: Any, **__: Any) -> None:
            pass

        station.transfer.upload = nothing  # type: ignore[method-assign]

    _fails(_outcome("TC_N_25_CS", claims), "Uploaded was told, and nothing has come", "N01.FR.09")


def test_N01FR10_a_station_that_does_not_try_again_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station.blocks.diagnostics import Diagnostics

    upload = Diagnostics.upload

    def once(self: Diagnostics, wanted: Any) -> bool:
        return upload(
            self, type(wanted)(**{name: getattr(wanted, name) for name in wanted.__struct_fields__} | {"retries": 0})
        )

    monkeypatch.setattr(Diagnostics, "upload", once)
    assert _outcome("TC_N_26_CS").verdict is Verdict.FAIL


def test_N10FR01_what_is_not_forgotten_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station.blocks.authorization_cache import AuthorizationCache

    monkeypatch.setattr(AuthorizationCache, "forget", lambda *_: None)
    _fails(_outcome("TC_N_62_CS"), "the customer is still known", "N10.FR.01")


# --- A: security, over sockets ---------------------------------------------------------------------------------------


def _at_the_door(case_id: str, profile: int, folder: Path, **more: Any) -> CaseResult:
    return at_the_door(station_cases()[case_id, V201], V201, profile, folder, **more)


def test_A00FR309_a_station_that_takes_any_certificate_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station import station_tls

    def careless(**settings: Any) -> ssl.SSLContext:
        context = client_context(**settings)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    station_tls._trusting.cache_clear()
    monkeypatch.setattr(station_tls, "client_context", careless)
    try:
        result = _at_the_door("TC_A_05_CS", 2, tmp_path)
    finally:
        station_tls._trusting.cache_clear()
    _fails(result, "the station came in by a door with a fault: unknown", "A00.FR.309")


def test_A00FR313_a_station_that_speaks_an_old_TLS_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station import station_tls

    def old(**settings: Any) -> ssl.SSLContext:
        context = client_context(**settings)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
        return context

    station_tls._trusting.cache_clear()
    monkeypatch.setattr(station_tls, "client_context", old)
    try:
        result = _at_the_door("TC_A_06_CS", 2, tmp_path)
    finally:
        station_tls._trusting.cache_clear()
    _fails(result, "the station came in by a door with a fault: old TLS", "A00.FR.314")


def test_A01FR01_a_password_that_is_accepted_and_not_used_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ocppflow.station.blocks import security

    monkeypatch.setattr(security.Security, "reconnect", lambda *_: None)
    result = _at_the_door("TC_A_09_CS", 1, tmp_path)
    _fails(result, "the station does not connect with its new password", "A01.FR.01")


def test_A02FR07_a_certificate_of_a_stranger_that_is_taken_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocppflow.station.blocks.certificate_renewal.check_chain", lambda chain, *_: chain[0])
    _fails(_at_the_door("TC_A_14_CS", 3, tmp_path), "status is Accepted, not Rejected", "A02.FR.07")


def test_A05FR02_a_station_that_goes_over_to_TLS_without_a_root_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ocppflow.station.blocks import security

    monkeypatch.setattr(security.Security, "obstacle", lambda *_: "")
    result = _at_the_door("TC_A_20_CS", 1, tmp_path)
    assert result.verdict is Verdict.FAIL
    assert "A05.FR.02" in result.findings[-1].requirements


def test_a_case_for_another_security_profile_is_not_applicable(tmp_path: Path) -> None:
    result = _at_the_door("TC_A_07_CS", 2, tmp_path)
    assert result.verdict is Verdict.NOT_APPLICABLE
    assert "security profile 3" in result.reason


# --- N: monitoring ---------------------------------------------------------------------------------------------------


def test_N07FR17_a_threshold_that_is_never_cleared_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station.blocks.monitoring import monitoring_block
    from ocppflow.station.blocks.monitoring.monitor import Monitor, MonitorEvent, judge

    def alarms(monitor: Monitor, *rest: Any, **more: Any) -> MonitorEvent | None:
        event = judge(monitor, *rest, **more)
        return None if event is not None and event.cleared else event

    monkeypatch.setattr(monitoring_block, "judge", alarms)
    _fails(_outcome("TC_N_20_CS"), "no event of monitor 1001, trigger Alerting, cleared True", "N07.FR.17")


def test_N05FR03_a_level_that_is_ignored_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station.blocks.monitoring import Monitoring

    monkeypatch.setattr(Monitoring, "level", 9)
    _fails(_outcome("TC_N_16_CS"), "an event of severity 8 was told", "N05.FR.03")


def test_N08FR01_events_that_come_too_late_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station.blocks.monitoring import Monitoring

    later = Monitoring.later

    def slow(self: Monitoring, name: str, seconds: float, act: Callable[[], object]) -> None:
        later(self, name, seconds + 5 if name.startswith("monitor") else seconds, act)

    monkeypatch.setattr(Monitoring, "later", slow)
    _fails(_outcome("TC_N_24_CS"), "event 1 came after 65.", "N08.FR.01")


def test_N04FR10_a_duplicate_that_is_accepted_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station.blocks.monitoring.monitor_table import MonitorTable

    monkeypatch.setattr(MonitorTable, "twin", lambda *_: False)
    _fails(_outcome("TC_N_15_CS"), "there is no result that is Duplicate", "N04.FR.10")


def test_N07FR13_monitors_that_are_gone_after_a_boot_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocppflow.station.blocks.monitoring.monitor_table import MonitorTable

    monkeypatch.setattr(MonitorTable, "_take_custom", lambda *_: None)
    _fails(_outcome("TC_N_53_CS"), "the monitor is gone after a boot", "N07.FR.13")


# --- cases for stations of another kind than ours ---------------------------------------------------------------------


def test_L01FR27_a_station_that_cannot_cancel_an_update_has_its_own_case() -> None:
    def stubborn(station: CompleteStation) -> None:
        @station.on(v21.UpdateFirmwareRequest)
        async def update(_: CompleteStation, request: v21.UpdateFirmwareRequest) -> v21.UpdateFirmwareResponse:
            if station.firmware.in_progress:
                return v21.UpdateFirmwareResponse(status="Rejected")
            return v21.UpdateFirmwareResponse(status=await station.firmware.order(request))

    assert _outcome("TC_L_11_CS", stubborn).verdict is Verdict.PASS
    _fails(_outcome("TC_L_10_CS", stubborn), "the first update was not cancelled", "L01.FR.24")
    _fails(_outcome("TC_L_11_CS"), "the second update was accepted", "L01.FR.27")


@pytest.mark.parametrize("case_id", ["TC_L_12_CS", "TC_L_13_CS"])
def test_L01FR06_a_station_that_downloads_only_between_transactions_has_its_own_case(
    case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ocppflow.station.blocks.firmware import Firmware

    plan, ended = Firmware._plan_download, Firmware.transaction_ended

    def when_idle(self: Firmware, update: Any) -> None:
        if self.station.transactions.running:
            self.waits = True
            self._become(update, "DownloadScheduled")
            self.station.availability.refresh()
        else:
            plan(self, update)

    def then(self: Firmware, transaction: Any) -> None:
        if self.status != "DownloadScheduled":
            ended(self, transaction)
        elif self.waits and not self.station.transactions.running:
            self.waits = False
            plan(self, self.update)  # type: ignore[arg-type]

    monkeypatch.setattr(Firmware, "_plan_download", when_idle)
    monkeypatch.setattr(Firmware, "transaction_ended", then)
    result = _outcome(case_id)
    assert (result.verdict, result.reason) == (Verdict.PASS, "")


def test_L01FR06_a_station_that_waits_with_the_installation_is_not_one_that_does_not() -> None:
    result = _outcome("TC_L_16_CS")
    assert result.verdict is Verdict.FAIL
    assert "status is InstallScheduled, not Installing" in result.findings[-1].text


def test_N06FR03_a_hard_wired_monitor_stays() -> None:
    wired = MonitorConfig("EVSE", "AvailabilityState", evse=1, type="Delta", value=1.0, severity=6, hard_wired=True)
    config = msgspec.structs.replace(POST, monitors=(wired,))
    result = outcome(station_cases()["TC_N_44_CS", V201], V201, config=config)
    assert (result.verdict, result.reason) == (Verdict.PASS, "")
