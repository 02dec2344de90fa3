"""What the log of ``ocppflow csms`` keeps and writes is bounded in bytes, whatever stations send."""

from __future__ import annotations

import io
import json
import logging
import tracemalloc
from collections.abc import Callable

import pytest

from ocppflow import TraceRecord
from ocppflow.cli.conversation import MAX_OPEN_BYTES, Conversation
from ocppflow.cli.csms_log import ALL_FAULTS_PER_SECOND, FAULTS_PER_SECOND, CSMSLog, JSONLines, Lines
from ocppflow.cli.log_sink import CHARACTERS_PER_SECOND, MOST_WAITING, LogSink
from ocppflow.cli.paint import Paint
from ocppflow.quotas import BURST

MIB = 2**20
BIG = b'"' + b"x" * MIB + b'"'


def frame(number: int, *, text: bytes = BIG, version: str = "2.1", identity: str = "CS1") -> TraceRecord:
    data = b'[2,"%d","DataTransfer",{"vendorId":"v","data":%s}]' % (number, text)
    return TraceRecord(1000.0, identity, "in", "CSMS", version, data=data)


def answer(number: int) -> TraceRecord:
    return TraceRecord(1000.0, "CS1", "out", "CSMS", "2.1", data=b'[3,"%d",{"status":"Accepted"}]' % number)


def kept_by(work: Callable[[], object]) -> int:
    """Bytes that are still in use when ``work`` has been done."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        left = work()
        return tracemalloc.get_traced_memory()[0] - before + 0 * bool(left)
    finally:
        tracemalloc.stop()


def test_calls_of_1_mib_that_nobody_answers_are_forgotten_by_their_bytes() -> None:
    def work() -> Conversation:
        conversation = Conversation()
        for number in range(100):
            conversation.feed(frame(number, text=b'"' + b"x" * MIB + b'"'))
        return conversation

    assert kept_by(work) < 2 * MAX_OPEN_BYTES


def test_answered_calls_and_endless_ids_are_forgotten_by_their_bytes() -> None:
    def work() -> Conversation:
        conversation = Conversation()
        for number in range(400):
            conversation.feed(frame(number, text=b'"' + b"x" * 100_000 + b'"'))
            conversation.feed(answer(number))
            endless = json.dumps([2, f"{number}" + "i" * 100_000, "Heartbeat", {}]).encode()
            conversation.feed(TraceRecord(1000.0, "x" * 100_000 + str(number), "in", "CSMS", "2.1", data=endless))
            conversation.pass_by("x" * 100_000 + str(number), "in", b'[2,"1","Heartbeat",{}]')
        return conversation

    assert kept_by(work) < MAX_OPEN_BYTES


def test_an_error_of_1_mib_is_one_short_line() -> None:
    lines, conversation = Lines(Paint(io.StringIO())), Conversation()
    long = json.dumps([4, "i" * MIB, "c" * MIB, "d" * MIB, {}]).encode()
    entry = conversation.feed(TraceRecord(1000.0, "x" * MIB, "in", "CSMS", "2.1", note="n" * MIB, data=long))
    assert len(lines.frame(entry)) < 3000
    assert len(JSONLines().frame(entry)) < 5000


def test_a_json_line_has_a_frame_whole_or_its_size() -> None:
    conversation = Conversation()
    line = json.loads(JSONLines().frame(conversation.feed(frame(1))))
    assert "frame" not in line
    assert line["bytes"] == len(frame(1).data)
    assert line["action"] == "DataTransfer"
    short = frame(2, text=b'"short"')
    assert json.loads(JSONLines().frame(conversation.feed(short)))["frame"] == short.data.decode()


class World:
    """The log of a CSMS whose stream nobody reads, so that it keeps what waits."""

    def __init__(self, *, as_json: bool = False, reads: bool = True) -> None:
        self.now = 0.0
        self.out = io.StringIO()
        lines = JSONLines() if as_json else Lines(Paint(self.out))
        self.sink = LogSink(self.out, lines.left_out, clock=lambda: self.now)
        if not reads:
            self.sink._start = lambda: None  # type: ignore[method-assign]
        self.log = CSMSLog(self.sink, lines)

    def say(self, record: TraceRecord) -> None:
        if record.note or self.log.wants_message():
            self.log(record)
        else:
            self.log.passed_over(record.identity, record.event, record.data)


@pytest.mark.parametrize("as_json", [True, False])
def test_frames_that_are_shown_take_so_many_characters_per_second(as_json: bool) -> None:
    world = World(as_json=as_json)
    text = b'"' + b"x" * 60_000 + b'"'
    for second in range(5):
        world.now = float(second)
        for number in range(1000):
            world.say(frame(number, text=text))
    world.sink.close(10)
    assert len(world.out.getvalue()) < 5 * (CHARACTERS_PER_SECOND + 100_000)
    assert ("left out" in world.out.getvalue()) is as_json


def test_what_waits_for_a_reader_that_does_not_read_is_bounded() -> None:
    world = World(as_json=True, reads=False)
    for second in range(200):
        world.now = float(second)
        for number in range(5):
            world.say(frame(number, text=b'"' + b"x" * 60_000 + b'"'))
        world.log.emit(logging.LogRecord("ocppflow", logging.WARNING, "", 0, "%s", ("w" * 100_000,), None))
    assert world.sink._waiting <= 2 * MOST_WAITING + 100_000


def test_faults_of_many_stations_are_shared_fairly_and_bounded_in_all() -> None:
    world = World()
    for number in range(200):
        world.say(frame(number, text=b'"quiet"'))
    for station in range(200):
        for number in range(FAULTS_PER_SECOND):
            record = frame(number, text=b'"x"', identity=f"N{station}")
            record.note = "refused: nonsense"
            world.say(record)
    late = frame(1, text=b'"x"', identity="GOOD")
    late.note = "refused: its first fault"
    world.say(late)
    world.sink.close(10)
    text = world.out.getvalue()
    assert "its first fault" in text
    assert text.count("nonsense") <= ALL_FAULTS_PER_SECOND * BURST + 1000
