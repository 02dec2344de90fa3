"""The engine of scenarios: what steps do, what they judge, and where they end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from xml.etree import ElementTree as ET

import pytest
from tests.unit.scenario.honest_csms import HonestCSMS, played, refuse

from ocppflow.endpoint import LATER
from ocppflow.messages import Version
from ocppflow.messages.json_paths import ABSENT, put_at
from ocppflow.scenario import ScenarioResult, exit_code_of, scenarios_json, scenarios_junit
from ocppflow.scenario.wanted import CONDITIONS, MEANINGS, suits

HEAD = 'title = "x"\n'
ASK = '[[steps]]\nask = "x"\nname = "say"\n'


def steps(*texts: str, head: str = "") -> str:
    return HEAD + head + "\n".join(f"[[steps]]\n{text}" for text in texts)


class Asking(HonestCSMS):
    """Sends what a test wants, when it is asked to; ``outcomes`` has the answers, or what went wrong."""

    say: tuple[str, dict[str, Any]] = ("GetLocalListVersion", {})
    outcomes: ClassVar[list[Any]] = []

    async def ask(self, name: str, sentence: str, variables: Mapping[str, Any]) -> bool:
        self._begin(self.say)
        return True

    def _begin(self, what: tuple[str, dict[str, Any]]) -> None:
        call = self.csms.stations["CS1"].begin_raw(*what, timeout=20)
        call.add_done_callback(lambda done: self.outcomes.append(done.exception() or json.loads(done.result().payload)))


def asked(answers: str, *more: str) -> tuple[ScenarioResult, list[Any]]:
    class Kind(Asking):
        outcomes: ClassVar[list[Any]] = []

    result = played(HEAD + answers + ASK + "\n".join(more), Version.V201, Kind)
    return result, Kind.outcomes


EXPECT = '[[steps]]\nexpect = "GetLocalListVersion"\n'


def test_a_policy_overrides_fields_of_an_answer() -> None:
    result, outcomes = asked(
        '[[answers]]\nmessage = "GetLocalListVersion"\noverride = { versionNumber = 77 }\n', EXPECT
    )
    assert result.verdict == "pass", result.reason
    assert outcomes == [{"versionNumber": 77}]


def test_a_policy_may_break_the_schema_on_purpose() -> None:
    _, outcomes = asked('[[answers]]\nmessage = "*"\noverride = { versionNumber = "x" }\n', EXPECT)
    assert "versionNumber" in str(outcomes[0])


def test_a_policy_answers_with_a_callerror() -> None:
    result, outcomes = asked(
        '[[answers]]\nmessage = "*"\nerror = "SecurityError"\n', EXPECT + 'error = "SecurityError"\n'
    )
    assert result.verdict == "pass", result.reason
    assert outcomes[0].code == "SecurityError"


def test_a_policy_ignores_a_message_and_the_expectation_says_so() -> None:
    result, outcomes = asked('[[answers]]\nmessage = "*"\nignore = true\n', EXPECT)
    assert result.verdict == "fail"
    assert result.reason == "GetLocalListVersion was not answered within 30 s"
    assert "20" in str(outcomes[0])


def test_a_policy_delays_an_answer() -> None:
    result, outcomes = asked('[[answers]]\nmessage = "*"\ndelay = 12\n', EXPECT)
    assert result.seconds == pytest.approx(12, abs=0.5)
    assert outcomes == [{"versionNumber": 0}]


def test_a_policy_for_one_message_is_used_up_and_can_be_taken_back() -> None:
    once = '[[answers]]\nmessage = "*"\noverride = { versionNumber = 7 }\nonce = true\n'
    _, outcomes = asked(once, EXPECT, ASK, EXPECT)
    assert outcomes == [{"versionNumber": 7}, {"versionNumber": 0}]
    always = once.replace("once = true\n", "")
    _, outcomes = asked(always, EXPECT, '[[steps]]\nanswer = "*"\n', ASK, EXPECT)
    assert outcomes == [{"versionNumber": 7}, {"versionNumber": 0}]


def test_an_expectation_looks_only_at_what_came_since_the_last_act() -> None:
    result = played(steps('do = "plug 1"', 'expect = "boot"\nwithin = 3'))
    assert (result.verdict, result.reason) == ("fail", "no boot came within 3 s")
    assert played(steps('expect = "boot"')).verdict == "pass"


def test_what_is_nearly_what_was_wanted_is_told() -> None:
    result = played(steps('expect = "boot"\nwhere = { reason = "Watchdog" }'))
    assert result.reason == "no such boot came within 30 s; of the last one reason is PowerUp, not Watchdog"


def test_a_message_that_must_not_come_fails_at_once() -> None:
    result = played(steps('do = "plug 1"', 'never = "status"\nduring = 3600'))
    assert result.verdict == "fail"
    assert result.step == "2 (never status)"
    assert "status came, and must not" in result.reason
    assert result.seconds < 5


def test_a_call_of_the_stations_is_judged() -> None:
    good = 'call = "Heartbeat"\nmust = { currentTime = { present = true } }\ncapture = { now = "currentTime" }'
    assert "now" in played(steps(good)).variables
    bad = played(steps('call = "Heartbeat"\nmust = { currentTime = "never" }'))
    assert "Heartbeat: answer.currentTime is 2026-03-01T08:00:00.000Z, not never" in bad.reason
    unknown = played(steps('call = "Heartbeat"\ndata = { x = 1 }\nerror = "*"'))
    assert unknown.verdict == "pass"
    accepted = played(steps('call = "Heartbeat"\nerror = "InternalError"'))
    assert accepted.reason == "Heartbeat got an answer, not CALLERROR InternalError"


class Deaf(HonestCSMS):
    def answer(self, action: str, payload: dict[str, Any]) -> Any:
        return LATER if action == "Authorize" else super().answer(action, payload)


class Rude(HonestCSMS):
    def answer(self, action: str, payload: dict[str, Any]) -> Any:
        return refuse("InternalError") if action == "Authorize" else super().answer(action, payload)


class Wrong(HonestCSMS):
    def __init__(self, version: Version) -> None:
        super().__init__(version)
        self.csms.on_any(self._raw)

    def _raw(self, station: Any, call: Any) -> Any:
        if call.action == "Authorize":
            call.reply({"idTokenInfo": {"status": "Fine"}}, validate=False)
            return LATER
        return self._answer(station, call)


class Poor(HonestCSMS):
    def answer(self, action: str, payload: dict[str, Any]) -> Any:
        if action in ("SecurityEventNotification", "NotifyEvent"):
            refuse("NotSupported")
        return super().answer(action, payload)


SWIPE = ('do = "plug 1"', 'do = "swipe 1 A1"')


def test_what_no_step_asks_for_is_judged_too() -> None:
    rude = played(steps(*SWIPE), Version.V201, Rude)
    assert rude.reason == "the CSMS answered Authorize with CALLERROR InternalError: on purpose"
    deaf = played(steps(*SWIPE), Version.V201, Deaf)
    assert deaf.reason == "Authorize was not answered within 30 s"
    wrong = played(steps(*SWIPE), Version.V201, Wrong)
    assert "the answer to Authorize is wrong" in wrong.reason
    assert "idTokenInfo.status" in wrong.reason


def test_a_csms_that_says_what_it_does_not_support_is_not_blamed() -> None:
    assert played(steps(*SWIPE), Version.V21, Poor).verdict == "pass"


def test_what_cannot_be_done_is_an_error_not_a_failure() -> None:
    result = played(steps('do = "unplug 1"'))
    assert result.verdict == "error"
    assert result.step == "1 (do unplug 1)"
    assert result.reason.startswith("unplug 1: ")
    assert played(steps('wait_for = "transaction"\nevse = 9')).reason == "there is no EVSE 9 with a connector 1"
    assert "is not declared" in played(steps('set = "X.Y"\nto = 1')).reason
    assert "nobody did this" in played(steps('ask = "Do it."')).reason


def test_steps_of_other_versions_are_left_out() -> None:
    text = steps('versions = ["1.6"]\nexpect = "StatusNotification"\nmust = { errorCode = "NoError" }')
    assert played(text, Version.V16).verdict == "pass"
    assert played(text, Version.V21).verdict == "pass"


def test_a_scenario_that_begins_before_the_connection() -> None:
    text = steps('do = "online"', 'expect = "boot"', head='begin = "stopped"\n')
    assert played(text).verdict == "pass"


def test_results_for_machines() -> None:
    results = [
        ScenarioResult(scenario="a", title="A", version="2.1"),
        ScenarioResult(scenario="b", title="B", verdict="fail", step="2 (do x)", reason="no\x00\nboot", omitted=["o"]),
        ScenarioResult(scenario="c", title="C", verdict="error", reason="r"),
    ]
    assert [exit_code_of(results[:number]) for number in (1, 2)] == [0, 1]
    assert exit_code_of([results[0], results[2]]) == 2
    suite = ET.fromstring(scenarios_junit(results, url="ws://x"))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("step 2 (do x): no")
    read = json.loads(scenarios_json(results, url="ws://x"))
    assert [each["verdict"] for each in read["results"]] == ["pass", "fail", "error"]


@pytest.mark.parametrize(
    ("value", "wanted", "holds"),
    [
        (1, 1, True),
        (1, True, False),
        (1, [2, 1], True),
        (5, {"at_least": 5, "at_most": 6}, True),
        ("5", {"at_least": 5}, False),
        (True, {"at_least": 0}, False),
        (ABSENT, {"present": False}, True),
        (ABSENT, {"present": True}, False),
        (ABSENT, "x", False),
        ("abc", {"contains": "b"}, True),
        (3, {"not": [1, 2]}, True),
        ([1], {"is": [1]}, True),
        ([1], [1], False),
    ],
)
def test_what_a_value_must_be(value: Any, wanted: Any, holds: bool) -> None:
    assert suits(value, wanted) is holds


def test_each_condition_has_a_meaning() -> None:
    assert CONDITIONS.keys() == MEANINGS.keys()


def test_values_are_put_at_paths() -> None:
    payload: dict[str, Any] = {"a": {"b": 1}, "l": [1]}
    put_at(payload, "a.c.d", 2)
    put_at(payload, "l[0]", 5)
    put_at(payload, "l[1].x", 6)
    assert payload == {"a": {"b": 1, "c": {"d": 2}}, "l": [5, {"x": 6}]}
    with pytest.raises(ValueError, match="there is no place"):
        put_at(payload, "a.b.c", 1)
