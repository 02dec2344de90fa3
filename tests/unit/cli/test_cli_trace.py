"""``ocppflow trace``: tables, JSON, and what is wrong with the file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from cli_world import OTHER, SESSION, START, record
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from ocppflow.cli.conversation import Conversation
from ocppflow.cli.entry_lines import show
from ocppflow.cli.paint import Paint, cells, fit
from ocppflow.cli.payload_summary import summary
from ocppflow.cli.trace_table import print_tables
from ocppflow.trace import to_line


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


def test_the_most_telling_fields_come_first() -> None:
    payload = b'{"timestamp":"2026","seqNo":3,"transactionInfo":{"transactionId":"T"},"eventType":"Ended"}'
    assert summary(payload) == "eventType Ended, transactionId T"
    assert summary(b'{"currentTime":"2026"}') == "currentTime 2026"
    assert summary(b"{}") == ""
    variables = b'{"getVariableData":[{"component":{"name":"Ctrlr"},"variable":{"name":"Interval"}}]}'
    assert summary(variables) == "component Ctrlr, variable Interval"
