"""OCPP 1.6 as a CSMS hears and speaks it: translated here, and nowhere else, for the blocks."""

from ocppflow.csms.dialect_16.hearing_station import HearingCore16
from ocppflow.csms.dialect_16.saying_to_station import say_16

__all__ = ["HearingCore16", "say_16"]
