"""``ocppflow trace``: tables, JSON, what is wrong with the file, and a file that grows."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from ocppflow.cli.conversation import Conversation
from ocppflow.cli.csms_log import JSONLines, Lines
from ocppflow.cli.entry_lines import coloured, plain, show
from ocppflow.cli.paint import Paint, cells, fit
from ocppflow.cli.payload_summary import summary
from ocppflow.cli.trace_reading import Remarks, TraceReader
from ocppflow.cli.trace_table import print_tables
from ocppflow.trace import TraceRecord, to_line

START = 1_700_000_000.0


def record(after: float, event: str, data: str = "", identity: str = "CS1", **more: Any) -> TraceRecord:
    more.setdefault("role", "CSMS")
    more.setdefault("version", "2.0.1")
    return TraceRecord(START + after, identity, event, data=data.encode(), **more)  # type: ignore[arg-type]


SESSION = [
    record(0, "connected", address="127.0.0.1:5"),
    record(0.1, "in", '[2,"b1","BootNotification",{"reason":"PowerUp"}]'),
    record(0.104, "out", '[3,"b1",{"status":"Accepted","interval":300}]', latency=0.004),
    record(0.2, "out", '[2,"r1","Reset",{"type":"Immediate"}]'),
    record(0.3, "in", '[4,"r1","NotSupported","no reset here",{}]', latency=0.1),
    record(0.4, "in", '[2,"h1","Heartbeat",{"now":1}]', note="refused: FormatViolation: $.now"),
    record(0.4, "out", '[4,"h1","FormatViolation","$.now",{}]'),
    record(0.5, "in", "{nonsense", note="RpcFrameworkError"),
    record(0.6, "out", '[2,"g1","GetLog",{}]'),
    record(0.7, "disconnected", note="1006 lost"),
]
OTHER = [
    record(0.05, "connected", identity="CS2", version="2.1"),
    record(0.15, "in", '[6,"s1","NotifyPeriodicEventStream",{"id":1}]', identity="CS2", version="2.1"),
    record(0.65, "refused", identity="CS3", version="", note="HTTP 404: not known"),
]


@pytest.fixture
def trace_file(tmp_path: Path) -> Callable[..., Path]:
    def write(records: Iterable[TraceRecord], extra: bytes = b"") -> Path:
        file = tmp_path / "t.jsonl"
        file.write_bytes(b"".join(map(to_line, records)) + extra)
        return file

    return write


def rows(out: str) -> list[str]:
    """The lines of a table without their time."""
    return [line[13:].rstrip() for line in out.splitlines() if line[2:3] == ":"]


def test_each_station_has_its_table_with_arrows_latencies_and_marks(cli: Any, trace_file: Any) -> None:
    result = cli("trace", trace_file(SESSION + OTHER))
    assert result.code == 0
    assert result.err == ""
    headings = [line for line in result.out.splitlines() if line.startswith("CS")]
    assert headings == [
        "CS1  OCPP 2.0.1 · 2023-11-14 · 8 messages · 4 errors · 1 warning",
        "CS2  OCPP 2.1 · 2023-11-14 · 1 message",
        "CS3  2023-11-14 · 0 messages · 1 error",
    ]
    text = [" ".join(row.split()) for row in rows(result.out)]
    assert text == [
        "● connected, OCPP 2.0.1 127.0.0.1:5",
        "──▶ BootNotification reason PowerUp",
        "◀── ↳ BootNotification 4.0 ms status Accepted, interval 300",
        "◀── Reset type Immediate",
        "──▶ ✗ ↳ Reset 100.0 ms NotSupported: no reset here",
        "──▶ ✗ Heartbeat refused: FormatViolation: $.now · now 1",
        "◀── ✗ ↳ Heartbeat FormatViolation",
        "──▶ ✗ unreadable not a message of OCPP-J; RpcFrameworkError: {nonsense",
        "◀── ✗ GetLog no answer before the connection ended",
        "● ! disconnected 1006 lost",
        "● connected, OCPP 2.1",
        "──▶ NotifyPeriodicEventStream id 1",
        "● ✗ refused HTTP 404: not known",
    ]


def test_station_leaves_the_others_out(cli: Any, trace_file: Any) -> None:
    file = trace_file(SESSION + OTHER)
    assert [line[:3] for line in cli("trace", file, "-s", "CS2").out.splitlines() if line[:2] == "CS"] == ["CS2"]
    nobody = cli("trace", file, "--station", "CS9")
    assert (nobody.code, nobody.out) == (0, "")
    assert nobody.err == "ocppflow: nothing to show: no station CS9; the trace has CS1, CS2, CS3\n"


def test_errors_leaves_what_went_wrong_and_the_calls_it_is_about(cli: Any, trace_file: Any) -> None:
    out = cli("trace", trace_file(SESSION), "--errors", "--json").out
    shown = [(line["kind"], line.get("action", "")) for line in map(json.loads, out.splitlines())]
    assert shown == [
        ("CALL", "Reset"),
        ("CALLERROR", "Reset"),
        ("CALL", "Heartbeat"),
        ("CALLERROR", "Heartbeat"),
        ("unreadable", ""),
        ("CALL", "GetLog"),
        ("disconnected", ""),
    ]


def test_a_trace_without_errors_says_so(cli: Any, trace_file: Any) -> None:
    assert cli("trace", trace_file(SESSION[:3]), "-e").err == "ocppflow: nothing to show: no errors\n"


def test_json_has_one_object_a_record_and_payloads_as_they_travelled(cli: Any, trace_file: Any) -> None:
    records = [record(0, "in", '[2,"1","MeterValues",{"value":8.10}]'), record(0.5, "out", '[3,"1",{}]', latency=0.5)]
    out = cli("trace", trace_file(records), "--json").out.splitlines()
    assert '"payload":{"value":8.10}' in out[0]
    assert json.loads(out[1]) == {
        "time": START + 0.5,
        "station": "CS1",
        "kind": "CALLRESULT",
        "version": "2.0.1",
        "from": "CSMS",
        "to": "CS",
        "action": "MeterValues",
        "id": "1",
        "latency": 0.5,
        "payload": {},
    }


def test_an_answer_belongs_to_the_call_of_its_direction() -> None:
    """Both sides may use the same id at the same time (OCPP-J 2.0.1 Part 4, 4.1.4)."""
    conversation = Conversation()
    frames = [
        ("in", '[2,"1","Heartbeat",{}]'),
        ("out", '[2,"1","Reset",{}]'),
        ("in", '[3,"1",{}]'),
        ("out", '[3,"1",{}]'),
    ]
    actions = [conversation.feed(record(n, event, data)).action for n, (event, data) in enumerate(frames)]
    assert actions == ["Heartbeat", "Reset", "Reset", "Heartbeat"]


def test_a_callresulterror_names_the_action_and_its_call(cli: Any, trace_file: Any) -> None:
    """It comes after the answer that it refuses, and goes the way of the call (OCPP-J 2.1 Part 4, 4.2.4)."""
    records = [
        record(0, "out", '[2,"1","Reset",{"type":"Immediate"}]', version="2.1"),
        record(0.1, "in", '[3,"1",{"status":"No"}]', version="2.1"),
        record(0.2, "out", '[5,"1","PropertyConstraintViolation","$.status",{}]', version="2.1"),
        record(0.3, "out", '[5,"1","PropertyConstraintViolation","$.status",{}]', version="2.1"),
    ]
    text = [" ".join(row.split()) for row in rows(cli("trace", trace_file(records)).out)]
    assert text[2] == "◀── ✗ ↳ Reset PropertyConstraintViolation: $.status"
    assert text[3] == "◀── ✗ ↳ answer to 1 PropertyConstraintViolation: $.status", "once is enough"
    shown = [json.loads(line)["kind"] for line in cli("trace", trace_file(records), "-e", "--json").out.splitlines()]
    assert shown == ["CALL", "CALLRESULTERROR", "CALLRESULTERROR"]


def test_what_both_sides_wrote_into_one_file_is_shown_once(cli: Any, trace_file: Any) -> None:
    """As the CSMS saw it, unless --role asks for the other."""
    call = '[2,"1","Heartbeat",{}]'
    file = trace_file([record(0, "out", call, role="CS"), record(0.1, "in", call)])
    result = cli("trace", file, "--json")
    assert [json.loads(line)["time"] for line in result.out.splitlines()] == [START + 0.1]
    assert result.err == "ocppflow: left out 1 record of the stations' own view; --role CS shows that view\n"
    other = cli("trace", file, "--json", "--role", "CS")
    assert [json.loads(line)["time"] for line in other.out.splitlines()] == [START]
    assert other.err == ""
    cli("trace", file, "--role", "EV").failed_with("--role EV: it must be CSMS or CS")


def test_control_characters_of_a_peer_do_not_reach_the_terminal(cli: Any, trace_file: Any) -> None:
    evil = '[2,"1","Data\\u001b[2JTransfer",{"vendorId":"\\u001b]0;x\\u0007\\u202e"}]'
    result = cli("trace", trace_file([record(0, "in", evil, identity="CS\x1b[31m")]))
    assert not set("\x1b\x07\u202e") & set(result.out)
    assert "\\x1b" in result.out
    raw = record(0, "in", '[2,"1","DataTransfer",{"vendorId":"\x9b2J\u202e"}]', note="\x9b\x1b")
    as_json = cli("trace", trace_file([raw]), "--json").out
    assert not set("\x9b\x1b\u202e") & set(as_json)
    assert json.loads(as_json)["payload"] == {"vendorId": "\x9b2J\u202e"}, "and means the same"


HOSTILE = st.text(st.sampled_from("\x1b\x07\x9b\x7f\u202e\u2028\n\r]0;ab [1m"), max_size=20)


@given(
    HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.sampled_from(["in", "out", "connected", "disconnected", "refused"])
)
def test_no_field_of_a_record_steers_the_terminal(
    identity: str, version: str, address: str, note: str, text: str, event: str
) -> None:
    """In a table, in a line, and in the log, for people or for programs; a trace file may come from anybody."""
    frames = [text, json.dumps([2, text, text, {text: text}]), json.dumps([4, text, text, text, {}])]
    raw = [frame.replace("\\u009b", "\x9b").encode("utf-8", "replace") for frame in frames]
    records = [TraceRecord(START, identity, event, "CSMS", version, address, note=note, data=data) for data in raw]  # type: ignore[arg-type]
    conversation, lines = Conversation(), Lines(Paint(io.StringIO()))
    entries = [conversation.feed(each) for each in records]
    table = io.StringIO()
    print_tables(entries, table)
    shown = [table.getvalue().replace("\n", "")]
    shown += [coloured(entry).plain for entry in entries]
    shown += [make.frame(entry) for entry in entries if entry.is_frame for make in (lines, JSONLines())]
    log = logging.LogRecord("ocppflow", logging.WARNING, "", 0, "%s: %s", (identity, text), None)
    shown += [make.record(log, identity, text) for make in (lines, JSONLines())]
    assert all(each.isprintable() for each in shown), shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_on_a_terminal_no_line_is_wider_than_it_and_no_fault_is_cut(
    trace_file: Any, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    fault = "refused: FormatViolation: " + " ".join(f"word{n}" for n in range(40))
    strange = record(0, "in", '[2,"1","DataTransfer",{"vendorId":"充电桩充电桩充电桩充电桩充电桩充电桩"}]')
    conversation = Conversation()
    entries = [
        conversation.feed(each) for each in [*SESSION, strange, record(1, "in", '[2,"2","Reset",{}]', note=fault)]
    ]
    out = Terminal()
    print_tables(entries, out)
    _heading, *lines = out.getvalue().splitlines()
    assert max(map(cells, lines)) <= max(width, 58), "58 is the least it can do with"
    assert all(f"word{n}" in out.getvalue() for n in range(40))


def test_a_line_on_a_terminal_is_cut_to_its_width_but_no_fault_is() -> None:
    console = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None)
    words = " ".join(f"word{n}" for n in range(40))
    conversation = Conversation()
    show(console, conversation.feed(record(0, "in", f'[2,"1","DataTransfer",{{"vendorId":"{"x" * 39}","data":"y"}}]')))
    show(console, conversation.feed(record(0, "in", '[2,"2","Heartbeat",{}]', note=f"refused: {words}")))
    line, *fault = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(line) == 60
    assert line.endswith("…")
    assert words in "".join(fault)


def test_colours_are_for_terminals_without_no_color(trace_file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Paint(Terminal())("x", "red") == "\x1b[31mx\x1b[0m"
    assert Paint(io.StringIO())("x", "red") == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Paint(Terminal())("x", "red") == "x"


@given(st.text(max_size=30), st.integers(2, 20))
@example("\x1f00", 2)  # a control character takes no cell
def test_fit_fills_exactly_its_cells(text: str, width: int) -> None:
    assert cells(fit(text, width)) == width


# --- what is wrong with the file -----------------------------------------------------------------------------------


def test_a_file_that_is_missing_or_a_folder_is_one_line(cli: Any, tmp_path: Path) -> None:
    cli("trace", tmp_path / "no.jsonl").failed_with("no.jsonl: No such file or directory")
    cli("trace", tmp_path / "no.jsonl", "--follow").failed_with("no.jsonl: No such file or directory")
    cli("trace", tmp_path).failed_with("Is a directory")


def test_an_empty_file_is_said_to_be_empty(cli: Any, trace_file: Any) -> None:
    result = cli("trace", trace_file([]))
    assert (result.code, result.out) == (0, "")
    assert result.err.endswith("t.jsonl is empty\n")


def test_a_last_line_that_is_cut_off_is_left_out_with_its_number(cli: Any, trace_file: Any) -> None:
    result = cli("trace", trace_file(SESSION[:2], to_line(SESSION[2])[:40]), "--json")
    assert result.code == 0
    assert result.out.count("\n") == 2
    assert result.err.endswith("t.jsonl, line 3: skipped, cut off\n")


def test_a_last_line_without_its_newline_counts(cli: Any, trace_file: Any) -> None:
    result = cli("trace", trace_file(SESSION[:2], to_line(SESSION[2])[:-1]), "--json")
    assert (result.out.count("\n"), result.err) == (3, "")


def test_foreign_lines_are_left_out_with_their_numbers(cli: Any, trace_file: Any) -> None:
    extra = b'\n{"time":"x"}\n\xff\xfe\nhello\n' + to_line(SESSION[1])
    result = cli("trace", trace_file(SESSION[:1], extra), "--json")
    assert result.out.count("\n") == 2
    assert [line.split(": skipped")[0].rpartition(" ")[2] for line in result.err.splitlines()] == ["3", "4", "5"]


def test_many_foreign_lines_do_not_flood(cli: Any, trace_file: Any) -> None:
    result = cli("trace", trace_file(SESSION[:1], b"x\n" * 1000))
    assert result.err.splitlines()[-1] == "ocppflow: 995 more lines were skipped"
    assert result.err.count("\n") == 6


@pytest.mark.parametrize("content", [b"hello\nworld\n", b"\x89PNG\r\n\x1a\n\x00", b"[1,2]"])
def test_a_file_of_another_kind_is_refused(cli: Any, trace_file: Any, content: bytes) -> None:
    result = cli("trace", trace_file([], content))
    assert result.code == 2
    assert "is not a trace file" in result.err.splitlines()[-1]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path, cli: Any) -> None:
    file = tmp_path / "zeros"
    with file.open("wb") as out:
        out.truncate(2**34)  # 16 GiB of nothing, on no disk
    cli("trace", file).failed_with("line 1: longer than", "not a trace file")


@given(st.binary(max_size=400), st.sampled_from(["in", "out"]), st.sampled_from(["CSMS", "CS", ""]))
def test_no_frame_is_too_strange_to_be_shown(data: bytes, event: str, role: str) -> None:
    conversation = Conversation()
    entry = conversation.feed(TraceRecord(START, "CS1", event, role, data=data))  # type: ignore[arg-type]
    assert "\n" not in plain(entry)
    assert "\n" not in coloured(entry).plain
    conversation.finish()


SCALAR = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
JSON = SCALAR | st.lists(SCALAR, max_size=3) | st.dictionaries(st.text(max_size=5), SCALAR, max_size=3)


@given(st.lists(JSON, max_size=7))
def test_no_array_is_too_strange_to_be_shown(frame: list[Any]) -> None:
    entry = Conversation().feed(record(0, "in", json.dumps(frame)))
    assert "\n" not in plain(entry)


def test_the_most_telling_fields_come_first() -> None:
    payload = b'{"timestamp":"2026","seqNo":3,"transactionInfo":{"transactionId":"T"},"eventType":"Ended"}'
    assert summary(payload) == "eventType Ended, transactionId T"
    assert summary(b'{"currentTime":"2026"}') == "currentTime 2026"
    assert summary(b"{}") == ""
    variables = b'{"getVariableData":[{"component":{"name":"Ctrlr"},"variable":{"name":"Interval"}}]}'
    assert summary(variables) == "component Ctrlr, variable Interval"


# --- a file that grows ---------------------------------------------------------------------------------------------


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
