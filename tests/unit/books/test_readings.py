"""What meter values of real stations mean."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocppflow.csms.books.meter_units import REGISTER
from ocppflow.csms.books.readings import Reading, read_meter_values, readings_of_16
from ocppflow.messages import v16, v21

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


def said(
    value: Any, measurand: str | None = None, unit: str | None = None, power: int | None = None, **more: Any
) -> Any:
    if measurand is not None:
        more["measurand"] = measurand
    if unit is not None or power is not None:
        measure: dict[str, Any] = {} if unit is None else {"unit": unit}
        more["unit_of_measure"] = v21.UnitOfMeasureType(**measure, **({} if power is None else {"multiplier": power}))
    return v21.SampledValueType(value=value, **more)


def read(*samples: Any) -> Reading:
    return read_meter_values([v21.MeterValueType(timestamp=AT, sampled_value=list(samples))])[0]


@pytest.mark.parametrize(
    ("sample", "wh"),
    [
        (said(1234), 1234),  # no measurand, no unit: the standard's defaults
        (said(1.5, REGISTER, "kWh"), 1500),
        (said(1.5, REGISTER, "Wh", 3), 1500),
        (said(12.5, REGISTER, "kWh", -1), 1250),
        (said("1234.5", REGISTER, "wh"), 1234.5),
        (said(" 0.0"), 0),
        (said("1,5", REGISTER, "KWH"), 1500),
        (said(Decimal("7.25"), REGISTER, "kWh"), 7250),
        (said(3, "energy.active.import.register"), 3),
        (said(2, REGISTER, "kW"), 2000),  # a make that has mixed them up
        (said(5, phase="N"), 5),  # for all phases together
        (said(5, location="Inlet"), 5),
    ],
)
def test_a_register_in_whatever_words_is_in_Wh(sample: Any, wh: float) -> None:
    assert read(sample).register_wh == pytest.approx(wh)


@pytest.mark.parametrize(
    "value", ["", "abc", "NaN", float("nan"), float("inf"), True, None, -5, 1e15, 4294967295, [1], "9" * 50]
)
def test_what_is_no_number_or_cannot_be_one_is_left_out_and_named(value: Any) -> None:
    reading = read(said(value), said(3600, "Power.Active.Import"))
    assert reading.register_wh is None
    assert reading.power_w == 3600
    assert len(reading.oddities) == 1
    assert reading.oddities[0].startswith(REGISTER)


def test_phases_are_summed_only_where_there_is_no_total() -> None:
    phases = [said(100 * n, REGISTER, phase=f"L{n}") for n in (1, 2, 3)]
    assert (read(*phases).register_wh, read(*phases).is_phase_sum) == (600, True)
    assert (read(said(650, REGISTER), *phases).register_wh, read(*phases, said(650)).is_phase_sum) == (650, False)
    neutral = [said(100 * n, "Power.Active.Import", phase=f"L{n}-N") for n in (1, 2, 3)]
    assert read(*neutral).power_w == 600
    assert read(said(400, "Voltage", phase="L1-L2"), said(9, "Power.Active.Import", phase="L1-L2")).power_w is None


def test_currents_and_voltages_stand_by_phase_and_are_not_summed() -> None:
    reading = read(
        said(16, "Current.Import", phase="L1-N"),
        said(15.5, "Current.Import.L2"),
        said(0.2, "Current.Import", phase="N"),
        said(230, "Voltage", "Wh", phase="L1-N"),
        said(400, "Voltage", phase="L1-L2"),
    )
    assert reading.currents_a == (16, 15.5)
    assert reading.voltages_v == (230,)
    assert "Current.Import" not in reading.values
    assert read(said(16, "Current.Import")).currents_a == (16,)


def test_the_value_nearest_to_the_driver_counts_and_the_others_are_kept() -> None:
    reading = read(said(105, location="Inlet"), said(100, location="Outlet"), said(50, "SoC", location="EV"))
    assert (reading.register_wh, reading.values[f"{REGISTER}@Inlet"], reading.soc) == (100, 105, 50)


def test_a_begin_told_once_more_is_not_what_the_register_says_now() -> None:
    reading = read(said(111, context="Sample.Periodic"), said(0, context="Transaction.Begin"))
    assert (reading.register_wh, reading.begin_wh, reading.context) == (111, 0, "Sample.Periodic")
    reading = read(said(7, context="Transaction.Begin"))
    assert (reading.register_wh, reading.begin_wh, reading.context) == (7, None, "Transaction.Begin")


def test_a_batch_without_energy_and_one_without_values() -> None:
    reading = read(said(11, "Power.Active.Import", "kW"), said(300, "Temperature", "K"), said(16, "Current.Offered"))
    assert (reading.register_wh, reading.power_w, reading.offered_a) == (None, 11_000, 16)
    assert reading.temperature == pytest.approx(26.85)
    assert readings_of_16([v16.MeterValue(timestamp=AT, sampled_value=[])])[0].values == {}


def test_what_came_twice_is_there_once() -> None:
    value = v21.MeterValueType(timestamp=AT, sampled_value=[said(1)])
    assert len(read_meter_values([value, value])) == 1


def test_J01_FR_21_signed_values_are_kept_as_they_came() -> None:
    seal = v21.SignedMeterValueType(
        signed_meter_data="T0NNRg==", encoding_method="OCMF", signing_method="", public_key=""
    )
    reading = read(said(0.5, REGISTER, "kWh", signed_meter_value=seal))
    assert (reading.signed, reading.register_wh) == ((seal,), 500)
    signed = v16.SampledValue(value="1F8B00", format="SignedData")
    reading = readings_of_16([v16.MeterValue(timestamp=AT, sampled_value=[signed])])[0]
    assert (reading.signed[0].signed_meter_data, reading.register_wh, reading.oddities) == ("1F8B00", None, ())


def test_1_6_texts_units_and_times_without_zone() -> None:
    samples = [
        v16.SampledValue(value="604.213", measurand=REGISTER, unit="kWh"),
        v16.SampledValue(value="31", measurand="Temperature", unit="Celcius"),
        v16.SampledValue(value="230.1", measurand="Voltage", phase="L1-N", unit="V"),
    ]
    reading = readings_of_16([v16.MeterValue(timestamp=AT.replace(tzinfo=None), sampled_value=samples)])[0]
    assert (reading.register_wh, reading.temperature, reading.voltages_v) == (604_213, 31, (230.1,))
    assert reading.timestamp == AT


NUMBERS = st.one_of(st.integers(), st.floats(), st.text(max_size=8), st.none(), st.booleans())
TEXTS = st.one_of(
    st.sampled_from([REGISTER, "SoC", "Voltage", "kWh", "A", "L1", "L1-N", "Inlet", "Transaction.End"]),
    st.text(max_size=8),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NUMBERS, TEXTS, TEXTS, TEXTS, TEXTS, st.integers()), max_size=5))
def test_nothing_a_station_says_raises_and_every_number_is_one(samples: list[tuple[Any, ...]]) -> None:
    values = [
        said(value, measurand, unit, power, phase=phase, context=context)
        for value, measurand, unit, phase, context, power in samples
    ]
    reading = read_meter_values([v21.MeterValueType(timestamp=AT, sampled_value=values)])[0]
    assert all(isinstance(value, float) and abs(value) <= 3e12 for value in reading.values.values())


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1e9), st.sampled_from([("Wh", 1), ("kWh", 1000), ("MWh", 1e6), (None, 1)]), st.integers(-3, 3))
def test_unit_and_multiplier_multiply(value: float, unit: tuple[str | None, float], power: int) -> None:
    expected = value * unit[1] * 10.0**power
    told = read(said(value, REGISTER, unit[0], power)).register_wh
    assert told == (None if expected > 1e12 else pytest.approx(expected, rel=1e-9, abs=1e-5))
