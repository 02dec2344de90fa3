"""G and H: any run of cables, tokens, faults, reservations, changes and power cuts leaves the statuses, and gets the
answers, of a second station that is written as the requirements read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from access_model import CONNECTORS, PLACES, AccessModel
from charging_world import ChargingWorld
from connector_reports import reports, up
from hypothesis import given, settings
from hypothesis import strategies as st
from token_steps import power_cut, wire

from ocppflow.station.station_config import ConnectorConfig, EvseConfig

EVSES = tuple(EvseConfig(connectors=tuple(map(ConnectorConfig, kinds))) for kinds in CONNECTORS.values())

evse = st.sampled_from(list(CONNECTORS))
card = st.sampled_from(["ANN", "BOB", "EVE"])
number = st.integers(1, 4)
place = st.sampled_from([(0, 0), *((each, 0) for each in CONNECTORS), *PLACES])
step = st.one_of(
    st.tuples(st.just("plug"), st.sampled_from(PLACES)),
    st.tuples(st.just("unplug"), evse),
    st.tuples(st.just("swipe"), evse, card),
    st.tuples(st.just("swipe"), evse, card),
    st.tuples(st.just("change"), place, st.booleans()),
    st.tuples(st.just("fault"), place),
    st.tuples(st.just("clear"), place),
    st.tuples(st.just("reserve"), number, card, st.sampled_from([0, 0, *CONNECTORS]), st.sampled_from(["", "cCCS2"])),
    st.tuples(st.just("cancel"), number),
    st.tuples(st.just("power_cut")),
)


class Compared:
    """Does each step at both stations, and says where they differ."""

    def __init__(self, world: ChargingWorld) -> None:
        self.world = world
        world.hardware.stays_broken = True
        self.model = AccessModel()

    async def plug(self, where: tuple[int, int]) -> None:
        if where[0] not in self.model.cable:
            self.world.hardware.plug(*where)
            self.model.plug(*where)

    async def unplug(self, evse: int) -> None:
        if evse in self.model.cable:
            self.world.hardware.unplug(evse)
            self.model.unplug(evse)

    async def swipe(self, evse: int, card: str) -> None:
        if evse in self.model.cable:
            self.world.hardware.swipe(card, evse)
            self.model.swipe(evse, card)

    async def change(self, where: tuple[int, int], operative: bool) -> None:
        at: dict[str, Any] = {"id": where[0], **({"connectorId": where[1]} if where[1] else {})}
        payload = {"operationalStatus": "Operative" if operative else "Inoperative"}
        answer = await self.world.call("ChangeAvailability", {**payload, **({"evse": at} if where[0] else {})})
        assert answer["status"] == self.model.change(where, operative)

    async def fault(self, where: tuple[int, int]) -> None:
        self.world.hardware.fault("GroundFailure", *where)
        self.model.fault(where)

    async def clear(self, where: tuple[int, int]) -> None:
        self.world.hardware.clear(*where)
        self.model.clear(where)

    async def reserve(self, number: int, card: str, evse: int, kind: str) -> None:
        until = (self.world.now() + timedelta(days=1)).isoformat().replace("+00:00", "Z")
        payload = {"id": number, "expiryDateTime": until, "idToken": wire(card)}
        where = {**({"evseId": evse} if evse else {}), **({"connectorType": kind} if kind else {})}
        answer = await self.world.call("ReserveNow", {**payload, **where})
        assert answer["status"] == self.model.reserve(number, (card, evse, kind))

    async def cancel(self, number: int) -> None:
        answer = await self.world.call("CancelReservation", {"reservationId": number})
        assert answer["status"] == self.model.cancel(number)

    async def power_cut(self) -> None:
        await power_cut(self.world)
        self.model.power_cut()

    def check(self) -> None:
        station = self.world.station
        ours = {where: station.availability.status(*where) for where in PLACES}
        assert ours == self.model.shown
        assert {each: station.transactions.on_evse(each) is not None for each in CONNECTORS} == {
            each: each in self.model.charging for each in CONNECTORS
        }
        assert {(each, connector): status for each, connector, status in reports(self.world)} == ours


@settings(max_examples=120, deadline=None)
@given(st.lists(step, min_size=5, max_size=30))
async def test_G01_G03_G04_H01_H03_as_the_requirements_read(steps: list[tuple[Any, ...]]) -> None:
    async with ChargingWorld(evses=EVSES) as world:
        await up(world)
        both = Compared(world)
        for name, *what in steps:
            await getattr(both, name)(*what)
            await world.settle(1)
            both.check()
