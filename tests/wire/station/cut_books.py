"""The books of a CSMS that has heard a station of a CutWorld, and what must hold of them."""

from __future__ import annotations

from typing import Any

import pytest
from cut_world import CutWorld

from ocppflow.messages import Version

Payload = dict[str, Any]

GONE = ("queue", "transactions", "ended_values", "transactions_16", "charging_terms", "transaction_costs")
"""Of these areas nothing is left when all has ended, and been told."""


def check(world: CutWorld) -> None:
    """Nothing is lost, doubled or said in two ways; all the energy is in the books."""
    assert world.queue == 0
    assert not world.areas() & set(GONE)
    if world.reserved and "reservations" not in world.areas() and (world.sent("TransactionEvent") or _coarse(world)):
        told = [each.get("reservationId") for _, each in world.heard]
        assert 7 in told, "a reservation was used up, and no transaction tells of it"
    drawn = check_16(world) if world.version is Version.V16 else check_2x(world)
    assert sum(final - first for first, final in drawn) == pytest.approx(world.register, abs=0.01 + _coarse(world))
    last = 0.0
    for first, final in drawn:
        assert last <= first + 1 <= final + 1, "the register has gone back"
        last = first


def _coarse(world: CutWorld) -> float:
    return len(world.sent("StartTransaction"))  # 1.6 counts in whole Wh


def check_2x(world: CutWorld) -> list[tuple[float, float]]:
    """By transaction the register at its beginning and end, in the order in which they were heard of."""
    books: dict[str, dict[int, Payload]] = {}
    for event in world.sent("TransactionEvent"):
        book = books.setdefault(event["transactionInfo"]["transactionId"], {})
        assert book.setdefault(event["seqNo"], event) == event, "one seqNo with two contents"
    for book in books.values():
        assert sorted(book) == list(range(len(book))), "a seqNo is missing"
        kinds = [book[number]["eventType"] for number in range(len(book))]
        assert kinds == ["Started", *["Updated"] * (len(kinds) - 2), "Ended"]
        begins = [each for event in book.values() for each in _registers(event) if each[0] == "Transaction.Begin"]
        assert len(begins) <= 2, "a transaction has begun twice"  # told at the beginning, and again at the end
    late = {""} if "EnergyTransfer" in world.station.transactions.points("TxStartPoint") else set()
    assert set(world.energized) - late <= books.keys(), "energy was allowed that the CSMS has never heard of"
    ends = [_registers(book[len(book) - 1]) for book in books.values()]
    return [(values[0][1], values[-1][1]) for values in ends if values]


def _registers(event: Payload) -> list[tuple[str, float]]:
    return [
        (value.get("context", ""), value["value"])
        for meter in event.get("meterValue", ())
        for value in meter["sampledValue"]
        if value["measurand"] == "Energy.Active.Import.Register"
    ]


def check_16(world: CutWorld) -> list[tuple[float, float]]:
    """The same. What comes again is the same to the letter."""
    starts: list[Payload] = []
    stops: dict[int, Payload] = {}
    for start in world.sent("StartTransaction"):
        if start not in starts:
            starts.append(start)
    for stop in world.sent("StopTransaction"):
        assert stops.setdefault(stop["transactionId"], stop) == stop, "one transaction is stopped in two ways"
    assert sorted(stops) == list(range(1, len(starts) + 1)), "starts and stops do not match"
    assert len(starts) == len({start["timestamp"] + str(start["meterStart"]) for start in starts}), "doubled"
    return [(start["meterStart"], stops[number]["meterStop"]) for number, start in enumerate(starts, 1)]
