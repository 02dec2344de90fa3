"""N02 to N08: monitors set, cleared, reported; the events they make, online and not, before and after a boot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from station_world import StationWorld
from variable_steps import place, shown, status

from ocppflow.endpoint import sleep
from ocppflow.errors import ConfigurationError, RemoteCallError
from ocppflow.messages import Version
from ocppflow.station import EvseConfig, MonitorConfig, StationConfig, StoreFailed, VariableConfig
from ocppflow.station.station_config import FEATURES

OWN = (
    VariableConfig(
        component="Fan", variable="Speed", data_type="decimal", value="0", mutability="ReadWrite", targets=True
    ),
    VariableConfig(component="Safe", variable="Code", value="1234", mutability="WriteOnly"),
)
MONITORS = (
    MonitorConfig("ChargingStation", "Problem", "Delta", severity=2, hard_wired=True),
    MonitorConfig("EVSE", "AvailabilityState", "Delta", severity=6, evse=2),
)
CONFIG = StationConfig(evses=(EvseConfig(), EvseConfig()), variables=OWN, monitors=MONITORS)
STATE = place("EVSE", "AvailabilityState", evse=1)
FAN = place("Fan", "Speed")


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[StationWorld]:
    async with StationWorld(request.param, CONFIG) as one:
        await up(one)
        yield one


@pytest.fixture
async def new() -> AsyncIterator[StationWorld]:
    async with StationWorld(Version.V21, CONFIG) as one:
        await up(one)
        yield one


async def up(world: StationWorld) -> None:
    await world.station.connect()
    await world.clock.advance(0)
    world.heard.clear()


async def boot(world: StationWorld) -> None:
    """The power goes, and comes back."""
    await world.station.stop()
    world.station.power_down()
    await up(world)


def wish(where: dict[str, Any], kind: str, value: float, severity: int = 8, **more: Any) -> dict[str, Any]:
    return {**where, "type": kind, "value": value, "severity": severity, **more}


async def set_monitors(world: StationWorld, *wishes: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await world.call("SetVariableMonitoring", {"setMonitoringData": list(wishes)})
    results: list[dict[str, Any]] = answer["setMonitoringResult"]
    await world.clock.advance(0)
    return results


async def set_monitor(world: StationWorld, *what: Any, **more: Any) -> int:
    """The id of a new monitor."""
    (result,) = await set_monitors(world, wish(*what, **more))
    assert result["status"] == "Accepted", result
    number: int = result["id"]
    return number


async def give(world: StationWorld, variable: str, value: Any, component: str = "EVSE", **where: Any) -> None:
    world.station.device_model.set(component, variable, value, **where)
    await world.clock.advance(0)


async def spin(world: StationWorld, *speeds: float) -> None:
    for speed in speeds:
        await give(world, "Speed", speed, component="Fan")


def events(world: StationWorld) -> list[dict[str, Any]]:
    """Events of monitors; what a station says of its connectors without one is not of interest here."""
    all_events = [event for request in world.sent("NotifyEvent") for event in request["eventData"]]
    return [event for event in all_events if "variableMonitoringId" in event]


def told(world: StationWorld) -> list[tuple[str, str, bool]]:
    return [(each["trigger"], each["actualValue"], each.get("cleared", False)) for each in events(world)]


async def reported(world: StationWorld, **criteria: Any) -> tuple[str, list[dict[str, Any]]]:
    """Status, and the monitors reported, each with what it is of."""
    before = len(world.sent("NotifyMonitoringReport"))
    answer = await world.call("GetMonitoringReport", {"requestId": 7, **criteria})
    await world.clock.advance(0)
    pages = world.sent("NotifyMonitoringReport")[before:]
    assert [page["seqNo"] for page in pages] == list(range(len(pages)))
    assert [page.get("tbc", False) for page in pages] == [True] * (len(pages) - 1) + [False] * bool(pages)
    items = [item for page in pages for item in page["monitor"]]
    return answer["status"], [{"of": shown(item)} | each for item in items for each in item["variableMonitoring"]]


# --- N04: setting ---------------------------------------------------------------------------------------------------


async def test_N04FR01_N04FR08_N04FR11_monitors_are_set_and_get_an_id(world: StationWorld) -> None:
    wishes = [wish(STATE, "Delta", 1), wish(STATE, "Delta", 1, 7), wish(FAN, "UpperThreshold", 5, 3)]
    results = await set_monitors(world, *wishes)
    assert len({result["id"] for result in results}) == 3
    for asked, result in zip(wishes, results, strict=True):  # N04.FR.02
        del asked["value"]
        assert result == {**asked, "id": result["id"], "status": "Accepted"}


@pytest.mark.parametrize(
    ("asked", "verdict", "reason"),
    [
        (wish(place("Nothing", "Speed"), "Delta", 1), "UnknownComponent", None),  # N04.FR.03
        (wish(place("EVSE", "AvailabilityState", evse=99), "Delta", 1), "UnknownComponent", None),
        (wish(place("EVSE", "Nothing", evse=1), "Delta", 1), "UnknownVariable", None),  # N04.FR.04
        (wish(STATE, "UpperThreshold", 1), "UnsupportedMonitorType", None),  # N04.FR.05
        (wish(place("ChargingStation", "Model"), "Delta", 1), "UnsupportedMonitorType", None),
        (wish(place("EVSE", "Power", evse=1), "UpperThreshold", 99_999), "Rejected", "ValueOutOfRange"),  # N04.FR.06
        (wish(FAN, "Delta", -1), "Rejected", None),  # N04.FR.14
        (wish(FAN, "Delta", 1, 10), "Rejected", "ValueOutOfRange"),
        (wish(FAN, "Periodic", 0), "Rejected", "ValueTooLow"),
        (wish(FAN, "Delta", 1, id=77), "Rejected", "NotFound"),  # N04.FR.13
        (wish(place("ChargingStation", "Problem"), "Delta", 1, id=1), "Rejected", "InvalidValue"),  # N04.FR.18
        (wish(STATE, "Delta", 1, id=2), "Rejected", "InvalidValue"),  # N04.FR.16: of another variable
        (wish(place("EVSE", "AvailabilityState", evse=2), "Delta", 1, 6), "Duplicate", "InvalidValue"),  # N04.FR.10
    ],
)
async def test_N04_what_cannot_be_set(
    world: StationWorld, asked: dict[str, Any], verdict: str, reason: str | None
) -> None:
    before = await reported(world)
    (result,) = await set_monitors(world, asked)
    assert (result["status"], result.get("statusInfo", {}).get("reasonCode")) == (verdict, reason)
    assert (await reported(world))[1] == before[1]
    expected = {name: asked[name] for name in ("component", "variable", "type", "severity")}
    assert {name: result[name] for name in expected} == expected


async def test_N04_one_wrong_wish_does_not_hinder_the_others(world: StationWorld) -> None:
    wishes = [wish(FAN, "UpperThreshold", 9), wish(FAN, "Delta", -1), wish(FAN, "LowerThreshold", -1)]
    assert [each["status"] for each in await set_monitors(world, *wishes)] == ["Accepted", "Rejected", "Accepted"]


async def test_N04FR10_two_alike_in_one_request(world: StationWorld) -> None:
    results = await set_monitors(world, wish(STATE, "Delta", 1), wish(STATE, "Delta", 2))
    assert [each["status"] for each in results] == ["Accepted", "Duplicate"]
    assert "id" not in results[1]


async def test_N04FR12_N04FR15_a_monitor_is_replaced_and_a_preconfigured_one_becomes_custom(
    world: StationWorld,
) -> None:
    where = place("EVSE", "AvailabilityState", evse=2)
    (result,) = await set_monitors(world, wish(where, "Delta", 1, 4, id=2))
    assert (result["status"], result["id"]) == ("Accepted", 2)
    _, monitors = await reported(world, componentVariable=[where], monitoringCriteria=["DeltaMonitoring"])
    assert [(each["id"], each["severity"]) for each in monitors] == [(2, 4)]
    if world.version is Version.V21:
        assert monitors[0]["eventNotificationType"] == "CustomMonitor"  # N02.FR.22
    await world.call("SetMonitoringBase", {"monitoringBase": "FactoryDefault"})  # N03.FR.04
    _, monitors = await reported(world, componentVariable=[where])
    assert [(each["id"], each["severity"]) for each in monitors] == [(2, 6)]


async def test_N04_there_is_an_end_to_the_number_of_monitors(
    world: StationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocppflow.station.blocks.monitoring.monitoring_messages.MOST_CUSTOM", 2)
    wishes = [wish(FAN, "Delta", 1, severity) for severity in range(3)]
    results = await set_monitors(world, *wishes)
    assert [each["status"] for each in results] == ["Accepted", "Accepted", "Rejected"]
    assert results[2]["statusInfo"]["reasonCode"] == "TooManyElements"


async def test_N04FR09_more_than_ItemsPerMessage_is_refused(world: StationWorld) -> None:
    with pytest.raises(RemoteCallError, match="OccurrenceConstraintViolation"):
        await set_monitors(world, *[wish(STATE, "Delta", 1)] * 101)


async def test_a_monitor_that_cannot_be_kept_is_not_set(world: StationWorld) -> None:
    def full() -> None:
        raise StoreFailed("the disk is full")

    world.store.failing = full
    (result,) = await set_monitors(world, wish(STATE, "Delta", 1))
    assert (result["status"], result["statusInfo"]["reasonCode"]) == ("Rejected", "OutOfStorage")
    world.store.failing = None
    assert len((await reported(world))[1]) == 2
    await boot(world)
    assert len((await reported(world))[1]) == 2


async def test_periodic_event_streams_are_refused_by_name(new: StationWorld) -> None:
    (result,) = await set_monitors(new, wish(FAN, "Periodic", 5, periodicEventStream={"interval": 1}))
    assert (result["status"], result["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedParam")


# --- N02, N03, N05, N06 ---------------------------------------------------------------------------------------------


async def test_N02_reports_are_limited_by_criteria_and_variables(world: StationWorld) -> None:
    kinds = ["UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned"]
    await set_monitors(world, *[wish(FAN, kind, 900) for kind in kinds])

    async def types(**criteria: Any) -> set[str]:
        verdict, monitors = await reported(world, **criteria)
        assert verdict == "Accepted"
        return {each["type"] for each in monitors if each["of"] == "Fan.Speed"}

    assert await types() == set(kinds)  # N02.FR.11
    assert await types(monitoringCriteria=["ThresholdMonitoring"]) == {"UpperThreshold", "LowerThreshold"}
    assert await types(monitoringCriteria=["ThresholdMonitoring", "DeltaMonitoring"]) == set(kinds[:3])
    assert await types(monitoringCriteria=["DeltaMonitoring", "PeriodicMonitoring"]) == set(kinds[2:])
    assert await types(monitoringCriteria=["DeltaMonitoring"], componentVariable=[place("Fan")]) == {"Delta"}
    _, monitors = await reported(world, componentVariable=[place("EVSE", evse=2), place("ChargingStation")])
    assert [each["of"] for each in monitors] == ["ChargingStation.Problem", "EVSE@2.AvailabilityState"]


async def test_N02FR10_nothing_that_meets_the_criteria(world: StationWorld) -> None:
    answer = await world.call("GetMonitoringReport", {"requestId": 7, "monitoringCriteria": ["PeriodicMonitoring"]})
    assert answer == {"status": "EmptyResultSet", "statusInfo": {"reasonCode": "NotFound"}}


@pytest.mark.parametrize(
    ("base", "left"),
    [
        ("All", ["ChargingStation.Problem", "EVSE@2.AvailabilityState", "Fan.Speed"]),
        ("FactoryDefault", ["ChargingStation.Problem", "EVSE@2.AvailabilityState"]),
        ("HardWiredOnly", ["ChargingStation.Problem"]),
    ],
)
async def test_N03_what_a_base_leaves_also_after_a_boot(world: StationWorld, base: str, left: list[str]) -> None:
    await set_monitor(world, FAN, "Delta", 1)
    assert (await world.call("SetMonitoringBase", {"monitoringBase": base}))["status"] == "Accepted"
    for _ in range(2):
        assert sorted(each["of"] for each in (await reported(world))[1]) == left
        await boot(world)
    assert world.station.device_model.text("MonitoringCtrlr", "ActiveMonitoringBase") == base


async def test_N05_events_beyond_the_level_are_not_sent(world: StationWorld) -> None:
    await set_monitors(world, wish(STATE, "Delta", 1, 8), wish(STATE, "Delta", 1, 7))
    assert (await world.call("SetMonitoringLevel", {"severity": 7}))["status"] == "Accepted"
    await give(world, "AvailabilityState", "Occupied", evse=1)
    assert len(events(world)) == 1
    await boot(world)
    assert world.station.monitoring.level == 7


@pytest.mark.parametrize("severity", [10, -1])
async def test_N05FR02_a_level_out_of_range(severity: int) -> None:
    async with StationWorld(Version.V201, CONFIG) as world:
        await up(world)
        answer = await world.call("SetMonitoringLevel", {"severity": severity})
        assert answer == {"status": "Rejected", "statusInfo": {"reasonCode": "ValueOutOfRange"}}


async def test_N06_monitors_are_cleared(world: StationWorld) -> None:
    mine = await set_monitor(world, STATE, "Delta", 1)
    answer = await world.call("ClearVariableMonitoring", {"id": [mine, 1, 2, 4711]})
    results = {each["id"]: each["status"] for each in answer["clearMonitoringResult"]}
    assert results == {mine: "Accepted", 1: "Rejected", 2: "Accepted", 4711: "NotFound"}
    await give(world, "AvailabilityState", "Occupied", evse=1)
    assert events(world) == []
    await boot(world)
    assert [each["id"] for each in (await reported(world))[1]] == [1]
    await world.call("SetMonitoringBase", {"monitoringBase": "All"})
    assert [each["id"] for each in (await reported(world))[1]] == [1, 2]


async def test_without_the_feature_monitoring_is_not_supported() -> None:
    config = StationConfig(features=tuple(name for name in FEATURES if name != "monitoring"))
    async with StationWorld(Version.V21, config) as world:
        await up(world)
        for action, payload in (
            ("SetVariableMonitoring", {"setMonitoringData": [wish(STATE, "Delta", 1)]}),
            ("ClearVariableMonitoring", {"id": [1]}),
            ("SetMonitoringBase", {"monitoringBase": "All"}),
            ("SetMonitoringLevel", {"severity": 1}),
            ("GetMonitoringReport", {"requestId": 1}),
        ):
            with pytest.raises(RemoteCallError, match="NotSupported"):
                await world.call(action, payload)


# --- N07, N08: events -----------------------------------------------------------------------------------------------


async def test_N07FR16_N07FR02_a_threshold_alarms_once_and_says_when_it_is_over(world: StationWorld) -> None:
    number = await set_monitor(world, FAN, "UpperThreshold", 5)
    await spin(world, 5, 6, 7, 4)
    assert told(world) == [("Alerting", "6", False), ("Alerting", "4", True)]
    request, event = world.sent("NotifyEvent")[0], events(world)[0]
    assert (request["seqNo"], request.get("tbc", False)) == (0, False)  # N07.FR.07
    now = world.now().isoformat().replace("+00:00", "Z")
    assert request["generatedAt"] == event["timestamp"] == now
    assert event["variableMonitoringId"] == number  # N07.FR.06
    assert event["eventNotificationType"] == "CustomMonitor"
    assert shown(event) == "Fan.Speed"
    assert event.get("severity") == (8 if world.version is Version.V21 else None)  # N07.FR.20
    assert events(world)[1]["eventId"] > event["eventId"]


async def test_N07FR18_N07FR19_a_change(world: StationWorld) -> None:
    await set_monitors(world, wish(FAN, "Delta", 10), wish(STATE, "Delta", 1))
    await spin(world, 10, 11, 12, 30)
    await give(world, "AvailabilityState", "Occupied", evse=1)
    assert told(world) == [("Delta", "11", False), ("Delta", "30", False), ("Delta", "Occupied", False)]


async def test_N07FR16_what_is_beyond_already_is_told_when_the_monitor_is_set(world: StationWorld) -> None:
    await spin(world, 9)
    await set_monitor(world, FAN, "UpperThreshold", 5)
    assert told(world) == [("Alerting", "9", False)]


@pytest.mark.parametrize(("threshold", "cleared"), [(20, True), (7, False)])
async def test_N07FR11_another_threshold_is_told_of(world: StationWorld, threshold: float, cleared: bool) -> None:
    number = await set_monitor(world, FAN, "UpperThreshold", 5)
    await spin(world, 9)
    await set_monitors(world, wish(FAN, "UpperThreshold", threshold, id=number))
    assert told(world) == [("Alerting", "9", False), ("Alerting", "9", cleared)]


async def test_N07FR12_clearing_a_monitor_clears_no_event(world: StationWorld) -> None:
    number = await set_monitor(world, FAN, "UpperThreshold", 5)
    await spin(world, 9)
    await world.call("ClearVariableMonitoring", {"id": [number]})
    await spin(world, 1)
    assert told(world) == [("Alerting", "9", False)]


async def test_N07FR10_a_write_only_value_is_not_in_the_event(world: StationWorld) -> None:
    await set_monitor(world, place("Safe", "Code"), "Delta", 1)
    assert await status(world, "Safe", "Code", "5678") == ("Accepted", "")
    await world.clock.advance(0)
    assert told(world) == [("Delta", "", False)]


async def test_N07FR22_a_distance_from_the_target(new: StationWorld) -> None:
    await set_monitor(new, FAN, "TargetDelta", 10)
    assert await status(new, "Fan", "Speed", "100", attribute="Target") == ("Accepted", "")
    await new.clock.advance(0)
    await spin(new, 95, 120)
    assert told(new) == [("Alerting", "0", False), ("Alerting", "95", True), ("Alerting", "120", False)]


async def test_N07FR13_N07FR14_monitors_and_what_they_have_noticed_outlive_a_boot(world: StationWorld) -> None:
    await set_monitor(world, FAN, "UpperThreshold", 5)
    await spin(world, 9)
    await world.station.store.commit()
    await boot(world)
    assert told(world) == []  # it has been told before the boot
    await world.station.stop()
    world.station.device_model.set("Fan", "Speed", 1)
    await world.station.store.commit()
    world.station.power_down()
    await up_and_heard(world)
    assert told(world) == [("Alerting", "1", True)]


async def up_and_heard(world: StationWorld) -> None:
    world.heard.clear()
    await world.station.connect()
    await world.clock.advance(0)


async def test_N07FR04_events_wait_while_there_is_no_CSMS_if_they_are_severe(world: StationWorld) -> None:
    await set_monitors(world, wish(FAN, "UpperThreshold", 5, 3), wish(STATE, "Delta", 1, 4))
    await world.station.stop()
    await spin(world, 9, 1)
    await give(world, "AvailabilityState", "Occupied", evse=1)
    await give(world, "AvailabilityState", "Available", evse=1)
    await give(world, "AvailabilityState", "Faulted", evse=1)
    await up_and_heard(world)
    values = {each["actualValue"] for each in events(world)}
    assert {"9", "1"} <= values  # each of them
    assert values <= {"9", "1", "Faulted"}  # of the other, only what is so now (2.1, N07 remarks)


async def test_N07FR04_what_waits_survives_a_power_cut(world: StationWorld) -> None:
    await set_monitor(world, FAN, "UpperThreshold", 5, 3)
    await world.station.stop()
    await spin(world, 9)
    world.station.power_down()
    await up_and_heard(world)
    assert ("Alerting", "9", False) in told(world)


async def test_N07FR04_what_is_less_severe_and_as_before_is_not_told(world: StationWorld) -> None:
    await set_monitor(world, STATE, "Delta", 1, 4)
    await world.station.stop()
    await give(world, "AvailabilityState", "Occupied", evse=1)
    await give(world, "AvailabilityState", "Available", evse=1)
    await up_and_heard(world)
    assert events(world) == []


async def test_N07_an_event_that_is_lost_with_the_connection_is_told_on_the_next(world: StationWorld) -> None:
    await set_monitor(world, FAN, "UpperThreshold", 5, 8)

    async def never(call: object) -> dict[str, object]:
        await sleep(world.clock, 1000)
        return {}

    world.answers["NotifyEvent"] = never
    await spin(world, 9)
    world.answers["NotifyEvent"] = {}
    lost = events(world)[0]["eventId"]
    await world.station.stop()
    await up_and_heard(world)
    assert [each["eventId"] for each in events(world)] == [lost]


async def test_N07FR10_a_new_password_is_told_of_though_it_makes_a_new_connection(world: StationWorld) -> None:
    await set_monitor(world, place("SecurityCtrlr", "BasicAuthPassword"), "Delta", 1)
    assert await status(world, "SecurityCtrlr", "BasicAuthPassword", "another-long-password-1") == ("Accepted", "")
    await world.clock.advance(5)
    assert set(told(world)) == {("Delta", "", False)}  # TC_N_48
    assert len({each["eventId"] for each in events(world)}) == 1  # it may be told twice, alike, but not be missing


async def test_N08FR06_a_periodic_event_each_interval(world: StationWorld) -> None:
    await set_monitor(world, STATE, "Periodic", 60)
    await world.clock.advance(185)
    assert told(world) == [("Periodic", "Available", False)] * 3  # N08.FR.05
    assert {each["seqNo"] for each in world.sent("NotifyEvent")} == {0}  # N08.FR.04


async def test_N08FR07_a_clock_aligned_event_on_the_dot(world: StationWorld) -> None:
    await world.clock.advance(100)
    await set_monitor(world, STATE, "PeriodicClockAligned", 900)
    await world.clock.advance(1800)
    stamps = [each["timestamp"] for each in events(world)]
    assert stamps == ["2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"]  # though heartbeats set the time just then


async def test_N08FR03_periodic_events_wait_only_if_they_are_severe(world: StationWorld) -> None:
    await set_monitors(world, wish(STATE, "Periodic", 60, 3), wish(FAN, "Periodic", 60, 8))
    await world.station.stop()
    await world.clock.advance(130)
    await up_and_heard(world)
    assert [shown(each) for each in events(world)] == ["EVSE@1.AvailabilityState"] * 2


async def test_a_monitor_during_transactions_rests_without_one(world: StationWorld) -> None:
    await set_monitor(world, FAN, "UpperThreshold", 5, transaction=True)
    await spin(world, 9)
    await world.clock.advance(60)
    assert events(world) == []


async def test_many_events_of_one_moment_are_one_message(world: StationWorld) -> None:
    await set_monitors(world, *[wish(FAN, "UpperThreshold", value, value) for value in range(1, 9)])
    await spin(world, 100)
    (request,) = world.sent("NotifyEvent")
    assert len(request["eventData"]) == 8
    assert len({each["eventId"] for each in request["eventData"]}) == 8


async def test_event_ids_are_not_used_again_after_a_boot(world: StationWorld) -> None:
    await set_monitor(world, FAN, "Delta", 0)
    await spin(world, 1, 2)
    before = {each["eventId"] for each in events(world)}
    await world.station.store.commit()
    await boot(world)
    await spin(world, 3, 4)
    assert before
    assert not before & {each["eventId"] for each in events(world)}


async def test_monitoring_that_is_not_enabled_is_silent(world: StationWorld) -> None:
    await set_monitor(world, FAN, "Delta", 0)
    assert await status(world, "MonitoringCtrlr", "Enabled", "false") == ("Accepted", "")
    await spin(world, 1)
    assert events(world) == []


async def test_without_monitors_nothing_is_watched() -> None:
    async with StationWorld(Version.V21) as world:
        await up(world)
        assert world.station.device_model.watchers is None


async def test_a_monitor_of_the_config_that_makes_no_sense_is_named() -> None:
    for wrong, said in (
        (MonitorConfig("Fan", "Speed", "Delta"), r"monitors\[0\] \(Fan.Speed\): the station has no such variable"),
        (MonitorConfig("EVSE", "AvailabilityState", "UpperThreshold", evse=1), "cannot have a monitor of type"),
    ):
        async with StationWorld(Version.V21, StationConfig(monitors=(wrong,))) as world:
            with pytest.raises(ConfigurationError, match=said):
                world.station.power_up()
