"""What is packed comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocppflow.csms.blocks.meter_packing import StoredReading, pack_readings, unpack_readings

VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**9), 10**9).map(float),
    st.integers(-(10**9), 10**9).map(lambda number: number / 1000),
)
READINGS = st.lists(
    st.builds(
        StoredReading,
        at=st.integers(-(2**50), 2**50),
        context=st.text(max_size=12),
        transaction=st.none() | st.integers(0, 2**62),
        values=st.dictionaries(
            st.sampled_from(["a", "Current.Import.L1", "ä", ""]) | st.text(max_size=5), VALUES, max_size=5
        ),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(READINGS)
def test_every_reading_comes_back_as_it_was(readings: list[StoredReading]) -> None:
    back = unpack_readings(pack_readings(readings))
    assert back == readings
    for one, other in zip(back, readings, strict=True):
        assert {name: repr(value) for name, value in one.values.items()} == {
            name: repr(value) for name, value in other.values.items()
        }


@settings(max_examples=40, deadline=None)
@given(READINGS, st.sets(st.sampled_from(["a", "ä", "Current.Import.L1"])))
def test_some_measurands_can_be_had_without_the_others(readings: list[StoredReading], only: set[str]) -> None:
    wanted = [{name: value for name, value in each.values.items() if name in only} for each in readings]
    assert [each.values for each in unpack_readings(pack_readings(readings), only)] == wanted


def test_an_hour_of_a_minute_each_is_a_few_hundred_bytes() -> None:
    readings = [
        StoredReading(
            1_767_225_600_000 + minute * 60_000,
            "Sample.Periodic",
            77,
            {
                "Energy.Active.Import.Register": 1_234_567.0 + minute * 183,
                "Power.Active.Import": 11_000.0 + minute * 7 % 90,
                "Current.Import.L1": 16.0 - minute % 3 / 10,
            },
        )
        for minute in range(60)
    ]
    assert len(pack_readings(readings)) < 400


@pytest.mark.parametrize("packed", [b"", b"\x02abc"])
def test_another_form_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="form"):
        unpack_readings(packed)
