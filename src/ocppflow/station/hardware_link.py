"""HardwareLink: what the hardware tells, brought to the blocks that it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocppflow.log_budget import budgeted
from ocppflow.messages.v21 import IdTokenType
from ocppflow.station.hardware import EvDemand, Fault

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")


class HardwareLink:
    """The HardwareEvents of one station. What the hardware tells before the station is up, or after it has gone down,
    is not heard: at the next start the hardware tells again what is so."""

    __slots__ = ("_station",)

    def __init__(self, station: CompleteStation) -> None:
        self._station = station

    def _heard(self, evse: int, connector: int = 1) -> bool:
        """Whether the station is up and has this EVSE; a wrong number is a mistake in the hardware's code."""
        if not self._station.is_up:
            return False
        if not 0 <= evse <= len(self._station.config.evses) or connector < 0:
            log.error("%s: the hardware speaks of EVSE %d, which is not there", self._station.identity, evse)
            return False
        return True

    def plugged(self, evse: int, connector: int) -> None:
        """A cable with an EV behind it is in."""
        if self._heard(evse, connector):
            self._station.transactions.plugged(evse, connector)

    def unplugged(self, evse: int, connector: int) -> None:
        """It is out."""
        if self._heard(evse, connector):
            self._station.transactions.unplugged(evse, connector)

    def demand(self, evse: int, demand: EvDemand) -> None:
        """What the EV asks for has changed."""
        if self._heard(evse):
            self._station.transactions.demand(evse, demand)

    def presented(self, evse: int, token: IdTokenType) -> None:
        """A token has been read."""
        if self._heard(evse):
            self._station.transactions.presented(evse, token)

    def bay(self, evse: int, taken: bool) -> None:
        """A vehicle has entered the parking bay, or has left it."""
        if self._heard(evse):
            self._station.transactions.bay(evse, taken)

    def stopped_by_ev(self, evse: int) -> None:
        """The EV has ended the session over its higher-level protocol."""
        if self._heard(evse):
            self._station.transactions.stopped_by_ev(evse)

    def faulted(self, evse: int, connector: int, fault: Fault) -> None:
        """Something broke."""
        if self._heard(evse, connector):
            self._station.transactions.faulted(evse, connector, fault)

    def cleared(self, evse: int, connector: int) -> None:
        """Nothing is broken there any more."""
        if self._heard(evse, connector):
            self._station.transactions.cleared(evse, connector)

    def security_event(self, kind: str, info: str = "") -> None:
        """Something of the standard's list of security events."""
        if self._station.is_up:
            self._station.security.event(kind, info)
