"""Calls to stations that are not there: kept over a restart, made when they come, expired, cancelled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from csms_world import CSMSWorld, Puppet, register

from ocppflow import v21
from ocppflow.csms.blocks.durable_queue import ATTEMPTS, NoSuchCall
from ocppflow.endpoint import LATER, settle
from ocppflow.errors import GenericError, InvalidMessage
from ocppflow.messages import Version
from ocppflow.store import Store

UNLOCK = v21.UnlockConnectorRequest(evse_id=1, connector_id=1)
CLEAR = v21.ClearCacheRequest()


async def _accepted(world: CSMSWorld, puppet: Puppet) -> None:
    await puppet.connect()
    world.csms.told_all("accepted", world.csms["CS1"])
    await settle()


@pytest.fixture
async def puppet(csms_world: CSMSWorld) -> Puppet:
    await register(csms_world, "CS1")
    return Puppet(csms_world, "CS1", Version.V201)


async def test_calls_are_made_in_order_when_the_station_is_accepted(csms_world: CSMSWorld, puppet: Puppet) -> None:
    queue = csms_world.csms.queue
    first, second = await queue.put("CS1", CLEAR, by="ann", purpose="tidy"), await queue.put("CS1", UNLOCK)
    await puppet.connect()
    assert puppet.heard == []
    puppet.answers["UnlockConnector"] = {"status": "Unlocked"}
    await _accepted(csms_world, puppet)
    assert [action for action, _ in puppet.heard] == ["ClearCache", "UnlockConnector"]
    done = await queue.get(second)
    assert (done.state, done.response, done.payload) == (
        "done",
        {"status": "Unlocked"},
        {"evseId": 1, "connectorId": 1},
    )
    assert ((await queue.get(first)).asked_by, (await queue.get(first)).purpose) == ("ann", "tidy")
    third = await queue.put("CS1", CLEAR)
    await settle()
    assert (await queue.get(third)).state == "done"


async def test_a_call_survives_a_restart(csms_world: CSMSWorld, puppet: Puppet) -> None:
    number = await csms_world.csms.queue.put("CS1", CLEAR)
    async with CSMSWorld(store=csms_world.store) as again:
        other = Puppet(again, "CS1", Version.V201)
        await _accepted(again, other)
        assert [action for action, _ in other.heard] == ["ClearCache"]
        assert (await again.csms.queue.get(number)).state == "done"


async def test_what_was_on_its_way_is_made_again_after_a_crash_unless_twice_is_too_much(
    csms_world: CSMSWorld, puppet: Puppet
) -> None:
    puppet.answers["ClearCache"] = puppet.answers["UnlockConnector"] = lambda call: LATER
    clear = await csms_world.csms.queue.put("CS1", CLEAR)
    await _accepted(csms_world, puppet)
    assert (await csms_world.csms.queue.get(clear)).state == "sent"
    async with CSMSWorld(store=csms_world.store) as again:
        assert (await again.csms.queue.get(clear)).state == "waiting"
        other = Puppet(again, "CS1", Version.V201)
        await _accepted(again, other)
        assert (await again.csms.queue.get(clear)).state == "done"
        other.answers["UnlockConnector"] = lambda call: LATER
        unlock = await again.csms.queue.put("CS1", UNLOCK)
        await settle()
        async with CSMSWorld(store=csms_world.store) as third:
            lost = await third.csms.queue.get(unlock)
            assert lost.state == "failed"
            assert lost.error is not None
            assert "restarted" in lost.error["description"]


async def test_a_lost_answer_is_asked_for_again_so_often(csms_world: CSMSWorld, puppet: Puppet) -> None:
    puppet.answers["ClearCache"] = lambda call: LATER
    number = await csms_world.csms.queue.put("CS1", CLEAR)
    for attempt in range(1, ATTEMPTS + 1):
        await _accepted(csms_world, puppet)
        assert len(puppet.asked("ClearCache")) == attempt
        csms_world.network.links[-1].break_()
        await settle()
        await puppet.disconnect()
    await _accepted(csms_world, puppet)
    assert len(puppet.asked("ClearCache")) == ATTEMPTS
    assert (await csms_world.csms.queue.get(number)).state == "failed"


async def test_a_refusal_is_kept_word_by_word_and_the_next_call_goes(csms_world: CSMSWorld, puppet: Puppet) -> None:
    puppet.answers["ClearCache"] = GenericError("not today", {"why": "monday"})
    first, second = await csms_world.csms.queue.put("CS1", CLEAR), await csms_world.csms.queue.put("CS1", UNLOCK)
    puppet.answers["UnlockConnector"] = {"status": "Unlocked"}
    await _accepted(csms_world, puppet)
    assert (await csms_world.csms.queue.get(first)).error == {
        "code": "GenericError",
        "description": "not today",
        "details": {"why": "monday"},
    }
    assert (await csms_world.csms.queue.get(second)).state == "done"


async def test_a_call_expires_whether_the_station_comes_or_not(csms_world: CSMSWorld, puppet: Puppet) -> None:
    queue = csms_world.csms.queue
    late = await queue.put("CS1", CLEAR, expires=csms_world.now() + timedelta(hours=2))
    soon = await queue.put("CS1", CLEAR, expires=csms_world.now() + timedelta(minutes=1))
    await csms_world.advance(61)
    assert [(await queue.get(number)).state for number in (late, soon)] == ["waiting", "expired"]
    await csms_world.advance(7200)
    await _accepted(csms_world, puppet)
    assert puppet.heard == []
    assert (await queue.get(late)).state == "expired"


async def test_a_call_is_cancelled(csms_world: CSMSWorld, puppet: Puppet) -> None:
    queue = csms_world.csms.queue
    number = await queue.put("CS1", CLEAR)
    assert [call.id for call in await queue.of("CS1")] == [number]
    await queue.cancel(number)
    await _accepted(csms_world, puppet)
    assert puppet.heard == []
    for wrong in (number, 99):
        with pytest.raises(NoSuchCall):
            await queue.cancel(wrong)


async def test_what_the_schema_forbids_is_refused_at_once(csms_world: CSMSWorld, puppet: Puppet) -> None:
    with pytest.raises(InvalidMessage):
        await csms_world.csms.queue.put("CS1", v21.UnlockConnectorRequest(evse_id=-1, connector_id=1))
    assert await csms_world.csms.queue.of("CS1") == []


async def test_the_queue_is_the_same_in_both_databases(any_store: Store) -> None:
    async with CSMSWorld(store=any_store) as world:
        await register(world, "CS1")
        numbers = [await world.csms.queue.put("CS1", CLEAR) for _ in range(2)]
        await world.csms.queue.cancel(numbers[0])
        again = CSMSWorld(store=any_store)
        await again.csms.queue.start()
        assert [call.id for call in await again.csms.queue.of("CS1")] == numbers[1:]
