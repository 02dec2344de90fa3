"""Which EVSE can serve which reservation: an assignment of each to one of its own, as far as there are enough."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

_Wish = TypeVar("_Wish", bound=Hashable)


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
