"""Load sharing: what each EVSE of a station gets of what all may draw together (K04)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_HALVINGS = 50
_SLACK = 1e-9


class Claim(NamedTuple):
    """What an EVSE could use. Amperes are its own, per phase."""

    most: float
    """What its own limits allow."""
    least: float
    """With less it cannot charge at all; then it is paused."""
    wanted: float
    """What its EV seems to want: somewhat more than it draws. Never less than ``least``."""
    grid: float
    """A per phase of the station's connection that each of its amperes needs."""
    watts: float
    """W for each of its amperes."""
    rank: tuple[float, float] = (0.0, 0.0)
    """If there is not enough for all, those with the highest rank are paused first."""


def share(claims: Sequence[Claim], amps: float, watts: float) -> list[float]:
    """Amperes for each claim, so that together they need at most ``amps`` per phase of the station's connection and
    ``watts``. Everybody gets the least with which it can charge, as long as there is enough; then all get equally more
    up to what they want, and what is left over goes equally to those that are allowed more."""
    most = [claim.most if claim.most >= claim.least else 0.0 for claim in claims]
    if _fits(claims, most, amps, watts):
        return most
    takes_part = sorted((index for index, one in enumerate(most) if one > 0), key=lambda index: claims[index].rank)
    given = [0.0] * len(claims)
    while takes_part:
        given = [claim.least if index in takes_part else 0.0 for index, claim in enumerate(claims)]
        if _fits(claims, given, amps, watts):
            break
        last = next(index for index in reversed(takes_part) if claims[index].least > 0)
        takes_part.remove(last)
        given[last] = 0.0
    for ceilings in ([min(claim.wanted, claim.most) for claim in claims], most):
        given = _fill(claims, takes_part, given, ceilings, amps, watts)
    return given


def _fits(claims: Sequence[Claim], given: Sequence[float], amps: float, watts: float) -> bool:
    return (
        sum(claim.grid * one for claim, one in zip(claims, given, strict=True)) <= amps + _SLACK
        and sum(claim.watts * one for claim, one in zip(claims, given, strict=True)) <= watts + _SLACK
    )


def _fill(
    claims: Sequence[Claim],
    takes_part: Sequence[int],
    floors: Sequence[float],
    ceilings: Sequence[float],
    amps: float,
    watts: float,
) -> list[float]:
    """Raise the level of those that take part, measured at the station's connection, as far as it goes."""

    def at_level(level: float) -> list[float]:
        given = list(floors)
        for index in takes_part:
            given[index] = max(floors[index], min(ceilings[index], level / claims[index].grid))
        return given

    low, high = 0.0, max((ceilings[index] * claims[index].grid for index in takes_part), default=0.0)
    if _fits(claims, at_level(high), amps, watts):
        return at_level(high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _fits(claims, at_level(middle), amps, watts) else (low, middle)
    return at_level(low)
