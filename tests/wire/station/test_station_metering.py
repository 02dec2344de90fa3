"""J: which meter values are told, when, and how."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from charging_world import ChargingWorld

from ocppflow.messages import Version

REGISTER = "Energy.Active.Import.Register"


def contexts(event: dict[str, Any]) -> list[str]:
    """Of each meterValue of a message."""
    return [each["sampledValue"][0]["context"] for each in event.get("meterValue", ())]


def at(value: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(value["timestamp"].replace("Z", "+00:00"))


async def charge(world: ChargingWorld) -> None:
    await world.online()
    world.hardware.plug()
    world.hardware.swipe()
    await world.settle()


async def test_J02FR11_sampled_values_come_at_their_interval() -> None:
    async with ChargingWorld("SampledDataCtrlr.TxUpdatedInterval=60", "AlignedDataCtrlr.Interval=0") as world:
        await charge(world)
        await world.settle(185)
        samples = [each for each in world.events if each["triggerReason"] == "MeterValuePeriodic"]
        assert [(at(each) - at(samples[0])).total_seconds() for each in samples] == [0, 60, 120]
        assert contexts(samples[0]) == ["Sample.Periodic"]
        assert [each["measurand"] for each in samples[0]["meterValue"][0]["sampledValue"]] == [
            REGISTER,
            "Power.Active.Import",
        ]
        assert samples[0]["meterValue"][0]["sampledValue"][1]["unitOfMeasure"] == {"unit": "W"}
        world.check_books()


async def test_J02_an_interval_of_0_is_off_and_a_new_one_counts_at_once() -> None:
    async with ChargingWorld("SampledDataCtrlr.TxUpdatedInterval=0", "AlignedDataCtrlr.Interval=0") as world:
        await charge(world)
        await world.settle(1000)
        assert "MeterValuePeriodic" not in [each["triggerReason"] for each in world.events]
        world.station.device_model.set("SampledDataCtrlr", "TxUpdatedInterval", 10)
        await world.settle(25)
        assert [each["triggerReason"] for each in world.events].count("MeterValuePeriodic") == 2
        world.station.device_model.set("SampledDataCtrlr", "TxUpdatedInterval", 1)
        await world.settle(5)
        assert [each["triggerReason"] for each in world.events].count("MeterValuePeriodic") == 7


async def test_E01FR09_and_E06FR11_the_first_and_the_last_values() -> None:
    async with ChargingWorld("TxCtrlr.TxStartPoint=EVConnected", "AlignedDataCtrlr.Interval=0") as world:
        await charge(world)
        await world.settle(30)
        world.hardware.unplug()
        await world.settle()
        assert contexts(world.events[0]) == ["Transaction.Begin"]
        ended = world.events[-1]
        assert contexts(ended) == ["Transaction.Begin", "Transaction.End"]  # TxEndedInterval 0: first and last
        first, last = (each["sampledValue"][0]["value"] for each in ended["meterValue"])
        drawn = 3 * 230 * 32 * 30 / 3600
        assert last - first == pytest.approx(drawn, abs=0.01)


async def test_J02_values_for_the_end_are_collected_over_a_power_cut() -> None:
    async with ChargingWorld("SampledDataCtrlr.TxEndedInterval=60", "AlignedDataCtrlr.Interval=0") as world:
        await charge(world)
        await world.settle(125)
        await world.station.stop()
        world.station.power_down()
        await world.settle(10)
        await world.online()
        await world.settle(65)
        world.hardware.unplug()
        await world.settle()
        assert contexts(world.events[-1]) == ["Sample.Periodic"] * 3 + ["Transaction.End"]
        world.check_books()
        assert not world.store.keys("ended_values")


async def test_J01FR14_clock_aligned_values_come_on_the_dot_for_every_evse() -> None:
    async with ChargingWorld("AlignedDataCtrlr.Interval=900") as world:
        await world.settle(100)
        await world.online()
        await world.settle(1800)
        heard = world.sent("MeterValues")
        assert [each["meterValue"][0]["timestamp"] for each in heard] == [
            "2026-01-01T00:15:00Z",
            "2026-01-01T00:30:00Z",
        ]
        assert contexts(heard[0]) == ["Sample.Clock"]
        assert heard[0]["evseId"] == 1


async def test_J01FR22_in_a_transaction_they_go_into_its_events() -> None:
    async with ChargingWorld("AlignedDataCtrlr.Interval=60", "SampledDataCtrlr.TxUpdatedInterval=0") as world:
        await charge(world)
        await world.settle(121)
        clock = [each for each in world.events if each["triggerReason"] == "MeterValueClock"]
        assert [each["timestamp"] for each in clock] == ["2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"]
        assert [each["meterValue"][0]["timestamp"] for each in clock] == [each["timestamp"] for each in clock]
        assert not world.sent("MeterValues")


async def test_J01FR20_with_SendDuringIdle_none_while_a_transaction_runs() -> None:
    async with ChargingWorld("AlignedDataCtrlr.Interval=60", "AlignedDataCtrlr.SendDuringIdle=true") as world:
        await world.online()
        await world.settle(61)
        assert len(world.sent("MeterValues")) == 1
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(180)
        assert len(world.sent("MeterValues")) == 1
        assert "MeterValueClock" not in [each["triggerReason"] for each in world.events]
        world.hardware.unplug()
        await world.settle(60)
        assert len(world.sent("MeterValues")) == 2


async def test_J01_the_dots_follow_the_time_that_the_CSMS_sets() -> None:
    async with ChargingWorld("AlignedDataCtrlr.Interval=60") as world:
        await world.online()
        world.station.time.set(world.now() + timedelta(seconds=30, minutes=5))
        await world.settle(31)
        assert world.sent("MeterValues")[0]["meterValue"][0]["timestamp"] == "2026-01-01T00:06:00Z"


async def test_J02_values_of_the_clock_for_the_end() -> None:
    async with ChargingWorld(
        "AlignedDataCtrlr.TxEndedInterval=60", "SampledDataCtrlr.TxEndedMeasurands=", "AlignedDataCtrlr.Interval=0"
    ) as world:
        await charge(world)
        await world.settle(125)
        world.hardware.unplug()
        await world.settle()
        assert contexts(world.events[-1]) == ["Sample.Clock", "Sample.Clock"]  # TC_J_03


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_J02FR21_signed_values(version: Version) -> None:
    async with ChargingWorld(
        "SampledDataCtrlr.SignReadings=true",
        "OCPPCommCtrlr.PublicKeyWithSignedMeterValue=OncePerTransaction",
        version=version,
    ) as world:
        world.hardware.evses[0].signs = True
        await charge(world)
        world.hardware.unplug()
        await world.settle()
        first = world.events[0]["meterValue"][0]["sampledValue"][0]
        # in 2.1 SignStartedReadings is a switch of its own
        assert ("signedMeterValue" in first) is (version is Version.V201)
        begin, last = (each["sampledValue"][0]["signedMeterValue"] for each in world.events[-1]["meterValue"])
        assert begin["publicKey"] == ("Key" if version is Version.V21 else "")  # 2.0.1 has told it in Started
        assert last == {
            "signedMeterData": "AA==",
            "signingMethod": "ECDSA",
            "encodingMethod": "OCMF",
            "publicKey": "",
        }
        assert world.station.device_model.text("FiscalMetering", "PublicKey", evse=1) == "Key"


async def test_J01FR10_what_is_measured_by_phase_is_told_by_phase() -> None:
    measurands = "Current.Import,Voltage,Frequency,SoC,Power.Offered,Current.Offered,Energy.Active.Import.Interval"
    async with ChargingWorld(
        f"SampledDataCtrlr.TxUpdatedMeasurands={measurands}", "SampledDataCtrlr.TxUpdatedInterval=60"
    ) as world:
        world.hardware.evses[0].soc = 40
        await charge(world)
        await world.settle(121)
        values = [each for each in world.events if each["triggerReason"] == "MeterValuePeriodic"][-1]["meterValue"][0]
        told = {(each["measurand"], each.get("phase", "")): each for each in values["sampledValue"]}
        assert told["Current.Import", "L2"]["value"] == 32
        assert told["Voltage", "L3-N"]["unitOfMeasure"] == {"unit": "V"}
        assert told["Frequency", ""]["value"] == 50
        assert told["SoC", ""]["location"] == "EV"
        assert told["Power.Offered", ""]["value"] == 3 * 230 * 32
        assert told["Current.Offered", ""]["value"] == 32
        assert told["Energy.Active.Import.Interval", ""]["value"] == pytest.approx(3 * 230 * 32 / 60, abs=0.01)


def test_a_day_has_its_dots_from_midnight_on() -> None:
    from ocppflow.station.clock_alignment import next_dot

    night = datetime(2026, 1, 1, 23, 59, 30, tzinfo=UTC)
    assert next_dot(night, 7000) == datetime(2026, 1, 2, tzinfo=UTC)
    assert next_dot(datetime(2026, 1, 2, tzinfo=UTC), 900) == datetime(2026, 1, 2, 0, 15, tzinfo=UTC)
    assert next_dot(datetime(2026, 1, 2, 0, 14, 59, 999000, tzinfo=UTC), 900) == datetime(2026, 1, 2, 0, 15, tzinfo=UTC)
