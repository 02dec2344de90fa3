"""Whose turn it is: round robin over addresses, and within an address over identities.

No I/O, no clock. Whoever asks much waits behind himself, not in front of others, and whoever is asked to leave because
too much waits is one of those with the most waiting.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

REMEMBERED = 10_000  # addresses, and identities, of whose failures something is known; the oldest is forgotten
FAILED_FOR = 300.0  # s for which an identity that has failed comes after those that have not
_SLOW_LANE = 8  # every eighth turn of an address is for those that have failed, or they would wait for ever
_WEIGHT = 1 / 16  # of the latest outcome in how wrong an address is: a dozen outcomes in a row change the verdict
_MOSTLY = 0.5


class Waiting(Protocol):
    """What waits for its turn: one password that is to be checked."""

    @property
    def address(self) -> str:
        """Who asks, as ``network_of`` tells addresses apart."""

    @property
    def identity(self) -> str:
        """Whose password it is."""

    @property
    def units(self) -> int:
        """How many turns it needs at most; changes only while it does not wait here."""


T = TypeVar("T")
W = TypeVar("W", bound=Waiting)
_Lane = OrderedDict[str, OrderedDict[W, None]]


class _Share(Generic[W]):
    """What waits from one address."""

    __slots__ = ("lanes", "turns", "units")

    def __init__(self) -> None:
        self.lanes: tuple[_Lane[W], _Lane[W]] = (OrderedDict(), OrderedDict())
        """Identities that have not failed lately, and those that have; each with what waits for it."""
        self.turns = 0
        self.units = 0


class TurnQueue(Generic[W]):
    """Round robin over addresses, within one over identities; those that have failed lately come after the others.

    ``below(n)`` is a random number from 0 to n - 1.
    """

    def __init__(self, below: Callable[[int], int] = secrets.randbelow) -> None:
        self._below = below
        self._shares: OrderedDict[str, _Share[W]] = OrderedDict()
        self._lane_of: dict[W, int] = {}
        self._failed: OrderedDict[int, float] = OrderedDict()
        self._wrong: OrderedDict[int, float] = OrderedDict()
        self.units = 0
        """The turns that all who wait need together."""

    def __len__(self) -> int:
        return len(self._lane_of)

    def put(self, waiting: W, now: float) -> None:
        """Let ``waiting`` wait, behind what waits for the same identity from the same address."""
        share = self._shares.get(waiting.address)
        if share is None:
            share = self._shares[waiting.address] = _Share()
        lane = self._lane_of[waiting] = int(self._has_failed(waiting, now))
        share.lanes[lane].setdefault(waiting.identity, OrderedDict())[waiting] = None
        share.units += waiting.units
        self.units += waiting.units

    def take(self) -> W | None:
        """Whose turn it is; it waits no longer. None if nobody waits."""
        if not self._shares:
            return None
        address, share = next(iter(self._shares.items()))
        self._shares.move_to_end(address)
        share.turns += 1
        fresh, failing = share.lanes
        lane = failing if not fresh or (failing and share.turns % _SLOW_LANE == 0) else fresh
        identity, queue = next(iter(lane.items()))
        lane.move_to_end(identity)
        waiting = next(iter(queue))
        self._remove(waiting)
        return waiting

    def discard(self, waiting: W) -> None:
        """It waits no longer, if it did."""
        if waiting in self._lane_of:
            self._remove(waiting)

    def busiest(self) -> W | None:
        """Who has to go first when too much waits: the last to come of the identity with the most waiting, one that has
        failed if there is any, of the address with the most waiting. Of equals it is one by chance: whatever rule chose
        could be used to keep somebody out."""
        if not self._shares:
            return None
        return self._last_of(self._most(self._shares.values(), lambda share: share.units))

    def busiest_of(self, address: str) -> W | None:
        """The same among those of one address."""
        share = self._shares.get(address)
        return self._last_of(share) if share is not None else None

    def units_of(self, address: str) -> int:
        """The turns that those of one address need together."""
        share = self._shares.get(address)
        return share.units if share is not None else 0

    # What is known of whom.

    def note(self, waiting: Waiting, *, right: bool, now: float) -> None:
        """How it ended."""
        who = hash((waiting.address, waiting.identity))  # a number, so that names of any length take no memory
        if right:
            self._failed.pop(who, None)
        else:
            _remember(self._failed, who, now)
        address = hash(waiting.address)
        _remember(self._wrong, address, self._wrong.get(address, 0.0) * (1 - _WEIGHT) + (0.0 if right else _WEIGHT))

    def is_mostly_wrong(self, address: str) -> bool:
        """Whether most of what came from there lately was wrong."""
        return self._wrong.get(hash(address), 0.0) > _MOSTLY

    def _has_failed(self, waiting: Waiting, now: float) -> bool:
        at = self._failed.get(hash((waiting.address, waiting.identity)))
        return at is not None and now - at < FAILED_FOR

    # Inside.

    def _last_of(self, share: _Share[W]) -> W:
        fresh, failing = share.lanes
        lane = failing or fresh
        queue = self._most(lane.values(), len)
        return next(reversed(queue))

    def _most(self, all_: Iterable[T], size: Callable[[T], int]) -> T:
        most = max(map(size, all_))
        equals = [each for each in all_ if size(each) == most]
        return equals[self._below(len(equals))]

    def _remove(self, waiting: W) -> None:
        share = self._shares[waiting.address]
        lane = share.lanes[self._lane_of.pop(waiting)]
        queue = lane[waiting.identity]
        del queue[waiting]
        if not queue:
            del lane[waiting.identity]
        share.units -= waiting.units
        self.units -= waiting.units
        if not any(share.lanes):
            del self._shares[waiting.address]


def _remember(known: OrderedDict[int, float], key: int, value: float) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > REMEMBERED:
        known.popitem(last=False)
