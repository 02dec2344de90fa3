"""Who gives way, and whose turn it is, where many share what one of them could take alone.

Nothing here looks for its answer: each step takes the same time, whether one takes part or thousands, because it is
under attack that these are asked.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Shares(Generic[T]):
    """Members, each of a network. When there are too many, the network that has the most of them gives one."""

    __slots__ = ("_by_count", "_largest", "_members", "_total")

    def __init__(self) -> None:
        self._members: dict[str, dict[T, None]] = {}  # the oldest first
        self._by_count: dict[int, dict[str, None]] = {}
        self._largest = 0
        self._total = 0

    def __len__(self) -> int:
        return self._total

    def all(self) -> list[T]:
        """The members, in no particular order."""
        return [member for members in self._members.values() for member in members]

    def count(self, network: str) -> int:
        """How many of them ``network`` has."""
        return len(self._members.get(network, ()))

    def add(self, network: str, member: T) -> None:
        """``member`` comes in, as the youngest of its network."""
        members = self._members.setdefault(network, {})
        members[member] = None
        self._total += 1
        self._counted(network, len(members) - 1, len(members))
        self._largest = max(self._largest, len(members))

    def discard(self, network: str, member: T) -> None:
        """``member`` goes, if it was there."""
        members = self._members.get(network)
        if members is None or member not in members:
            return
        del members[member]
        self._total -= 1
        if not members:
            del self._members[network]
        self._counted(network, len(members) + 1, len(members))
        if self._largest not in self._by_count:
            self._largest -= 1  # the network that left this count has one less, and none had more

    def oldest_of_the_most(self) -> T:
        """The one to give way where members keep us waiting: the longest idle one of the network that has the most."""
        return next(iter(self._the_most()))

    def youngest_of_the_most(self) -> T:
        """The one to give way where members wait for us: it would have to wait the longest."""
        return next(reversed(self._the_most()))

    def _the_most(self) -> dict[T, None]:
        return self._members[next(iter(self._by_count[self._largest]))]

    def _counted(self, network: str, before: int, now: int) -> None:
        if before:
            group = self._by_count[before]
            del group[network]
            if not group:
                del self._by_count[before]
        if now:
            self._by_count.setdefault(now, {})[network] = None


class FairQueue(Generic[T]):
    """What waits for its turn: the networks take turns, and within a network who came first goes first."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, deque[T]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, network: str, item: T) -> None:
        self._waiting.setdefault(network, deque()).append(item)

    def take(self) -> T:
        """The next one. Raises StopIteration if none waits."""
        network = next(iter(self._waiting))
        items = self._waiting.pop(network)
        item = items.popleft()
        if items:
            self._waiting[network] = items  # behind the others
        return item
