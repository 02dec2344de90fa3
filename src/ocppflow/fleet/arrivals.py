"""When EVs come to an EVSE, how long they stay, and what they are."""

from __future__ import annotations

import random
import re
from typing import Final, Literal

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.station.hardware import ElectricVehicle

_UNITS: Final = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_FORM: Final = re.compile(r"(\d+(?:\.\d+)?) ?/ ?([a-z]+)")


class Arrivals(msgspec.Struct, frozen=True):
    """How EVs come. ``rate`` is EVs a second for each EVSE, by chance (a Poisson process); None: one EV comes to each
    as soon as it can, and after it the next."""

    kind: Literal["none", "all", "rate"] = "none"
    rate: float = 0.0
    stay: float = 3600.0
    """Seconds that an EV stays on average, unless it is full before."""

    def next(self, chance: random.Random) -> float | None:
        """Seconds until the next EV; None: there will be none."""
        match self.kind:
            case "none":
                return None
            case "all":
                return chance.uniform(0.0, 5.0)
            case _:
                return chance.expovariate(self.rate)

    def staying(self, chance: random.Random) -> float:
        """Seconds that this EV stays at most."""
        return max(30.0, chance.expovariate(1 / self.stay))


def read_arrivals(text: str, stay: float) -> Arrivals:
    """``none``, ``all``, or how many an hour come to each EVSE, such as ``2/h``. Raises ConfigurationError."""
    if text in ("none", "all"):
        return Arrivals("none" if text == "none" else "all", stay=stay)
    found = _FORM.fullmatch(text)
    if found is None or found[2] not in _UNITS or float(found[1]) == 0:
        raise ConfigurationError(f"arrivals {text!r}: give none, all, or EVs per EVSE and time, such as 2/h or 0.5/min")
    return Arrivals("rate", float(found[1]) / _UNITS[found[2]], stay)


def read_seconds(text: str) -> float:
    """A stretch of time: ``90``, ``90s``, ``15m``, ``2h``, ``7d``. Raises ConfigurationError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([a-z]*)", text)
    if found is None or (found[2] and found[2] not in _UNITS):
        raise ConfigurationError(f"time {text!r}: give seconds, or such as 90s, 15m, 2h, 7d")
    return float(found[1]) * _UNITS[found[2] or "s"]


def some_ev(chance: random.Random) -> ElectricVehicle:
    """An EV as they come: most are neither empty nor full, some take one phase only."""
    capacity = chance.choice((28_000.0, 42_000.0, 58_000.0, 64_000.0, 77_000.0, 95_000.0))
    phases, amps = chance.choice(((1, 32.0), (1, 16.0), (2, 16.0), (3, 16.0), (3, 16.0), (3, 32.0)))
    return ElectricVehicle(
        capacity=capacity,
        soc=round(chance.triangular(8.0, 85.0, 45.0), 1),
        target_soc=chance.choice((80.0, 100.0)),
        phases=phases,
        max_amps=amps,
        max_watts=chance.choice((50_000.0, 100_000.0, 150_000.0)),
    )
