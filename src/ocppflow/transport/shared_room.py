"""Room that all connections of a port share: what waits in memory for peers that do not finish, or do not read.

Each connection has a bound of its own, but ten thousand times that is more than any machine has. What they hold is
counted together, and when it is too much, the network that holds the most gives way: of its connections, one that
holds the most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from ocppflow.transport.link import Peer
from ocppflow.transport.network import network_of
from ocppflow.transport.settings import ServerLimits

SMALL: Final = 128 * 1024
"""Bytes up to which those who hold something are alike: the largest messages of real stations are about 100 KB. Above,
who holds twice as much gives way first; among those who are alike, who has held it for the longest. So a message that
is on its way over a slow network outlasts those that are never finished."""


class Holder(Protocol):
    """A Link that may hold something."""

    @property
    def peer(self) -> Peer: ...


class HoldsUnfinished(Holder, Protocol):
    """A Link that may hold a message that is not complete."""

    @property
    def unfinished(self) -> int: ...

    def let_go(self, reason: str) -> None: ...


class HoldsUnsent(Holder, Protocol):
    """A Link that may hold what its peer does not read."""

    @property
    def unsent(self) -> int: ...

    def abort(self, reason: str) -> None: ...


T = TypeVar("T")
H = TypeVar("H", bound=Holder)


class Amounts(Generic[T]):
    """How many bytes each member holds. Each step takes the same time, whether there are few members or many."""

    __slots__ = ("_amounts", "_classes", "total")

    def __init__(self) -> None:
        self._amounts: dict[T, int] = {}
        self._classes: dict[int, dict[T, None]] = {}  # by size; in each, who came first is first
        self.total = 0
        """Of all members."""

    def __len__(self) -> int:
        return len(self._amounts)

    def of(self, member: T) -> int:
        """What ``member`` holds."""
        return self._amounts.get(member, 0)

    def set(self, member: T, amount: int) -> None:
        """``member`` holds ``amount`` now; 0 if nothing."""
        before = self._amounts.get(member, 0)
        self.total += amount - before
        if amount:
            self._amounts[member] = amount
        elif before:
            del self._amounts[member]
        old, new = _class_of(before), _class_of(amount)
        if old == new:
            return
        if before:
            group = self._classes[old]
            del group[member]
            if not group:
                del self._classes[old]
        if amount:
            self._classes.setdefault(new, {})[member] = None

    def largest(self) -> T:
        """One that holds the most, or more than half of that; or, if none holds more than SMALL, anything."""
        return next(iter(self._classes[max(self._classes)]))


def _class_of(amount: int) -> int:
    """-1 for nothing, 0 up to SMALL, and one more for each doubling."""
    return ((amount - 1) // SMALL).bit_length() if amount else -1


class SharedRoom(Generic[H]):
    """``most`` bytes for all Links of a port; 0 for any number.

    ``held`` tells what a Link holds. ``give_way`` takes it from one and tells its peer why: ``too_much``, which names
    the bound.
    """

    __slots__ = ("_amounts", "_give_way", "_held", "_is_clearing", "_most", "_networks", "_too_much")

    def __init__(self, most: int, held: Callable[[H], int], give_way: Callable[[H, str], None], too_much: str) -> None:
        self._most = most
        self._held = held
        self._give_way = give_way
        self._too_much = too_much
        self._networks: Amounts[str] = Amounts()
        self._amounts: dict[str, Amounts[H]] = {}
        self._is_clearing = False

    @property
    def total(self) -> int:
        """The bytes that all Links hold, as far as they have told."""
        return self._networks.total

    def count(self, link: H) -> bool:
        """What ``link`` holds has changed. Others may have to give way, or itself. Returns whether it holds any now."""
        network = network_of(link.peer.address.rpartition(":")[0])
        self._set(network, link, self._held(link))
        if self._networks.total > self._most > 0 and not self._is_clearing:
            self._is_clearing = True
            try:
                self._clear()
            finally:
                self._is_clearing = False
        amounts = self._amounts.get(network)
        return amounts is not None and amounts.of(link) > 0

    def _clear(self) -> None:
        while self._networks.total > self._most:
            network = self._networks.largest()
            amounts = self._amounts[network]
            link = amounts.largest()
            held = self._held(link)
            if held < amounts.of(link):  # it has become less meanwhile
                self._set(network, link, held)
                continue
            self._set(network, link, 0)
            self._give_way(link, self._too_much)

    def _set(self, network: str, link: H, amount: int) -> None:
        amounts = self._amounts.get(network)
        if amounts is None:
            if not amount:
                return
            amounts = self._amounts[network] = Amounts()
        amounts.set(link, amount)
        self._networks.set(network, amounts.total)
        if not amounts.total:
            del self._amounts[network]


def unfinished_room(limits: ServerLimits) -> SharedRoom[HoldsUnfinished]:
    """For what the peers of a port have not finished, or what waits for its turn."""
    most = limits.max_unfinished
    too_much = f"unfinished messages of all connections take more than {most} bytes (max_unfinished)"
    return SharedRoom(most, lambda link: link.unfinished, lambda link, reason: link.let_go(reason), too_much)


def unsent_room(limits: ServerLimits) -> SharedRoom[HoldsUnsent]:
    """For what waits for the peers of a port to read it."""
    most = limits.max_unsent
    too_much = f"the peer does not read, and more than {most} bytes wait to be sent to all such peers (max_unsent)"
    return SharedRoom(most, lambda link: link.unsent, lambda link, reason: link.abort(reason), too_much)
