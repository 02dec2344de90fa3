"""N01: logs are brought to where the CSMS wants them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fake_transfer import FakeTransfer
from file_servers import HTTPFiles
from station_world import StationWorld

from ocppflow.endpoint import settle
from ocppflow.messages import Version
from ocppflow.station.transfers import TransferFault

URL = "http://files.example/logs/"


@pytest.fixture
async def transfer(world: StationWorld) -> FakeTransfer:
    """What the connected station brings its logs with."""
    fake = FakeTransfer(world.clock)
    world.station.transfer = fake
    await world.station.connect()
    await world.clock.advance(0)
    return fake


async def _get_log(world: StationWorld, number: int = 1, kind: str = "DiagnosticsLog", **more: Any) -> dict[str, Any]:
    where = {"remoteLocation": more.pop("url", URL), **more.pop("log", {})}
    return await world.call("GetLog", {"requestId": number, "logType": kind, "log": where, **more})


def _told(world: StationWorld) -> list[tuple[int, str]]:
    return [(each["requestId"], each["status"]) for each in world.sent("LogStatusNotification")]


@pytest.mark.parametrize("kind", ["DiagnosticsLog", "SecurityLog"])
async def test_N01FR01_N01FR08_N01FR09_a_log_is_uploaded(
    world: StationWorld, transfer: FakeTransfer, kind: str
) -> None:
    answer = await _get_log(world, 7, kind)
    assert answer["status"] == "Accepted"
    await world.clock.advance(0)
    assert _told(world) == [(7, "Uploading"), (7, "Uploaded")]
    [((url, name), content)] = transfer.brought.items()
    assert (url, name) == (URL, answer["filename"])
    expected = b"StartupOfTheDevice" if kind == "SecurityLog" else b'"BootNotification"'
    assert expected in content
    assert content.startswith(b"2026-01-01T00:00:00.000Z ")


async def test_N01FR29_a_url_that_names_the_file_is_used_as_it_is(world: StationWorld, transfer: FakeTransfer) -> None:
    answer = await _get_log(world, url="http://files.example/logs/mine.txt?key=1")
    assert answer["filename"] == "mine.txt"
    await world.clock.advance(0)
    assert [url for url, _ in transfer.brought] == ["http://files.example/logs/mine.txt?key=1"]


async def test_N01FR02_a_log_goes_over_a_real_network(world: StationWorld) -> None:
    await world.station.connect()
    await world.clock.advance(0)
    with HTTPFiles() as server:
        answer = await _get_log(world, url=server.url("/logs/"))
        for _ in range(2000):
            await settle()
            if len(_told(world)) == 2:
                break
        assert b"BootNotification" in server.files["/logs/" + answer["filename"]]
    assert _told(world) == [(1, "Uploading"), (1, "Uploaded")]


@pytest.mark.parametrize("fault", list(TransferFault))
async def test_N01FR10_a_failure_is_told_by_its_kind_after_all_attempts(
    world: StationWorld, transfer: FakeTransfer, fault: TransferFault
) -> None:
    transfer.faults = [TransferFault.FAILED] * 3 + [fault]
    assert (await _get_log(world, retries=3, retryInterval=10))["status"] == "Accepted"
    await world.clock.advance(29)
    assert _told(world) == [(1, "Uploading")]
    await world.clock.advance(1)  # as TC_N_26_CS has it
    assert _told(world) == [(1, "Uploading"), (1, fault.value)]
    assert len(transfer.uploads) == 4


async def test_N01FR10_an_attempt_in_vain_is_forgotten_when_another_succeeds(
    world: StationWorld, transfer: FakeTransfer
) -> None:
    transfer.faults = [TransferFault.FAILED]
    await _get_log(world, retries=3, retryInterval=10)
    await world.clock.advance(10)
    assert _told(world) == [(1, "Uploading"), (1, "Uploaded")]


async def test_N01FR12_N01FR20_a_new_request_calls_off_the_one_before(
    world: StationWorld, transfer: FakeTransfer
) -> None:
    transfer.seconds = 60
    assert (await _get_log(world, 1))["status"] == "Accepted"
    await world.clock.advance(10)
    assert (await _get_log(world, 2, "SecurityLog"))["status"] == "AcceptedCanceled"
    await world.clock.advance(60)
    assert _told(world) == [(1, "Uploading"), (1, "AcceptedCanceled"), (2, "Uploading"), (2, "Uploaded")]
    assert transfer.cancelled == 1
    assert len(transfer.brought) == 1
    assert (await _get_log(world, 3))["status"] == "Accepted"
    await world.clock.advance(60)


async def test_N01FR05_a_time_in_which_nothing_happened_is_rejected(
    world: StationWorld, transfer: FakeTransfer
) -> None:
    before = (world.now() - timedelta(days=2)).isoformat(), (world.now() - timedelta(days=1)).isoformat()
    window = {"oldestTimestamp": before[0], "latestTimestamp": before[1]}
    answer = await _get_log(world, log=window)
    assert answer["status"] == "Rejected"
    assert "filename" not in answer
    assert _told(world) == []


async def test_the_time_that_is_asked_for_is_what_is_sent(world: StationWorld, transfer: FakeTransfer) -> None:
    await world.clock.advance(3600)
    since = world.now()
    world.station.security.event("TamperDetectionActivated", "the door")
    await world.clock.advance(100)
    world.station.security.event("InvalidMessages", "too late")
    window = {"oldestTimestamp": since.isoformat(), "latestTimestamp": (since + timedelta(seconds=99)).isoformat()}
    await _get_log(world, kind="SecurityLog", log=window)
    await world.clock.advance(0)
    [content] = transfer.brought.values()
    assert content == b"2026-01-01T01:00:00.000Z TamperDetectionActivated the door\n"


@pytest.mark.parametrize("url", ["file:///etc/", "sftp://host/", "nonsense"])
async def test_a_place_that_cannot_be_is_rejected(world: StationWorld, transfer: FakeTransfer, url: str) -> None:
    answer = await _get_log(world, url=url)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidURL")


async def test_2_1_a_log_that_there_is_not_is_rejected() -> None:
    async with StationWorld(Version.V21) as world:
        await world.station.connect()
        assert (await _get_log(world, kind="DataCollectorLog"))["status"] == "Rejected"


async def test_N01FR13_what_a_trigger_gets(world: StationWorld, transfer: FakeTransfer) -> None:
    transfer.seconds = 60
    assert world.station.diagnostics.status().status == "Idle"
    await _get_log(world, 5)
    await world.clock.advance(0)
    assert world.station.diagnostics.status().status == "Uploading"
    assert world.station.diagnostics.status().request_id == 5
    await world.clock.advance(60)
    assert world.station.diagnostics.status().status == "Idle"


async def test_a_power_cut_ends_an_upload(world: StationWorld, transfer: FakeTransfer) -> None:
    transfer.seconds = 60
    await _get_log(world)
    await world.clock.advance(1)
    await world.station.stop()
    world.station.power_down()
    await world.clock.advance(100)
    assert transfer.cancelled == 1
    assert transfer.brought == {}


async def test_A01FR12_no_secret_is_in_the_diagnostics_log(world: StationWorld, transfer: FakeTransfer) -> None:
    secret = "a-very-new-password-1"
    data = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": secret,
    }
    await world.call("SetVariables", {"setVariableData": [data]})
    await world.clock.advance(0)
    with pytest.raises(Exception, match="Violation"):
        await world.csms["CS1"].call_raw("SetVariables", {"setVariableData": [{**data, "x": secret}]}, validate=False)
    await world.clock.advance(0)
    await _get_log(world)
    await world.clock.advance(0)
    [content] = transfer.brought.values()
    assert b'"SetVariables"' in content
    assert secret.encode() not in content


async def test_the_diary_is_a_ring(world: StationWorld, transfer: FakeTransfer) -> None:
    for number in range(300):
        world.station.diary.note(f"entry {number}\nsecond line")
    entries = [text for _, text in world.station.diary.entries()]
    assert len(entries) == world.config.diary_entries
    assert entries[-1].startswith("entry 299")
    assert "\n" not in entries[-1]
