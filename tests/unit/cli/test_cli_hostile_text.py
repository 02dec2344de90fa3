"""Whatever a peer, or a trace file of unknown origin, holds: it is shown, and sends the terminal no command."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

from cli_world import START, record
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.cli.conversation import Conversation
from ocppflow.cli.csms_log import JSONLines, Lines
from ocppflow.cli.entry_lines import coloured, plain
from ocppflow.cli.paint import Paint
from ocppflow.cli.trace_table import print_tables
from ocppflow.trace import TraceRecord


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
