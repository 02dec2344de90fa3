"""A role as a program: it runs until it is told to stop, says what it is, and shows its state."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest
from endpoint_pairs import World

from ocppflow import CSMS, ChargingStation, ConnectionState, StationState, v201
from ocppflow.endpoint import Deadline
from ocppflow.endpoint.connection_state import NEXT as NEXT_OF_A_CONNECTION
from ocppflow.station.charging_station import NEXT as NEXT_OF_A_STATION
from ocppflow.transport.clock import settle


async def _until(what: Any) -> None:
    while not what():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_csms_serves_until_it_is_told_to_stop(number: signal.Signals) -> None:
    csms = CSMS()
    serving = asyncio.ensure_future(csms.serve_forever("ws://127.0.0.1:0/ocpp"))
    await _until(lambda: csms._listeners and csms._listeners[0].is_active)
    listener = csms._listeners[0]
    station = ChargingStation("CS1", listener.url, reconnect=False)
    await station.connect()
    signal.raise_signal(number)
    await serving
    assert not listener.is_active
    await _until(lambda: station.state is StationState.STOPPED)


async def test_a_csms_that_is_told_twice_does_not_wait_for_its_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocppflow.endpoint.stop_signals.ECHO", -1.0)
    csms = CSMS(grace=3600)
    csms.on(v201.HeartbeatRequest)(lambda *_: asyncio.get_running_loop().create_future())
    serving = asyncio.ensure_future(csms.serve_forever("ws://127.0.0.1:0/ocpp"))
    await _until(lambda: csms._listeners and csms._listeners[0].is_active)
    async with ChargingStation("CS1", csms._listeners[0].url, versions=["2.0.1"], reconnect=False, grace=0) as station:
        future = station.begin_raw("Heartbeat")
        await _until(lambda: len(csms) == 1 and csms["CS1"]._session.waiting)
        signal.raise_signal(signal.SIGTERM)
        await settle()
        assert not serving.done()
        signal.raise_signal(signal.SIGTERM)
        await serving
        assert len(csms) == 0
        assert not any(listener.is_active for listener in csms._listeners)
        future.cancel()
    await csms.background.stop(Deadline(csms.clock, None))
    await csms["CS1"].close() if "CS1" in csms else None


async def test_a_station_serves_until_it_is_told_to_stop() -> None:
    world = World()
    station = world.station()
    serving = asyncio.ensure_future(station.serve_forever())
    await _until(lambda: station.is_connected)
    signal.raise_signal(signal.SIGTERM)
    await serving
    assert station.state is StationState.STOPPED
    await world.close()


async def test_a_station_that_can_never_connect_says_why_once_and_stops(caplog: pytest.LogCaptureFixture) -> None:
    station = ChargingStation("a:b", "ws://127.0.0.1:9/ocpp")
    station.start()
    await _until(lambda: station.state is StationState.STOPPED)
    assert [record.getMessage() for record in caplog.records if "cannot connect" in record.getMessage()]
    assert len(caplog.records) == 1
    station.identity, station.reconnect = "CS1", False
    station.start()  # what was wrong can be mended
    assert station.state is StationState.CONNECTING
    await station.stop()


async def test_what_is_public_shows_its_state_and_a_csms_without_stations_is_true(world: World) -> None:
    assert bool(world.csms)
    assert repr(world.csms) == "<CSMS not listening, 0 stations>"
    assert repr(world.csms.router) == "<Router of the CSMS, 0 actions>"
    _, station = world.raw()
    assert repr(station) == "<Station CS1 2.0.1 open>"
    assert repr(station.known) == "<KnownStation CS1>"
    async with world.csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        assert repr(world.csms) == f"<CSMS at {listener.url}, 1 station>"
    assert repr(world.station("CS2")) == "<ChargingStation CS2 stopped>"


async def test_a_connection_goes_only_where_its_table_leads(world: World) -> None:
    _, station = world.raw()
    assert station.state is ConnectionState.OPEN
    station.retire(1000, "")
    assert station.state is ConnectionState.CLOSED
    with pytest.raises(RuntimeError, match="that is closed cannot become open"):
        station._become(ConnectionState.OPEN)


async def test_a_station_goes_only_where_its_table_leads(world: World) -> None:
    station = world.station()
    assert station.state is StationState.STOPPED
    station.start()
    await settle()
    assert station.state is StationState.CONNECTED
    world.links[-1].break_()
    await settle()
    assert station.state is StationState.WAITING
    await station.stop()
    assert station.state is StationState.STOPPED
    with pytest.raises(RuntimeError, match="that is stopped cannot become connected"):
        station._become(StationState.CONNECTED)


def test_every_state_has_its_row_and_can_be_left_or_is_the_end() -> None:
    assert set(NEXT_OF_A_CONNECTION) == set(ConnectionState)
    assert set(NEXT_OF_A_STATION) == set(StationState)
    assert NEXT_OF_A_CONNECTION[ConnectionState.CLOSED] == frozenset()
    assert all(StationState.STOPPED in NEXT_OF_A_STATION[state] for state in set(StationState) - {StationState.STOPPED})
