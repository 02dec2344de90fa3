"""What a message may hold at most: one that holds too much is refused, and much is sent in several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ocppflow.errors import FormatViolation, OccurrenceConstraintViolation

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

ITEMS_PER_PAGE = 50
BYTES_PER_PAGE = 30_000
"""No variable of the standard says how much a CSMS takes. Frames of 32 KiB pass everywhere; fewer messages cost less
(2.1, B07.FR.03)."""

LONGEST_INTERVAL = 2**31 - 1
"""Seconds: OCPP's integers have 32 bits (Part 2, Primitive Datatypes), though the schemas do not say so."""

_RETRY = 60

_T = TypeVar("_T")


def refuse_too_much(station: CompleteStation, component: str, message: str, items: int) -> None:
    """Raise OccurrenceConstraintViolation or FormatViolation if the message at hand holds more items or bytes than
    ``component``'s ItemsPerMessage and BytesPerMessage of ``message`` say (B06.FR.16, B06.FR.17 and their likes)."""
    model = station.device_model
    most = model.integer(component, "ItemsPerMessage", variable_instance=message)
    if most and items > most:
        raise OccurrenceConstraintViolation(f"{items} items, but ItemsPerMessage[{message}] is {most}")
    longest = model.integer(component, "BytesPerMessage", variable_instance=message)
    call = station.current_call
    if longest and call is not None and len(call.payload) > longest:
        raise FormatViolation(f"{len(call.payload)} bytes, but BytesPerMessage[{message}] is {longest}")


def retry_interval(asked: int | msgspec.UnsetType) -> int:
    """Seconds between two attempts at a transfer. Not 0: the CSMS may ask for any number of attempts."""
    return _RETRY if isinstance(asked, msgspec.UnsetType) else max(1, min(asked, LONGEST_INTERVAL))


def pages(items: Iterable[_T]) -> Iterator[tuple[list[_T], bool]]:
    """The items in as many messages as they need, with whether more is to come. Nothing for no items."""
    page: list[_T] = []
    size = 0
    for item in items:
        length = len(msgspec.json.encode(item))
        if page and (len(page) >= ITEMS_PER_PAGE or size + length > BYTES_PER_PAGE):
            yield page, True
            page, size = [], 0
        page.append(item)
        size += length
    if page:
        yield page, False
