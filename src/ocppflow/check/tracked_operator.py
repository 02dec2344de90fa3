"""TrackedOperator: an operator whose acts begin a step of the scenario, and who knows what is still plugged in."""

from __future__ import annotations

from collections.abc import Callable

from ocppflow.check.operator import Operator
from ocppflow.endpoint import Clock
from ocppflow.messages.v21 import ChargingRateUnitEnumType, IdTokenType


class TrackedOperator(Operator):
    """Does what the scenario asks through another one. ``plugged``: EVSEs with a cable in; ``parked``: with an EV in
    the bay; ``faulty``: with a fault; ``limited``: limits from outside, by EVSE
    and whether they are of local generation; ``last_act``: the clock's time of the last act."""

    def __init__(self, inner: Operator, mark: Callable[[], object], clock: Clock) -> None:
        self._inner = inner
        self._mark = mark
        self._clock = clock
        self.name = inner.name
        self.plugged: set[int] = set()
        self.parked: set[int] = set()
        self.faulty: set[int] = set()
        self.limited: set[tuple[int, bool]] = set()
        self.last_act = clock.now()

    def _act(self) -> None:
        self._mark()
        self.last_act = self._clock.now()

    async def plug(self, evse: int, connector: int = 1) -> None:
        self._act()
        await self._inner.plug(evse, connector)
        self.plugged.add(evse)

    async def unplug(self, evse: int) -> None:
        self._act()
        await self._inner.unplug(evse)
        self.plugged.discard(evse)

    async def unplug_ev_side(self, evse: int) -> None:
        self._act()
        await self._inner.unplug_ev_side(evse)

    async def take_cable(self, evse: int) -> None:
        self._act()
        await self._inner.take_cable(evse)
        self.plugged.discard(evse)

    async def suspend_ev_before(self, evse: int) -> None:
        self._act()
        await self._inner.suspend_ev_before(evse)

    async def present(self, evse: int, token: IdTokenType) -> None:
        self._act()
        await self._inner.present(evse, token)

    async def suspend_ev(self, evse: int) -> None:
        self._act()
        await self._inner.suspend_ev(evse)

    async def resume_ev(self, evse: int) -> None:
        self._act()
        await self._inner.resume_ev(evse)

    async def end_session(self, evse: int) -> None:
        self._act()
        await self._inner.end_session(evse)

    async def park(self, evse: int) -> None:
        self._act()
        await self._inner.park(evse)
        self.parked.add(evse)

    async def leave(self, evse: int) -> None:
        self._act()
        await self._inner.leave(evse)
        self.parked.discard(evse)

    async def fault(self, evse: int, code: str = "GroundFailure") -> None:
        self._act()
        await self._inner.fault(evse, code)
        self.faulty.add(evse)

    async def clear(self, evse: int) -> None:
        self._act()
        await self._inner.clear(evse)
        self.faulty.discard(evse)

    async def reboot(self) -> None:
        self._act()
        await self._inner.reboot()

    async def power_cycle(self, seconds: float = 5.0) -> None:
        self._act()
        await self._inner.power_cycle(seconds)

    async def limit(
        self, evse: int, limit: float, unit: ChargingRateUnitEnumType, *, local_generation: bool = False
    ) -> None:
        self._act()
        await self._inner.limit(evse, limit, unit, local_generation=local_generation)
        self.limited.add((evse, local_generation))

    async def release(self, evse: int, *, local_generation: bool = False) -> None:
        self._act()
        await self._inner.release(evse, local_generation=local_generation)
        self.limited.discard((evse, local_generation))

    async def prioritize(self, evse: int, on: bool = True) -> None:
        self._act()
        await self._inner.prioritize(evse, on)

    async def fill(self, evse: int, percent: float) -> None:
        self._act()
        await self._inner.fill(evse, percent)
