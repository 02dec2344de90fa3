"""Two peers that use one identity: each new connection replaces the other's, for ever, unless something is said."""

from __future__ import annotations

from typing import Final

from ocppflow.csms.known_stations import KnownStation

WINDOW: Final = 60.0
"""Seconds in which replacements count. A station with a bad network replaces its own old connection now and then; two
with one identity do it at each attempt to reconnect, every few seconds."""
SUSPECT_FROM: Final = 3
"""Replacements of a living connection within the window from which on it is a contest."""
ALIVE: Final = 10.0
"""A connection from which something came within these seconds is living: a station that has lost its connection and
comes back has been silent on the old one for longer than that, or is let in when it has."""
RETRY_AFTER: Final = 60
"""Seconds that the newcomer to a contest is asked to wait."""


def replaced(known: KnownStation, now: float, idle_for: float) -> bool:
    """A connection of ``known``, from which nothing has come for ``idle_for`` seconds, is replaced by a newer one.
    Whether that makes it a contest: true once, when it begins."""
    if idle_for > ALIVE:
        return False
    recent = tuple(each for each in known.connected_times if now - each < WINDOW)
    known.connected_times = (*recent, now)[-SUSPECT_FROM:]
    return len(recent) == SUSPECT_FROM - 1


def is_contested(known: KnownStation, now: float, idle_for: float) -> bool:
    """Whether a further connection has to wait, because the present one lives and has been fought for."""
    recent = [each for each in known.connected_times if now - each < WINDOW]
    return len(recent) >= SUSPECT_FROM and idle_for <= ALIVE
