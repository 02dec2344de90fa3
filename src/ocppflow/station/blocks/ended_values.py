"""EndedValues: meter values that are collected during a transaction and only told when it ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ocppflow.messages import v21

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

AREA: Final = "ended_values"

MOST: Final = 200
"""Values of one transaction. More make the Ended event too long, so every second one is dropped (J02.FR.20)."""


class EndedValues:
    """They are kept in the store one by one, under the transaction's id and a number."""

    __slots__ = ("_station", "_values")

    def __init__(self, station: CompleteStation) -> None:
        self._station = station
        self._values: dict[str, dict[int, v21.MeterValueType]] = {}
        for key, value in station.store.load(AREA, v21.MeterValueType).items():
            transaction, _, number = key.partition(" ")
            self._values.setdefault(transaction, {})[int(number)] = value

    def collect(self, transaction: str, values: Iterable[v21.MeterValueType], *, commit: bool = False) -> None:
        """Keep values for the end; durable with the next commit, or with one of its own."""
        store = self._station.store
        for value in values:
            kept = self._values.setdefault(transaction, {})
            number = max(kept, default=0) + 1
            kept[number] = value
            store.put(AREA, _key(transaction, number), value)
            if len(kept) > MOST:
                for dropped in list(kept)[1:-1:2]:  # the first and the last are what is billed
                    del kept[dropped]
                    store.remove(AREA, _key(transaction, dropped))
        if commit:
            store.commit()

    def take(self, transaction: str) -> list[v21.MeterValueType]:
        """All that was collected, in the order in which it was measured, which is not that of the timestamps when the
        time of day has been set back; the store forgets it with the next commit."""
        values = list(self._values.get(transaction, {}).values())
        self.forget(transaction)
        return values

    def forget(self, transaction: str) -> None:
        """The transaction is over, or has never begun."""
        for number in self._values.pop(transaction, {}):
            self._station.store.remove(AREA, _key(transaction, number))


def _key(transaction: str, number: int) -> str:
    return f"{transaction} {number:06}"
