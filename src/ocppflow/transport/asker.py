"""For whom a password is checked: known to the password stores without being an argument of theirs, because a store may
be anybody's, and may stand behind another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")

PATIENCE = 5.0  # s, where no limits say otherwise


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants to be let in."""

    address: str = ""
    """As ``network_of`` tells addresses apart; empty where it is not known."""

    patience: float = PATIENCE
    """How many seconds of checks may wait before it is refused with Overloaded; 0 for any number."""

    evenly: bool = False
    """Whether the check of an unknown identity must cost exactly what that of a known one costs."""


_ANYBODY = Asker()

asker: ContextVar[Asker] = ContextVar("asker", default=_ANYBODY)
"""That of the task in which a handshake is decided on."""


async def on_behalf_of(who: Asker, decide: Callable[[S], Awaitable[T]], about: S) -> T:
    """``decide(about)``, for ``who``. What is begun afterwards does not carry ``who`` along: the timers of a connection
    live as long as it does, and would hold 0.3 KiB of context."""
    before = asker.set(who)
    try:
        return await decide(about)
    finally:
        asker.reset(before)
