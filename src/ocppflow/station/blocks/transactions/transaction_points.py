"""When a transaction starts and ends: what TxStartPoint and TxStopPoint mean, as tables (E01, E06)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final


class Fact(Enum):
    """What can be so at an EVSE. The points are made of these."""

    BAY = "bay"
    """A vehicle stands in the parking bay."""
    EV = "ev"
    """There is a connection with an EV."""
    AUTHORIZED = "authorized"
    """A driver is authorized."""
    SIGNED = "signed"
    """The meter has given a signed value for this session."""
    PATH = "path"
    """The power path is closed: authorized, connected, cable locked, contactor closed."""
    ENERGY = "energy"
    """Energy flows."""


Facts = frozenset[Fact]

NOTHING_SO: Final[Facts] = frozenset()

STARTS_WITH: Final[dict[str, Facts]] = {
    "ParkingBayOccupancy": frozenset({Fact.BAY}),
    "EVConnected": frozenset({Fact.EV}),
    "Authorized": frozenset({Fact.AUTHORIZED}),
    "DataSigned": frozenset({Fact.AUTHORIZED, Fact.EV, Fact.SIGNED}),
    "PowerPathClosed": frozenset({Fact.AUTHORIZED, Fact.EV, Fact.PATH}),
    "EnergyTransfer": frozenset({Fact.ENERGY}),
}
"""A transaction starts when all of one of these are so, and one of them, or the driver's authorization, is new
(E01.FR.01 to FR.06). That DataSigned needs a driver and an EV is how the test cases read: the meter is asked for a
value before charging (E01, S4)."""

ENDS_WITHOUT: Final[dict[str, Facts]] = {
    "ParkingBayOccupancy": frozenset({Fact.BAY}),
    "EVConnected": frozenset({Fact.EV}),
    "Authorized": frozenset({Fact.AUTHORIZED}),
    "DataSigned": frozenset({Fact.SIGNED}),
    "PowerPathClosed": frozenset({Fact.AUTHORIZED, Fact.EV}),
    "EnergyTransfer": frozenset({Fact.ENERGY}),
}
"""A transaction ends when one of these is no longer so (E06.FR.01 to FR.07)."""


POINTS_16: Final[dict[str, tuple[str, ...]]] = {"TxStartPoint": ("PowerPathClosed",), "TxStopPoint": ("Authorized",)}
"""A transaction of 1.6: it begins when the driver is authorized and the EV there, and ends with the authorization. That
the EV is unplugged ends it only by way of StopTransactionOnEVSideDisconnect (1.6, 4.10)."""


def starts(points: Iterable[str], before: Facts, after: Facts) -> bool:
    """Whether a transaction starts with the change from ``before`` to ``after``. Energy never flows without one: where
    no point is reached before, as with a parking bay without a detector, it starts then."""
    risen = after - before
    known = [STARTS_WITH[each] for each in (*points, "EnergyTransfer") if each in STARTS_WITH]
    return any(needed <= after and (needed | {Fact.AUTHORIZED}) & risen for needed in known)


def ends(points: Iterable[str], before: Facts, after: Facts) -> bool:
    """Whether a transaction ends with the change from ``before`` to ``after``."""
    fallen = before - after
    return any(fallen & ENDS_WITHOUT.get(each, NOTHING_SO) for each in points)
