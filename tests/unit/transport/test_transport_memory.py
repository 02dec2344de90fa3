"""The memory Links keep the contract of a Link, and their faults do what they say."""

from __future__ import annotations

import asyncio

from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.link import Link
from ocppflow.transport.memory import MemoryLink, memory_pair
from ocppflow.transport.turns import SLICE_FRAMES


class Recorder:
    def __init__(self, link: Link) -> None:
        self.events: list[object] = []
        link.attach(self)

    def received(self, data: bytes) -> None:
        self.events.append(data)

    def received_binary(self, data: bytes) -> None:
        self.events.append(bytearray(data))

    def closed(self, code: int, reason: str) -> None:
        self.events.append((code, reason))


def _pair(clock: ManualClock | None = None) -> tuple[MemoryLink, Recorder, MemoryLink, Recorder]:
    station, csms = memory_pair(clock=clock)
    return station, Recorder(station), csms, Recorder(csms)


async def test_messages_arrive_in_order_and_never_inside_send() -> None:
    station, _, csms, heard = _pair()
    station.send(b"1")
    station.send_binary(bytes(7))
    station.send(b"2")
    assert heard.events == []
    await settle()
    assert heard.events == [b"1", bytearray(7), b"2"]
    assert station.sent == [b"1", b"2"]
    assert csms.peer == station.peer


async def test_what_came_before_attach_is_kept() -> None:
    station, csms = memory_pair()
    station.send(b"early")
    await settle()
    heard = Recorder(csms)
    await settle()
    assert heard.events == [b"early"]


async def test_close_comes_after_the_messages_and_once_to_each_end() -> None:
    station, at_station, csms, at_csms = _pair()
    csms.send(b"last words")
    csms.close(1001, "going away")
    csms.send(b"too late")
    csms.close(1000, "again")
    assert not csms.is_open
    assert station.is_open
    await asyncio.wait_for(csms.wait_closed(), 1)
    assert at_station.events == [b"last words", (1001, "going away")]
    assert at_csms.events == [(1001, "going away")]
    assert not station.is_open


async def test_hold_release_and_drop() -> None:
    station, _, _, heard = _pair()
    station.hold()
    station.send(b"1")
    await settle()
    assert heard.events == []
    station.release()
    await settle()
    assert heard.events == [b"1"]
    station.hold()
    station.send(b"2")
    assert station.drop() == 1
    station.release()
    station.send(b"3")
    await settle()
    assert heard.events == [b"1", b"3"]


async def test_break_loses_what_is_on_the_way_and_tells_both_ends() -> None:
    station, at_station, csms, at_csms = _pair()
    station.send(b"lost")
    station.break_()
    assert not csms.is_open
    assert at_csms.events == []
    await settle()
    assert at_station.events == at_csms.events == [(1006, "connection lost")]
    await asyncio.wait_for(station.wait_closed(), 1)


async def test_a_close_that_nobody_answers_ends_after_the_close_timeout() -> None:
    clock = ManualClock()
    station, at_station, _, at_csms = _pair(clock)
    station.hold()
    station.close(1000, "bye")
    await clock.advance(9.9)
    assert at_station.events == []
    await clock.advance(0.2)
    assert at_station.events == [(1006, "close time-out")]
    assert at_csms.events == [(1006, "connection lost")]


async def test_paused_reading_holds_messages_back() -> None:
    station, _, csms, heard = _pair()
    csms.pause_reading()
    station.send(b"1")
    await settle()
    assert heard.events == []
    csms.resume_reading()
    await settle()
    assert heard.events == [b"1"]


def test_without_a_loop_the_test_pumps() -> None:
    station, at_station, csms, at_csms = _pair()
    station.send(b"1")
    assert at_csms.events == []
    assert csms.pump() == 1
    csms.close()
    assert station.pump() == 1
    assert csms.pump() == 1
    assert at_csms.events == [b"1", (1000, "")]
    assert at_station.events == [(1000, "")]


async def test_last_received_follows_the_clock() -> None:
    clock = ManualClock(start=5.0)
    station, _, csms, _ = _pair(clock)
    await clock.advance(3.0)
    station.send(b"1")
    await settle()
    assert csms.last_received == 8.0
    assert station.last_received == 5.0


async def test_a_link_tells_its_state() -> None:
    station, csms = memory_pair("CS1")
    Recorder(station)
    Recorder(csms)
    assert repr(station) == "<MemoryLink CS1 open>"
    station.close()
    assert repr(station) == "<MemoryLink CS1 closing>"
    await settle()
    assert (repr(station), repr(csms)) == ("<MemoryLink CS1 closed>", "<MemoryLink CS1 closed>")


async def test_after_its_close_an_end_hears_nothing_but_the_peers() -> None:
    station, at_station, csms, at_csms = _pair()
    csms.close(1000, "bye")
    station.send(b"too late")
    station.send_binary(b"too late")
    await settle()
    assert at_csms.events == [(1000, "bye")]
    assert at_station.events == [(1000, "bye")]


async def test_a_flood_lets_others_come_in_between() -> None:
    station, _, _, heard = _pair()
    for number in range(3 * SLICE_FRAMES):
        station.send(b"%d" % number)
    for slices in range(1, 4):
        await asyncio.sleep(0)
        assert len(heard.events) == slices * SLICE_FRAMES
