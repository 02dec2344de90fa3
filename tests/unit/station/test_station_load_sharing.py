"""K04: what EVSEs get of a limit that they share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ocppflow.station.blocks.smart_charging.load_sharing import Claim, share

AMPS = st.floats(0, 100)


@st.composite
def claims(draw: st.DrawFn) -> list[Claim]:
    made = []
    for rank in range(draw(st.integers(1, 6))):
        least = draw(st.sampled_from([0.0, 6.0, 10.0]))
        most = draw(st.sampled_from([0.0, 5.0, 16.0, 32.0, 63.0]))
        phases = draw(st.sampled_from([1, 3]))
        wanted = max(least, draw(st.floats(0, 63)))
        made.append(Claim(most, least, wanted, 1.0, 230.0 * phases, (0, rank)))
    return made


@given(claims(), AMPS, st.sampled_from([1e9, 3000.0, 20_000.0]))
def test_K04FR05_a_share_is_enough_to_charge_or_nothing_and_all_of_them_fit(
    made: list[Claim], amps: float, watts: float
) -> None:
    given_to = share(made, amps, watts)
    assert sum(given_to) <= amps + 1e-6
    assert sum(claim.watts * one for claim, one in zip(made, given_to, strict=True)) <= watts + 1e-6
    for claim, one in zip(made, given_to, strict=True):
        assert one == 0 or claim.least - 1e-9 <= one <= claim.most + 1e-9


@given(claims(), AMPS)
def test_K04_nothing_is_left_over_that_somebody_could_use(made: list[Claim], amps: float) -> None:
    given_to = share(made, amps, 1e9)
    left = amps - sum(given_to)
    for claim, one in zip(made, given_to, strict=True):
        if one > 0:  # what charges already takes it all, unless it is at its own limit
            assert left < 1e-6 or one >= claim.most - 1e-6


@given(claims(), AMPS)
def test_K03FR04_who_is_in_front_is_served_first(made: list[Claim], amps: float) -> None:
    given_to = share(made, amps, 1e9)
    hungry = [
        index
        for index, claim in enumerate(made)
        if claim.most >= claim.least and claim.most > 0 and not given_to[index]
    ]
    hungry = [index for index in hungry if made[index].least > 0]
    served = [index for index, one in enumerate(given_to) if one > 0 and made[index].least > 0]
    if hungry and served:
        assert max(served) < min(hungry)


def test_K04_equals_get_the_same() -> None:
    two = [Claim(32.0, 6.0, 32.0, 1.0, 690.0, (0, rank)) for rank in range(2)]
    assert [round(one, 6) for one in share(two, 40.0, 1e9)] == [20.0, 20.0]
    assert [round(one, 6) for one in share(two, 1e9, 690.0 * 30)] == [15.0, 15.0]
    assert share(two, 11.0, 1e9)[1] == 0.0
