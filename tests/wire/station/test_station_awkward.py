"""The personality ``awkward``: what stations in the field say, said to CSMSs that forgive and to such that do not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from station_world import StationWorld

from ocppflow.messages import Message, Version, v16, v21, v201
from ocppflow.messages.codec import encode
from ocppflow.messages.tolerance import STRICT, TOLERANT
from ocppflow.station import StationConfig
from ocppflow.station.awkward_words import HABITS, awkward
from ocppflow.station.config_file import make_config
from ocppflow.station.hardware import ElectricVehicle

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)

_METER_16 = v16.MeterValue(
    timestamp=NOW,
    sampled_value=[
        v16.SampledValue(value="49.97", measurand="Frequency"),
        v16.SampledValue(value="31", measurand="Temperature", unit="Celsius"),
        v16.SampledValue(value="12", measurand="Current.Import", unit="A"),
    ],
)
_METER_21 = v21.MeterValueType(
    timestamp=NOW,
    sampled_value=[
        v21.SampledValueType(value=1.5, measurand="Current.Import"),
        v21.SampledValueType(value=50.0, measurand="Frequency", unit_of_measure=v21.UnitOfMeasureType(unit="Hertz")),
    ],
)
MESSAGES: list[Message] = [
    v16.BootNotificationRequest(charge_point_vendor="A", charge_point_model="B"),
    v16.StatusNotificationRequest(connector_id=1, error_code="GroundFailure", status="Faulted", timestamp=NOW),
    v16.StartTransactionRequest(connector_id=1, id_tag="A", meter_start=0, timestamp=NOW),
    v16.StopTransactionRequest(meter_stop=5, timestamp=NOW, transaction_id=7, id_tag="A", transaction_data=[_METER_16]),
    v16.MeterValuesRequest(connector_id=1, meter_value=[_METER_16]),
    v16.AuthorizeRequest(id_tag="A"),
    v16.DataTransferRequest(vendor_id="btc", data="x"),
    v21.BootNotificationRequest(reason="PowerUp", charging_station=v21.ChargingStationType(model="A", vendor_name="B")),
    v201.StatusNotificationRequest(timestamp=NOW, connector_status="Available", evse_id=1, connector_id=1),
    v21.TransactionEventRequest(
        event_type="Ended",
        timestamp=NOW,
        trigger_reason="EVDeparted",
        seq_no=3,
        transaction_info=v21.TransactionType(transaction_id="T"),
        meter_value=[_METER_21],
    ),
    v21.MeterValuesRequest(evse_id=1, meter_value=[_METER_21]),
    v21.AuthorizeRequest(id_token=v21.IdTokenType(id_token="A", type="Central")),
]


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.says)
def test_a_habit_changes_what_it_is_for(habit: Any) -> None:
    changed = 0
    for message in MESSAGES:
        if message.__action__ in habit.actions and message.__version__ in habit.versions:
            proper, spoilt = json.loads(encode(message)), json.loads(encode(message))
            habit.spoil(spoilt)
            changed += spoilt != proper
    assert changed


def test_half_of_the_habits_are_in_a_message_always_the_same() -> None:
    message = MESSAGES[0]
    said = {awkward(message, f"{seed}:CS1") for seed in range(40)}
    assert len(said) == 4, "two habits: none, either, both"
    assert awkward(message, "1:CS1") == awkward(message, "1:CS1")
    assert awkward(v16.HeartbeatRequest(), "1:CS1") is None


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("seed", [0, 1, 2])
async def test_a_csms_that_forgives_has_a_whole_session(version: Version, seed: int) -> None:
    config = StationConfig(personality="awkward", seed=seed, versions=(version,))
    async with StationWorld(version, config) as world:
        world.csms.policy = TOLERANT
        await world.station.connect()
        await world.clock.advance(1)
        await world.station.plug(1, ev=ElectricVehicle(soc=20))
        await world.station.swipe(1, "A1")
        await world.clock.advance(120)
        await world.station.unplug(1)
        await world.clock.advance(60)
        assert world.station.provisioning.may_send
        assert world.station.snapshot().queue_length == 0
        ended = "StopTransaction" if version is Version.V16 else "TransactionEvent"
        assert world.sent(ended)


async def test_a_csms_that_does_not_forgive_refuses_and_the_station_goes_on() -> None:
    config = StationConfig(personality="awkward", versions=(Version.V201,))
    async with StationWorld(Version.V201, config) as world:
        world.csms.policy = STRICT
        await world.station.connect()
        await world.station.plug(1)
        await world.station.swipe(1, "A1")
        await world.clock.advance(1800)
        assert world.station.is_up
        assert world.station.is_connected


async def test_a_plain_station_says_nothing_awkward() -> None:
    async with StationWorld(Version.V16, StationConfig(versions=(Version.V16,))) as world:
        world.csms.policy = STRICT
        await world.station.connect()
        await world.clock.advance(1)
        assert "iccid" not in world.sent("BootNotification")[0]


def test_the_make_is_awkward() -> None:
    assert make_config("awkward").personality == "awkward"
