"""Block: the state that one functional block of the standard has in one station."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ocppflow.endpoint import Timer
from ocppflow.messages import Request, Response
from ocppflow.messages.v21 import IdTokenType

if TYPE_CHECKING:
    from ocppflow.station.blocks.authorization import TokenVerdict
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.transaction import Transaction


_LONGEST: Final = 1e9
"""Seconds, some 30 years: a CSMS may name any number, which no clock can count to."""


class Block:
    """Base of the blocks' states. It is made anew at each boot: ``__init__`` takes from the store what outlives one,
    :meth:`power_up` begins what the block does by itself, :meth:`power_down` ends it without a word to anybody.

    Handlers stand beside it in the same module, in a Router that all stations share.
    """

    __slots__ = ("_timers", "station")

    def __init__(self, station: CompleteStation) -> None:
        self.station = station
        self._timers: dict[str, Timer] = {}

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

    # --- timers --------------------------------------------------------------------------------------------------

    def later(self, name: str, seconds: float, callback: Callable[[], object]) -> None:
        """Call ``callback`` in ``seconds``, once; a timer of that name that still runs is called off."""
        self.cancel_timer(name)
        clock = self.station.clock

        def due() -> None:
            self._timers.pop(name, None)
            callback()

        self._timers[name] = clock.call_at(clock.now() + max(0.0, min(seconds, _LONGEST)), due)

    def cancel_timer(self, name: str) -> None:
        """Call off a timer, if it runs."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def cancel_timers(self) -> None:
        """Call off all timers of this block."""
        for name in list(self._timers):
            self.cancel_timer(name)
