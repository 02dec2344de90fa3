"""PromptingOperator: a person at the station, who is told what to do and says when it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ocppflow.check.operator import Operator, OperatorCannot
from ocppflow.messages.v21 import ChargingRateUnitEnumType, IdTokenType

Ask = Callable[[str], Awaitable[bool]]
"""Shows a sentence and waits until it is done; False if it cannot be done."""


class PromptingOperator(Operator):
    """Asks for everything through ``ask``."""

    name = "person at the station"

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def plug(self, evse: int, connector: int = 1) -> None:
        await self._please(f"Connect the EV to EVSE {evse}, connector {connector}.")

    async def unplug(self, evse: int) -> None:
        await self._please(f"Disconnect the EV from EVSE {evse}, at both ends of the cable.")

    async def unplug_ev_side(self, evse: int) -> None:
        await self._please(f"Pull the cable of EVSE {evse} out of the EV, and leave it in the station.")

    async def take_cable(self, evse: int) -> None:
        await self._please(f"Take the cable out of EVSE {evse}.")

    async def suspend_ev_before(self, evse: int) -> None:
        await self._please(f"Make the EV for EVSE {evse} such that it does not ask for energy when it is connected.")

    async def present(self, evse: int, token: IdTokenType) -> None:
        await self._please(f"Present the token {token.id_token} ({token.type}) at EVSE {evse}.")

    async def suspend_ev(self, evse: int) -> None:
        await self._please(f"Let the EV at EVSE {evse} stop charging, still connected.")

    async def resume_ev(self, evse: int) -> None:
        await self._please(f"Let the EV at EVSE {evse} go on charging.")

    async def end_session(self, evse: int) -> None:
        await self._please(f"End the session at EVSE {evse} in the EV, still connected.")

    async def park(self, evse: int) -> None:
        await self._please(f"Drive an EV into the parking bay of EVSE {evse}.")

    async def leave(self, evse: int) -> None:
        await self._please(f"Drive the EV out of the parking bay of EVSE {evse}.")

    async def fault(self, evse: int, code: str = "GroundFailure") -> None:
        await self._please(f"Make EVSE {evse} faulty ({code}, or whatever can be made).")

    async def clear(self, evse: int) -> None:
        await self._please(f"Clear the fault of EVSE {evse}.")

    async def reboot(self) -> None:
        await self._please("Restart the station.")

    async def power_cycle(self, seconds: float = 5.0) -> None:
        await self._please(f"Cut the station's power for {seconds:g} s.")

    async def limit(
        self, evse: int, limit: float, unit: ChargingRateUnitEnumType, *, local_generation: bool = False
    ) -> None:
        where = f"EVSE {evse}" if evse else "the station"
        kind = "report a local generation of" if local_generation else "set a limit of"
        await self._please(f"From outside of OCPP (EMS), {kind} {limit:g} {unit} for {where}.")

    async def release(self, evse: int, *, local_generation: bool = False) -> None:
        where = f"EVSE {evse}" if evse else "the station"
        kind = "local generation" if local_generation else "limit"
        await self._please(f"From outside of OCPP (EMS), release the {kind} for {where}.")

    async def prioritize(self, evse: int, on: bool = True) -> None:
        await self._please(f"{'Start' if on else 'Stop'} priority charging at EVSE {evse}, or try to.")

    async def fill(self, evse: int, percent: float) -> None:
        await self._please(f"Let the EV at EVSE {evse} tell a state of charge of {percent:g} %.")

    async def _please(self, sentence: str) -> None:
        if not await self._ask(sentence):
            raise OperatorCannot(f"it could not be done: {sentence}")
