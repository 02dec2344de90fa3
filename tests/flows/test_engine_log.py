"""The log as the runtime gets it: what repeats itself is said once in a while, with the number left out."""

from __future__ import annotations

import asyncio
import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from ocppflow.nodes.engine.log_lines import LogLines
from ocppflow.nodes.engine.log_repetitions import PAUSE, Repetitions
from ocppflow.nodes.engine.outbox import Outbox


def record(text: str, *args: object, name: str = "ocppflow") -> logging.LogRecord:
    return logging.LogRecord(name, logging.INFO, "file", 1, text, args, None)


def test_the_attempts_at_a_dead_port_are_a_line_a_minute_that_says_how_many_were_left_out():
    repetitions = Repetitions()
    said = []
    for second in range(0, 122, 2):  # an attempt each two seconds, for two minutes
        for each in (
            record("%s: could not connect to %s: %s", "CS1", "ws://h/o", "nothing listens there"),
            record("%s: next attempt in %.1f s (%s)", "CS1", 2 + second / 100, "nothing listens there"),
        ):
            said.append(repetitions.text(each, float(second)))
    assert [text for text in said if text is not None] == [
        "CS1: could not connect to ws://h/o: nothing listens there",
        "CS1: next attempt in 2.0 s (nothing listens there)",
        "CS1: could not connect to ws://h/o: nothing listens there (and 29 more in the last 60 s)",
        "CS1: next attempt in 2.6 s (nothing listens there) (and 29 more in the last 60 s)",
        "CS1: could not connect to ws://h/o: nothing listens there (and 29 more in the last 60 s)",
        "CS1: next attempt in 3.2 s (nothing listens there) (and 29 more in the last 60 s)",
    ]


def test_lines_about_two_nodes_are_different_lines():
    repetitions = Repetitions()
    assert repetitions.text(record("the same"), 0, "one") == "the same"
    assert repetitions.text(record("the same"), 0, "two") == "the same"
    assert repetitions.text(record("the same"), 0, "two") is None


def test_lines_of_two_stations_are_different_lines():
    repetitions = Repetitions()
    assert repetitions.text(record("%s: connected", "CS1"), 0) == "CS1: connected"
    assert repetitions.text(record("%s: connected", "CS2"), 0) == "CS2: connected"
    assert repetitions.text(record("%s: disconnected", "CS1"), 0) == "CS1: disconnected"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 30)), max_size=200))
def test_every_line_is_said_or_counted(lines: list[tuple[str, float]]):
    repetitions, now = Repetitions(), 0.0
    counted = dict.fromkeys("abc", 0)
    for name, step in lines:
        now += step
        text = repetitions.text(record("line %s", name), now)
        if text is not None:
            counted[name] += 1 + (int(text.partition("and ")[2].partition(" ")[0]) if "and " in text else 0)
    now += PAUSE
    for name in "abc":
        text = repetitions.text(record("line %s", name), now) or ""
        counted[name] += int(text.partition("and ")[2].partition(" ")[0]) if "and " in text else 0
        assert counted[name] == sum(1 for each, _ in lines if each == name)


async def test_the_runtime_gets_a_repeated_line_once():
    heard: list[bytes] = []
    outbox = Outbox(lambda full: None)
    outbox.attach(heard.append)
    handler = LogLines(outbox, asyncio.get_running_loop())
    for _ in range(40):
        handler.emit(record("%s: could not connect", "CS1"))
    outbox.flush()
    lines = [json.loads(line) for line in b"".join(heard).splitlines()]
    assert [line["text"] for line in lines] == ["CS1: could not connect"]
