"""DeviceModel: finding, reading, writing, keeping, and comparing what is declared with what is stored."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from ocppflow.endpoint import ManualClock
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.messages.v21 import AttributeEnumType
from ocppflow.station import EvseConfig, MemoryStationStore, StationConfig, VariableConfig
from ocppflow.station.device_model import (
    DeviceModel,
    Outcome,
    Refusal,
    VariableKey,
    checked,
    declarations,
    on_change,
    variable_hooks,
)
from ocppflow.station.wall_time import WallTime

CLOCK = ManualClock()


class Owner:
    """What the device model knows of its station."""

    identity = "CS1"
    config = StationConfig()
    hardware = None
    time = WallTime(lambda: CLOCK, datetime(2026, 1, 1, tzinfo=UTC))


def own(**what: Any) -> VariableConfig:
    return VariableConfig(**{"component": "Fan", "variable": "Speed", "data_type": "integer"} | what)


def model(*variables: VariableConfig, store: MemoryStationStore | None = None, **config: Any) -> DeviceModel:
    return DeviceModel(
        Owner(), declarations(StationConfig(variables=variables, **config)), store or MemoryStationStore()
    )


FAN = VariableKey("Fan", "Speed")
OFFLINE = VariableKey("OCPPCommCtrlr", "OfflineThreshold")


def assign(model: DeviceModel, key: VariableKey, text: str, attribute: AttributeEnumType = "Actual") -> Outcome:
    return model.assign(key, attribute, text, Version.V21)


@pytest.mark.parametrize("name", ["OCPPCommCtrlr", "ocppcommctrlr", "OCPPCOMMCTRLR"])
def test_names_are_compared_without_regard_to_case(name: str) -> None:
    assert model().integer(name, "offlineThreshold") == 60
    assert assign(model(), VariableKey(name, "OFFLINETHRESHOLD"), "5").status == "Accepted"


def test_B05FR04_B05FR05_B05FR06_what_is_unknown_is_told_apart() -> None:
    one = model(evses=(EvseConfig(),))
    assert assign(one, VariableKey("Nothing", "OfflineThreshold"), "1").status == "UnknownComponent"
    assert assign(one, VariableKey("EVSE", "Power", evse=2), "1").status == "UnknownComponent"
    assert assign(one, VariableKey("OCPPCommCtrlr", "Nothing"), "1").status == "UnknownVariable"
    assert assign(one, VariableKey("OCPPCommCtrlr", "MessageAttempts"), "1").status == "UnknownVariable"
    assert assign(one, OFFLINE, "1", "Target").status == "NotSupportedAttributeType"


async def test_a_CSMS_value_survives_a_boot_and_reactions_hear_of_it() -> None:
    heard: list[tuple[VariableKey, str]] = []
    on_change("Fan", "Speed")(lambda station, key, value: heard.append((key, value)))
    store = MemoryStationStore()
    try:
        one = model(own(value="1", mutability="ReadWrite"), store=store)
        assert assign(one, FAN, "7").status == "Accepted"
        assert assign(one, FAN, "7").status == "Accepted"
    finally:
        del variable_hooks.REACTIONS["Fan", "Speed"]
    await store.commit()
    assert heard == [(FAN, "7")]
    assert model(own(value="1", mutability="ReadWrite"), store=store).integer("Fan", "Speed") == 7


async def test_what_is_not_committed_is_gone_after_a_power_cut() -> None:
    store = MemoryStationStore()
    assign(model(store=store), OFFLINE, "7")
    store.discard()
    assert model(store=store).integer("OCPPCommCtrlr", "OfflineThreshold") == 60


async def test_live_values_begin_anew_at_each_boot() -> None:
    store = MemoryStationStore()
    model(store=store).set("EVSE", "AvailabilityState", "Faulted", evse=1)
    await store.commit()
    assert model(store=store).text("EVSE", "AvailabilityState", evse=1) == "Available"


async def test_RebootRequired_a_value_counts_after_the_boot_but_is_shown_at_once() -> None:
    store = MemoryStationStore()
    variable = own(value="1", mutability="ReadWrite", reboot_required=True)
    one = model(variable, store=store)
    assert assign(one, FAN, "2").status == "RebootRequired"
    assert one.integer("Fan", "Speed") == 1
    assert one.ask(FAN, "Actual", Version.V21).value == "2"
    await store.commit()
    assert model(variable, store=store).integer("Fan", "Speed") == 2
    assert assign(one, FAN, "1").status == "Accepted"  # what counts now anyway
    await store.commit()
    assert model(variable, store=store).integer("Fan", "Speed") == 1


async def test_a_stored_value_that_the_declaration_forbids_now_falls_back(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStationStore()
    assign(model(own(value="1", mutability="ReadWrite"), store=store), FAN, "70")
    await store.commit()
    with caplog.at_level(logging.WARNING, "ocppflow"):
        narrower = model(own(value="1", mutability="ReadWrite", max_limit=50), store=store)
    assert narrower.integer("Fan", "Speed") == 1
    assert "Fan.Speed" in caplog.text
    await store.commit()
    caplog.clear()
    model(own(value="1", mutability="ReadWrite", max_limit=50), store=store)
    assert not caplog.text


async def test_a_value_of_a_variable_that_is_not_declared_now_is_there_when_it_is_again() -> None:
    store = MemoryStationStore()
    assign(model(own(mutability="ReadWrite"), store=store), FAN, "3")
    await store.commit()
    assert model(store=store).value("Fan", "Speed") is None
    await store.commit()
    assert model(own(mutability="ReadWrite"), store=store).value("Fan", "Speed") == "3"


def test_a_required_variable_without_a_value_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigurationError, match=r"Fan@1\.Speed is required"):
        model(own(required=True, evse=1))
    assert model(own(required=True, value="1")).integer("Fan", "Speed") == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"value": "fast"}, r"variables\[0\] \(Fan.Speed\): the value 'fast' does not fit: not an integer"),
        ({"data_type": "number"}, "data_type is 'number'"),
        ({"evse": 2}, "no evse 2"),
        ({"evse": 1, "connector": 4}, "no connector 4"),
        ({"component": ""}, "need a name"),
        ({"variable": "x" * 51}, "at most 50"),
    ],
)
def test_a_variable_of_the_config_that_makes_no_sense_is_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        model(own(**wrong))


def test_the_config_may_change_a_standard_variable() -> None:
    change = VariableConfig(component="ocppCommCtrlr", variable="OfflineThreshold", value="9", mutability="ReadOnly")
    one = model(change)
    assert one.integer("OCPPCommCtrlr", "OfflineThreshold") == 9
    assert assign(one, OFFLINE, "10").refusal == Refusal("ReadOnly")
    assert len(one.declared) == len(model().declared)


def test_B06FR09_a_write_only_value_is_never_shown() -> None:
    one = model(own(value="7", mutability="WriteOnly"))
    assert assign(one, FAN, "8").status == "Accepted"
    outcome = one.ask(FAN, "Actual", Version.V21)
    assert (outcome.status, outcome.value) == ("Rejected", "")
    assert outcome.refusal == Refusal("WriteOnly")
    assert one.shown(one.declared[FAN]) is None


def test_a_checker_may_refuse_what_a_CSMS_sets_but_not_what_the_station_sets() -> None:
    checked("Fan", "Speed")(lambda station, key, value: "odd" if int(value) % 2 else None)
    try:
        one = model(own(value="2", mutability="ReadWrite"))
        assert assign(one, FAN, "3").refusal == Refusal("InvalidValue", "odd")
        assert assign(one, FAN, "4").status == "Accepted"
        one.set("Fan", "Speed", 5)
        assert one.integer("Fan", "Speed") == 5
    finally:
        del variable_hooks.CHECKERS["Fan", "Speed"]


def test_targets_keep_their_order_and_are_empty_until_set() -> None:
    one = model(own(value="5", targets=True))
    assert one.ask(FAN, "Target", Version.V21)[0:2] == ("Accepted", None)  # B06.FR.13
    assert assign(one, FAN, "10", "MaxSet").status == "Accepted"
    assert assign(one, FAN, "11", "Target").refusal is not None
    assert assign(one, FAN, "9", "Target").status == "Accepted"
    assert assign(one, FAN, "12", "MinSet").refusal is not None
    assert assign(one, FAN, "9").refusal == Refusal("ReadOnly")
    assert one.ask(FAN, "Target", Version.V21).value == "9"


@pytest.mark.parametrize("attribute", ["Actual", "Target"])
@pytest.mark.parametrize("reboot", [False, True])
async def test_what_could_not_be_kept_can_be_taken_back(attribute: AttributeEnumType, reboot: bool) -> None:
    store = MemoryStationStore()
    variable = own(value="1", mutability="ReadWrite", targets=True, reboot_required=reboot)
    one = model(variable, store=store)
    for text in ("2", "3"):
        before = one.shown(one.declared[FAN], attribute)
        outcome = assign(one, FAN, text, attribute)
        one.take_back(FAN, attribute, outcome.before)
        assert one.shown(one.declared[FAN], attribute) == before
        await store.commit()
        assert model(variable, store=store).shown(one.declared[FAN], attribute) == before
        assign(one, FAN, text, attribute)
        await store.commit()


def test_over_201_what_only_21_knows_is_not_there() -> None:
    key = VariableKey("TxCtrlr", "ResumptionTimeout")
    slot = VariableKey("NetworkConfiguration", "OcppCsmsUrl", "1")
    one = model()
    assert one.ask(key, "Actual", Version.V21).status == "Accepted"
    assert one.ask(key, "Actual", Version.V201).status == "UnknownVariable"
    assert one.ask(slot, "Actual", Version.V201).status == "UnknownComponent"


def test_what_is_known_only_when_asked_for_is_told() -> None:
    assert model().text("ClockCtrlr", "DateTime") == "2026-01-01T00:00:00.000Z"
    assert model().text("SecurityCtrlr", "Identity") == "CS1"


@pytest.mark.parametrize("junk", ["", "\x1f", "a\x1fb", "a\x1fb\x1fc\x1fd\x1fe\x1ff", "\x1f".join("OVaa00") + "\x1fX"])
async def test_junk_among_the_stored_values_stops_nothing(junk: str) -> None:
    store = MemoryStationStore()
    store.put("variables", junk, "1")
    await store.commit()
    assert model(store=store).integer("OCPPCommCtrlr", "OfflineThreshold") == 60
