"""What meter values mean: normalised to Wh, W, A, V, percent; one reading for each MeterValue. No I/O, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import UNSET, Struct

from ocppflow.csms.books.meter_units import REGISTER, kind_of, measurand_of, normalised, number_of
from ocppflow.messages import v16, v21
from ocppflow.secrecy.discreet_repr import discreet_repr

PHASES: Final = ("L1", "L2", "L3")
BEGIN: Final = "Transaction.Begin"
END: Final = "Transaction.End"
PERIODIC: Final = "Sample.Periodic"

_LOCATIONS: Final = ("Outlet", "Cable", "Body", "Inlet", "Upstream", "EV")
"""Where a value is nearest to what the driver gets; of a measurand that was told from several places the first counts
under its own name, the others as ``Temperature@Body``."""

_SIGNED_16: Final = "SignedData"


class Reading(Struct, kw_only=True):
    """One MeterValue. ``values`` has all its numbers by measurand, ``Current.Import.L1`` for one of a phase; they are
    in Wh, W, A, V, percent, degrees Celsius, Hz. None where nothing was told."""

    __repr__ = discreet_repr

    timestamp: datetime
    context: str = PERIODIC
    values: dict[str, float]
    is_phase_sum: bool = False
    """Whether the register is the sum of those of the phases, because there was none for all together."""
    begin_wh: float | None = None
    """The register at the transaction's begin, told once more in a later MeterValue (some makes do so each time)."""
    signed: tuple[v21.SignedMeterValueType, ...] = ()
    """As they came; in 1.6 the hexadecimal digits stand in ``signed_meter_data``."""
    oddities: tuple[str, ...] = ()
    """What was not believed, or had to be guessed."""

    @property
    def register_wh(self) -> float | None:
        """The register of imported active energy."""
        return self.values.get(REGISTER)

    @property
    def export_wh(self) -> float | None:
        """The register of exported active energy."""
        return self.values.get("Energy.Active.Export.Register")

    @property
    def interval_wh(self) -> float | None:
        """Imported energy since the reading before."""
        return self.values.get("Energy.Active.Import.Interval")

    @property
    def power_w(self) -> float | None:
        """What is drawn; less than 0 if energy comes back."""
        drawn = self.values.get("Power.Active.Import")
        given = self.values.get("Power.Active.Export")
        return -abs(given) if given and not drawn else given if drawn is None else drawn

    @property
    def currents_a(self) -> tuple[float, ...] | None:
        """By phase, L1 first; one number if that is what was told."""
        return self._by_phase("Current.Import")

    @property
    def voltages_v(self) -> tuple[float, ...] | None:
        """Between each phase and neutral; one number if that is what was told."""
        return self._by_phase("Voltage")

    def _by_phase(self, measurand: str) -> tuple[float, ...] | None:
        told = [self.values.get(f"{measurand}.{phase}") for phase in PHASES]
        while told and told[-1] is None:
            told.pop()
        if told:
            return tuple(each or 0.0 for each in told)
        total = self.values.get(measurand)
        return None if total is None else (total,)

    @property
    def soc(self) -> float | None:
        """Percent of the EV's battery."""
        return self.values.get("SoC")

    @property
    def temperature(self) -> float | None:
        """Degrees Celsius."""
        return self.values.get("Temperature")

    @property
    def offered_a(self) -> float | None:
        """The limit that the EV is told, in A."""
        return self.values.get("Current.Offered", self.values.get("Current.Import.Offered"))

    @property
    def offered_w(self) -> float | None:
        """The limit that the EV is told, in W."""
        return self.values.get("Power.Offered", self.values.get("Power.Import.Offered"))


class _Sample(Struct):
    context: str
    measurand: str
    phase: str
    location: str
    number: float


def read_meter_values(values: Sequence[v21.MeterValueType]) -> list[Reading]:
    """One Reading for each MeterValue, in their order; what came twice is there once. Never raises for what a station
    says: what cannot be a number, or cannot be true, is left out and named in ``oddities``."""
    readings: list[Reading] = []
    for value in _listed(values):
        reading = _read(value)
        if reading not in readings[-_DUPLICATES:]:
            readings.append(reading)
    return readings


def readings_of_16(values: Sequence[v16.MeterValue]) -> list[Reading]:
    """The same of 1.6's, in which numbers are texts."""
    return read_meter_values([_as_21(value) for value in _listed(values)])


_DUPLICATES: Final = 8
"""How far back it is looked for the same: stations repeat a value at once, or never."""


def _as_21(value: v16.MeterValue) -> v21.MeterValueType:
    samples: list[v21.SampledValueType] = []
    for sample in _listed(value.sampled_value):
        said: dict[str, Any] = {name: getattr(sample, name) for name in ("context", "measurand", "phase", "location")}
        unit = UNSET if sample.unit is UNSET else v21.UnitOfMeasureType(unit=sample.unit)
        if sample.format == _SIGNED_16:
            signed = v21.SignedMeterValueType(signed_meter_data=str(sample.value), encoding_method="")
            samples.append(v21.SampledValueType(value=float("nan"), signed_meter_value=signed, **said))
        else:
            text: Any = sample.value
            samples.append(v21.SampledValueType(value=text, unit_of_measure=unit, **said))
    return v21.MeterValueType(timestamp=value.timestamp, sampled_value=samples)


def _listed(value: Any) -> list[Any]:
    """A list of one that a station forgot the brackets of is one nevertheless."""
    if value is None or value is UNSET:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: Any, default: str) -> str:
    return value if isinstance(value, str) and value else default


def _read(value: v21.MeterValueType) -> Reading:
    oddities: list[str] = []
    signed: list[v21.SignedMeterValueType] = []
    samples: list[_Sample] = []
    for said in _listed(value.sampled_value):
        sealed = getattr(said, "signed_meter_value", UNSET)
        if isinstance(sealed, v21.SignedMeterValueType):
            signed.append(sealed)
        if (sample := _sample(said, oddities, is_signed=bool(sealed))) is not None:
            samples.append(sample)
    context = _main_context(samples)
    begun = [each for each in samples if each.context == BEGIN != context]
    values, is_phase_sum = _values([each for each in samples if each not in begun], context)
    told_again, _ = _values([each for each in begun if each.measurand == REGISTER], BEGIN)
    moment = value.timestamp
    return Reading(
        timestamp=moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC),
        context=context,
        values=values,
        is_phase_sum=is_phase_sum,
        begin_wh=told_again.get(REGISTER),
        signed=tuple(signed),
        oddities=tuple(oddities),
    )


def _sample(said: Any, oddities: list[str], *, is_signed: bool) -> _Sample | None:
    measurand, suffix = measurand_of(getattr(said, "measurand", None))
    number = number_of(getattr(said, "value", None))
    if number is None:
        if not is_signed:
            oddities.append(f"{measurand}: {str(getattr(said, 'value', None))[:20]!r} is not a number")
        return None
    measure = getattr(said, "unit_of_measure", UNSET)
    unit, multiplier = getattr(measure, "unit", UNSET), getattr(measure, "multiplier", UNSET)
    found, oddity = normalised(measurand, number, unit, multiplier)
    if oddity is not None:
        oddities.append(oddity)
    if found is None:
        return None
    phase = _phase(_text(getattr(said, "phase", None), suffix), measurand)
    location = _text(getattr(said, "location", None), _LOCATIONS[0])
    return _Sample(_text(getattr(said, "context", None), PERIODIC), measurand, phase, location, found)


def _phase(phase: str, measurand: str) -> str:
    """``L1-N`` is the phase L1. Energy and power of ``N`` are meant as those of all phases: that conductor has none."""
    phase = phase.upper()
    if phase == "N" and kind_of(measurand) in ("energy", "power"):
        return ""
    return phase.removesuffix("-N")


def _main_context(samples: Iterable[_Sample]) -> str:
    """That of the most values; a begin told once more is not what a MeterValue is about."""
    counts = Counter(each.context for each in samples)
    if not counts:
        return PERIODIC
    return max(counts, key=lambda each: (each == END, each != BEGIN or len(counts) == 1, counts[each]))


def _values(samples: Sequence[_Sample], context: str) -> tuple[dict[str, float], bool]:
    """By measurand and phase, those of the main context first; and whether the register is a sum."""
    found: dict[str, float] = {}
    is_phase_sum = False
    for measurand, location, group in _places(samples, context):
        name = measurand if location == "" else f"{measurand}@{location}"
        for sample in group:
            found.setdefault(f"{name}.{sample.phase}" if sample.phase else name, sample.number)
        parts = [found[key] for phase in PHASES if (key := f"{name}.{phase}") in found]
        if parts and name not in found and _adds_up(measurand):
            found[name] = round(sum(parts), 6)
            is_phase_sum |= name == REGISTER
    return found, is_phase_sum


def _adds_up(measurand: str) -> bool:
    return kind_of(measurand) in ("energy", "power")


def _places(samples: Sequence[_Sample], context: str) -> Iterator[tuple[str, str, list[_Sample]]]:
    """Measurand, location ("" for the best one that told it), and the samples, those of the main context first."""
    ordered = sorted(samples, key=lambda each: each.context != context)
    for measurand in dict.fromkeys(each.measurand for each in samples):
        of_it = [each for each in ordered if each.measurand == measurand]
        places = sorted(dict.fromkeys(each.location for each in of_it), key=_rank)
        for place in places:
            yield measurand, "" if place == places[0] else place, [each for each in of_it if each.location == place]


def _rank(location: str) -> int:
    return _LOCATIONS.index(location) if location in _LOCATIONS else len(_LOCATIONS)
