"""Conditions: what a scenario can wait for that is seen at the station itself, not in a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from ocppflow.station import CompleteStation


class Place(NamedTuple):
    """Where to look."""

    evse: int = 1
    connector: int = 1


class StationCondition(NamedTuple):
    """Something about a station. ``read`` returns what is there now; without a wanted value, it has to be True."""

    meaning: str
    read: Callable[[CompleteStation, Place], Any]
    judged: bool = False
    """Whether a value has to be given."""


def _energy(station: CompleteStation, place: Place) -> float:
    transaction = station.transactions.on_evse(place.evse)
    if transaction is None or transaction.register_at_start is None or station.hardware is None:
        return 0.0
    return station.hardware.evses[place.evse - 1].read().energy_import - transaction.register_at_start


def _power(station: CompleteStation, place: Place) -> float:
    return station.hardware.evses[place.evse - 1].read().power if station.hardware is not None else 0.0


STATION_CONDITIONS: Final[dict[str, StationCondition]] = {
    "connected": StationCondition("it is connected", lambda station, _: station.is_connected),
    "disconnected": StationCondition("it is not connected", lambda station, _: not station.is_connected),
    "registered": StationCondition(
        "the CSMS has accepted its BootNotification, and it is connected",
        lambda station, _: station.is_connected and station.provisioning.may_send,
    ),
    "transaction": StationCondition(
        "a transaction runs at the EVSE", lambda station, place: station.transactions.on_evse(place.evse) is not None
    ),
    "no_transaction": StationCondition(
        "none runs there", lambda station, place: station.transactions.on_evse(place.evse) is None
    ),
    "queue_empty": StationCondition(
        "the CSMS has answered all that it must not miss", lambda station, _: station.message_queue.length == 0
    ),
    "energy": StationCondition("Wh that the EVSE has given in its transaction", _energy, judged=True),
    "power": StationCondition("W that it gives now", _power, judged=True),
    "status": StationCondition(
        "the connector: Available, Occupied, Reserved, Unavailable or Faulted",
        lambda station, place: station.availability.status(place.evse, place.connector),
        judged=True,
    ),
    "queue": StationCondition(
        "messages that wait for the CSMS", lambda station, _: station.message_queue.length, judged=True
    ),
}
"""By name."""
