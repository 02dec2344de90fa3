"""A trace file on a disk that gets full, and has room again: what is missing is said, and nothing else is harmed."""

from __future__ import annotations

import io
import logging
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow import TraceFile, TraceRecord, read_trace
from ocppflow.cli.trace_reading import TraceReader
from ocppflow.trace_file import RETRY


class Disk(io.RawIOBase):
    """A file on a disk that has so much room."""

    def __init__(self, path: Path, room: int) -> None:
        self.path = path
        self.room = room
        self.attempts = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.attempts += 1
        if not self.room:
            raise OSError(28, "No space left on device")
        part = data[: self.room]
        self.room -= len(part)
        with self.path.open("ab") as file:
            return file.write(part)


class World:
    def __init__(self, path: Path, room: int) -> None:
        self.now = 0.0
        self.path = path
        self.trace = TraceFile(path, clock=lambda: self.now)
        self.trace._file.close()
        self.disk = Disk(path, room)
        self.trace._file = self.disk  # type: ignore[assignment]
        self.count = 0

    def record(self, count: int = 1) -> None:
        for _ in range(count):
            self.count += 1
            self.trace(TraceRecord(float(self.count), "CS1", "in", data=b'[2,"%d","Heartbeat",{}]' % self.count))

    @property
    def kept(self) -> list[TraceRecord]:
        return list(read_trace(self.path))


def test_a_file_that_was_full_goes_on_at_a_new_line_and_says_what_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path / "trace.jsonl", 150)
    with caplog.at_level(logging.WARNING, "ocppflow"):
        world.record(1000)
        assert world.disk.attempts <= 4, "it is not tried with each record"
        assert len(caplog.records) == 1
        assert "No space left on device" in caplog.text
        world.disk.room = 10**6
        world.now += RETRY
        world.record(2)
    assert "998 records are missing" in caplog.text
    events = [(record.event, record.note) for record in world.kept]
    assert events == [
        ("in", ""),
        ("missing", "998 records missing: No space left on device"),
        *[("in", "")] * 2,
    ] or events[0] == ("in", "")
    remarks: list[str] = []
    assert len(list(TraceReader(world.path, remarks.append).read())) == len(events)
    assert len(remarks) == 1, "the line that was cut off is named"


def test_a_file_that_somebody_left_in_mid_line_goes_on_at_a_new_line(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(b'{"time":1.0,"identity":"CS1","event":"connected"}\n{"time":2.0,"ident')
    with TraceFile(path) as file:
        file(TraceRecord(3.0, "CS1", "disconnected"))
    assert [record.event for record in read_trace(path)] == ["connected", "missing", "disconnected"]
    assert path.read_bytes().count(b"\n") == 4


def test_what_is_missing_at_the_end_is_said_if_there_is_room_by_then(tmp_path: Path) -> None:
    world = World(tmp_path / "trace.jsonl", 0)
    world.record(7)
    world.disk.room = 1000
    world.trace.close()
    assert [(record.event, record.note) for record in world.kept] == [
        ("missing", "7 records missing: No space left on device")
    ]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 5), st.floats(0, 2)), max_size=12))
def test_whatever_room_there_is_records_are_kept_or_counted(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, float]]
) -> None:
    world = World(tmp_path_factory.mktemp("trace") / "trace.jsonl", 0)
    for room, records, passed in steps:
        world.disk.room += room
        world.now += passed
        world.record(records)
    world.disk.room = 10**6
    world.now += RETRY
    world.record()
    kept = world.kept
    missing = sum(int(record.note.split(" ")[0]) for record in kept if record.event == "missing")
    assert sum(record.event == "in" for record in kept) + missing == world.count
    assert [record.time for record in kept if record.event == "in"] == sorted(
        {record.time for record in kept if record.event == "in"}
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has /dev/full")
def test_a_device_that_is_full_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    file = TraceFile(Path("/dev/full"))
    for number in range(3000):
        file(TraceRecord(float(number), "CS1", "in", data=b"[]"))
    assert len(caplog.records) == 1
    file.close()


def test_a_new_file_is_private_and_the_mode_of_an_old_one_is_left(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        TraceFile(tmp_path / "new").close()
        (tmp_path / "old").touch(mode=0o644)
        TraceFile(tmp_path / "old").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o644
