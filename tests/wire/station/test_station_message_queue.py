"""E04, E11, E12, E13: the queue of what must reach the CSMS."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from charging_world import ChargingWorld

from ocppflow.endpoint import LATER
from ocppflow.errors import InternalError, NotSupported
from ocppflow.messages import v21
from ocppflow.station import StoreFailed

QUIET = ("SampledDataCtrlr.TxUpdatedInterval=0", "AlignedDataCtrlr.Interval=0")
RETRY = (
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]=3",
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]=10",
)


async def charge(world: ChargingWorld) -> None:
    await world.online()
    world.hardware.plug()
    world.hardware.swipe()
    await world.settle()


class Failing:
    """A CSMS that fails at the first ``times`` events of a kind, and notes when it hears them."""

    def __init__(self, world: ChargingWorld, times: int, kind: str = "Started", *, silent: bool = False) -> None:
        self.world, self.left, self.kind, self.silent = world, times, kind, silent
        self.at: list[float] = []
        world.answers["TransactionEvent"] = self

    def __call__(self, call: Any) -> Any:
        if call.data["eventType"] != self.kind:
            return {}
        self.at.append(self.world.clock.now())
        if not self.left:
            return {}
        self.left -= 1
        if self.silent:
            return LATER
        raise InternalError("not today")


async def test_E13FR03_a_refused_event_is_sent_again_after_a_growing_while() -> None:
    async with ChargingWorld(*QUIET, *RETRY) as world:
        failing = Failing(world, 2)
        await charge(world)
        await world.settle(100)
        start = failing.at[0]
        assert [at - start for at in failing.at] == [0, 10, 30]  # 10 x 1, then 10 x 2 seconds
        first, second, third = (each for each in world.events if each["eventType"] == "Started")
        assert first == second == third
        assert [each["seqNo"] for each in world.events] == [0, 0, 0, 1]
        world.check_books()


async def test_E13FR04_it_is_given_up_after_the_attempts_and_the_next_one_goes_on() -> None:
    async with ChargingWorld(*QUIET, *RETRY) as world:
        failing = Failing(world, 99)
        await charge(world)
        await world.settle(500)
        assert len(failing.at) == 3
        assert [each["seqNo"] for each in world.events] == [0, 0, 0, 1]
        assert world.station.message_queue.length == 0


async def test_E13FR02_an_event_that_is_not_answered_in_time_is_sent_again() -> None:
    async with ChargingWorld(*QUIET, *RETRY) as world:
        failing = Failing(world, 1, silent=True)
        await charge(world)
        await world.settle(100)
        assert [at - failing.at[0] for at in failing.at] == [0, 40]  # 30 for the answer, then 10 x 1
        assert [each["seqNo"] for each in world.events] == [0, 0, 1]
        world.check_books()


async def test_E11FR07_what_waits_when_the_connection_is_lost_is_marked_offline() -> None:
    async with ChargingWorld(*QUIET, *RETRY) as world:
        Failing(world, 1)
        await charge(world)
        assert world.station.message_queue.length == 2
        await world.offline()
        await world.settle(5)
        await world.back()
        started, again, charging = world.events
        assert started == again, "what has been sent already is sent as it was"
        assert charging["offline"] is True
        world.check_books()


async def test_E12_a_message_leaves_only_when_it_is_durable() -> None:
    async with ChargingWorld(*QUIET) as world:
        await charge(world)
        world.events.clear()
        world.heard.clear()

        def full() -> None:
            raise StoreFailed("the disk is full")

        world.store.failing = full
        world.hardware.unplug()
        await world.settle(5)
        assert not world.events
        assert world.station.message_queue.length == 1
        world.store.failing = None
        await world.settle(10)
        assert [each["eventType"] for each in world.events] == ["Ended"]
        assert world.station.message_queue.length == 0


async def test_a_transaction_that_cannot_be_kept_is_refused() -> None:
    async with ChargingWorld(*QUIET, "TxCtrlr.TxStartPoint=EVConnected") as world:
        await world.online()

        def full() -> None:
            raise StoreFailed("the disk is full")

        world.store.failing = full
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(30)
        assert not world.events
        assert not world.station.transactions.running
        assert not world.hardware.evses[0].closed
        assert not world.hardware.evses[0].locked
        assert world.station.availability.station_status() == "Faulted"
        assert not world.station.availability.operative(1, 1)
        world.store.failing = None
        world.hardware.unplug()
        await world.settle(20)
        assert world.station.availability.status(1, 1) == "Available"
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(1)
        assert world.hardware.evses[0].closed
        world.check_books()


async def test_E04FR08_a_full_queue_drops_every_second_of_the_values_in_between() -> None:
    async with ChargingWorld("SampledDataCtrlr.TxUpdatedInterval=10", "AlignedDataCtrlr.Interval=0") as world:
        await charge(world)
        await world.offline(10_000)
        queue = world.station.message_queue
        queue.limit = 40
        await world.settle(2000)
        assert queue.length <= 41
        world.hardware.unplug()
        await world.settle()
        await world.back()
        world.events.reverse()
        late = [each for each in world.events if each.get("offline")]
        kinds = [each["eventType"] for each in late]
        assert kinds.count("Ended") == 1
        numbers = sorted(each["seqNo"] for each in late)
        gaps = [second - first for first, second in pairwise(numbers)]
        assert max(gaps[:-1]) > 1
        assert numbers[-1] - numbers[0] > 150, "the first and the last are there"


async def test_E14_whether_a_transaction_runs_and_messages_wait() -> None:
    async with ChargingWorld(*QUIET, *RETRY) as world:
        await world.online()
        assert await world.call("GetTransactionStatus") == {"messagesInQueue": False}  # E14.FR.06, E14.FR.08
        unknown = await world.call("GetTransactionStatus", {"transactionId": "unknown"})
        assert unknown == {"messagesInQueue": False, "ongoingIndicator": False}  # E14.FR.01
        Failing(world, 1)
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle()
        mine = {"transactionId": world.events[0]["transactionInfo"]["transactionId"]}
        assert await world.call("GetTransactionStatus") == {"messagesInQueue": True}
        assert await world.call("GetTransactionStatus", mine) == {"messagesInQueue": True, "ongoingIndicator": True}
        await world.settle(20)
        assert await world.call("GetTransactionStatus", mine) == {"messagesInQueue": False, "ongoingIndicator": True}
        world.hardware.unplug()
        await world.settle()
        assert await world.call("GetTransactionStatus", mine) == {"messagesInQueue": False, "ongoingIndicator": False}


@pytest.mark.parametrize("offline", [False, True])
async def test_messages_survive_a_power_cut_with_their_content(offline: bool) -> None:
    async with ChargingWorld(*QUIET, *RETRY) as world:
        await world.online()
        if offline:
            await world.offline()
        world.station.device_model.set("AuthCtrlr", "OfflineTxForUnknownIdEnabled", True)
        world.store.commit()
        Failing(world, 2)
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(1)
        world.hardware.unplug()
        await world.settle()
        before = list(world.events)
        await world.station.stop()
        world.station.power_down()
        world.network.refusals.clear()
        await world.online()
        await world.settle(60)
        assert [each["seqNo"] for each in world.events[len(before) :]][-3:] == [0, 1, 2]
        world.check_books()
        assert not world.store.keys("queue")
        assert not world.store.keys("transactions")


async def test_what_the_CSMS_never_takes_holds_up_nothing() -> None:
    async with ChargingWorld() as world:
        await world.online()

        def unknown(call: object) -> None:
            raise NotSupported("no monitoring here")

        world.answers["NotifyEvent"] = unknown
        event = v21.EventDataType(
            event_id=1,
            timestamp=world.now(),
            trigger="Delta",
            actual_value="x",
            event_notification_type="HardWiredNotification",
            component=v21.ComponentType(name="Fan"),
            variable=v21.VariableType(name="Speed"),
        )
        world.station.message_queue.put(v21.NotifyEventRequest(generated_at=world.now(), seq_no=0, event_data=[event]))
        await world.clock.advance(1)
        told = [each["eventData"][0]["component"]["name"] for each in world.sent("NotifyEvent")]
        assert told.count("Fan") == 1
        assert world.station.message_queue.length == 0


@pytest.mark.parametrize("queues", [False, True])
async def test_with_QueueAllMessages_other_messages_wait_as_well(queues: bool) -> None:
    async with ChargingWorld(
        "AlignedDataCtrlr.Interval=60", f"OCPPCommCtrlr.QueueAllMessages={str(queues).lower()}"
    ) as world:
        await world.online()
        await world.offline(10_000)
        await world.settle(125)
        assert not world.sent("MeterValues")
        await world.back()
        await world.settle(1)
        timestamps = [each["meterValue"][0]["timestamp"] for each in world.sent("MeterValues")]
        assert ("2026-01-01T00:01:00Z" in timestamps) is queues


async def test_A04FR02_a_security_event_is_not_given_up_and_holds_up_nothing() -> None:
    async with ChargingWorld(*QUIET, *RETRY) as world:
        times: list[float] = []

        def refuse(call: Any) -> Any:
            times.append(world.clock.now())
            if len(times) < 6:
                raise InternalError("not today")
            return {}

        await world.online()
        await world.settle(1)
        world.answers["SecurityEventNotification"] = refuse
        assert world.hardware.events is not None
        world.hardware.events.security_event("TamperDetectionActivated")
        await world.settle(0)
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(31)
        assert len(times) > 3
        assert world.told()[-1] == ("Updated", "ChargingStateChanged", "Charging")
        await world.settle(200)
        assert len(times) == 6
        assert world.station.message_queue.length == 0
