"""A meter's reading as the standard's sampled values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ocppflow.messages import v21
from ocppflow.station.hardware import MeterReading, Offer, SignedReading

Values = list[v21.SampledValueType]

_UNITS: Final[dict[str, v21.UnitOfMeasureType | None]] = {
    "Energy": None,  # Wh is what an absent unit means
    "Power": v21.UnitOfMeasureType(unit="W"),
    "Current": v21.UnitOfMeasureType(unit="A"),
    "Voltage": v21.UnitOfMeasureType(unit="V"),
    "Frequency": v21.UnitOfMeasureType(unit="Hertz"),
    "SoC": v21.UnitOfMeasureType(unit="Percent"),
}


def sampled_values(
    reading: MeterReading,
    measurands: Iterable[str],
    context: v21.ReadingContextEnumType,
    *,
    offer: Offer | None = None,
    since: float | None = None,
    signed: v21.SignedMeterValueType | None = None,
) -> Values:
    """One or several values for each measurand that the reading has, in the order of ``measurands``; what is measured
    by phase is reported by phase (J01.FR.10). ``offer``: what the EVSE offers. ``since``: Wh of the register when the
    interval began. ``signed``: the register's signature."""
    found: Values = []
    for measurand in measurands:
        for value, phase in _of(measurand, reading, offer, since):
            each = v21.SampledValueType(
                value=round(value, 3),
                measurand=measurand,  # type: ignore[arg-type]  # the device model admits the standard's alone
                context=context,
                location="EV" if measurand == "SoC" else "Outlet",
            )
            unit = _UNITS[measurand.partition(".")[0]]
            if unit is not None:
                each.unit_of_measure = unit
            if phase is not None:
                each.phase = phase
            if signed is not None and measurand == "Energy.Active.Import.Register":
                each.signed_meter_value = signed
            found.append(each)
    return found


_CONDUCTORS: Final[tuple[v21.PhaseEnumType, ...]] = ("L1", "L2", "L3")
_TO_NEUTRAL: Final[tuple[v21.PhaseEnumType, ...]] = ("L1-N", "L2-N", "L3-N")

_Found = list[tuple[float, v21.PhaseEnumType | None]]


def _of(measurand: str, reading: MeterReading, offer: Offer | None, since: float | None) -> _Found:
    match measurand:
        case "Energy.Active.Import.Register":
            return [(reading.energy_import, None)]
        case "Energy.Active.Export.Register":
            return [(reading.energy_export, None)]
        case "Energy.Active.Import.Interval" if since is not None:
            return [(max(0.0, reading.energy_import - since), None)]
        case "Power.Active.Import":
            return [(max(0.0, reading.power), None)]
        case "Power.Active.Export":
            return [(max(0.0, -reading.power), None)]
        case "Power.Offered" if offer is not None:
            return [(offer.watts, None)]
        case "Current.Offered" if offer is not None:
            return [(offer.amps, None)]
        case "Current.Import":
            return _by_phase(reading.currents, _CONDUCTORS)
        case "Voltage":
            return _by_phase(reading.voltages, _TO_NEUTRAL)
        case "Frequency" if reading.frequency is not None:
            return [(reading.frequency, None)]
        case "SoC" if reading.soc is not None:
            return [(reading.soc, None)]
    return []


def _by_phase(values: tuple[float, ...], phases: tuple[v21.PhaseEnumType, ...]) -> _Found:
    """DC has one value, and no phase."""
    return [(values[0], None)] if len(values) == 1 else list(zip(values, phases, strict=False))


def signed_value(reading: SignedReading, public_key: str) -> v21.SignedMeterValueType:
    """A signature as the messages have it. 2.0.1 wants all four fields, so none is left out."""
    return v21.SignedMeterValueType(
        signed_meter_data=reading.data,
        signing_method=reading.signing_method,
        encoding_method=reading.encoding_method,
        public_key=public_key,
    )
