"""The table of statuses, against the sentences of G01, G03 and G04 said in another way."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from ocppflow.messages.v21 import ConnectorStatusEnumType
from ocppflow.station.blocks.connector_status import (
    TABLE,
    ConnectorFacts,
    best,
    connector_status,
    evse_status,
    station_status,
)

STATUSES = get_args(ConnectorStatusEnumType)
flags = st.booleans()
some = st.lists(st.sampled_from(STATUSES), min_size=1, max_size=4)


def independent(faulted: bool, inoperative: bool, reserved: bool, cable: bool) -> str:
    """The same as nested decisions."""
    if not faulted:
        if not inoperative:
            return "Reserved" if reserved else ("Occupied" if cable else "Available")
        return "Unavailable"
    return "Faulted"


@given(flags, flags, flags, flags)
def test_G01FR01_every_connector_has_one_status(faulted: bool, inoperative: bool, reserved: bool, cable: bool) -> None:
    facts = ConnectorFacts(faulted, inoperative, reserved, cable)
    assert connector_status(facts) == independent(faulted, inoperative, reserved, cable)


def test_the_table_has_each_status_once() -> None:
    assert [status for status, _ in TABLE] == ["Faulted", "Unavailable", "Reserved", "Occupied", "Available"]
    assert set(STATUSES) == {status for status, _ in TABLE}


@given(some, flags, flags, flags)
def test_G03FR06_an_EVSE_is_what_its_connectors_are(
    connectors: list[ConnectorStatusEnumType], faulted: bool, inoperative: bool, in_use: bool
) -> None:
    status = evse_status(connectors, faulted=faulted, inoperative=inoperative, in_use=in_use)
    if faulted or inoperative:
        assert status == ("Faulted" if faulted else "Unavailable")
    elif len(set(connectors)) == 1 and not in_use:
        assert status == connectors[0]
    elif status == "Available":
        assert "Available" in connectors
        assert not {"Occupied", "Reserved"} & set(connectors)
        assert not in_use


@given(some, flags, flags)
def test_G04FR07_a_station_is_as_good_as_its_best_EVSE(
    evses: list[ConnectorStatusEnumType], faulted: bool, inoperative: bool
) -> None:
    status = station_status(evses, faulted=faulted, inoperative=inoperative)
    if faulted or inoperative:
        assert status == ("Faulted" if faulted else "Unavailable")
    else:
        assert status in evses
        assert ("Available" in evses) == (status == "Available")


def test_a_station_without_EVSEs_is_Unavailable() -> None:
    assert best([]) == "Unavailable"
