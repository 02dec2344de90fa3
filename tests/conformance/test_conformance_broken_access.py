"""A station whose authorization, local list, reservations or costs are broken on purpose does not pass: the case that
sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from our_station import PICS, POST, outcome

from ocppflow.check.cases import station_cases
from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.errors import NotSupported
from ocppflow.messages import Version, v21
from ocppflow.station import CompleteStation, VariableConfig
from ocppflow.station.blocks.authorization import Authorization, TokenVerdict
from ocppflow.station.blocks.local_list import LocalList
from ocppflow.station.blocks.reservation import Reservations
from ocppflow.station.blocks.tariff.cost_meter import CostMeter
from ocppflow.station.blocks.tariff.tariff_book import TariffBook


def _outcome(
    case_id: str, prepare: Callable[[CompleteStation], object] = lambda _: None, *, start: str = "PowerPathClosed"
) -> CaseResult:
    """``start``: the station's TxStartPoint."""
    point = VariableConfig(component="TxCtrlr", variable="TxStartPoint", value=start)
    config = msgspec.structs.replace(POST, variables=(point,))
    return outcome(station_cases()[case_id, Version.V201], Version.V201, prepare=prepare, config=config)


def _fails(result: CaseResult, text: str, requirement: str) -> None:
    assert result.verdict is Verdict.FAIL, result.reason
    finding = result.findings[-1]
    assert text in finding.text
    assert requirement in finding.requirements


# --- C: authorization ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case_id", ["TC_C_02_CS", "TC_C_05_CS", "TC_C_56_CS"])
def test_C01FR02_a_station_that_lets_anybody_charge_is_seen(case_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    authorize = Authorization.authorize

    async def lenient(self: Authorization, token: v21.IdTokenType, evse: int = 0) -> TokenVerdict:
        await authorize(self, token, evse)
        return TokenVerdict(accepted=True, status="Accepted", by="csms")

    monkeypatch.setattr(Authorization, "authorize", lenient)
    _fails(_outcome(case_id), "TransactionEvent: it must not be sent here", "C01.FR.02")


def test_C12FR02_a_station_that_always_asks_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Authorization, "local", lambda *_: None)
    _fails(_outcome("TC_C_08_CS"), "Authorize: it must not be sent here", "C12.FR.02")


def test_C12FR05_a_cache_that_is_believed_for_ever_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Authorization, "_asks_again", lambda *_: False)
    _fails(_outcome("TC_C_09_CS"), "no Authorize within", "C12.FR.05")


def test_C11FR03_a_cache_that_is_not_cleared_is_seen() -> None:
    def nod(station: CompleteStation) -> None:
        @station.on(v21.ClearCacheRequest)
        async def always(_: CompleteStation, request: v21.ClearCacheRequest) -> v21.ClearCacheResponse:
            return v21.ClearCacheResponse(status="Accepted")

    _fails(_outcome("TC_C_37_CS", nod), "no Authorize within", "C01.FR.02")
    _fails(_outcome("TC_C_38_CS", nod), "status is Accepted, not Rejected", "C11.FR.04")


@pytest.mark.parametrize("case_id", ["TC_C_22_CS", "TC_C_23_CS", "TC_C_24_CS", "TC_C_25_CS"])
def test_C13FR02_a_station_that_lets_anybody_charge_offline_is_seen(
    case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = TokenVerdict(accepted=True, status="Accepted", by="offline")
    monkeypatch.setattr(Authorization, "_offline", lambda *_: good)
    result = _outcome(case_id, start="Authorized")
    assert result.verdict is Verdict.FAIL
    assert result.findings[-1].action == "TransactionEvent"
    assert "Authorized" in result.reason or "nobody is authorized" in result.reason


def test_E05FR10_a_station_that_does_not_hear_that_a_token_is_Invalid_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocppflow.station.blocks.transactions.event_answers._judged", lambda *_: None)
    _fails(_outcome("TC_C_16_CS"), "no TransactionEvent with triggerReason Deauthorized", "E05.FR.10")
    _fails(_outcome("TC_C_17_CS"), "no TransactionEvent within", "E05.FR.02")
    _fails(_outcome("TC_C_15_CS"), "no TransactionEvent within", "E05.FR.03")


def test_C09FR11_a_group_that_goes_before_the_status_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    authorize = Authorization.authorize

    async def lenient(self: Authorization, token: v21.IdTokenType, evse: int = 0) -> TokenVerdict:
        verdict = await authorize(self, token, evse)
        return TokenVerdict(accepted=True, status="Accepted", by=verdict.by, group=verdict.group)

    monkeypatch.setattr(Authorization, "authorize", lenient)
    for case_id in ("TC_C_42_CS", "TC_C_43_CS", "TC_C_44_CS"):
        _fails(_outcome(case_id), "TransactionEvent: it must not be sent here", "C09.FR.11")


def test_C16FR03_a_master_pass_that_charges_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Authorization, "is_master_pass", lambda *_: False)
    _fails(_outcome("TC_C_45_CS", start="Authorized"), "it must not be sent here", "C16.FR.03")
    _fails(_outcome("TC_C_49_CS"), "no TransactionEvent within", "C16.FR.02")


# --- D: local list ---------------------------------------------------------------------------------------------------


def test_D01FR19_a_list_that_takes_any_version_is_seen() -> None:
    def takes_all(station: CompleteStation) -> None:
        @station.on(v21.SendLocalListRequest)
        async def always(_: CompleteStation, request: v21.SendLocalListRequest) -> v21.SendLocalListResponse:
            return v21.SendLocalListResponse(status="Accepted")

    _fails(_outcome("TC_D_06_CS", takes_all), "status is Accepted, not VersionMismatch", "D01.FR.19")
    _fails(_outcome("TC_D_01_CS", takes_all), "versionNumber is 0, not 5", "D02.FR.01")


def test_D01FR10_a_list_that_is_forgotten_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalList, "_put", lambda *_: None)
    _fails(_outcome("TC_D_07_CS"), "versionNumber is 0, not 5", "D01.FR.10")


def test_D02FR03_a_version_of_a_list_that_is_switched_off_is_seen() -> None:
    def tells(station: CompleteStation) -> None:
        @station.on(v21.GetLocalListVersionRequest)
        def always(_: CompleteStation, request: v21.GetLocalListVersionRequest) -> v21.GetLocalListVersionResponse:
            return v21.GetLocalListVersionResponse(version_number=7)

    _fails(_outcome("TC_D_10_CS", tells), "versionNumber is 7, not 0", "D02.FR.03")


# --- H: reservation --------------------------------------------------------------------------------------------------


def test_H03FR01_an_EVSE_that_is_reserved_for_nobody_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reservations, "admits", lambda *_: True)
    _fails(_outcome("TC_H_02_CS"), "nobody is authorized, so no energy may flow", "H03.FR.01")


def test_H01FR15_a_reservation_that_is_not_told_to_be_used_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    used = Reservations.used

    def silently(self: Reservations, *whose: Any) -> None:
        used(self, *whose)

    monkeypatch.setattr(Reservations, "used", silently)
    _fails(_outcome("TC_H_01_CS"), "reservationId is absent, not 1", "H01.FR.15")
    _fails(_outcome("TC_H_08_CS"), "reservationId is absent, not 100", "H01.FR.15")


def test_H04FR01_a_reservation_that_never_expires_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reservations, "_expire", lambda _: None)
    _fails(_outcome("TC_H_07_CS"), "nothing was told of it", "H04.FR.03")


def test_H04FR01_one_that_expires_and_is_not_told_of_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reservations, "_tell", lambda *_: None)
    _fails(_outcome("TC_H_07_CS"), "no ReservationStatusUpdate", "H04.FR.01")
    _fails(_outcome("TC_H_21_CS"), "no ReservationStatusUpdate", "H01.FR.17")


def test_H01FR11_a_station_that_reserves_without_end_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reservations, "_no_place", lambda *_: None)
    for case_id in ("TC_H_03_CS", "TC_H_04_CS", "TC_H_09_CS", "TC_H_10_CS", "TC_H_16_CS"):
        _fails(_outcome(case_id), "status is Accepted, not Occupied", "H01.FR.11")
    for case_id in ("TC_H_06_CS", "TC_H_12_CS"):
        _fails(_outcome(case_id), "status is Accepted, not Unavailable", "H01.FR.14")


def test_F01FR22_a_remote_start_by_another_driver_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    remote = msgspec.structs.replace(PICS.settings, remote_start=True)
    case = station_cases()["TC_H_02_CS", Version.V201]
    assert outcome(case, Version.V201, settings=remote).verdict is Verdict.PASS
    monkeypatch.setattr(Reservations, "admits", lambda *_: True)
    _fails(outcome(case, Version.V201, settings=remote), "status is Accepted, not Rejected", "F01.FR.22")


# --- I: costs --------------------------------------------------------------------------------------------------------


def test_I02FR02_a_station_that_cannot_be_told_a_cost_is_seen() -> None:
    def deaf(station: CompleteStation) -> None:
        @station.on(v21.CostUpdatedRequest)
        def never(_: CompleteStation, request: v21.CostUpdatedRequest) -> v21.CostUpdatedResponse:
            raise NotSupported("the station does not show costs")

    _fails(_outcome("TC_I_01_CS", deaf), "CostUpdated was refused with CALLERROR NotSupported", "I02.FR.02")


def test_I02FR02_a_station_that_tells_nothing_while_charging_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocppflow.station.blocks.metering.Metering.sample", lambda *_, **__: [])
    _fails(_outcome("TC_I_07_CS"), "no TransactionEvent", "I02.FR.02")


def _newest(case_id: str) -> CaseResult:
    return outcome(station_cases()[case_id, Version.V21], Version.V21)


def test_I12FR02_running_costs_with_periods_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    details = CostMeter.details
    monkeypatch.setattr(CostMeter, "details", lambda self, **_: details(self, final=True))
    _fails(_newest("TC_I_116_CS"), "costDetails.chargingPeriods is", "I12.FR.02")


def test_I12FR39_a_station_that_knows_no_maximum_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CostMeter, "_share", lambda *_: 1.0)
    _fails(_newest("TC_I_121_CS"), "typeOfCost is NormalCost, not MaxCost", "I12.FR.39")


def test_I07FR20_a_book_that_keeps_every_tariff_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TariffBook, "tidy", lambda _: None)
    _fails(_newest("TC_I_100_CS"), "not Test System1B", "I07.FR.20")
