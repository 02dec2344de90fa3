"""What a block says to a station in 2.1, put into 1.6, and the answer put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ocppflow.csms.station import Station
from ocppflow.errors import UnknownAction
from ocppflow.messages import Request, Response

if TYPE_CHECKING:
    from ocppflow.csms.complete_csms import CompleteCSMS

_R = TypeVar("_R", bound=Response)


async def say_16(csms: CompleteCSMS, station: Station, request: Request[_R], timeout: float | None = None) -> _R:
    """Send what a 2.1 request means. Raises UnknownAction if 1.6 has no words for it, and what ``call`` raises."""
    raise UnknownAction(f"{type(request).__action__} has no counterpart in OCPP 1.6")
