"""What status a connector, an EVSE, a station has: a table over what is so, without a station (G01, G03, G04)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from ocppflow.messages.v21 import ConnectorStatusEnumType


class ConnectorFacts(NamedTuple):
    """All that decides on the status of one connector."""

    faulted: bool
    """The connector itself is broken."""
    inoperative: bool
    """It, its EVSE or the station is out of service or broken, and no transaction holds that up (G03.FR.05)."""
    reserved: bool
    """Only who has reserved may charge here."""
    cable: bool
    """A cable is in."""


TABLE: Final[tuple[tuple[ConnectorStatusEnumType, dict[str, bool]], ...]] = (
    ("Faulted", {"faulted": True}),
    ("Unavailable", {"inoperative": True}),
    ("Reserved", {"reserved": True}),  # a cable does not change that (G03.FR.09)
    ("Occupied", {"cable": True}),
    ("Available", {}),
)
"""The first line counts whose conditions are all met."""

_BEST_FIRST: Final[tuple[ConnectorStatusEnumType, ...]] = (
    "Available",
    "Occupied",
    "Reserved",
    "Unavailable",
    "Faulted",
)


def connector_status(facts: ConnectorFacts) -> ConnectorStatusEnumType:
    """The status of one connector."""
    return next(status for status, met in TABLE if all(getattr(facts, name) is wanted for name, wanted in met.items()))


def evse_status(
    connectors: Collection[ConnectorStatusEnumType], *, faulted: bool, inoperative: bool, in_use: bool
) -> ConnectorStatusEnumType:
    """The status of an EVSE over its connectors'. ``in_use``: it has a transaction; and since it charges one EV at a
    time, one connector that is occupied or reserved is the whole EVSE."""
    if faulted:
        return "Faulted"
    if inoperative:
        return "Unavailable"
    if in_use or "Occupied" in connectors:
        return "Reserved" if "Reserved" in connectors else "Occupied"
    return "Reserved" if "Reserved" in connectors else best(connectors)


def station_status(
    evses: Iterable[ConnectorStatusEnumType], *, faulted: bool, inoperative: bool
) -> ConnectorStatusEnumType:
    """The status of a station over its EVSEs': what somebody who comes finds at best."""
    if faulted:
        return "Faulted"
    return "Unavailable" if inoperative else best(evses)


def best(statuses: Iterable[ConnectorStatusEnumType]) -> ConnectorStatusEnumType:
    """The one that is the most useful to somebody who comes."""
    present = set(statuses)
    return next((status for status in _BEST_FIRST if status in present), "Unavailable")
