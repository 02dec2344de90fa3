"""``ocppflow trace --follow``: a file that grows, is truncated, or is replaced."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_world import OTHER, SESSION

from ocppflow.cli.trace_reading import Remarks, TraceReader
from ocppflow.trace import to_line


class Over(Exception):
    """Ends a follow."""


def follow(file: Path, *steps: Callable[[], object]) -> tuple[list[str], list[str]]:
    """The events that a follower sees while the steps happen, one whenever it waits; and its remarks."""
    remaining = list(steps)
    remarks: list[str] = []
    seen: list[str] = []

    def wait() -> None:
        if not remaining:
            raise Over
        remaining.pop(0)()

    try:
        for each in TraceReader(file, remarks.append).follow(wait):
            seen.append(each.data.decode() or each.event)
    except Over:
        return seen, remarks
    raise AssertionError("a follow has no end of its own")


def append(file: Path, data: bytes) -> Callable[[], object]:
    def step() -> None:
        with file.open("ab") as out:
            out.write(data)

    return step


def test_follow_shows_what_is_there_and_what_is_added_a_whole_line_at_a_time(trace_file: Any) -> None:
    file = trace_file(SESSION[:1])
    line = to_line(SESSION[3])
    seen, remarks = follow(file, append(file, line[:30]), append(file, line[30:] + line[:5]), append(file, line[5:]))
    assert seen == ["connected", SESSION[3].data.decode(), SESSION[3].data.decode()]
    assert remarks == []


def test_follow_survives_truncation(trace_file: Any) -> None:
    file = trace_file(SESSION[:3])
    seen, remarks = follow(file, lambda: file.write_bytes(to_line(OTHER[0])), append(file, to_line(SESSION[9])))
    assert seen[3:] == ["connected", "disconnected"]
    assert remarks == [f"{file} was truncated; reading it from its start"]


def test_follow_survives_rotation(trace_file: Any, tmp_path: Path) -> None:
    file = trace_file(SESSION[:1])

    def replace() -> None:
        (tmp_path / "new").write_bytes(to_line(SESSION[9]))
        os.replace(tmp_path / "new", file)

    seen, remarks = follow(file, lambda: os.rename(file, tmp_path / "old"), replace)
    assert seen == ["connected", "disconnected"]
    assert remarks == [f"{file} was replaced; reading it from its start"]


def test_follow_ends_with_ctrl_c_and_prints_lines(cli: Any, trace_file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ocppflow.cli.trace_command.time.sleep", interrupt)
    result = cli("trace", "-f", trace_file(SESSION + OTHER))
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert len(lines) == len(SESSION + OTHER)
    assert " ".join(lines[2].split()[1:]) == "CS1 ◀── ↳ BootNotification 4.0 ms status Accepted, interval 300"
    errors = cli("trace", "-f", "-e", trace_file(SESSION)).out.splitlines()
    assert [line.split()[2:][-1] for line in errors][:1] == ["Immediate"]
    assert len(errors) == 6


def test_remarks_are_counted() -> None:
    said: list[str] = []
    remarks = Remarks(said.append, most=1)
    for n in range(3):
        remarks(str(n))
    remarks.close()
    assert said == ["0", "2 more lines were skipped"]
