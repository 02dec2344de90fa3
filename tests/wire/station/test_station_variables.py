"""B05 and B06: SetVariables and GetVariables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from station_world import StationWorld
from variable_steps import place, read, status, write

from ocppflow.errors import RemoteCallError
from ocppflow.messages import Version
from ocppflow.station import StationConfig, VariableConfig
from ocppflow.station.station_store import StoreFailed

FAN = VariableConfig(
    component="Fan", variable="Speed", data_type="integer", value="1", mutability="ReadWrite", targets=True
)
SLOW = VariableConfig(
    component="Fan", variable="Size", data_type="integer", value="1", mutability="ReadWrite", reboot_required=True
)
CONFIG = StationConfig(variables=(FAN, SLOW))


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[StationWorld]:
    async with StationWorld(request.param, CONFIG) as one:
        await one.station.connect()
        await one.clock.advance(0)
        yield one


def echo(component: str, variable: str, attribute: str = "Actual") -> dict[str, Any]:
    return {**place(component, variable), "attributeType": attribute}


async def test_B06FR01_B06FR10_each_asked_for_is_answered(world: StationWorld) -> None:
    asked = [
        place("OCPPCommCtrlr", "OfflineThreshold"),
        place("AuthCtrlr", "LocalAuthorizeOffline") | {"attributeType": "Actual"},
        place("EVSE", "SupplyPhases", evse=1),
        place("OCPPCommCtrlr", "MessageAttempts[TransactionEvent]"),
    ]
    results = (await world.call("GetVariables", {"getVariableData": asked}))["getVariableResult"]
    assert [each["attributeValue"] for each in results] == ["60", "true", "3", "5"]
    assert [each["attributeStatus"] for each in results] == ["Accepted"] * 4
    for wanted, result in zip(asked, results, strict=True):  # B06.FR.02, B06.FR.03, B06.FR.11, B06.FR.14
        assert result == {
            **wanted,
            "attributeType": "Actual",
            "attributeStatus": "Accepted",
            "attributeValue": result["attributeValue"],
        }


@pytest.mark.parametrize(
    ("component", "variable", "attribute", "verdict"),
    [
        ("UnknownComponent", "OfflineThreshold", "Actual", "UnknownComponent"),  # B06.FR.06, B05.FR.04
        ("OCPPCommCtrlr", "UnknownVariable", "Actual", "UnknownVariable"),  # B06.FR.07, B05.FR.05
        ("OCPPCommCtrlr", "OfflineThreshold", "Target", "NotSupportedAttributeType"),  # B06.FR.08, B05.FR.06
        ("OCPPCommCtrlr", "MessageAttempts", "Actual", "UnknownVariable"),  # B06.FR.15: only with an instance
        ("OCPPCommCtrlr[1]", "OfflineThreshold", "Actual", "UnknownComponent"),
    ],
)
async def test_B06_B05_what_is_unknown(
    world: StationWorld, component: str, variable: str, attribute: str, verdict: str
) -> None:
    for result in (
        await read(world, component, variable, attribute=attribute),
        await write(world, component, variable, "1", attribute=attribute),
    ):
        assert result == echo(component, variable, attribute) | {"attributeStatus": verdict}


async def test_B06FR09_a_write_only_variable_cannot_be_read(world: StationWorld) -> None:
    result = await read(world, "SecurityCtrlr", "BasicAuthPassword")
    assert (result["attributeStatus"], result["attributeStatusInfo"]) == ("Rejected", {"reasonCode": "WriteOnly"})
    assert "attributeValue" not in result


async def test_B06FR13_what_has_no_value_is_an_empty_text(world: StationWorld) -> None:
    result = await read(world, "Fan", "Speed", attribute="MaxSet")
    assert (result["attributeStatus"], result["attributeValue"]) == ("Accepted", "")


async def test_B06FR16_more_than_ItemsPerMessage_is_refused(world: StationWorld) -> None:
    asked = [place("OCPPCommCtrlr", "OfflineThreshold")] * 101
    with pytest.raises(RemoteCallError, match=r"OccurrenceConstraintViolation.*ItemsPerMessage\[GetVariables\] is 100"):
        await world.call("GetVariables", {"getVariableData": asked})


async def test_B06FR17_more_than_BytesPerMessage_is_refused(world: StationWorld) -> None:
    asked = [place("OCPPCommCtrlr", "OfflineThreshold") | {"customData": {"vendorId": "x" * 255, "y": "z" * 700}}] * 99
    with pytest.raises(RemoteCallError, match=r"FormatViolation.*BytesPerMessage\[GetVariables\] is 65536"):
        await world.call("GetVariables", {"getVariableData": asked})


async def test_B05FR01_B05FR10_each_set_is_answered_and_counts(world: StationWorld) -> None:
    wanted = [place("OCPPCommCtrlr", "OfflineThreshold"), place("AuthCtrlr", "LocalAuthorizeOffline")]
    values = ["300", "false"]
    data = [each | {"attributeValue": value} for each, value in zip(wanted, values, strict=True)]
    results = (await world.call("SetVariables", {"setVariableData": data}))["setVariableResult"]
    for each, result in zip(wanted, results, strict=True):  # B05.FR.02, B05.FR.12
        assert result == each | {"attributeType": "Actual", "attributeStatus": "Accepted"}
    assert world.station.device_model.integer("OCPPCommCtrlr", "OfflineThreshold") == 300
    assert not world.station.device_model.flag("AuthCtrlr", "LocalAuthorizeOffline", True)


@pytest.mark.parametrize("value", ["-1.5", "abc", "true", "2026-01-01T00:00:00Z"])
async def test_B05FR07_an_ill_formed_value_is_rejected(world: StationWorld, value: str) -> None:
    refused = ("Rejected", "InvalidValue")
    assert await status(world, "OCPPCommCtrlr", "OfflineThreshold", value) == refused
    for component, variable, fits in (
        ("SmartChargingCtrlr", "LimitChangeSignificance", False),
        ("AuthCtrlr", "AuthorizeRemoteStart", value == "true"),
        ("ClockCtrlr", "NextTimeOffsetTransitionDateTime", value.startswith("2026")),
    ):
        verdict = await status(world, component, variable, value)
        assert verdict[0] == ("Accepted" if fits else "Rejected")


@pytest.mark.parametrize(
    ("component", "variable", "value", "reason"),
    [
        ("SmartChargingCtrlr", "LimitChangeSignificance", "-0.5", "ValueOutOfRange"),
        ("OCPPCommCtrlr", "HeartbeatInterval", "0", "ValueOutOfRange"),
        ("OCPPCommCtrlr", "WebSocketPingInterval", "-1", "ValueOutOfRange"),
        ("AuthCtrlr", "MasterPassGroupId", "x" * 37, "TooLargeElement"),
        ("TxCtrlr", "TxStartPoint", "Authorized,Nonsense", "InvalidValue"),
        ("ClockCtrlr", "TimeOffset", "1:00", "InvalidValue"),
        ("ClockCtrlr", "TimeZone", "Europe/Nowhere", "InvalidValue"),
        ("ClockCtrlr", "TimeZone", "../../etc/passwd", "InvalidValue"),
    ],
)
async def test_B05FR08_a_value_outside_of_its_range_is_rejected(
    world: StationWorld, component: str, variable: str, value: str, reason: str
) -> None:
    before = world.station.device_model.text(component, variable)
    assert await status(world, component, variable, value) == ("Rejected", reason)
    assert world.station.device_model.text(component, variable) == before


async def test_a_value_longer_than_ConfigurationValueSize_is_rejected(world: StationWorld) -> None:
    assert await status(world, "ClockCtrlr", "TimeZone", "x" * 1000) == ("Rejected", "TooLargeElement")


async def test_B05FR09_what_is_read_only_is_rejected(world: StationWorld) -> None:
    assert await status(world, "OCPPCommCtrlr", "MessageTimeout[Default]", "20") == ("Rejected", "ReadOnly")


async def test_RebootRequired_until_the_station_has_booted(world: StationWorld) -> None:
    assert await status(world, "Fan", "Size", "2") == ("RebootRequired", "")
    assert world.station.device_model.integer("Fan", "Size") == 1
    assert (await read(world, "Fan", "Size"))["attributeValue"] == "2"
    world.station.power_down()
    world.station.power_up()
    assert world.station.device_model.integer("Fan", "Size") == 2


async def test_B05FR09_what_cannot_be_kept_is_rejected_and_does_not_count(world: StationWorld) -> None:
    def full() -> None:
        raise StoreFailed("the disk is full")

    world.store.failing = full
    data = [
        place("OCPPCommCtrlr", "OfflineThreshold") | {"attributeValue": "300"},
        place("OCPPCommCtrlr", "OfflineThreshold") | {"attributeValue": "301"},
        place("Fan", "Speed") | {"attributeValue": "7", "attributeType": "Target"},
        place("Fan", "Size") | {"attributeValue": "7"},
        place("Fan", "Nothing") | {"attributeValue": "7"},
    ]
    results = (await world.call("SetVariables", {"setVariableData": data}))["setVariableResult"]
    reasons = [each.get("attributeStatusInfo", {}).get("reasonCode") for each in results]
    assert reasons == ["OutOfStorage"] * 4 + [None]
    assert (await read(world, "OCPPCommCtrlr", "OfflineThreshold"))["attributeValue"] == "60"
    assert (await read(world, "Fan", "Speed", attribute="Target"))["attributeValue"] == ""
    assert (await read(world, "Fan", "Size"))["attributeValue"] == "1"
    world.store.failing = None
    await world.store.commit()
    world.station.power_down()
    world.station.power_up()
    assert world.station.device_model.integer("OCPPCommCtrlr", "OfflineThreshold") == 60


async def test_a_value_outlives_a_power_cut_right_after_the_answer(world: StationWorld) -> None:
    assert await status(world, "OCPPCommCtrlr", "OfflineThreshold", "300") == ("Accepted", "")
    world.station.power_down()
    world.station.power_up()
    assert world.station.device_model.integer("OCPPCommCtrlr", "OfflineThreshold") == 300


async def test_the_time_of_day_is_the_stations(world: StationWorld) -> None:
    now = (await read(world, "ClockCtrlr", "DateTime"))["attributeValue"]
    assert now == world.station.time.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
