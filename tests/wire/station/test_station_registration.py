"""B01 to B04, G02: registration, what may be said before it, and heartbeats."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from station_world import StationWorld

from ocppflow import v201
from ocppflow.errors import ConnectionRefused, InternalError, NotConnected, RemoteCallError
from ocppflow.messages import Version

VARIABLE = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
VERSIONS = pytest.mark.parametrize("world", [Version.V201, Version.V21], indirect=True)


@pytest.fixture
async def world(request: pytest.FixtureRequest) -> Any:
    async with StationWorld(getattr(request, "param", Version.V201)) as one:
        yield one


def answer(world: StationWorld, status: str, interval: int = 300) -> None:
    now = world.now().isoformat().replace("+00:00", "Z")
    world.answers["BootNotification"] = {"currentTime": now, "interval": interval, "status": status}


async def boot(world: StationWorld, status: str, interval: int = 300) -> None:
    answer(world, status, interval)
    await world.station.connect()
    await world.clock.advance(0)


def boots(world: StationWorld) -> list[str]:
    return [each["reason"] for each in world.sent("BootNotification")]


def others(world: StationWorld) -> set[str]:
    return {action for action, _ in world.heard} - {"BootNotification"}


@VERSIONS
async def test_B01FR08_nothing_else_is_sent_before_the_answer(world: StationWorld) -> None:
    await boot(world, "Pending")
    assert [action for action, _ in world.heard] == ["BootNotification"]


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_B02FR08_B03FR06_it_boots_again_after_the_interval(world: StationWorld, status: str) -> None:
    await boot(world, status, 100)
    await world.clock.advance(99)
    assert len(boots(world)) == 1
    answer(world, "Accepted")
    await world.clock.advance(2)
    assert boots(world) == ["PowerUp", "PowerUp"]
    assert "StatusNotification" in others(world)


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_B02FR07_B03FR05_without_an_interval_it_chooses_one(world: StationWorld, status: str) -> None:
    await boot(world, status, 0)
    await world.clock.advance(55)
    assert len(boots(world)) == 1
    await world.clock.advance(3600)
    assert 30 <= len(boots(world)) <= 65


async def test_B03FR02_while_rejected_it_says_nothing_at_all(world: StationWorld) -> None:
    await boot(world, "Rejected", 1000)
    world.heard.clear()
    await world.station.plug(1)
    await world.station.swipe(1, "AA")
    await world.clock.advance(999)
    assert world.heard == []


async def test_B03FR08_a_call_while_rejected_gets_a_security_error(world: StationWorld) -> None:
    await boot(world, "Rejected", 1000)
    with pytest.raises(RemoteCallError) as refused:
        await world.call("GetVariables", {"getVariableData": [VARIABLE]})
    assert refused.value.code == "SecurityError"


@VERSIONS
async def test_B02FR01_while_pending_it_can_be_configured_and_reports(world: StationWorld) -> None:
    await boot(world, "Pending", 1000)
    taken = await world.call("SetVariables", {"setVariableData": [{**VARIABLE, "attributeValue": "300"}]})
    assert taken["setVariableResult"][0]["attributeStatus"] == "Accepted"
    told = await world.call("GetVariables", {"getVariableData": [VARIABLE]})
    assert told["getVariableResult"][0]["attributeValue"] == "300"
    await world.call("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    await world.clock.advance(0)
    assert others(world) == {"NotifyReport"}


async def test_B02FR05_a_remote_start_while_pending_is_rejected(world: StationWorld) -> None:
    await boot(world, "Pending", 1000)
    token = {"idToken": "AA", "type": "ISO14443"}
    started = await world.call("RequestStartTransaction", {"idToken": token, "remoteStartId": 1, "evseId": 1})
    assert started["status"] == "Rejected"
    assert (await world.call("RequestStopTransaction", {"transactionId": "x"}))["status"] == "Rejected"


async def test_B02FR04_a_reconnection_does_not_shorten_the_interval(world: StationWorld) -> None:
    await boot(world, "Pending", 500)
    await world.station.offline()
    await world.clock.advance(100)
    await world.station.online()
    await world.clock.advance(300)
    assert len(boots(world)) == 1
    await world.clock.advance(101)
    assert len(boots(world)) == 2


async def test_B02FR08_what_fell_due_without_a_connection_goes_out_with_it(world: StationWorld) -> None:
    await boot(world, "Rejected", 50)
    await world.station.offline()
    await world.clock.advance(100)
    await world.station.online()
    await world.clock.advance(0)
    assert len(boots(world)) == 2


async def test_B01_without_an_answer_it_tries_again(world: StationWorld) -> None:
    def refuse(call: Any) -> Any:

        raise InternalError("out of order")

    world.answers["BootNotification"] = refuse
    await world.station.connect()
    await world.clock.advance(30)
    assert len(boots(world)) == 1
    del world.answers["BootNotification"]
    await world.clock.advance(40)
    assert len(boots(world)) == 2
    assert world.station.provisioning.may_send


async def test_B01FR03_once_accepted_a_new_connection_needs_no_new_boot(world: StationWorld) -> None:
    await boot(world, "Accepted")
    await world.station.offline()
    await world.clock.advance(10)
    await world.station.online()
    await world.clock.advance(10)
    assert boots(world) == ["PowerUp"]


@pytest.mark.parametrize(("away", "told"), [(61, 1), (30, 0)])
async def test_B04_after_the_offline_threshold_the_status_of_all_connectors_is_told(
    world: StationWorld, away: float, told: int
) -> None:
    await boot(world, "Accepted")
    world.heard.clear()
    await world.station.offline()
    await world.clock.advance(away)
    await world.station.online()
    await world.clock.advance(1)
    assert len(world.sent("StatusNotification")) == told


# --- heartbeats --------------------------------------------------------------------------------------------------


async def test_G02FR05_another_message_puts_the_heartbeat_off(world: StationWorld) -> None:
    await boot(world, "Accepted", 100)

    for _ in range(10):
        await world.clock.advance(60)
        await world.station.call(v201.DataTransferRequest(vendor_id="org.example"))
    assert world.sent("Heartbeat") == []
    await world.clock.advance(100)
    assert len(world.sent("Heartbeat")) == 1


async def test_G02FR07_once_a_day_it_beats_however_much_is_said(world: StationWorld) -> None:
    await boot(world, "Accepted", 3600)

    for _ in range(49):
        await world.clock.advance(1800)
        await world.station.call(v201.DataTransferRequest(vendor_id="org.example"))
    assert len(world.sent("Heartbeat")) == 1


async def test_B01FR06_without_heartbeat_as_its_time_source_it_keeps_its_time(world: StationWorld) -> None:
    world.station.power_up()
    world.station.device_model.set("ClockCtrlr", "TimeSource", "NTP")
    world.answers["BootNotification"] = {"currentTime": "2030-01-01T00:00:00Z", "interval": 9, "status": "Accepted"}
    await world.station.connect()
    await world.clock.advance(0)
    assert world.station.time.now().year == 2026


# --- against a model ---------------------------------------------------------------------------------------------

_STEPS = st.lists(
    st.one_of(
        st.sampled_from(["Accepted", "Pending", "Rejected", "none", "lose", "return", "reboot", "trigger"]),
        st.integers(1, 400),
    ),
    max_size=14,
)


class Model:
    """When BootNotifications are due, from the text of B01 to B03 alone, in seconds since the first connection."""

    def __init__(self) -> None:
        self.now = 0.0
        self.connected = self.accepted = False
        self.status = "none"
        self.due = 0.0
        self.boots = 0
        self.interval = 60  # the station's own choice, as long as the CSMS has given none in this boot

    def boot(self, outcome: str) -> None:
        self.boots += 1
        if outcome != "none":
            self.status, self.interval = outcome, 100
        self.accepted = self.status == "Accepted"
        self.due = self.now + self.interval

    def pass_time(self, seconds: float, outcome: str) -> None:
        end = self.now + seconds
        while self.connected and not self.accepted and self.due <= end:
            self.now = max(self.now, self.due)
            self.boot(outcome)
        self.now = end


async def _play(steps: list[str | int]) -> None:
    async with StationWorld() as world:
        model, outcome = Model(), "Accepted"

        def told(call: Any) -> Any:

            if outcome == "none":
                raise InternalError("out of order")
            return {"currentTime": "2026-01-01T00:00:00Z", "interval": 100, "status": outcome}

        world.answers["BootNotification"] = told
        outcome = "Pending"
        world.station.start()
        model.connected = True
        await world.clock.advance(0)
        model.pass_time(0, outcome)
        for step in steps:
            await _step(world, model, step, outcome)
            if step in ("Accepted", "Pending", "Rejected", "none"):
                outcome = str(step)
            assert len(boots(world)) == model.boots, (steps, step)
            assert world.station.provisioning.may_send == model.accepted or not world.station.is_up


async def _step(world: StationWorld, model: Model, step: str | int, outcome: str) -> None:
    match step:
        case int():
            await world.clock.advance(step)
            model.pass_time(step, outcome)
        case "lose":
            await world.station.offline()
            model.connected = False
        case "return":
            await world.station.online()
            model.connected = True
            await world.clock.advance(0)
            model.pass_time(0, outcome)
        case "reboot":
            rebooting = asyncio.ensure_future(world.station.reboot())
            model.status, model.accepted, model.interval = "none", False, 60
            was, model.connected = model.connected, False
            await world.clock.advance(5)
            await rebooting
            model.pass_time(5, outcome)
            model.connected, model.due = was, model.now
            await world.clock.advance(0)
            model.pass_time(0, outcome)
        case "trigger":
            if model.connected and model.status == "Pending":
                await world.call("TriggerMessage", {"requestedMessage": "BootNotification"})
                await world.clock.advance(0)
                model.boot(outcome)


@settings(max_examples=60, deadline=None)
@given(_STEPS)
def test_registration_is_as_the_model_has_it(steps: list[str | int]) -> None:
    asyncio.run(_play(steps))


async def test_a_refused_connection_changes_nothing(world: StationWorld) -> None:
    world.network.refusals = [ConnectionRefused("no")]
    world.station.start()
    await world.clock.advance(30)
    assert boots(world) == ["PowerUp"]


# --- who waits for it ----------------------------------------------------------------------------------------------


async def test_registered_returns_with_the_acceptance_and_not_before(world: StationWorld) -> None:
    await boot(world, "Pending", 100)
    waits = [asyncio.ensure_future(world.station.registered()) for _ in range(3)]
    await world.clock.advance(50)
    assert not any(wait.done() for wait in waits)
    waits.pop().cancel()  # which is nothing to the others
    answer(world, "Accepted")
    await world.clock.advance(51)
    assert all(wait.done() for wait in waits)
    await world.station.registered()


async def test_registered_waits_for_the_connection_after_an_outage(world: StationWorld) -> None:
    await boot(world, "Accepted")
    await world.station.offline()
    await world.clock.advance(1)
    wait = asyncio.ensure_future(world.station.registered())
    await world.clock.advance(1)
    assert not wait.done()
    await world.station.online()
    await world.clock.advance(1)
    assert wait.done()
    assert boots(world) == ["PowerUp"]


async def test_registered_says_so_when_the_station_is_closed_first(world: StationWorld) -> None:
    await boot(world, "Rejected", 100)
    wait = asyncio.ensure_future(world.station.registered())
    await world.clock.advance(1)
    await world.station.close()
    with pytest.raises(NotConnected, match="CS1 was closed before"):
        await wait
