"""A station goes down and comes up: reboots, power cuts, a network that goes away; whatever comes between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from station_world import StationWorld

from ocppflow import v21, v201
from ocppflow.errors import ConnectionRefused
from ocppflow.station import CompleteStation, StationState, StoreFailed


@pytest.fixture
async def booted(world: StationWorld) -> StationWorld:
    await world.station.connect()
    await world.clock.advance(0)
    world.heard.clear()
    return world


def begin(course: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.ensure_future(course)


def boots(world: StationWorld) -> list[str]:
    return [boot["reason"] for boot in world.sent("BootNotification")]


async def test_a_reboot_says_goodbye_and_comes_up_again(booted: StationWorld) -> None:
    station = booted.station
    codes: list[int] = []
    station.on_disconnect(lambda _, code, reason: codes.append(code))
    rebooting = begin(station.reboot("FirmwareUpdate"))
    await booted.clock.advance(4)
    assert (station.is_up, station.is_connected, codes) == (False, False, [1001])
    await booted.clock.advance(2)
    assert rebooting.done()
    assert station.is_up
    assert boots(booted) == ["FirmwareUpdate"]


async def test_a_power_cut_says_nothing_and_comes_up_as_power_up(booted: StationWorld) -> None:
    station = booted.station
    codes: list[int] = []
    station.on_disconnect(lambda _, code, reason: codes.append(code))
    cut = begin(station.power_cut(30))
    await booted.clock.advance(29)
    assert (station.is_up, station.is_connected, codes) == (False, False, [1006])
    await booted.clock.advance(2)
    assert cut.done()
    assert boots(booted) == ["PowerUp"]


async def test_what_was_not_committed_is_lost_in_a_power_cut_and_kept_in_a_reboot(booted: StationWorld) -> None:
    station = booted.station
    station.store.put("mine", "k", 1)
    cut = begin(station.power_cut(1))
    await booted.clock.advance(2)
    await cut
    assert station.store.load("mine", int) == {}
    station.store.put("mine", "k", 2)
    rebooting = begin(station.reboot())
    await booted.clock.advance(6)
    await rebooting
    assert station.store.load("mine", int) == {"k": 2}


async def test_two_reboots_at_once_are_one(booted: StationWorld) -> None:
    both = [begin(booted.station.reboot("RemoteReset")), begin(booted.station.reboot("LocalReset"))]
    await booted.clock.advance(20)
    assert [each.done() for each in both] == [True, True]
    assert boots(booted) == ["RemoteReset"]


async def test_a_power_cut_makes_an_end_of_a_reboot(booted: StationWorld) -> None:
    rebooting = begin(booted.station.reboot("RemoteReset"))
    await booted.clock.advance(3)
    cut = begin(booted.station.power_cut(10))
    await booted.clock.advance(9)
    assert rebooting.done()
    assert not booted.station.is_up
    await booted.clock.advance(2)
    assert cut.done()
    assert boots(booted) == ["PowerUp"]


@pytest.mark.parametrize("how", [CompleteStation.stop, CompleteStation.close])
@pytest.mark.parametrize("after", [0, 1])
async def test_who_stops_a_station_that_reboots_has_it_stopped(
    booted: StationWorld, how: Callable[[CompleteStation], Coroutine[Any, Any, None]], after: float
) -> None:
    rebooting = begin(booted.station.reboot("LocalReset"))
    await booted.clock.advance(after)
    await how(booted.station)
    await booted.clock.advance(60)
    assert rebooting.done()
    assert boots(booted) == []
    assert booted.station.state is StationState.STOPPED
    booted.station.start()
    await booted.clock.advance(0)
    assert boots(booted) in (["LocalReset"], ["PowerUp"])


async def test_to_connect_during_a_reboot_makes_an_end_of_it(booted: StationWorld) -> None:
    begin(booted.station.reboot("LocalReset"))
    await booted.clock.advance(1)
    await booted.station.connect()
    await booted.clock.advance(60)
    assert boots(booted) == ["LocalReset"]


async def test_a_reboot_while_there_is_no_connection(world: StationWorld) -> None:
    world.network.refusals = [ConnectionRefused("no") for _ in range(3)]
    world.station.start()
    await world.clock.advance(1)
    assert world.station.state is StationState.WAITING
    rebooting = begin(world.station.reboot("Watchdog"))
    await world.clock.advance(120)
    assert rebooting.done()
    assert boots(world) == ["Watchdog"]


async def test_a_handler_that_reboots_answers_first(booted: StationWorld) -> None:
    @booted.station.on(v201.ResetRequest)
    async def reset(station: CompleteStation, request: v201.ResetRequest) -> v201.ResetResponse:
        await station.reboot("ApplicationReset")
        return v201.ResetResponse(status="Accepted")

    assert await booted.call("Reset", {"type": "Immediate"}) == {"status": "Accepted"}
    await booted.clock.advance(5)
    assert boots(booted) == ["ApplicationReset"]


async def test_a_power_cut_ends_what_was_at_work(booted: StationWorld) -> None:
    ended: list[str] = []

    async def for_ever(what: str) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(what)

    @booted.station.on(v21.ClearCacheRequest)
    async def clear(station: CompleteStation, request: v21.ClearCacheRequest) -> v21.ClearCacheResponse:
        await for_ever("handler")
        raise NotImplementedError

    booted.station.work(for_ever("work"), "a test")
    asking = asyncio.ensure_future(booted.call("ClearCache"))
    await booted.clock.advance(0)
    begin(booted.station.power_cut(5))
    await booted.clock.advance(0)
    assert sorted(ended) == ["handler", "work"]
    await asyncio.gather(asking, return_exceptions=True)
    await booted.clock.advance(5)


async def test_without_network_there_is_no_attempt_until_it_is_back(booted: StationWorld) -> None:
    station = booted.station
    await station.offline()
    await booted.clock.advance(3600)
    assert (station.is_up, station.state, len(booted.network.links)) == (True, StationState.STOPPED, 1)
    with pytest.raises(ConnectionRefused, match="no network"):
        await station.connect()
    station.start()
    rebooting = begin(station.reboot("LocalReset"))
    await booted.clock.advance(60)
    assert rebooting.done()
    assert len(booted.network.links) == 1
    await station.online()
    await booted.clock.advance(0)
    assert boots(booted) == ["LocalReset"]


async def test_a_stopped_station_stays_so_when_the_network_is_back(booted: StationWorld) -> None:
    await booted.station.offline()
    await booted.station.stop()
    await booted.station.online()
    await booted.clock.advance(60)
    assert not booted.station.is_running


async def test_after_a_loss_nothing_is_booted_again(booted: StationWorld) -> None:
    await booted.station.offline()
    await booted.clock.advance(10)
    await booted.station.online()
    await booted.clock.advance(10)
    assert boots(booted) == []
    assert booted.station.is_connected


async def test_a_station_that_cannot_boot_stays_down_and_says_why(
    booted: StationWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def load(*_: Any) -> None:
        raise StoreFailed("the disk is gone")

    rebooting = begin(booted.station.reboot())
    await booted.clock.advance(1)
    monkeypatch.setattr(type(booted.store), "load", load)
    await booted.clock.advance(5)
    with pytest.raises(StoreFailed):
        await rebooting
    assert not booted.station.is_up
    assert "cannot boot, and stays down: the disk is gone" in caplog.text
    monkeypatch.undo()
    booted.station.start()
    await booted.clock.advance(0)
    assert booted.station.is_connected


# --- the store ---------------------------------------------------------------------------------------------------


async def test_a_store_that_fails_is_said_once_and_tried_again(
    booted: StationWorld, caplog: pytest.LogCaptureFixture
) -> None:
    def full() -> None:
        raise StoreFailed("CS1.db: the disk is full: make room")

    booted.store.failing = full
    booted.station.store.put("mine", "k", 1)
    for _ in range(3):
        with pytest.raises(StoreFailed):
            await booted.station.store.commit()
    assert not booted.station.can_keep
    assert caplog.text.count("no transaction starts, since it could not be kept: CS1.db: the disk is full") == 1
    await booted.clock.advance(100)
    assert not booted.station.can_keep
    booted.store.failing = None
    await booted.clock.advance(11)
    assert booted.station.can_keep
    assert booted.station.store.load("mine", int) == {"k": 1}
    assert "can be written again" in caplog.text


async def test_no_transaction_starts_that_could_not_be_kept(booted: StationWorld) -> None:
    assert booted.station.transactions.may_start

    def full() -> None:
        raise StoreFailed("full")

    booted.store.failing = full
    booted.station.store.put("mine", "k", 1)
    booted.station.store.commit()
    assert not booted.station.transactions.may_start
    booted.store.failing = None
    await booted.clock.advance(11)
    assert booted.station.transactions.may_start
