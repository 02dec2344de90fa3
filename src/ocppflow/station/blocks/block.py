"""Block: the state that one functional block of the standard has in one station."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ocppflow.endpoint import Clock, NamedTimers, Timer
from ocppflow.messages import Request, Response
from ocppflow.messages.v21 import IdTokenType

if TYPE_CHECKING:
    from ocppflow.station.blocks.authorization import TokenVerdict
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.transaction import Transaction


class Block(NamedTimers):
    """Base of the blocks' states. It is made anew at each boot: ``__init__`` takes from the store what outlives one,
    :meth:`power_up` begins what the block does by itself, :meth:`power_down` ends it without a word to anybody.

    Handlers stand beside it in the same module, in a Router that all stations share.
    """

    __slots__ = ("_timers", "station")

    def __init__(self, station: CompleteStation) -> None:
        self.station = station
        self._timers: dict[str, Timer] = {}

    def _clock(self) -> Clock:
        return self.station.clock

    def power_up(self) -> None:
        """The station boots; the blocks before this one in ``complete_station.BLOCKS`` are up already."""

    def ready(self) -> None:
        """All blocks are up, and the hardware has told what is so already: a cable that is in, a fault."""

    def time_set(self) -> None:
        """The time of day has been set, and may have jumped."""

    def connected(self) -> None:
        """There is a connection to the CSMS; nothing but BootNotification may be sent yet."""

    def registered(self) -> None:
        """The CSMS has accepted the station on this connection, or it was accepted before in this boot: messages may be
        sent."""

    def disconnected(self) -> None:
        """The connection to the CSMS is gone."""

    def transaction_started(self, transaction: Transaction) -> None:
        """A transaction has begun, or goes on after a boot."""

    def transaction_ended(self, transaction: Transaction) -> None:
        """A transaction is over."""

    def token_judged(self, evse: int, token: IdTokenType, verdict: TokenVerdict) -> None:
        """It has been decided on a token that somebody has presented at ``evse``; 0: it is not known yet where."""

    def answered(self, request: Request[Any], response: Response) -> None:
        """The CSMS has answered a message of the queue. What is put into the store here is committed together with the
        message's leaving it."""

    def power_down(self) -> None:
        """The station goes down: nothing happens any more."""
        self.cancel_timers()
