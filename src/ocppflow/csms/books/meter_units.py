"""What a single measured number means: measurand, unit and power of ten, as stations really write them."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Final, get_args

from ocppflow.messages import v16, v21

REGISTER: Final = "Energy.Active.Import.Register"
"""What a value without a measurand is (SampledValueType)."""

MEASURANDS: Final[dict[str, str]] = {
    name.lower(): name for kind in (v16.Measurand, v21.MeasurandEnumType) for name in get_args(kind)
}
"""The standard's names, by their lower case: stations write ``Current.import``."""

UNITS: Final[dict[str, tuple[str, float]]] = {
    "wh": ("energy", 1.0),
    "kwh": ("energy", 1e3),
    "mwh": ("energy", 1e6),
    "vah": ("energy", 1.0),
    "kvah": ("energy", 1e3),
    "varh": ("energy", 1.0),
    "kvarh": ("energy", 1e3),
    "w": ("power", 1.0),
    "kw": ("power", 1e3),
    "mw": ("power", 1e6),
    "va": ("power", 1.0),
    "kva": ("power", 1e3),
    "var": ("power", 1.0),
    "kvar": ("power", 1e3),
    "a": ("current", 1.0),
    "ma": ("current", 1e-3),
    "ka": ("current", 1e3),
    "v": ("voltage", 1.0),
    "mv": ("voltage", 1e-3),
    "kv": ("voltage", 1e3),
    "percent": ("share", 1.0),
    "%": ("share", 1.0),
    "hz": ("frequency", 1.0),
    "celsius": ("temperature", 1.0),
    "celcius": ("temperature", 1.0),
    "c": ("temperature", 1.0),
    "°c": ("temperature", 1.0),
    "k": ("kelvin", 1.0),
    "kelvin": ("kelvin", 1.0),
    "fahrenheit": ("fahrenheit", 1.0),
    "f": ("fahrenheit", 1.0),
    "°f": ("fahrenheit", 1.0),
}
"""Units in lower case: what they measure, and how many of the unit without a prefix they are."""

_KINDS: Final = (
    ("energyrequest.", "energy"), ("energy.", "energy"), ("power.factor", "number"), ("power.", "power"),
    ("current.", "current"), ("voltage", "voltage"), ("soc", "share"), ("temperature", "temperature"),
    ("frequency", "frequency"),
)  # fmt: skip

_BELIEVED: Final[dict[str, tuple[float, float]]] = {
    "energy": (-1e12, 1e12), "power": (-1e8, 1e8), "current": (-1e5, 1e5), "voltage": (-1e5, 1e5),
    "share": (0.0, 100.0), "temperature": (-100.0, 300.0), "frequency": (0.0, 1000.0), "number": (-1e12, 1e12),
}  # fmt: skip
"""Beyond is nothing measured, whatever the meter: an EVSE has never counted 1 TWh."""

_NOT_READ: Final = frozenset({2.0**31 - 1, 2.0**32 - 1, 2.0**63 - 1, 2.0**64 - 1})
"""What firmware sends when its meter has not answered: all bits of an integer set."""

_SUFFIX: Final = re.compile(r"\.(L[123](?:-N|-L[123])?|N)$", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?", re.IGNORECASE)
_LONGEST: Final = 40


def number_of(value: Any) -> float | None:
    """A JSON number, or text as 1.6 has it, also with blanks round it or a decimal comma; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip().replace(",", ".")
        if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
            return None
        value = text
    elif not isinstance(value, int | float | Decimal):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def measurand_of(said: Any) -> tuple[str, str]:
    """The measurand in the standard's spelling, and a phase that some stations append to it (``Current.Import.L1``)."""
    if not isinstance(said, str) or not said.strip():
        return REGISTER, ""
    text = said.strip()
    if text.lower() not in MEASURANDS and (suffix := _SUFFIX.search(text)):
        return MEASURANDS.get(text[: suffix.start()].lower(), text[: suffix.start()]), suffix[1].upper()
    return MEASURANDS.get(text.lower(), text), ""


def kind_of(measurand: str) -> str:
    """What the measurand measures: energy, power, current, voltage, share, temperature, frequency, number."""
    low = measurand.lower()
    return next((kind for start, kind in _KINDS if low.startswith(start)), "number")


def normalised(measurand: str, number: float, unit: Any, multiplier: Any) -> tuple[float | None, str | None]:
    """The number in Wh, W, A, V, percent, degrees Celsius or Hz, and what is odd about it. None: not to be believed.

    No unit means the one without a prefix; in 2.x that is what UnitOfMeasureType's defaults come to. A unit of another
    kind counts by its prefix only where energy and power were mixed up, and not at all otherwise: the schema's default
    ``Wh`` is sent with volts as well.
    """
    kind = kind_of(measurand)
    if number in _NOT_READ:
        return None, f"{measurand}: {number:.0f} is what a meter that does not answer is read as"
    measures, factor = UNITS.get(unit.strip().lower(), (kind, 1.0)) if isinstance(unit, str) else (kind, 1.0)
    oddity = None
    if measures == "kelvin" and kind == "temperature":
        number -= 273.15
    elif measures == "fahrenheit" and kind == "temperature":
        number = (number - 32) / 1.8
    elif measures != kind and kind != "number":
        oddity = f"{measurand} in {str(unit).strip()[:20]}"
        factor = factor if {measures, kind} == {"energy", "power"} else 1.0
    if isinstance(multiplier, int) and not isinstance(multiplier, bool) and multiplier:
        if not -12 <= multiplier <= 12:
            return None, f"{measurand}: a multiplier of 10^{multiplier}"
        number *= 10.0**multiplier
    number *= factor
    low, high = _BELIEVED[kind]
    low = 0.0 if measurand.endswith(".Register") and kind == "energy" else low
    if not low <= number <= high:
        return None, f"{measurand}: {number:.6g} cannot be"
    return round(number, 6), oddity
