"""A peer that does wrong without end costs neither the disk nor the memory of its host."""

from __future__ import annotations

import logging

import pytest

from ocppflow import CSMS, Version
from ocppflow.log_budget import BUDGET, IN_FULL
from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.memory import memory_pair


async def test_the_log_of_one_station_is_bounded_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    csms = CSMS(clock=clock)
    link, there = memory_pair("CS1", clock=clock)
    csms.accept(there)
    link.attach(Deaf())
    with caplog.at_level(logging.WARNING, "ocppflow"):
        for number in range(1234):
            link.send(b'[2,"%d","Nonsense",{}]' % number)
        await settle()
        BUDGET.tell()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == IN_FULL + 1
    assert said[-1].startswith(f"CS1: {1234 - IN_FULL:,} more like this were not logged, such as: refused: ")
    await csms.close()


async def test_a_station_that_left_nothing_to_remember_is_forgotten() -> None:
    clock = ManualClock()
    csms = CSMS(clock=clock)
    for number in range(3):
        link, there = memory_pair(f"stranger-{number}", clock=clock)
        csms.accept(there)
        link.attach(Deaf())
        link.send(b'[2,"1","Heartbeat",{}]')
        await settle()
        link.close()
        await settle()
    assert csms.known("stranger-0") is None


async def test_a_registration_outlives_the_connection_unless_its_identity_is_endless() -> None:
    clock = ManualClock()
    csms = CSMS(clock=clock)
    for identity in ("CS1", "x" * 300):
        link, there = memory_pair(identity, Version.V16, clock=clock)
        csms.accept(there).history.registration = "Pending"
        link.attach(Deaf())
        link.close()
        await settle()
    assert csms.known("CS1") is not None
    assert csms.known("x" * 300) is None


async def test_a_peer_that_two_make_wait_waits_for_both() -> None:
    clock = ManualClock()
    csms = CSMS(clock=clock)
    link, there = memory_pair("CS1", clock=clock)
    station = csms.accept(there)
    heard: list[str] = []
    csms.on_any(lambda station, call: heard.append(call.action))
    link.attach(Deaf())
    station.pause_reading()  # the flow has fallen behind
    station.under_pressure(True)  # and too many messages wait for their handlers
    station.under_pressure(False)
    link.send(b'[2,"1","Heartbeat",{}]')
    await settle()
    assert heard == []
    station.resume_reading()
    await settle()
    assert heard == ["Heartbeat"]
    await csms.close()


class Deaf:
    """A peer that does not care what it is told."""

    def received(self, data: bytes) -> None: ...
    def received_binary(self, data: bytes) -> None: ...
    def closed(self, code: int, reason: str) -> None: ...
