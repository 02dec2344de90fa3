"""Which cases are for which station: conditions, PICS files, and what a station's device model tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocppflow.check.catalogue import features, listings, profiles
from ocppflow.check.condition import Condition
from ocppflow.check.pics import USUAL, Pics, pics_text, read_pics
from ocppflow.check.pics_from_station import pics_of_report
from ocppflow.check.runner import plan
from ocppflow.check.variables import Reported
from ocppflow.check.verdict import Verdict
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version


@pytest.mark.parametrize(
    ("text", "has", "holds"),
    [
        ("", "", True),
        ("C-13", "", False),
        ("C-13", "C-13", True),
        ("NOT C-13", "", True),
        ("C-09.1 & (C-51 | NOT C-09.6)", "C-09.1", True),
        ("C-09.1 & (C-51 | NOT C-09.6)", "C-09.1 C-09.6", False),
        ("C-30 | C-31 & C-32", "C-30", True),
        ("[Smart Charging] & NOT [Subtype Wireless]", "Smart-Charging", True),
        ("HFS-8>1", "HFS-8", False),
        ("CS: C-63; CSMS: P-0", "C-63", True),
        ("CS: C-63; CSMS: P-0", "P-0", False),
    ],
)
def test_a_condition_holds(text: str, has: str, holds: bool) -> None:
    claimed = set(has.replace("Smart-Charging", "Smart_Charging").split())
    assert Condition(text).holds(lambda name: float(name.replace(" ", "_") in claimed)) is holds


def test_a_number_is_compared() -> None:
    assert Condition("HFS-8>1").holds(lambda _: 2)
    assert not Condition("HFS-8>2").holds(lambda _: 2)


@pytest.mark.parametrize("text", ["C-13 &", "(C-13", "C-13 C-14", "or C-13", "C-13)"])
def test_a_condition_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Condition(text).holds(lambda _: 1)


def test_every_condition_of_the_catalogue_can_be_read_and_names_features_that_there_are() -> None:
    for version in (Version.V201, Version.V21):
        assert len(listings(version)) > 300
        for case_id, listed in listings(version).items():
            assert case_id.startswith("TC_")
            for listing in listed:
                listing.condition.holds(lambda _: 0)
                for name in listing.condition.features:
                    feature = name.partition(">")[0]
                    assert feature.startswith("[") or feature in features(), f"{case_id}: {name}"


def test_a_mandatory_case_is_for_all_who_claim_its_profile() -> None:
    assert Pics().applies(listings(Version.V21)["TC_B_01_CS"]) == ""
    reason = Pics().applies(listings(Version.V201)["TC_K_01_CS"])
    assert "profile Smart Charging is not claimed" in reason


def test_what_is_a_profile_in_one_version_is_a_feature_in_the_other() -> None:
    assert Pics(features={"R-0": True}).claims("Reservation")
    assert Pics(profiles=("Reservation",)).claims("R-0")
    assert not Pics().claims("R-0")


def test_a_file_that_was_printed_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "pics.toml"
    pics = Pics(profiles=("Core", "Reservation"), features={**USUAL.features, "HFS-8": 2}, subtypes=("Wireless",))
    file.write_text(pics_text(pics), encoding="utf-8")
    read = read_pics(file)
    assert read.profiles == pics.profiles
    assert read.claims("HFS-8") == 2
    assert read.claims("Subtype Wireless") == 1
    assert {name for name, value in read.features.items() if value} == set(pics.features)
    assert read.settings == pics.settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("profiles = [", "not TOML"),
        ('profiles = ["Gold"]', "unknown profile Gold; known: Core"),
        ("[features]\nC-99 = true", "there is no feature C-99; --print-pics lists them all"),
        ("[settings]\nevses = 1", "unknown field `evses` - at `$.settings`"),
        ('[settings]\nevse = "one"', "Expected `int`, got `str` - at `$.settings.evse`"),
    ],
)
def test_a_file_with_a_mistake_gets_a_line_that_names_it(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "pics.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read_pics(file)
    assert str(file) in str(raised.value)
    assert said in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_pics(tmp_path / "none.toml")


def test_every_case_of_the_catalogue_is_planned_and_one_that_is_not_written_says_so() -> None:
    everything = Pics(profiles=tuple(profiles()), features=dict.fromkeys(features(), 9))
    planned = plan(Version.V21, everything)
    assert {item.id for item in planned} >= set(listings(Version.V21))
    for item in planned:
        if item.case is None and not item.reason.startswith(("it is for", "profile")):
            assert item.settled().verdict is Verdict.NOT_WRITTEN
    assert plan(Version.V21, everything, only=["TC_B_2*"], blocks=["b"])[0].id == "TC_B_20_CS"


def _variable(component: str, variable: str, value: str, mutability: str = "ReadOnly", **more: object) -> Reported:
    data = {
        "variableAttribute": [{"value": value, "mutability": mutability}],
        "variableCharacteristics": {"dataType": "string", "supportsMonitoring": False, **more},
    }
    return Reported(component, "", 0, 0, variable, "", data)


def test_a_device_model_tells_of_features() -> None:
    report = [
        _variable("AuthCacheCtrlr", "Enabled", "true", "ReadWrite"),
        _variable("TxCtrlr", "TxStartPoint", "EVConnected,Authorized"),
        _variable("TxCtrlr", "TxStopPoint", "EVConnected", "ReadWrite", valuesList="EVConnected,Authorized"),
        _variable("TxCtrlr", "StopTxOnEVSideDisconnect", "true"),
        _variable("ReservationCtrlr", "Available", "false"),
        _variable("SmartChargingCtrlr", "RateUnit", "A"),
        _variable("SmartChargingCtrlr", "SupportedAdditionalPurposes", "LocalGeneration, PriorityCharging"),
        _variable("SmartChargingCtrlr", "SupportsFeature", "true")._replace(instance="UseLocalTime"),
        _variable("SmartChargingCtrlr", "SupportsFeature", "false")._replace(instance="LimitAtSoC"),
        _variable("ClockCtrlr", "TimeZone", ""),
        _variable("DisplayMessageCtrlr", "SupportedFormats", "ASCII"),
        Reported("EVSE", "", 1, 0, "Available", "", {}),
        Reported("EVSE", "", 2, 0, "Available", "", {}),
        Reported("Connector", "", 2, 1, "Available", "", {}),
        Reported("Connector", "", 2, 2, "Available", "", {}),
    ]
    pics = pics_of_report(report, Pics(profiles=("Core", "Reservation"), features={"C-30": True, "C-49": False}))
    claimed = {name for name, value in pics.features.items() if value}
    assert claimed == {
        *("C-30", "C-49", "C-09.1", "C-09.2", "C-10.1", "C-10.2", "C-52", "C-06", "C-06.2", "SC-2.1", "HFS-8"),
        *("SC-6", "SC-5", "SC-5.2", "C-26", "UI-2.1"),
    }
    assert pics.profiles == ("Core", "Smart Charging", "Advanced User Interface")
    assert pics.settings.rate_unit == "A"
    assert pics.features["HFS-8"] == 2
    assert pics.settings.connectors == (1, 2)
