"""OCPP 1.6 as a station speaks it: a dialect over the blocks, which speak 2.1, translated here and nowhere else."""

from ocppflow.station.dialect_16 import (
    hearing_charging,
    hearing_core,
    hearing_lists,
    hearing_security,
    hearing_triggers,
)
from ocppflow.station.dialect_16.dialect_block import Dialect16
from ocppflow.station.dialect_16.hearing import REFUSALS, dialect_16
from ocppflow.station.dialect_16.saying import has_words, say_16

__all__ = [
    "REFUSALS",
    "Dialect16",
    "dialect_16",
    "has_words",
    "hearing_charging",
    "hearing_core",
    "hearing_lists",
    "hearing_security",
    "hearing_triggers",
    "say_16",
]
