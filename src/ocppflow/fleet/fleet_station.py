"""FleetStation: a complete station of which a fleet measures every call."""

from __future__ import annotations

from typing import Any, TypeVar

from ocppflow.errors import OCPPError
from ocppflow.fleet.figures import Figures
from ocppflow.messages import Request, Response, Version, v21
from ocppflow.station import CompleteStation
from ocppflow.station.hardware import EvDemand

_R = TypeVar("_R", bound=Response)


class FleetStation(CompleteStation):
    """A station over simulated hardware; ``figures`` gets what its calls cost."""

    __slots__ = ("figures",)

    figures: Figures

    def present(self, evse: int, token: str) -> None:
        """Hold a card before the reader of an EVSE."""
        self.simulated.present(evse, v21.IdTokenType(id_token=token, type="ISO14443"))

    def is_full(self, evse: int) -> bool:
        """Whether the EV there asks for no more."""
        return self.simulated.evse(evse).demand is not EvDemand.READY

    def transaction_at(self, evse: int) -> str | None:
        """The id of the transaction there."""
        transaction = self.transactions.on_evse(evse)
        return None if transaction is None else transaction.id

    async def call(self, request: Request[_R], **how: Any) -> _R:
        if self.is_connected and self.version is Version.V16 and request.__version__ is Version.V21:
            return await super().call(request, **how)  # which calls again, in 1.6's words
        clock = self.clock
        began = clock.now()
        try:
            response = await super().call(request, **how)
        except OCPPError as exc:
            self.figures.failed(request.__action__, exc, clock.now())
            raise
        now = clock.now()
        self.figures.answered(request.__action__, now - began, now)
        return response
