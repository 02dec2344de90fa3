"""Replay: a recorded station against another CSMS: ids and times are rewritten, other answers are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scenario.honest_csms import HonestCSMS, played, refuse

from ocppflow.endpoint import run_in_virtual_time
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.scenario.recording import recording
from ocppflow.scenario.replay import Replay, ReplayResult, replay_json
from ocppflow.scenario.rewriting import Rewriter, differences
from ocppflow.station import ChargingStation
from ocppflow.trace import TraceRecord, to_line

EVERY = pytest.mark.parametrize("version", Version)
NOW = datetime(2026, 9, 1, 12).timestamp()


def replayed(
    records: list[TraceRecord],
    version: Version,
    kind: Callable[[Version], HonestCSMS] = HonestCSMS,
    *,
    fast: bool = False,
    then: Callable[[HonestCSMS], object] = lambda _: None,
) -> tuple[ReplayResult, HonestCSMS, float]:
    """What came of it, the CSMS, and the seconds that it took."""

    async def main() -> tuple[ReplayResult, HonestCSMS, float]:
        csms = kind(version)
        station = ChargingStation("CS1", "ws://memory/ocpp", versions=[version], dial=csms.dial)
        began = csms.csms.clock.now()
        then(csms)
        try:
            result = await Replay(recording(records), station, fast=fast, now=lambda: NOW).run()
            return result, csms, csms.csms.clock.now() - began
        finally:
            await csms.csms.close()

    return run_in_virtual_time(main())


@EVERY
@pytest.mark.parametrize("name", ["late-meter-values", "offline-session", "flapping-connection", "zombie-transaction"])
def test_the_same_csms_answers_the_same(name: str, version: Version) -> None:
    made = played(name, version)
    result, csms, _ = replayed(made.records, version)
    assert (result.differences, result.broken, result.skipped) == ([], "", 0)
    assert result.exit_code == 0
    assert result.said == len(csms.heard) == len(recording(made.records).said)


@EVERY
def test_transaction_ids_are_those_of_the_new_csms(version: Version) -> None:
    made = played("late-meter-values", version)

    def used(csms: HonestCSMS) -> None:
        csms.books.update(dict.fromkeys(range(1, 41), False))  # it has given these before

    result, csms, _ = replayed(made.records, version, then=used)
    old = made.variables["transaction"]
    numbers = {
        payload.get("transactionId", payload.get("transactionInfo", {}).get("transactionId"))
        for action, payload in csms.heard
        if action in ("StopTransaction", "MeterValues", "TransactionEvent")
    }
    assert len(numbers) == 1
    assert old not in numbers
    assert numbers == ({41} if version is Version.V16 else numbers & csms.books.keys())
    assert result.exit_code == 0


def times(csms: HonestCSMS, action: str) -> list[float]:
    return [datetime.fromisoformat(payload["timestamp"]).timestamp() for name, payload in csms.heard if name == action]


@EVERY
def test_times_are_moved_to_now_with_the_same_distances(version: Version) -> None:
    made = played("offline-session", version)
    action = "StatusNotification" if version is not Version.V21 else "TransactionEvent"
    before = [
        datetime.fromisoformat(move.payload["timestamp"])
        for move in recording(made.records).said
        if move.action == action
    ]
    result, csms, seconds = replayed(made.records, version)
    moved = times(csms, action)
    assert [each - moved[0] for each in moved] == [(each - before[0]).total_seconds() for each in before]
    assert abs(moved[0] - NOW) < 60
    assert seconds == pytest.approx(made.seconds, abs=1)
    result, csms, seconds = replayed(made.records, version, fast=True)
    assert result.exit_code == 0
    assert seconds < 1
    assert times(csms, action)[-1] <= NOW + 1


class Stricter(HonestCSMS):
    """Another interval, no Authorize, other words."""

    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "Authorize":
            refuse("InternalError")
        answer = super().answer(action, payload)
        return {**answer, "interval": 60} if action == "BootNotification" else answer


@EVERY
def test_where_answers_differ_is_told(version: Version) -> None:
    made = played("zombie-transaction", version)
    result, _, _ = replayed(made.records, version, Stricter)
    told = [(each.action, each.path, each.old, each.new, each.count) for each in result.differences]
    assert ("BootNotification", "interval", 300, 60, 2) in told
    assert any(each[0] == "Authorize" and each[2:] == ("an answer", "CALLERROR InternalError", 2) for each in told)
    assert len(told) == 2
    assert result.exit_code == 1
    read = json.loads(replay_json(result, url="ws://x"))
    assert read["differences"][0] == {
        "action": "BootNotification",
        "path": "interval",
        "count": 2,
        "old": 300,
        "new": 60,
    }


@EVERY
def test_calls_of_the_csms_are_answered_as_recorded(version: Version) -> None:
    made = played("limit-while-charging", version)
    answers: list[Any] = []

    class Asks(HonestCSMS):
        def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
            answer = super().answer(action, payload)
            if action == "StartTransaction" or payload.get("eventType") == "Started":
                number = payload.get("transactionInfo", answer)["transactionId"]
                for what in (self.limit({"watts": 1, "transaction": number}), ("Reset", self.reset())):
                    self._keep(*what)
            return answer

        def reset(self) -> dict[str, Any]:
            return {"type": "Hard" if self.version is Version.V16 else "Immediate"}

        def _keep(self, action: str, payload: dict[str, Any]) -> None:
            call = self.csms.stations["CS1"].begin_raw(action, payload, validate=False)
            call.add_done_callback(lambda done: answers.append(done.exception() or json.loads(done.result().payload)))

    result, _, _ = replayed(made.records, version, Asks)
    assert answers[0] == {"status": "Accepted"}
    assert answers[1].code == "NotSupported"
    assert (result.unasked, result.unknown) == ({}, {"Reset": 1})
    silent, _, _ = replayed(made.records, version)
    assert silent.unasked == {"SetChargingProfile": 1}
    assert silent.exit_code == 0


def test_a_trace_of_several_stations_wants_a_choice() -> None:
    one = TraceRecord(1.0, "A", "in", "CSMS", "2.1", data=b'[2,"1","Heartbeat",{}]')
    two = TraceRecord(1.0, "B", "in", "CSMS", "2.1", data=b'[2,"1","Heartbeat",{}]')
    with pytest.raises(ConfigurationError, match="choose one of A, B"):
        recording([one, two])
    assert recording([one, two], "B").identity == "B"
    with pytest.raises(ConfigurationError, match="no station C; it has A, B"):
        recording([one, two], "C")
    with pytest.raises(ConfigurationError, match="nothing that A said"):
        recording([TraceRecord(1.0, "A", "connected", "CS", "2.1")])


def test_frames_that_are_not_messages_are_counted() -> None:
    record = TraceRecord(1.0, "A", "in", "CSMS", "2.1", data=b'[2,"1","Heartbeat",{}]')
    bad = [TraceRecord(1.0, "A", "in", "CSMS", "2.1", data=data) for data in (b"{", b"[]", b'[3,"x",{}]', b"\xff")]
    assert recording([record, *bad]).skipped == 4


def test_a_far_time_and_other_texts_stay() -> None:
    rewriter = Rewriter(Version.V21, 3600)
    payload = {"a": "0001-01-01T00:00:00Z", "b": "2026-03-01T08:00:00.1234567+02:00", "c": "x", "d": [1, None]}
    when = datetime.fromisoformat("2026-03-01T08:00:00+00:00").timestamp()
    assert rewriter.said(payload, when) == {**payload, "b": "2026-03-01T09:00:00.1234567+02:00"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner),
)


@given(JSON, JSON)
def test_differences_are_there_exactly_when_two_answers_differ(old: Any, new: Any) -> None:
    found = differences("A", old, new)
    assert bool(found) is (old != new or json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True))
    assert len({each.path for each in found}) == len(found)
    back = differences("A", new, old)
    assert {each.path for each in back} == {each.path for each in found}


def test_the_command_plays_a_file(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(b"".join(map(to_line, played("late-meter-values", Version.V201).records)))
    from ocppflow.cli.app import run

    assert run(["replay", str(file), "ws://127.0.0.1:1/ocpp", "--fast"]) == 2
    assert run(["replay", str(file), "ws://127.0.0.1:1/ocpp", "--station", "X"]) == 2
