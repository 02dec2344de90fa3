"""A station that is broken on purpose does not pass: blocks A, L, M and N."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from our_station import outcome
from test_conformance_doors import at_the_door

from ocppflow.check.cases import station_cases
from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.endpoint import client_context
from ocppflow.messages import Version, v21
from ocppflow.station import CompleteStation

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
