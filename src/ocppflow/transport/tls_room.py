"""How many strangers may have TLS with us at a time, and how much is done for them in one turn of the event loop.

Each takes 45 KiB, and one or two milliseconds of a processor, before it has said who it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ocppflow.log_budget import budgeted
from ocppflow.transport.clock import Clock
from ocppflow.transport.shares import Shares

log = budgeted("ocppflow.transport")

PER_TURN = 16
"""What is done in one turn of the event loop; those who are in come in between. To begin counts as four, because it has
us sign: 0.3 ms with an ECDSA key, 2 ms with an RSA key of 3,072 bits; a further step may have us check a signature."""
_TO_BEGIN = 4

_TRIES = 16  # networks that are looked at when a place is free: under attack there are thousands


class TLSGuest(Protocol):
    """A connection that begins TLS, or has it and has not sent its request."""

    network: str
    tls_since: float

    @property
    def is_over(self) -> bool:
        """Whether it is gone, or was told to go."""

    def begin_tls(self) -> None:
        """There is room, and it is its turn."""

    def give_way(self, reason: str) -> None:
        """Drop it without a word: others need its place."""


class TLSRoom:
    """Room for ``most`` of them, 0 for any number. Who finds none waits, and those who wait have their turn by network.

    A guest gives way for one of a network that has fewer guests, and for anybody once it has had ``patience`` seconds:
    the longest there of the network that has the most. To be made on a running event loop.
    """

    __slots__ = (
        "_clock",
        "_guests",
        "_loop",
        "_most",
        "_patience",
        "_scheduled",
        "_steps",
        "_waiting",
    )

    def __init__(self, most: int, patience: float, clock: Clock) -> None:
        self._most = most
        self._patience = patience
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._guests: Shares[TLSGuest] = Shares()
        self._waiting: dict[str, deque[TLSGuest]] = {}
        self._steps: deque[Callable[[], object]] = deque()
        self._scheduled = False

    def __len__(self) -> int:
        return len(self._guests)

    def enter(self, guest: TLSGuest) -> None:
        """Let ``guest`` begin when there is room and its turn has come."""
        self._waiting.setdefault(guest.network, deque()).append(guest)
        self._schedule()

    def leave(self, guest: TLSGuest) -> None:
        """``guest`` is gone, or is a stranger no longer; the next one may begin."""
        self._guests.discard(guest.network, guest)
        if self._waiting:
            self._schedule()

    def go_on(self, step: Callable[[], object]) -> None:
        """Do the next step of one who has begun, in turn; before others begin, for then there is room sooner."""
        self._steps.append(step)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        left, stuck = PER_TURN, False
        while left > 0 and not stuck:
            try:
                if self._steps:
                    left -= 1
                    self._steps.popleft()()
                else:
                    left -= _TO_BEGIN
                    stuck = not self._begin_next()
            except Exception:
                log.exception("a step of a TLS handshake failed")
        if self._steps or (self._waiting and not stuck):
            self._schedule()

    def _begin_next(self) -> bool:
        """Let one of those who wait begin; whether there was one, and room for it."""
        for _ in range(_TRIES):
            if not self._waiting:
                return False
            network = next(iter(self._waiting))
            queue = self._waiting.pop(network)
            while queue and queue[0].is_over:
                queue.popleft()
            guest = queue.popleft() if queue and self._has_room(network) else None
            if queue:
                self._waiting[network] = queue  # behind the others
            if guest is not None:
                guest.tls_since = self._clock.now()
                self._guests.add(network, guest)
                guest.begin_tls()
                return True
        return False

    def _has_room(self, network: str) -> bool:
        guests = self._guests
        if not self._most or len(guests) < self._most:
            return True
        oldest = guests.oldest_of_the_most()
        greedy = guests.count(oldest.network) > guests.count(network) + 1
        if not greedy and self._clock.now() - oldest.tls_since < self._patience:
            return False
        oldest.give_way(f"{self._most} TLS handshakes were unfinished")
        guests.discard(oldest.network, oldest)
        return True
