"""B07 and B08: GetBaseReport, GetReport, and the NotifyReports that follow."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from station_world import StationWorld
from variable_steps import place, report, shown

from ocppflow.endpoint import sleep
from ocppflow.errors import RemoteCallError
from ocppflow.messages import Version
from ocppflow.station import ConnectorConfig, EvseConfig, StationConfig, VariableConfig

EVSES = (EvseConfig(connectors=(ConnectorConfig(), ConnectorConfig(type="sType2"))), EvseConfig())
OWN = (
    VariableConfig(component="Fan", variable="Speed", component_instance="1", value="1", targets=True),
    VariableConfig(component="Fan", variable="Speed", component_instance="2", value="2", evse=2),
    VariableConfig(component="Safe", variable="Code", value="a-long-password-1", mutability="WriteOnly"),
    VariableConfig(component="Fan", variable="Enabled", component_instance="2", data_type="boolean", value="false"),
)
CONFIG = StationConfig(evses=EVSES, variables=OWN, serial_number="S1")


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[StationWorld]:
    async with StationWorld(request.param, CONFIG) as one:
        await one.station.connect()
        await one.clock.advance(0)
        yield one


def items(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for page in pages for item in page["reportData"]]


def names(pages: list[dict[str, Any]]) -> set[str]:
    return {shown(item) for item in items(pages)}


def actual(item: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = next(each for each in item["variableAttribute"] if each["type"] == "Actual")
    return one


async def test_B07FR08_a_full_inventory_has_all_there_is(world: StationWorld) -> None:
    verdict, pages = await report(world, "GetBaseReport", reportBase="FullInventory")
    assert verdict == "Accepted"
    declared = world.station.device_model.declared.values()
    expected = {str(each.key) for each in declared if world.version is Version.V21 or each.since is Version.V201}
    assert names(pages) == expected
    assert len(items(pages)) == len(expected)


async def test_B07FR10_pages_are_numbered_and_say_whether_there_are_more(world: StationWorld) -> None:
    _, pages = await report(world, "GetBaseReport", reportBase="FullInventory")
    assert len(pages) > 2
    assert [page["seqNo"] for page in pages] == list(range(len(pages)))
    assert [page.get("tbc", False) for page in pages] == [True] * (len(pages) - 1) + [False]
    assert {page["requestId"] for page in pages} == {42}  # B07.FR.04
    assert {page["generatedAt"] for page in pages} == {world.now().isoformat().replace("+00:00", "Z")}
    assert all(len(json.dumps(page)) < 32_768 for page in pages)


async def test_B07FR03_the_report_follows_the_answer(world: StationWorld) -> None:
    answer = await world.call("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    assert (answer, world.sent("NotifyReport")) == ({"status": "Accepted"}, [])


async def test_B07FR07_a_configuration_inventory_has_what_can_be_set(world: StationWorld) -> None:
    _, pages = await report(world, "GetBaseReport", reportBase="ConfigurationInventory")
    assert "OCPPCommCtrlr.OfflineThreshold" in names(pages)
    assert "SecurityCtrlr.BasicAuthPassword" in names(pages)
    assert "ChargingStation.Model" not in names(pages)
    for item in items(pages):
        assert item["variableCharacteristics"]
        assert any(each["mutability"] in ("ReadWrite", "WriteOnly") for each in item["variableAttribute"])


async def test_B07FR09_a_summary_tells_availability_and_what_is_wrong(world: StationWorld) -> None:
    places = {"ChargingStation", "EVSE@1", "EVSE@2", "Connector@1.1", "Connector@1.2", "Connector@2.1"}
    states = {f"{each}.AvailabilityState" for each in places}
    assert names((await report(world, "GetBaseReport", reportBase="SummaryInventory"))[1]) == states
    world.station.device_model.set("EVSE", "Problem", True, evse=2)
    wrong = (await report(world, "GetBaseReport", reportBase="SummaryInventory"))[1]
    assert names(wrong) == states | {"EVSE@2.Problem"}


async def test_B07FR11_all_attributes_are_reported_set_or_not(world: StationWorld) -> None:
    _, pages = await report(world, "GetBaseReport", reportBase="FullInventory")
    fan = next(item for item in items(pages) if shown(item) == "Fan[1].Speed")
    assert [each["type"] for each in fan["variableAttribute"]] == ["Actual", "Target", "MinSet", "MaxSet"]
    assert [each.get("value") for each in fan["variableAttribute"]] == ["1", None, None, None]


async def test_B07FR15_no_write_only_value_is_reported(world: StationWorld) -> None:
    _, pages = await report(world, "GetBaseReport", reportBase="FullInventory")
    code = next(item for item in items(pages) if shown(item) == "Safe.Code")
    assert actual(code)["mutability"] == "WriteOnly"
    assert "value" not in actual(code)
    assert "a-long-password-1" not in json.dumps(pages)


async def test_every_list_says_its_values(world: StationWorld) -> None:
    _, pages = await report(world, "GetBaseReport", reportBase="FullInventory")
    for item in items(pages):
        facts = item["variableCharacteristics"]
        assert ("valuesList" in facts) == facts["dataType"].endswith("List"), shown(item)


async def test_B08FR11_just_what_is_asked_for(world: StationWorld) -> None:
    asked = [place("EVSE", "AvailabilityState", evse=1)]
    verdict, pages = await report(world, "GetReport", componentVariable=asked)
    assert verdict == "Accepted"
    (item,) = items(pages)
    assert item == {
        **asked[0],
        "variableAttribute": [
            {"type": "Actual", "value": "Available", "mutability": "ReadOnly", "persistent": False, "constant": False}
        ],
        "variableCharacteristics": {
            "dataType": "OptionList",
            "valuesList": "Available,Occupied,Reserved,Unavailable,Faulted",
            "supportsMonitoring": True,
        },
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (place("Fan"), {"Fan[1].Speed", "Fan[2]@2.Speed", "Fan[2].Enabled"}),  # B08.FR.20, .23, .25
        (place("fan[2]"), {"Fan[2]@2.Speed", "Fan[2].Enabled"}),
        (place("Fan", evse=2), {"Fan[2]@2.Speed"}),
        (
            place("OCPPCommCtrlr", "MessageTimeout"),
            {"OCPPCommCtrlr.MessageTimeout[Default]"},
        ),  # B08.FR.21
        (
            place("Connector", "ConnectorType", evse=1),
            {"Connector@1.1.ConnectorType", "Connector@1.2.ConnectorType"},
        ),  # B08.FR.22
        (place("Connector", "ConnectorType", evse=1, connector=2), {"Connector@1.2.ConnectorType"}),
        (place("EVSE", "AllowReset"), {"EVSE@1.AllowReset", "EVSE@2.AllowReset"}),  # B08.FR.23
    ],
)
async def test_B08_what_is_left_out_means_every_one(
    world: StationWorld, asked: dict[str, Any], found: set[str]
) -> None:
    assert names((await report(world, "GetReport", componentVariable=[asked]))[1]) == found


async def test_B08FR09_components_that_are_enabled_or_cannot_be(world: StationWorld) -> None:
    verdict, pages = await report(world, "GetReport", componentCriteria=["Enabled"])
    assert verdict == "Accepted"
    enabled = {shown(item): actual(item)["value"] for item in items(pages) if item["variable"]["name"] == "Enabled"}
    assert "MonitoringCtrlr.Enabled" in enabled
    assert "Fan[2].Enabled" not in enabled
    plain = {name for name, value in enabled.items() if "[" not in name.split(".")[1]}
    assert {enabled[name] for name in plain} == {"true"}
    assert "Fan[1].Speed" in names(pages)


async def test_B08FR05_B08FR15_criteria_and_variables_go_together(world: StationWorld) -> None:
    asked = [place("EVSE", "AvailabilityState", evse=1)]
    _, pages = await report(world, "GetReport", componentCriteria=["Available"], componentVariable=asked)
    assert names(pages) == {"EVSE@1.AvailabilityState"}
    before = len(world.sent("NotifyReport"))
    answer = await world.call(
        "GetReport", {"requestId": 1, "componentCriteria": ["Problem"], "componentVariable": asked}
    )
    await world.clock.advance(0)
    assert answer == {"status": "EmptyResultSet", "statusInfo": {"reasonCode": "NotFound"}}
    assert len(world.sent("NotifyReport")) == before


async def test_B08FR10_B08FR13_problems_and_several_criteria(world: StationWorld) -> None:
    world.station.device_model.set("EVSE", "Problem", True, evse=2)
    _, problems = await report(world, "GetReport", componentCriteria=["Problem"])
    assert {name.split(".")[0] for name in names(problems)} == {"EVSE@2"}
    _, either = await report(world, "GetReport", componentCriteria=["Problem", "Available"])
    assert names(problems) < names(either)


async def test_B08FR17_more_than_ItemsPerMessage_is_refused(world: StationWorld) -> None:
    with pytest.raises(RemoteCallError, match="OccurrenceConstraintViolation"):
        await world.call("GetReport", {"requestId": 1, "componentVariable": [place("EVSE")] * 101})


async def test_B02_a_report_is_sent_while_Pending_too() -> None:
    async with StationWorld(Version.V201, CONFIG) as world:
        world.answers["BootNotification"] = {
            "currentTime": "2026-01-01T00:00:00Z",
            "interval": 300,
            "status": "Pending",
        }
        await world.station.connect()
        await world.clock.advance(0)
        verdict, pages = await report(world, "GetBaseReport", reportBase="FullInventory")
        assert verdict == "Accepted"
        assert pages


async def test_B07FR13_B08FR16_only_so_many_reports_at_once(world: StationWorld) -> None:
    async def slow(call: object) -> dict[str, object]:
        await sleep(world.clock, 5)
        return {}

    world.answers["NotifyReport"] = slow
    verdicts = []
    for number in range(7):
        answer = await world.call("GetBaseReport", {"requestId": number, "reportBase": "SummaryInventory"})
        verdicts.append((answer["status"], answer.get("statusInfo", {}).get("reasonCode")))
    assert verdicts == [("Accepted", None)] * 5 + [("Rejected", "OutOfMemory")] * 2
    answer = await world.call("GetReport", {"requestId": 9})
    assert answer["status"] == "Rejected"
    await world.clock.advance(60)
    assert {page["requestId"] for page in world.sent("NotifyReport")} == set(range(5))
    answer = await world.call("GetReport", {"requestId": 9})
    assert answer["status"] == "Accepted"


async def test_a_report_ends_when_the_CSMS_refuses_a_page(world: StationWorld) -> None:
    world.answers["NotifyReport"] = lambda call: {"wrong": True}
    _, pages = await report(world, "GetBaseReport", reportBase="FullInventory")
    assert len(pages) == 1
