"""The roles hand a Leniency on to where handshakes are read, and refuse one that makes no sense for them."""

from __future__ import annotations

import pytest

from ocppflow.csms import CSMS
from ocppflow.endpoint import EXACT, Leniency
from ocppflow.errors import ConfigurationError
from ocppflow.station import ChargingStation


def test_nothing_is_forgiven_by_default():
    assert CSMS().leniency is EXACT
    assert ChargingStation("CS1", "ws://h/o").leniency is EXACT


def test_a_version_to_be_assumed_is_one_that_is_spoken():
    lenient = Leniency(version="1.6")
    assert CSMS(versions=["1.6"], leniency=lenient).leniency is lenient
    with pytest.raises(ConfigurationError, match=r"assumes OCPP 1\.6"):
        CSMS(versions=["2.0.1"], leniency=lenient)
    with pytest.raises(ConfigurationError, match=r"assumes OCPP 1\.6"):
        ChargingStation("CS1", "ws://h/o", versions=["2.1"], leniency=lenient)
