"""E: random things happen at an EVSE; what the CSMS hears is held against an independent model, and against what must
hold of every book."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from charging_world import ChargingWorld
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from transaction_model import TransactionModel

from ocppflow.endpoint import LATER
from ocppflow.errors import InternalError
from ocppflow.station import StoreFailed
from ocppflow.station.hardware import EvDemand

POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")
FAILURES = (
    *("csms_refuses", "csms_is_silent", "csms_is_well", "store_fails", "store_works", "offline", "online", "power_cut"),
    *("plug swipe", "swipe plug", "unplug", "swipe", "pause", "go_on", "wait 7", "wait 40", "csms_is_well wait 40"),
)
"""What happens when all others fail as well."""

STEPS = (
    *("plug", "unplug", "swipe", "pause", "go_on", "arrive", "depart", "fault", "clear", "remote_stop"),
    *("offline", "online", "power_cut", "wait 7", "wait 40", "other"),
    *("plug swipe", "swipe plug", "unplug plug", "pause go_on", "fault clear", "offline power_cut online"),
)
"""What happens, alone or as it often comes together."""

some = st.lists(st.sampled_from(POINTS), min_size=1, max_size=2, unique=True)
deeds = st.lists(st.sampled_from(STEPS), min_size=3, max_size=16).map(lambda several: words(" ".join(several)))


def words(text: str) -> list[str]:
    """Steps, each with its number."""
    return text.replace("wait ", "wait_").split()


class Run:
    """One run of station and model side by side."""

    def __init__(self, world: ChargingWorld, model: TransactionModel) -> None:
        self.world, self.model = world, model

    async def step(self, step: str) -> None:
        """Let it happen to both, and compare them."""
        word, _, number = step.replace("wait_", "wait ").partition(" ")
        await getattr(self, f"_{word}")(*([float(number)] if number else []))
        if word not in ("offline", "online", "other"):
            getattr(self.model, word)(*([float(number)] if number else []))
        self.compare(step)

    def compare(self, step: str) -> None:
        station, model = self.world.station, self.model
        running = len(station.transactions.running)
        assert running == model.runs, f"after {step}: {running} run, the model says {model.runs}"
        flows = self.world.hardware.evses[0].power > 0
        assert flows == model.flows, f"after {step}: energy flows: {flows}, the model says {model.flows}"
        assert not flows or running, "energy without a transaction"

    async def _plug(self) -> None:
        if not self.world.hardware.evses[0].connector:
            self.world.hardware.plug()
        await self.world.settle()

    async def _unplug(self) -> None:
        if self.world.hardware.evses[0].connector:
            self.world.hardware.unplug()
        await self.world.settle()

    async def _swipe(self) -> None:
        self.world.hardware.swipe()
        await self.world.settle()

    async def _other(self) -> None:
        """Somebody whom the CSMS refuses."""
        if self.world.station.is_connected:
            self.world.hardware.swipe("REFUSED")
        await self.world.settle()

    async def _pause(self) -> None:
        await self._ev(EvDemand.CONNECTED)

    async def _go_on(self) -> None:
        await self._ev(EvDemand.READY)

    async def _ev(self, demand: EvDemand) -> None:
        if self.world.hardware.evses[0].connector:
            self.world.hardware.ev(demand)
        await self.world.settle()

    async def _arrive(self) -> None:
        self.world.hardware.bay(True)
        await self.world.settle()

    async def _depart(self) -> None:
        self.world.hardware.bay(False)
        await self.world.settle()

    async def _fault(self) -> None:
        self.world.hardware.fault("GroundFailure")
        await self.world.settle()

    async def _clear(self) -> None:
        self.world.hardware.clear()
        await self.world.settle()

    async def _remote_stop(self) -> None:
        for transaction in list(self.world.station.transactions.running.values()):
            if transaction.authorized:
                await self.world.station.transactions.stop(transaction, "Remote", "RemoteStop")
        await self.world.settle()

    async def _offline(self) -> None:
        if self.world.station.is_connected:
            await self.world.offline(10_000)

    async def _online(self) -> None:
        self.world.network.refusals.clear()
        if not self.world.station.is_connected:
            await self.world.station.connect()
        await self.world.settle()

    async def _power_cut(self) -> None:
        connected = self.world.station.is_connected
        await self.world.station.stop()
        self.world.station.power_down()
        await self.world.settle(10)
        self.world.station.power_up()
        if connected:
            await self.world.online()
        else:
            self.world.station.start()
        await self.world.settle()

    async def _wait(self, seconds: float) -> None:
        await self.world.settle(seconds)

    async def finish(self) -> None:
        """Tell all, and check the books."""
        await self._online()
        await self._unplug()
        await self.world.station.transactions.stop_all("ImmediateReset", "ResetCommand")
        await self.world.settle(1)
        assert self.world.station.message_queue.length == 0
        self.world.check_books()
        started = [each for each in self.world.events if each["eventType"] == "Started"]
        ended = [each for each in self.world.events if each["eventType"] == "Ended"]
        assert len(started) == len(ended) == self.model.started
        drawn = sum(_drawn(each) for each in ended)
        total = self.world.hardware.evses[0].read().energy_import - 1000
        assert drawn == pytest.approx(total, abs=0.01 * (len(ended) + 1)), "energy that no transaction tells of"
        assert not self.world.store.keys("queue")
        assert not self.world.store.keys("transactions")
        assert not self.world.store.keys("ended_values")


def _drawn(ended: dict[str, Any]) -> float:
    """Wh between the first and the last value of an Ended event; 0 if no EV was ever there."""
    values = [each["sampledValue"][0]["value"] for each in ended.get("meterValue", ())]
    return float(values[-1] - values[0]) if values else 0.0


class FailingWorld(Run):
    """The CSMS fails, the store fails, the connection breaks in the middle: no model, but the books must be right."""

    async def step(self, step: str) -> None:
        word, _, number = step.replace("wait_", "wait ").partition(" ")
        await getattr(self, f"_{word}")(*([float(number)] if number else []))

    async def _csms_refuses(self) -> None:
        self.world.answers["TransactionEvent"] = self._refusal

    def _refusal(self, call: Any) -> Any:
        raise InternalError("not today")

    async def _csms_is_silent(self) -> None:
        self.world.answers["TransactionEvent"] = lambda call: LATER

    async def _csms_is_well(self) -> None:
        self.world.answers.pop("TransactionEvent", None)

    async def _store_fails(self) -> None:
        def full() -> None:
            raise StoreFailed("the disk is full")

        self.world.store.failing = full

    async def _store_works(self) -> None:
        self.world.store.failing = None
        await self.world.settle(11)  # it is tried again every ten seconds

    async def finish(self) -> None:
        await self._csms_is_well()
        await self._store_works()
        await self._online()
        await self._unplug()
        await self.world.settle(600)  # tokens that still wait for an answer get one
        await self.world.station.transactions.stop_all("ImmediateReset", "ResetCommand")
        await self.world.settle(600)
        assert self.world.station.message_queue.length == 0
        self.world.check_books()
        ended = [each for each in self.world.events if each["eventType"] == "Ended"]
        started = [each for each in self.world.events if each["eventType"] == "Started"]
        assert _ids(started) == _ids(ended)
        assert not self.world.store.keys("queue")
        assert not self.world.store.keys("transactions")


def _ids(events: list[dict[str, Any]]) -> set[str]:
    return {each["transactionInfo"]["transactionId"] for each in events}


async def run(kind: type[Run], starts: Sequence[str], stops: Sequence[str], steps: Sequence[str]) -> None:
    async with ChargingWorld(
        f"TxCtrlr.TxStartPoint={','.join(starts)}",
        f"TxCtrlr.TxStopPoint={','.join(stops)}",
        "AuthCtrlr.OfflineTxForUnknownIdEnabled=true",
        "SampledDataCtrlr.TxUpdatedInterval=5",
        "AlignedDataCtrlr.Interval=0",
        "OCPPCommCtrlr.MessageAttempts[TransactionEvent]=1000",
        "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]=1",
    ) as world:
        world.refused = {"REFUSED"}
        await world.online()
        one = kind(world, TransactionModel(starts, stops))
        for step in steps:
            await one.step(step)
        await one.finish()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(starts=["ParkingBayOccupancy"], stops=["EnergyTransfer"], steps=words("plug swipe power_cut unplug"))
@given(starts=some, stops=some, steps=deeds)
def test_whatever_happens_every_transaction_is_told_once_and_whole(
    starts: list[str], stops: list[str], steps: list[str]
) -> None:
    asyncio.run(run(Run, starts, stops, steps))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    starts=some,
    stops=some,
    steps=st.lists(st.sampled_from(FAILURES), min_size=3, max_size=16).map(lambda several: words(" ".join(several))),
)
def test_whatever_fails_the_books_are_right(starts: list[str], stops: list[str], steps: list[str]) -> None:
    asyncio.run(run(FailingWorld, starts, stops, steps))
