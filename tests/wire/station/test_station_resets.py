"""B11, B12 and 2.1 B13: resets of the station and of one EVSE, with and without transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from charging_world import ChargingWorld

from ocppflow.messages import Version
from ocppflow.station import EvseConfig, StoreFailed

TWO = (EvseConfig(), EvseConfig())


@pytest.fixture(params=[Version.V201, Version.V21])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(version=request.param, evses=TWO) as one:
        await one.online()
        one.heard.clear()
        yield one


async def charging(world: ChargingWorld, evse: int = 1) -> None:
    world.hardware.plug(evse)
    await world.settle()
    world.hardware.swipe("AA", evse)
    await world.settle(1)
    assert world.station.transactions.on_evse(evse) is not None


async def reset(world: ChargingWorld, kind: str = "OnIdle", evse: int | None = None) -> str:
    answer = await world.call("Reset", {"type": kind, **({} if evse is None else {"evseId": evse})})
    status: str = answer["status"]
    return status


def boots(world: ChargingWorld) -> list[str]:
    return [each["reason"] for each in world.sent("BootNotification")]


def ended(world: ChargingWorld) -> list[dict[str, Any]]:
    return [each for each in world.events if each["eventType"] == "Ended"]


@pytest.mark.parametrize("kind", ["OnIdle", "Immediate"])
async def test_B11FR03_without_transactions_it_reboots_at_once(world: ChargingWorld, kind: str) -> None:
    assert await reset(world, kind) == "Accepted"
    await world.settle(6)
    assert boots(world) == ["RemoteReset"]
    assert len(world.station.config.evses) == 2
    assert world.station.availability.status(1, 1) == "Available"


async def test_B12FR01_B12FR03_on_idle_waits_for_the_transactions(world: ChargingWorld) -> None:
    await charging(world, 1)
    assert await reset(world) == "Scheduled"
    await world.settle(1)
    assert world.station.availability.status(2, 1) == "Unavailable"  # B12, 3a
    assert not world.station.availability.operative(2)
    await world.settle(600)
    assert boots(world) == []
    world.hardware.swipe("AA", 1)
    await world.settle(1)
    world.hardware.unplug(1)
    await world.settle(20)
    assert [each["transactionInfo"].get("stoppedReason", "Local") for each in ended(world)] == ["Local"]
    assert boots(world) == ["ScheduledReset"]
    assert world.station.availability.status(2, 1) == "Available"


async def test_B12FR04_immediate_ends_the_transactions_first(world: ChargingWorld) -> None:
    await charging(world, 1)
    await charging(world, 2)
    assert await reset(world, "Immediate") == "Accepted"
    await world.settle(10)
    assert [(each["triggerReason"], each["transactionInfo"]["stoppedReason"]) for each in ended(world)] == [
        ("ResetCommand", "ImmediateReset")
    ] * 2
    order = [action for action, _ in world.heard]
    assert max(at for at, action in enumerate(order) if action == "TransactionEvent") < order.index("BootNotification")
    assert boots(world) == ["RemoteReset"]


async def test_B12FR05_what_is_not_answered_in_time_is_sent_after_the_reboot(world: ChargingWorld) -> None:
    await charging(world, 1)
    answers = world.answers["TransactionEvent"]
    silent: list[str] = []

    async def never(call: Any) -> Any:
        await asyncio.get_running_loop().create_future()

    def told(call: Any) -> Any:
        if not silent and call.data["eventType"] == "Ended":
            silent.append("once")
            return never(call)
        return answers(call)

    world.answers["TransactionEvent"] = told
    assert await reset(world, "Immediate") == "Accepted"
    await world.settle(100)
    assert boots(world) == ["RemoteReset"]
    first, second = ended(world)
    assert first["seqNo"] == second["seqNo"]
    assert world.station.message_queue.length == 0


async def test_an_immediate_reset_goes_before_a_scheduled_one(world: ChargingWorld) -> None:
    await charging(world, 1)
    assert await reset(world) == "Scheduled"
    assert await reset(world) == "Scheduled"
    assert await reset(world, "Immediate") == "Accepted"
    await world.settle(30)
    assert boots(world) == ["RemoteReset"]


async def test_what_is_scheduled_is_kept_over_a_power_cut(world: ChargingWorld) -> None:
    await charging(world, 1)
    assert await reset(world) == "Scheduled"
    cut = asyncio.ensure_future(world.station.power_cut(1))
    await world.settle(2)
    await cut
    world.hardware.unplug(1)
    await world.settle(60)
    assert boots(world) == ["PowerUp", "ScheduledReset"]
    await world.settle(60)
    assert len(boots(world)) == 2


async def test_a_schedule_that_cannot_be_kept_is_rejected(world: ChargingWorld) -> None:
    await charging(world, 1)

    def full() -> None:
        raise StoreFailed("full")

    world.store.failing = full
    assert await reset(world) == "Rejected"
    world.store.failing = None
    assert world.station.availability.operative(2)


async def test_B11FR02_what_is_inoperative_stays_so(world: ChargingWorld) -> None:
    await world.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
    assert await reset(world) == "Accepted"
    await world.settle(10)
    assert world.station.availability.status(1, 1) == "Unavailable"


# --- one EVSE ----------------------------------------------------------------------------------------------------


async def test_B11FR08_an_evse_is_reset_without_a_reboot(world: ChargingWorld) -> None:
    assert await reset(world, "OnIdle", 1) == "Accepted"
    await world.settle(1)
    assert not world.station.availability.operative(1)
    assert world.station.availability.operative(2)
    await world.settle(6)
    assert world.station.availability.operative(1)
    assert boots(world) == []


async def test_B12FR07_an_evse_waits_for_its_own_transaction(world: ChargingWorld) -> None:
    await charging(world, 1)
    assert await reset(world, "OnIdle", 2) == "Accepted"
    assert await reset(world, "OnIdle", 1) == "Scheduled"
    await world.settle(100)
    assert world.station.transactions.on_evse(1) is not None
    world.hardware.swipe("AA", 1)
    world.hardware.unplug(1)
    await world.settle(2)
    assert not world.station.availability.operative(1)
    await world.settle(10)
    assert world.station.availability.operative(1)


async def test_B12FR08_immediate_ends_the_transaction_of_that_evse(world: ChargingWorld) -> None:
    await charging(world, 1)
    await charging(world, 2)
    assert await reset(world, "Immediate", 1) == "Accepted"
    await world.settle(10)
    assert [each["transactionInfo"]["stoppedReason"] for each in ended(world)] == ["ImmediateReset"]
    assert world.station.transactions.on_evse(2) is not None


async def test_B11FR09_an_evse_that_cannot_be_reset_says_so(world: ChargingWorld) -> None:
    world.station.device_model.set("EVSE", "AllowReset", False, evse=1)
    assert await reset(world, "OnIdle", 1) == "Rejected"
    assert await reset(world, "OnIdle", 9) == "Rejected"


# --- B13 ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def newer() -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(version=Version.V21, evses=TWO) as one:
        await one.online()
        one.heard.clear()
        yield one


async def test_B13FR01_without_resumption_there_is_none(newer: ChargingWorld) -> None:
    newer.station.device_model.set("TxCtrlr", "ResumptionTimeout", 0)
    assert await reset(newer, "ImmediateAndResume") == "Rejected"


@pytest.mark.parametrize("evse", [None, 1])
async def test_B13FR04_B13FR30_the_transaction_goes_on_after_it(newer: ChargingWorld, evse: int | None) -> None:
    newer.station.device_model.set("TxCtrlr", "ResumptionTimeout", 1)  # shorter than the reboot (B13.FR.12, B13.FR.23)
    newer.station.store.commit()
    await charging(newer, 1)
    await newer.settle(1)
    before = newer.station.transactions.on_evse(1)
    assert before is not None
    count = len(newer.events)
    assert await reset(newer, "ImmediateAndResume", evse) == "Accepted"
    await newer.settle(20)
    after = newer.station.transactions.on_evse(1)
    assert after is not None
    assert after.id == before.id
    told = [each["triggerReason"] for each in newer.events[count:]]
    assert told[0] == "ResetCommand"
    assert "TxResumed" in told
    assert boots(newer) == ([] if evse else ["RemoteReset"])
    assert after.charging_state == "Charging"
    assert ended(newer) == []


async def test_B13FR02_without_transactions_it_is_a_plain_reset(newer: ChargingWorld) -> None:
    assert await reset(newer, "ImmediateAndResume") == "Accepted"
    await newer.settle(10)
    assert boots(newer) == ["RemoteReset"]
