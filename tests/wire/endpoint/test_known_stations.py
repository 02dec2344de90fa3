"""What a CSMS knows of stations beyond a connection, and what it does about two that use one identity."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest
from endpoint_pairs import BEAT, HEARTBEAT, World, heartbeat_response

from ocppflow import CSMS, TOLERANT, ChargingStation, Rule, Rules, StationFile, StationRecord, v16, v201
from ocppflow.csms.contested import ALIVE, RETRY_AFTER, SUSPECT_FROM, WINDOW
from ocppflow.errors import ConfigurationError, ConnectionRefused, NotConnected
from ocppflow.messages import Version
from ocppflow.transport.clock import settle

BOOT_16 = [2, "b", "BootNotification", {"chargePointVendor": "ACME", "chargePointModel": "Box", "firmwareVersion": "1"}]
ODD = [2, "s", "StatusNotification", {"errorCode": "NoError", "status": "Available"}]


def serving(world: World) -> World:
    world.csms.on(v16.BootNotificationRequest)(
        lambda *_: {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": "Accepted"}
    )
    world.csms.on(v16.StatusNotificationRequest)(lambda *_: v16.StatusNotificationResponse())
    world.csms.on(v201.HeartbeatRequest)(lambda *_: heartbeat_response())
    return world


async def test_FC19_a_rule_for_a_vendor_holds_after_a_restart_although_the_station_does_not_boot(
    tmp_path: Path,
) -> None:
    rules = Rules([Rule(vendor="acme", action="StatusNotification", path="$.connectorId", forgive="missing")])
    for restart in range(2):
        world = serving(World(Version.V16, policy=rules, memory=StationFile(tmp_path / "stations.jsonl")))
        peer, _ = world.raw()
        if not restart:
            await peer.say(BOOT_16)
        assert await peer.say(ODD) == [[3, "s", {}]]
        known = world.csms.known("CS1")
        assert known is not None
        assert (known.vendor, known.model, known.firmware) == ("ACME", "Box", "1")
        await world.close()


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_a_station_that_boots_without_saying_who_it_is_is_answered(version: Version) -> None:
    """Where all is forgiven, a field that must be there need not be."""
    world = World(version, policy=TOLERANT)
    peer, _ = world.raw()
    for payload in ({}, {"reason": "PowerUp"}, {"chargingStation": {}}, {"chargingStation": 7}):
        assert (await peer.say([2, "b", "BootNotification", payload]))[0][2] == "NotSupported"
    await world.close()


async def test_a_refusal_says_that_a_rule_waits_for_the_vendor() -> None:
    rules = Rules([Rule(vendor="acme", action="StatusNotification", path="$.connectorId", forgive="missing")])
    world = serving(World(Version.V16, policy=rules))
    peer, _ = world.raw()
    [answer] = await peer.say(ODD)
    assert answer[0] == 4
    assert "a rule may forgive this once the station's vendor and model are known" in answer[3]
    await world.close()


async def test_notes_on_a_known_station_outlive_its_connections(world: World) -> None:
    serving(world)
    peer, station = world.raw()
    station.known.data["limit"] = 16
    station.data["short"] = True
    peer.link.close()
    await settle()
    known = world.csms.known("CS1")
    assert known is not None
    assert known.data == {"limit": 16}
    assert known.last_seen is not None
    assert world.csms.known("CS2") is None
    _, again = world.raw()
    assert again.known is known
    assert again.data == {}


async def test_a_call_by_identity_waits_for_the_next_connection(world: World) -> None:
    with pytest.raises(NotConnected, match="'CS1' is not connected"):
        await world.csms.call("CS1", v201.ClearCacheRequest())
    call = asyncio.ensure_future(world.csms.call("CS1", v201.ClearCacheRequest(), wait=None))
    raw = asyncio.ensure_future(world.csms.call_raw("CS1", "ClearCache", wait=None))
    await settle()
    peer, _ = world.raw()
    [[_, first, *_]] = await peer.hear()
    [[_, second, *_]] = await peer.say([3, first, {"status": "Accepted"}])
    await peer.say([3, second, {"status": "Rejected"}])
    assert await call == v201.ClearCacheResponse(status="Accepted")
    assert (await raw).message.status == "Rejected"


async def test_a_station_that_had_to_show_who_it_is_stays_known_although_it_said_nothing() -> None:
    world = World(passwords={"CS1": "a-long-password-1"})
    peer, _ = world.raw()
    peer.link.close()
    await settle()
    known = world.csms.known("CS1")
    assert known is not None
    assert known.last_seen is not None
    await world.close()


def test_a_station_file_keeps_the_last_word_of_each_station_and_forgives_a_broken_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = StationFile(tmp_path / "stations.jsonl")
    assert list(file.load()) == []
    for record in (StationRecord("A", "v1"), StationRecord("B", "w"), StationRecord("A", "v2", "m", "f")):
        file.save(record)
    with (tmp_path / "stations.jsonl").open("ab") as broken:
        broken.write(b'{"identity": "C", "ven')
    assert list(file.load()) == [StationRecord("A", "v2", "m", "f"), StationRecord("B", "w")]
    assert "line 4: left out" in caplog.text
    lines = (tmp_path / "stations.jsonl").read_text().splitlines()
    assert [json.loads(line)["identity"] for line in lines] == ["A", "B"]
    assert (tmp_path / "stations.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_station_file_that_cannot_be_read_is_said_at_the_start_and_one_that_cannot_be_written_costs_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigurationError, match="directory"):
        CSMS(memory=StationFile(tmp_path))
    StationFile(tmp_path / "nowhere" / "file").save(StationRecord("A"))
    assert "A is not written down" in caplog.text


# --- two with one identity ---------------------------------------------------------------------------------------


async def is_let_in(world: World) -> bool:
    """Whether a newcomer with the identity is; else it raises why."""
    async with (
        world.csms.listen("ws://127.0.0.1:0") as listener,
        ChargingStation("CS1", listener.url, versions=["2.0.1"], reconnect=False) as cs,
    ):
        return cs.is_connected


async def test_two_peers_with_one_identity_are_named_once_and_the_newcomer_is_asked_to_wait(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "ocppflow")
    serving(world)
    for _ in range(SUSPECT_FROM + 3):
        peer, station = world.raw()
        assert await peer.say(HEARTBEAT) == [BEAT]
        await world.clock.advance(1.0)
    warnings = [
        record.getMessage() for record in caplog.records if "two peers use this identity" in record.getMessage()
    ]
    assert len(warnings) == 1
    assert "CS1" in warnings[0]
    with pytest.raises(ConnectionRefused, match=r"busy|two peers") as refused:
        await is_let_in(world)
    assert refused.value.status == 503
    assert refused.value.retry_after == RETRY_AFTER
    assert station.is_open
    await world.clock.advance(max(ALIVE, WINDOW) + 1)
    assert await is_let_in(world)


async def test_a_station_that_comes_back_from_a_dead_connection_is_let_in_however_often(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    serving(world)
    for _ in range(3 * SUSPECT_FROM):
        peer, _ = world.raw()
        assert await peer.say(HEARTBEAT) == [BEAT]
        await world.clock.advance(ALIVE + 1)
    assert "two peers" not in caplog.text


async def test_a_station_whose_connection_is_being_closed_does_not_fight_for_it_when_it_comes_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as one whose connection we have failed for a broken frame: it comes again at once."""
    serving(world)
    for _ in range(3 * SUSPECT_FROM):
        peer, station = world.raw()
        assert await peer.say(HEARTBEAT) == [BEAT]
        world.links[-1].close(1002, "a broken frame")
        assert not station.is_open
    assert "two peers" not in caplog.text
    assert await is_let_in(world)
