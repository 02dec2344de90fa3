"""ReportDesk: how many reports a station sends at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from ocppflow.messages import v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.reasons import because

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

MOST_AT_ONCE: Final = 5
"""Reports on their way: each holds what it has still to say, and takes its turn with the station's other messages."""


class ReportDesk(Block):
    """Lets reports follow the answer to the request for them, up to a number (B07.FR.13, B08.FR.16, N09.FR.03)."""

    __slots__ = ("_sending",)

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self._sending = 0

    def refusal(self) -> v21.StatusInfoType | None:
        """Why there can be no further report now."""
        if self._sending < MOST_AT_ONCE:
            return None
        return because("OutOfMemory", f"{self._sending} reports are on their way")

    def follow(self, send: Callable[[], Awaitable[None]]) -> None:
        """Send a report once the request at hand is answered."""

        async def sending() -> None:
            self._sending += 1
            try:
                await send()
            finally:
                self._sending -= 1

        self.station.respond_then(sending)
