"""The connections at the door: who keeps us waiting, who waits for us, and who still reads why it was refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ocppflow.transport.settings import ServerLimits
from ocppflow.transport.shares import Shares


class Opening(Protocol):
    """A connection whose handshake is not over, or whose refusal has not been read."""

    network: str

    def close(self, reason: str) -> None:
        """The server shuts down."""

    def give_way(self, reason: str) -> None:
        """Drop it without a word: others need its place. ``reason`` is for the log."""

    def turn_away(self, reason: str) -> None:
        """Refuse it for now (503): it has asked, and others have waited for longer."""


class Openings:
    """Each is in one of three groups, each group is bounded, and in each the network that has the most gives way:

    - **half-open**, while the peer's part is missing (TLS, the request): the longest idle one is dropped. So a
      newcomer that speaks at once is let in, whatever keeps silent beside it, even if it comes from the same address;
    - **deciding**, while ours is missing (a password check, the user's acceptor): the latest is refused, because it
      would have to wait the longest;
    - **lingering**, refused, until the peer has read why: the oldest is closed.
    """

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._half_open: Shares[Opening] = Shares()
        self._deciding: Shares[Opening] = Shares()
        self._lingering: Shares[Opening] = Shares()

    def __iter__(self) -> Iterator[Opening]:
        yield from self._half_open.all() + self._deciding.all() + self._lingering.all()

    def __len__(self) -> int:
        return len(self._half_open) + len(self._deciding) + len(self._lingering)

    @property
    def half_open(self) -> int:
        """How many keep us waiting."""
        return len(self._half_open)

    @property
    def lingering(self) -> int:
        """How many have been refused and not gone yet."""
        return len(self._lingering)

    def arrived(self, opening: Opening) -> None:
        """It is connected. Who keeps us waiting the longest gives way if there are too many."""
        self._half_open.add(opening.network, opening)
        most = self._limits.max_handshakes
        if most and len(self._half_open) > most:
            self._drop_half_open(f"{most} handshakes are unfinished")

    def asks(self, opening: Opening) -> None:
        """Its request is complete: it is our turn. Who would wait the longest is turned away if there are too many."""
        self._half_open.discard(opening.network, opening)
        self._deciding.add(opening.network, opening)
        most = self._limits.max_handshakes
        if most and len(self._deciding) > most:
            self._deciding.youngest_of_the_most().turn_away(f"{most} stations wait to be let in already")

    def refused(self, opening: Opening) -> None:
        """It has been told why, and may read it."""
        self.gone(opening)
        self._lingering.add(opening.network, opening)
        most = self._limits.max_refusals
        if most and len(self._lingering) > most:
            self._lingering.oldest_of_the_most().give_way("")

    def gone(self, opening: Opening) -> None:
        """It is closed, or was let in."""
        for group in (self._half_open, self._deciding, self._lingering):
            group.discard(opening.network, opening)

    def make_room(self, why: str) -> bool:
        """Drop one that can best be spared; whether there was one."""
        if self._lingering:
            self._lingering.oldest_of_the_most().give_way("")
        elif self._half_open:
            self._drop_half_open(why)
        else:
            return False
        return True

    def _drop_half_open(self, why: str) -> None:
        victim = self._half_open.oldest_of_the_most()
        count = self._half_open.count(victim.network)
        victim.give_way(f"it gave way to a newcomer: {why}, and {victim.network} has the most of them, {count}")
