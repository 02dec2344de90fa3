"""What a CSMS says in 1.6, put into 2.1 and answered by whoever answers that: the user's handler, or a block's."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from ocppflow.endpoint import Router
from ocppflow.errors import NotSupported
from ocppflow.messages import Request, Response, Role

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_R = TypeVar("_R", bound=Response)

dialect_16: Final[Router[CompleteStation]] = Router(Role.CS, "1.6")

REFUSALS: Final = frozenset({"GetLocalListVersion", "SendLocalList"})
"""Actions that 1.6 has an answer for even where the feature is not there (5.10, 7.47)."""


async def ask_block(station: CompleteStation, request: Request[_R]) -> _R:
    """What the station answers to this 2.1 request. Raises NotSupported if nobody handles it."""
    found = station.router.found[type(request)]
    if found is None or found.takes_call:
        raise NotSupported(f"{type(request).__action__} is not supported here")
    response = found.handler(station, request)
    if isinstance(response, Awaitable):
        response = await response
    return cast(_R, response)


async def ask_status(station: CompleteStation, request: Request[Any], refusal: str) -> Any:
    """The status of the answer; ``refusal`` if nobody handles it and 1.6 has a word for that."""
    try:
        response = await ask_block(station, request)
    except NotSupported:
        return refusal
    return response.status
