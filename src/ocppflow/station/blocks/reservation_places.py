"""Reservation, and which EVSE can serve which: an assignment of each to one of its own, as far as there are enough."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from ocppflow.messages import v21
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.station.blocks.id_tokens import same_group, same_token

_Wish = TypeVar("_Wish", bound=Hashable)


class Reservation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reservation."""

    __repr__ = discreet_repr

    id: int
    expires_at: datetime
    token: v21.IdTokenType
    group: v21.IdTokenType | None = None
    evse: int = 0
    """0: any."""
    connector_type: str = ""
    """Empty: any."""
    made_at: datetime | None = None

    def is_for(self, token: v21.IdTokenType, group: v21.IdTokenType | None) -> bool:
        """Whether it was made for this driver (H03.FR.01 to H03.FR.06)."""
        return same_token(self.token, token) or same_group(self.group, group)


def served(wishes: Mapping[_Wish, Collection[int]], places: Collection[int]) -> dict[_Wish, int]:
    """As many of ``wishes`` (by each, the places that would do) as can have a place of ``places`` of their own. Those
    that come first are served first, and what is served stays served (augmenting paths, Kuhn)."""
    given: dict[int, _Wish] = {}

    def serve(wish: _Wish, tried: set[int]) -> bool:
        for place in wishes[wish]:
            if place in places and place not in tried:
                tried.add(place)
                if place not in given or serve(given[place], tried):
                    given[place] = wish
                    return True
        return False

    for wish in wishes:
        serve(wish, set())
    return {wish: place for place, wish in given.items()}
