"""What waits for a runtime that does not read: nothing that a station says is lost, the rest is merged and bounded."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ocppflow.nodes import msgs_out
from ocppflow.nodes.engine.runtime_lines import StatusLine
from ocppflow.nodes.engine.waiting_lines import NETWORKS, WaitingLines
from ocppflow.transport.handshake import RefusedInfo


def refusal(n: int, host: str = "10.0.0.1") -> msgs_out.ConnectionEvent:
    return msgs_out.refused(RefusedInfo(f"CS{n}", f"{host}:{n}", "/ocpp", 401, f"reason {n}"))


def change(station: str, state: str, n: int = 0) -> msgs_out.ConnectionEvent:
    return msgs_out.connection(station, state, {"n": n})


def taken(lines: WaitingLines) -> list[dict[str, Any]]:
    text = lines.take(2**30)
    assert (len(lines), lines.size) == (0, 0)
    return [json.loads(line) for line in text.splitlines()]


def count_of(line: dict[str, Any]) -> int:
    more: int = line["msg"]["payload"].get("more", 0)
    return 1 + more


def test_ten_thousand_refusals_are_one_line_with_their_number_and_the_last_reason():
    lines = WaitingLines()
    for n in range(10_000):
        lines.add_event("m", refusal(n))
        assert lines.size < 400
    [line] = taken(lines)
    assert line["msg"] == {
        "ocpp": {"websocket": "REFUSED", "cbId": "CS9999"},
        "payload": {"reason": "reason 9999", "status": 401, "remote": "10.0.0.1:9999", "more": 9_999},
        "topic": "CS9999/Connection",
    }


def test_refusals_from_ever_new_addresses_are_bounded_too():
    lines = WaitingLines()
    for n in range(10_000):
        lines.add_event("m", refusal(n, f"[2001:db8:0:{n:x}::1]"))
        assert len(lines) <= NETWORKS + 1
    told = taken(lines)
    assert sum(map(count_of, told)) == 10_000
    for n in range(10_000):  # all of them have these to choose from
        lines.add_event("m", refusal(n, f"[2001:db8::{n:x}]"))
    assert [count_of(line) for line in taken(lines)] == [10_000]
    lines.add_event("m", refusal(1))
    assert count_of(taken(lines)[0]) == 1, "what has been told is not counted again"


def test_refusals_of_two_nodes_are_counted_apart():
    lines = WaitingLines()
    for n in range(6):
        lines.add_event("m" if n % 3 else "m2", refusal(n))
    assert {line["node"]: count_of(line) for line in taken(lines)} == {"m": 4, "m2": 2}


def test_of_the_statuses_only_the_newest_of_each_node_waits_and_comes_last():
    lines = WaitingLines()
    lines.add_status(StatusLine("m", "green", "ring", "(1)"))
    lines.add(b'{"op":"closed","node":"m"}')
    for n in range(1000):
        for node in ("m", "m2"):
            lines.add_status(StatusLine(node, "green", "ring", f"({n})"))
    assert [(line["op"], line["node"], line.get("text")) for line in taken(lines)] == [
        ("closed", "m", None),
        ("status", "m", "(999)"),
        ("status", "m2", "(999)"),
    ]


def test_a_station_that_comes_and_goes_a_thousand_times_is_two_lines_at_most():
    lines = WaitingLines(much=0)
    for n in range(1000):
        lines.add_event("m", change("CS1", "ONLINE", 2 * n))
        lines.add_event("m", change("CS1", "OFFLINE", 2 * n + 1))
        assert len(lines) <= 2
    lines.add_event("m", change("CS1", "ONLINE", 2000))
    [line] = taken(lines)
    assert line["msg"]["ocpp"]["websocket"] == "ONLINE"
    assert line["msg"]["payload"] == {"n": 2000, "more": 2000}


def test_while_little_waits_connection_events_are_kept_as_they_are():
    lines = WaitingLines()
    states = ["ONLINE", "OFFLINE"] * 100
    for state in states:
        lines.add_event("m", change("CS1", state))
    assert [line["msg"]["ocpp"]["websocket"] for line in taken(lines)] == states


def test_pieces_are_whole_lines():
    lines = WaitingLines()
    for n in range(100):
        lines.add(b"%d" % n)
    pieces = []
    while lines:
        pieces.append(lines.take(10))
        assert pieces[-1].endswith(b"\n")
        assert len(pieces[-1]) <= 13
    assert b"".join(pieces).split() == [b"%d" % n for n in range(100)]


STEPS = st.lists(st.tuples(st.sampled_from(["turn", "msg", "status", "refused", "take"]), st.sampled_from("abc")))


@given(STEPS, st.sampled_from([0, 300, 2**20]))
def test_what_is_read_in_the_end_is_true(steps: list[tuple[str, str]], much: int):
    """Each msg comes, in order, and each finds its station as it was then; events alternate, and none is uncounted."""
    lines, heard = WaitingLines(much), b""
    online = dict.fromkeys("abc", False)
    states: list[tuple[str, bool]] = []
    refused = events = 0
    status = None
    for number, (what, who) in enumerate(steps):
        match what:
            case "turn":
                online[who] = not online[who]
                lines.add_event("m", change(who, "ONLINE" if online[who] else "OFFLINE"))
                events += 1
            case "msg":
                lines.add(json.dumps({"op": "output", "station": who}).encode())
                states.append((who, online[who]))
            case "status":
                status = str(number)
                lines.add_status(StatusLine("m", "green", "ring", status))
            case "refused":
                lines.add_event("m", refusal(number))
                refused += 1
            case "take":
                heard += lines.take(1)
    heard += lines.take(2**30)
    assert lines.size == 0
    seen = dict.fromkeys("abc", False)
    shown = None
    for line in map(json.loads, heard.splitlines()):
        if line["op"] == "status":
            shown = line["text"]
        elif "station" in line:
            assert (line["station"], seen[line["station"]]) == states.pop(0)
        elif line["msg"]["ocpp"]["websocket"] == "REFUSED":
            refused -= count_of(line)
        else:
            who, state = line["msg"]["ocpp"]["cbId"], line["msg"]["ocpp"]["websocket"] == "ONLINE"
            assert state is not seen[who], "the same twice"
            seen[who] = state
            events -= count_of(line)
    assert (states, seen, shown, refused, events) == ([], online, status, 0, 0)
