"""A station whose smart charging or display is broken on purpose does not pass: the case that sees it. And the cases
that are for stations with less than ours."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest
from our_station import POST, outcome

from ocppflow.check.cases import station_cases
from ocppflow.check.verdict import CaseResult, Verdict
from ocppflow.messages import Version, v21
from ocppflow.station import CompleteStation, StationConfig
from ocppflow.station.blocks.display import Display
from ocppflow.station.blocks.smart_charging import SmartCharging, composite_schedule
from ocppflow.station.blocks.smart_charging.installed_profile import EvseSituation, InstalledProfile
from ocppflow.station.blocks.smart_charging.profile_book import ProfileBook
from ocppflow.station.station_config import FEATURES, VariableConfig


def _outcome(
    case_id: str,
    prepare: Callable[[CompleteStation], object] = lambda _: None,
    version: Version = Version.V201,
    config: StationConfig = POST,
) -> CaseResult:
    return outcome(station_cases()[case_id, version], version, prepare=prepare, config=config)


def _fails(result: CaseResult, text: str, requirement: str) -> None:
    assert result.verdict is Verdict.FAIL, result.reason
    finding = result.findings[-1]
    assert text in finding.text
    assert requirement in finding.requirements


# --- K: smart charging -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case_id", ["TC_K_01_CS", "TC_K_03_CS", "TC_K_29_CS", "TC_K_37_CS"])
def test_K01FR07_a_profile_that_is_accepted_and_thrown_away_is_seen(
    case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProfileBook, "put", lambda *_: None)
    result = _outcome(case_id)
    assert result.verdict is Verdict.FAIL
    assert "NoProfiles" in result.reason


@pytest.mark.parametrize(("case_id", "seen"), [("TC_K_40_CS", "K08.FR.06"), ("TC_K_41_CS", "K08.FR.04")])
def test_K08FR02_a_schedule_that_does_not_stack_is_seen(
    case_id: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leading = composite_schedule.leading
    monkeypatch.setattr(composite_schedule, "leading", lambda stack, when: leading(stack[-1:], when))
    monkeypatch.setattr(composite_schedule.StationLimits, "shared", lambda self, when: (self.supply.rate(), 1e18))
    _fails(_outcome(case_id), "the limit from", seen)


def test_K10FR01_a_clearing_of_nothing_that_is_accepted_is_seen() -> None:
    def nod(station: CompleteStation) -> None:
        @station.on(v21.ClearChargingProfileRequest)
        async def always(
            _: CompleteStation, request: v21.ClearChargingProfileRequest
        ) -> v21.ClearChargingProfileResponse:
            return v21.ClearChargingProfileResponse(status="Accepted")

    _fails(_outcome("TC_K_08_CS", nod), "status is Accepted, not Unknown", "K10.FR.01")
    _fails(_outcome("TC_K_05_CS", nod), "status is Accepted, not NoProfiles", "K10.FR.03")
    _fails(_outcome("TC_K_09_CS", nod), "the limit is still 6", "K10.FR.07")


def test_K09FR02_a_report_of_something_else_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    say = CompleteStation.say

    async def changed(self: CompleteStation, request: Any, **how: Any) -> Any:
        if isinstance(request, v21.ReportChargingProfilesRequest):
            one = msgspec.structs.replace(request.charging_profile[0], stack_level=3)
            request = msgspec.structs.replace(request, charging_profile=[one])
        return await say(self, request, **how)

    monkeypatch.setattr(CompleteStation, "say", changed)
    _fails(_outcome("TC_K_32_CS"), "chargingProfile.stackLevel is 3, not 0", "K09.FR.02")


def test_K01FR102_a_profile_that_outlives_its_time_offline_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmartCharging, "_back_online", lambda self: setattr(self, "_offline_since", None))
    _fails(_outcome("TC_K_100_CS", version=Version.V21), "the limit from 0 s on is 7, not 6", "K01.FR.102")


def test_K01FR93_delays_that_are_thrown_anew_each_time_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Random(1)

    def delays(_: SmartCharging, one: InstalledProfile, situation: EvseSituation) -> list[int]:
        schedule = one.profile.charging_schedule[0]
        return [chance.randint(0, schedule.randomized_delay or 0) for _ in schedule.charging_schedule_period]

    monkeypatch.setattr(SmartCharging, "_delays", delays)
    _fails(_outcome("TC_K_106_CS", version=Version.V21), "the delays are other ones each time", "K01.FR.93")
    _fails(_outcome("TC_K_112_CS", version=Version.V21), "the limit from", "K08.FR.06")


def test_K28FR08_new_values_that_are_left_out_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmartCharging, "update", lambda *_: None)
    _fails(_outcome("TC_K_121_CS", version=Version.V21), "dynUpdateTime is off by 30 s", "K28.FR.09")


# --- O: display messages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case_id", "text", "requirement"),
    [
        ("TC_O_01_CS", "status is Unknown, not Accepted", "O01.FR.12"),
        ("TC_O_22_CS", "status is Unknown, not Accepted", "O01.FR.14"),
    ],
)
def test_O01FR12_a_message_that_is_accepted_and_thrown_away_is_seen(
    case_id: str, text: str, requirement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Display, "put", lambda *_: [])
    _fails(_outcome(case_id), text, requirement)


def test_O02FR02_a_message_that_outlives_its_transaction_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Display, "transaction_ended", lambda *_: None)
    _fails(_outcome("TC_O_06_CS"), "status is Accepted, not Unknown", "O02.FR.02")


def test_O01FR16_two_messages_that_are_always_in_front_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Display, "replaced_by", lambda *_: [])
    _fails(_outcome("TC_O_24_CS"), "status is Accepted, not Unknown", "O01.FR.16")


# --- P: data transfer ------------------------------------------------------------------------------------------------


def test_P01FR05_a_vendor_that_nobody_knows_and_is_accepted_is_seen() -> None:
    def nod(station: CompleteStation) -> None:
        @station.on(v21.DataTransferRequest)
        async def always(_: CompleteStation, request: v21.DataTransferRequest) -> v21.DataTransferResponse:
            return v21.DataTransferResponse(status="Accepted")

    _fails(_outcome("TC_P_01_CS", nod), "status is Accepted", "P01.FR.05")


# --- stations with less than ours ------------------------------------------------------------------------------------


def _without(*features: str) -> StationConfig:
    return msgspec.structs.replace(POST, features=tuple(name for name in FEATURES if name not in features))


def _limited(
    component: str, variable: str, value: str, instance: str = "", *, values: str | None = None
) -> StationConfig:
    allowed = ("" if instance else value) if values is None else values
    one = VariableConfig(component, variable, value, variable_instance=instance, values_list=allowed)
    return msgspec.structs.replace(POST, variables=(one,))


def _lacking(feature: str) -> StationConfig:
    return _limited("SmartChargingCtrlr", "SupportsFeature", "false", feature)


_NO_PRIORITY = _limited("SmartChargingCtrlr", "SupportedAdditionalPurposes", "LocalGeneration")
_NO_GENERATION = _limited("SmartChargingCtrlr", "SupportedAdditionalPurposes", "PriorityCharging")


_AMPS_ONLY = _limited("SmartChargingCtrlr", "RateUnit", "A")
_NO_FRONT = _limited("DisplayMessageCtrlr", "SupportedPriorities", "NormalCycle,InFront")
_PLAIN = _limited("DisplayMessageCtrlr", "SupportedFormats", "ASCII,UTF8")


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
@pytest.mark.parametrize(
    ("case_id", "config"),
    [
        ("TC_K_12_CS", _AMPS_ONLY),
        ("TC_K_42_CS", _AMPS_ONLY),
        ("TC_K_38_CS", _without("smart_charging")),
        ("TC_O_17_CS", _NO_FRONT),
        ("TC_O_19_CS", _PLAIN),
    ],
)
def test_a_station_with_less_passes_what_is_for_it(case_id: str, config: StationConfig, version: Version) -> None:
    result = _outcome(case_id, version=version, config=config)
    assert (result.verdict, result.reason, result.not_cleaned) == (Verdict.PASS, "", [])


@pytest.mark.parametrize(
    ("case_id", "config"),
    [
        ("TC_K_130_CS", _NO_PRIORITY),
        ("TC_K_131_CS", _NO_GENERATION),
        ("TC_K_132_CS", _lacking("UseLocalTime")),
        ("TC_K_133_CS", _lacking("RandomizedDelay")),
        ("TC_K_134_CS", _lacking("LimitAtSoC")),
        ("TC_K_135_CS", POST),
        ("TC_O_101_CS", _limited("DisplayMessageCtrlr", "Language", "en", values="en,nl")),
    ],
)
def test_a_station_with_less_or_more_passes_what_is_for_it_in_21(case_id: str, config: StationConfig) -> None:
    result = _outcome(case_id, version=Version.V21, config=config)
    assert (result.verdict, result.reason, result.not_cleaned) == (Verdict.PASS, "", [])
