"""The assignment of reservations to EVSEs, against trying all of them."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from ocppflow.station.blocks.reservation_places import served

wishes_of = st.dictionaries(st.integers(0, 9), st.lists(st.integers(1, 5), max_size=5, unique=True), max_size=5)
places_of = st.lists(st.integers(1, 5), max_size=5, unique=True)


def possible(wishes: list[list[int]], places: list[int]) -> bool:
    """Whether all of them can have a place, by trying."""
    return any(
        all(place in wish for wish, place in zip(wishes, chosen, strict=True))
        for chosen in permutations(places, len(wishes))
    )


@given(wishes_of, places_of)
def test_H01FR07_as_many_are_served_as_possible_and_the_first_first(
    wishes: dict[int, list[int]], places: list[int]
) -> None:
    given_places = served(wishes, places)
    assert all(place in wishes[wish] and place in places for wish, place in given_places.items())
    assert len(set(given_places.values())) == len(given_places)
    expected: list[int] = []
    for wish in wishes:
        if possible([wishes[each] for each in [*expected, wish]], places):
            expected.append(wish)
    assert set(given_places) == set(expected)
