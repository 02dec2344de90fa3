"""The log of ``ocppflow csms``: nothing waits for its reader, nothing is said twice, what matters is never left out."""

from __future__ import annotations

import io
import json
import logging
import os
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ocppflow.cli.conversation import MAX_OPEN_BYTES, Conversation
from ocppflow.cli.csms_log import FAULTS_PER_SECOND, CSMSLog, JSONLines, Lines
from ocppflow.cli.log_sink import MOST_WAITING, LogSink
from ocppflow.cli.paint import Paint
from ocppflow.trace import TraceRecord

START = 1_700_000_000.0


def frame(data: str, event: str = "in", note: str = "", identity: str = "CS1", after: float = 0.0) -> TraceRecord:
    return TraceRecord(START + after, identity, event, "CSMS", "2.0.1", note=note, data=data.encode())  # type: ignore[arg-type]


def call(number: int, action: str = "Heartbeat", **more: Any) -> TraceRecord:
    return frame(f'[2,"{number}","{action}",{{}}]', **more)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Log:
    """A CSMSLog whose lines are read when it is closed; ``library`` is a logger that it hears."""

    def __init__(self, per_second: int = 0, *, as_json: bool = False) -> None:
        self.clock = Clock()
        self._out = io.StringIO()
        lines = JSONLines() if as_json else Lines(Paint(self._out))
        self.handler = CSMSLog(LogSink(self._out, lines.left_out, per_second=per_second, clock=self.clock), lines)
        self.library = logging.Logger("ocppflow")
        self.library.addHandler(self.handler)

    def frame(self, record: TraceRecord) -> None:
        """As a connection's tracer does."""
        if record.note or record.data[:2] in (b"[4", b"[5") or self.handler.wants_message():
            self.handler(record)
        else:
            self.handler.passed_over(record.identity, record.event, record.data)

    def lines(self) -> list[str]:
        self.handler.close()
        return [line.split("  ", 1)[-1] for line in self._out.getvalue().splitlines()]

    def objects(self) -> list[dict[str, Any]]:
        self.handler.close()
        return [json.loads(line) for line in self._out.getvalue().splitlines()]


# --- how much is shown ---------------------------------------------------------------------------------------------


def test_frames_beyond_the_most_in_a_second_are_counted_and_told_of() -> None:
    log = Log(per_second=2)
    for number in range(1235):
        log.frame(call(number))
    log.clock.now = 1.0
    log.frame(call(9999, "Authorize"))
    lines = [" ".join(line.split()) for line in log.lines()]
    assert lines == [
        "CS1 ──▶ Heartbeat",
        "CS1 ──▶ Heartbeat",
        "- ... 1,233 more messages not shown; --trace FILE keeps them all",
        "CS1 ──▶ Authorize",
    ]


def test_the_count_is_told_at_the_end_and_to_machines_as_a_number() -> None:
    log = Log(per_second=1, as_json=True)
    for number in range(3):
        log.frame(call(number))
    first, last = log.objects()
    assert first["action"] == "Heartbeat"
    assert (last["event"], last["count"]) == ("left out", 2)


def test_refusals_and_warnings_are_never_left_out() -> None:
    log = Log(per_second=1)
    for number in range(50):
        log.frame(call(number))
    log.frame(call(50, note="refused: FormatViolation: $.now"))
    log.frame(frame('[4,"50","FormatViolation","$.now",{}]', "out"))
    log.frame(call(51, note="$.x: forgiven"))
    log.frame(frame("{nonsense", note="refused: RpcFrameworkError"))
    log.library.warning("%s: something is wrong", "CS1")
    text = "\n".join(log.lines())
    assert text.count("──▶   Heartbeat") == 1
    for told in ("refused: FormatViolation", "FormatViolation", "$.x: forgiven", "{nonsense", "something is wrong"):
        assert told in text


def test_the_answer_to_a_call_that_was_left_out_bears_its_action() -> None:
    log = Log(per_second=1)
    log.frame(call(0))
    log.frame(frame('[2, "7" , "Authorize", {}]'))
    log.frame(frame('[4,"7","NotSupported","not here",{}]', "out"))
    assert "✗ ↳ Authorize  NotSupported: not here" in log.lines()[1]


def test_the_faults_of_one_station_do_not_drown_those_of_the_others() -> None:
    log = Log(per_second=1)
    for _ in range(5 * FAULTS_PER_SECOND):
        log.frame(frame("x", note="refused: RpcFrameworkError", identity="LOUD"))
    log.frame(frame("x", note="refused: RpcFrameworkError", identity="CS2"))
    lines = log.lines()
    assert sum(line.startswith("LOUD") for line in lines) == FAULTS_PER_SECOND + 1
    assert sum(line.startswith("CS2") for line in lines) == 1
    assert f"{4 * FAULTS_PER_SECOND - 1:,} more messages" in lines[-1]


@given(st.lists(st.floats(0, 0.7), max_size=60), st.integers(1, 5))
def test_what_is_shown_and_what_is_told_of_is_all_there_was(pauses: list[float], per_second: int) -> None:
    out, clock = io.StringIO(), Clock()
    sink = LogSink(out, lambda count: f"left out {count}", per_second=per_second, clock=clock)
    shown_in: dict[int, int] = {}
    for pause in pauses:
        clock.now += pause
        if sink.has_room():
            sink.put("shown")
            shown_in[int(clock.now)] = shown_in.get(int(clock.now), 0) + 1
    sink.close()
    lines = out.getvalue().splitlines()
    told = sum(int(line.split()[2]) for line in lines if line != "shown")
    assert lines.count("shown") + told == len(pauses)
    assert max(shown_in.values(), default=0) <= 2 * per_second, "a second of ours need not begin with the clock's"


IDS, ACTIONS = st.sampled_from("123"), st.sampled_from(["Heartbeat", "Authorize", "Reset"])
MESSAGES = st.tuples(st.sampled_from(["in", "out"]), st.sampled_from([2, 3, 4]), IDS, ACTIONS, st.booleans())


@example([("in", 2, "1", "Reset", True), ("in", 2, "1", "Heartbeat", False), ("out", 3, "1", "", True)])
@example([("in", 2, "1", "Reset", False), ("in", 2, "1", "Heartbeat", True), ("out", 3, "1", "", True)])
@given(st.lists(MESSAGES, max_size=30))
def test_an_answer_finds_its_call_whichever_of_them_are_shown(messages: list[tuple[str, int, str, str, bool]]) -> None:
    everything, some = Conversation(), Conversation()
    for event, kind, message_id, action, shown in messages:
        rest = {2: [action, {}], 3: [{}], 4: ["GenericError", "", {}]}[kind]
        one = frame(json.dumps([kind, message_id, *rest]), event)
        expected = everything.feed(one).action
        if shown or kind == 4:  # an error is always shown
            assert some.feed(one).action == expected
        else:
            some.pass_by("CS1", event, one.data)


# --- nothing waits for whoever reads it ----------------------------------------------------------------------------


@pytest.fixture
def unread() -> Iterator[Any]:
    """A pipe that nobody reads."""
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as stream:
        yield stream, ours
        os.close(ours)


def test_a_reader_who_does_not_read_holds_nothing_up(unread: Any) -> None:
    stream, ours = unread
    sink = LogSink(stream, lambda count: f"{count} left out", per_second=0)
    line = "x" * 10_000
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(3 * MOST_WAITING // len(line)):
        if sink.has_room():
            sink.put(line)
        sink.put("y" * 10_000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert not sink.has_room()
    assert grown < 3 * MOST_WAITING
    sink.close(seconds=0)  # the end waits no longer than this either
    sink.put("what comes after the end does not wait at all")
    os.set_blocking(ours, False)
    assert os.read(ours, 10).startswith(b"x")


def test_what_waits_is_written_at_the_end_and_what_comes_after_it_too() -> None:
    out = io.StringIO()
    sink = LogSink(out, str)
    for number in range(100):
        sink.put(str(number))
    sink.close()
    sink.put("late")
    assert out.getvalue().split() == [*map(str, range(100)), "late"]


def test_a_reader_who_has_gone_is_no_error(unread: Any) -> None:
    stream, ours = unread
    os.dup2(os.open(os.devnull, os.O_RDONLY), ours)  # the pipe has no reader any more
    sink = LogSink(stream, str)
    sink.put("nobody reads this")
    sink.close()


def test_what_the_stream_cannot_spell_is_escaped(tmp_path: Any) -> None:
    with (tmp_path / "log").open("w", encoding="ascii") as stream:
        sink = LogSink(stream, str)
        sink.put("──▶ é")
        sink.close()
    assert (tmp_path / "log").read_text() == "\\u2500\\u2500\\u25b6 \\xe9\n"


# --- nothing is said twice, and nothing steers the terminal --------------------------------------------------------


def test_a_violation_is_told_once() -> None:
    """With its frame; not again by the library's warning, nor with the CALLERROR, which the reason went out with."""
    reason = "FormatViolation: HeartbeatRequest: $.now: there is no such field"
    for as_json in (False, True):
        log = Log(as_json=as_json)
        log.frame(frame('[2,"1","Heartbeat",{"now":1}]', note=f"refused: {reason}"))
        log.library.warning("%s: %s", "CS1", f"refused: {reason}")
        log.frame(frame(f'[4,"1","FormatViolation","{reason[17:]}",{{}}]', "out"))
        log.library.warning("%s: %s", "CS2", f"refused: {reason}")
        said = [" ".join(line.split()) for line in log.lines()] if not as_json else log.objects()
        assert len(said) == 3
        if as_json:
            assert said[0]["level"] == "error"
            assert [line.get("station") for line in said] == ["CS1", "CS1", "CS2"]
        else:
            assert said[0] == f"CS1 ──▶ ✗ Heartbeat refused: {reason} · now 1"
            assert said[1] == "CS1 ◀── ✗ ↳ Heartbeat FormatViolation"
            assert said[2].startswith("CS2 warning: refused")


def test_what_was_forgiven_is_told_once_and_marked() -> None:
    log = Log()
    log.frame(frame('[2,"1","Heartbeat",{"now":1}]', note="$.now: there is no such field"))
    log.library.info("%s: forgiven in Heartbeat: $.now: there is no such field", "CS1")
    log.library.info("%s: forgiven in Heartbeat: $.then: there is no such field", "CS1")
    said = [" ".join(line.split()) for line in log.lines()]
    assert said[0] == "CS1 ──▶ ! Heartbeat $.now: there is no such field · now 1"
    assert said[1:] == ["CS1 forgiven in Heartbeat: $.then: there is no such field"]


def test_an_answer_that_is_refused_is_an_error() -> None:
    log = Log(as_json=True)
    log.frame(frame('[2,"1","Reset",{"type":"Immediate"}]', "out"))
    log.frame(frame('[3,"1",{"status":"No"}]', note="refused: ResetResponse: $.status: expected one of Accepted"))
    _, answer = log.objects()
    assert (answer["level"], answer["action"]) == ("error", "Reset")
    assert answer["fault"] == "refused: ResetResponse: $.status: expected one of Accepted"


def test_a_fault_is_not_cut_short_and_what_is_said_is() -> None:
    log = Log()
    words = " ".join(f"word{number}" for number in range(100))
    log.frame(frame(f'[2,"1","DataTransfer",{{"vendorId":"{words}"}}]', note=words))
    (line,) = log.lines()
    assert words in line
    assert "vendorId word0" in line
    assert len(line) < len(words) + 120


EVIL = "\x1b[2J\x07\x9b31m\u202e"


def test_control_characters_of_a_peer_do_not_reach_the_terminal() -> None:
    log = Log()
    log.frame(frame(f'[2,"1","{EVIL}",{{}}]', note=EVIL, identity=f"CS{EVIL}"))
    log.frame(frame(f"{EVIL}", note=f"refused: {EVIL}"))
    log.library.info("%s: disconnected (1000 %s)", f"CS{EVIL}", EVIL)
    try:
        raise ValueError(EVIL)
    except ValueError:
        log.library.exception("%s: the handler failed", "CS1")
    text = "\n".join(log.lines())
    assert not set(EVIL) & set(text) - set("[2J31m")
    assert "ValueError: \\x1b[2J" in text


# --- memory --------------------------------------------------------------------------------------------------------


def test_calls_without_an_answer_take_a_bounded_part_of_the_memory() -> None:
    conversation = Conversation()
    filler = "x" * 2**20
    tracemalloc.start()
    for number in range(64):
        conversation.feed(frame(f'[2,"{number}","DataTransfer",{{"vendorId":"{filler}"}}]'))
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 4 * MAX_OPEN_BYTES
    answer = conversation.feed(frame('[3,"63",{}]', "out"))
    assert answer.action == "DataTransfer"
    assert conversation.feed(frame('[3,"0",{}]', "out")).action == ""


def test_an_id_that_is_used_again_takes_no_more_room() -> None:
    conversation = Conversation()
    for _ in range(100):
        conversation.feed(frame('[2,"1","DataTransfer",{"vendorId":"' + "x" * 2**20 + '"}]'))
    assert conversation.feed(frame('[3,"1",{}]', "out")).action == "DataTransfer"


def test_who_was_refused_is_named_even_for_a_wrong_password() -> None:
    """What the library says has been looked through for secrets argument by argument; its own words are none."""
    log = Log()
    log.library.warning("refused %s from %s (%s): %s", "'CS1'", "127.0.0.1:5", 401, "wrong password for CS1")
    assert log.lines() == ["-             warning: refused 'CS1' from 127.0.0.1:5 (401): wrong password for CS1"]


def test_secrets_that_an_app_logs_are_hidden_as_well() -> None:
    log = Log()
    app = logging.Logger("app")
    app.addHandler(log.handler)
    app.warning("cannot log in with password=%s", "hunter2-hunter2")
    assert log.lines() == ["-             warning: cannot log in with password=***"]
