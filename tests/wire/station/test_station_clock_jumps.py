"""The CSMS says another time of day in the middle of it all: what the station measures, waits for and tells follows its
own clock, and nothing is done twice or never."""

from __future__ import annotations

from datetime import timedelta

import pytest
from charging_world import ChargingWorld
from profile_world import ProfileWorld, profile

from ocppflow.messages import Version, v21
from ocppflow.station.transaction import Transaction

HOURS = [-26.0, -1.0, -0.02, 0.02, 1.0, 26.0]


def jump(world: ChargingWorld, hours: float) -> None:
    """The CSMS says that it is so much later."""
    world.station.time.set(world.station.time.now() + timedelta(hours=hours))


@pytest.mark.parametrize("hours", HOURS)
async def test_E06FR11_values_stay_in_the_order_in_which_they_were_measured(hours: float) -> None:
    async with ChargingWorld("SampledDataCtrlr.TxEndedInterval=60", "AlignedDataCtrlr.Interval=0") as world:
        await world.online()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(130)
        jump(world, hours)
        await world.settle(130)
        world.hardware.swipe()
        await world.settle()
        told = [each["sampledValue"][0]["value"] for each in world.events[-1]["meterValue"]]
        assert len(told) == 5
        assert told == sorted(told)


@pytest.mark.parametrize("hours", HOURS)
async def test_E06FR12_the_time_spent_charging_is_that_of_the_own_clock(hours: float) -> None:
    async with ChargingWorld("AlignedDataCtrlr.Interval=0", "SampledDataCtrlr.TxUpdatedInterval=0") as world:
        await world.online()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(100)
        jump(world, hours)
        await world.settle(100)
        world.hardware.unplug()
        await world.settle()
        assert world.events[-1]["transactionInfo"]["timeSpentCharging"] == pytest.approx(200, abs=1)


@pytest.mark.parametrize("hours", HOURS)
async def test_E16FR09_a_limit_of_time_is_not_reached_sooner_or_later(hours: float) -> None:
    async with ChargingWorld("AlignedDataCtrlr.Interval=0") as world:
        await world.online()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(10)
        (transaction,) = world.station.transactions.running.values()
        world.station.transactions.limit(transaction, v21.TransactionLimitType(max_time=300))
        await world.settle(100)
        jump(world, hours)
        await world.settle(180)
        assert "TimeLimitReached" not in [trigger for _, trigger, _ in world.told()]
        await world.settle(30)
        assert "TimeLimitReached" in [trigger for _, trigger, _ in world.told()]


@pytest.mark.parametrize("hours", HOURS)
async def test_E17FR02_a_jump_before_the_power_goes_is_no_time_without_power(hours: float) -> None:
    async with ChargingWorld("AlignedDataCtrlr.Interval=0", "TxCtrlr.ResumptionTimeout=600") as world:
        await world.online()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(10)
        jump(world, hours)
        for away, goes_on in ((300, True), (700, False)):
            await world.station.stop()
            world.station.power_down()
            await world.settle(away)
            await world.online()
            await world.settle()
            assert bool(world.station.transactions.running) is goes_on
            jump(world, 0)


@pytest.mark.parametrize("hours", HOURS)
async def test_K01_a_relative_schedule_goes_on_where_it_was(hours: float) -> None:
    async with ProfileWorld(Version.V21) as world:
        await world.up()
        await world.install(profile(4, (0, 6.0), (200, 10.0)))
        await world.begin()
        await world.clock.advance(100)
        world.station.time.set(world.station.time.now() + timedelta(hours=hours))
        await world.clock.advance(90)
        assert world.offered().amps == 6.0
        await world.clock.advance(20)
        assert world.offered().amps == 10.0


@pytest.mark.parametrize("hours", HOURS)
async def test_I12_time_costs_what_the_own_clock_has_counted(hours: float) -> None:
    async with ProfileWorld(Version.V21) as world:
        await world.up()
        tariff = {"tariffId": "T", "currency": "EUR", "chargingTime": {"prices": [{"priceMinute": 1.0}]}}
        answer = await world.call("SetDefaultTariff", {"evseId": 0, "tariff": tariff})
        assert answer["status"] == "Accepted"
        await world.begin()
        await world.clock.advance(600)
        world.station.time.set(world.station.time.now() + timedelta(hours=hours))
        await world.clock.advance(600)
        await world.end()
        costs = world.sent("TransactionEvent")[-1]["costDetails"]
        assert costs["totalCost"]["total"]["exclTax"] == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("hours", [1.0, 26.0])
async def test_H04FR01_a_reservation_expires_when_the_time_has_come_by_a_jump(hours: float) -> None:
    async with ProfileWorld(Version.V21) as world:
        await world.up()
        token = {"idToken": "TOKEN", "type": "ISO14443"}
        request = {"id": 7, "evseId": 1, "idToken": token, "expiryDateTime": world.at(1800)}
        assert (await world.call("ReserveNow", request))["status"] == "Accepted"
        world.station.time.set(world.station.time.now() + timedelta(hours=hours))
        await world.clock.advance(1)
        (update,) = world.sent("ReservationStatusUpdate")
        assert update["reservationUpdateStatus"] == "Expired"


async def test_J01_a_dot_that_comes_again_after_a_jump_back_is_told_again_and_none_is_told_for_a_leap() -> None:
    async with ChargingWorld("AlignedDataCtrlr.Interval=60") as world:
        await world.online()
        await world.settle(130)
        assert len(world.sent("MeterValues")) == 2
        jump(world, 1.0)
        await world.settle(1)
        assert len(world.sent("MeterValues")) == 2
        await world.settle(60)
        assert len(world.sent("MeterValues")) == 3
        jump(world, -1.0)
        await world.settle(61)
        assert len(world.sent("MeterValues")) == 4


@pytest.mark.parametrize("said", ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "1969-07-20T20:17:40Z"])
async def test_G02FR06_no_time_that_a_CSMS_can_say_stops_anything(said: str) -> None:
    async with ChargingWorld("AlignedDataCtrlr.Interval=60", "AuthCacheCtrlr.LifeTime=600") as world:
        await world.online()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(100)
        for now in (said, None, said):
            world.answers["Heartbeat"] = None if now is None else {"currentTime": now}
            assert (await world.call("TriggerMessage", {"requestedMessage": "Heartbeat"}))["status"] == "Accepted"
            await world.settle(100)
        world.hardware.unplug()
        await world.settle(100)
        ended = world.events[-1]
        assert ended["eventType"] == "Ended"
        assert ended["transactionInfo"]["timeSpentCharging"] == pytest.approx(400, abs=2)
        assert [each["seqNo"] for each in world.events] == list(range(len(world.events)))
        assert world.station.message_queue.length == 0
        assert not world.station.transactions.running


async def test_G02_a_jump_outlives_the_power() -> None:
    """What was counted from before a jump is kept as it is by the new time."""
    async with ChargingWorld("AlignedDataCtrlr.Interval=0") as world:
        await world.online()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(100)
        began = next(iter(world.station.transactions.running.values())).started_at
        jump(world, 5.0)
        (kept,) = world.store.load("transactions", Transaction).values()
        assert (kept.started_at - began).total_seconds() == pytest.approx(5 * 3600, abs=0.01)
