"""A trial: what a scenario hears, says and demands, with a station whose lines the test writes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ocppflow.check.bench import Bench
from ocppflow.check.cases import CheckCase, station_case, station_cases
from ocppflow.check.check_settings import CheckSettings
from ocppflow.check.heard import ABSENT, PRESENT, at, fits
from ocppflow.check.operator import Operator
from ocppflow.check.pics import Pics
from ocppflow.check.runner import run_case
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.verdict import CaseResult, Verdict, exit_code
from ocppflow.endpoint import run_in_virtual_time
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version, v21
from ocppflow.testing import ScriptedPeer

Line = Callable[[list[Any]], Any]


class _Station(ScriptedPeer):
    """Answers each call by ``answers``: by action a payload, or a CALLERROR's code."""

    answers: dict[str, Any]

    def received(self, data: bytes) -> None:
        message = json.loads(data)
        self.heard.append(message)
        if message[0] == 2 and message[2] in self.answers:
            answer = self.answers[message[2]]
            refused = isinstance(answer, str)
            reply = [4, message[1], answer, "", {}] if refused else [3, message[1], answer]
            self.link.send(json.dumps(reply).encode())


def _play(
    scenario: Callable[[Trial], Awaitable[None]],
    *,
    says: list[Any] | None = None,
    answers: dict[str, Any] | None = None,
    comes: bool = True,
) -> CaseResult:
    async def play() -> CaseResult:
        bench = Bench("CS1", Version.V201, CheckSettings(patience=3, reboot_patience=5, quiet=2))
        if comes:
            link: Any = await bench.dialled("CS1", [Version.V201])
            station = _Station(link)
            station.answers = answers or {}
            for line in says or []:
                link.send(line if isinstance(line, bytes) else json.dumps(line).encode())
        case = CheckCase("TC_X_01_CS", "a case", ("X01.FR.01",), (Version.V201,), scenario)
        try:
            return await run_case(bench, Operator(), Pics(), case, cleaning=False)
        finally:
            bench.csms.grace = None
            await bench.close()

    return run_in_virtual_time(play())


_HEARTBEAT = [2, "h1", "Heartbeat", {}]


async def test_paths_lead_through_names_and_lists() -> None:
    payload = {"eventData": [{"component": {"name": "Connector"}, "zero": 0, "no": False}]}
    assert at(payload, "eventData[0].component.name") == "Connector"
    assert at(payload, "eventData[1].component") is ABSENT
    assert at(payload, "eventData.component") is ABSENT
    assert fits(at(payload, "eventData[0].zero"), PRESENT)
    assert not fits(at(payload, "eventData[0].no"), 0)
    assert fits(ABSENT, ("NoError", ABSENT))


def test_a_message_that_came_before_the_mark_does_not_count() -> None:
    async def scenario(trial: Trial) -> None:
        await trial.wait(1)
        trial.mark()
        await trial.expect(v21.HeartbeatRequest, by="B01.FR.07")

    result = _play(scenario, says=[_HEARTBEAT])
    assert result.verdict is Verdict.FAIL
    assert result.reason == "no Heartbeat within 3 s; nothing came instead"
    assert result.findings[0].requirements == ("B01.FR.07",)


def test_a_message_is_taken_once() -> None:
    async def scenario(trial: Trial) -> None:
        begin = trial.mark() - len(trial.bench.inbox)
        await trial.expect(v21.HeartbeatRequest, since=begin)
        assert await trial.maybe(v21.HeartbeatRequest, within=1, since=begin) is None

    assert _play(scenario, says=[_HEARTBEAT]).verdict is Verdict.PASS


def test_what_came_instead_is_told() -> None:
    async def scenario(trial: Trial) -> None:
        await trial.expect(v21.StatusNotificationRequest, {"connectorStatus": ("Occupied", "Faulted")}, since=0)

    status = {"timestamp": "2026-01-01T00:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    result = _play(scenario, says=[[2, "s1", "StatusNotification", status]])
    assert "no StatusNotification with connectorStatus Occupied or Faulted within 3 s; instead came" in result.reason
    assert "Available" in result.reason


def test_a_call_that_is_refused_fails_and_one_that_must_be_refused_does_not() -> None:
    async def call(trial: Trial) -> None:
        await trial.call(v21.ClearCacheRequest())

    async def refused(trial: Trial) -> None:
        await trial.refused(v21.ClearCacheRequest(), "SecurityError")

    assert "ClearCache was refused with CALLERROR" in _play(call, answers={"ClearCache": "NotSupported"}).reason
    assert _play(refused, answers={"ClearCache": "SecurityError"}).verdict is Verdict.PASS
    wrong = _play(refused, answers={"ClearCache": "NotSupported"})
    assert wrong.reason == "ClearCache was refused with CALLERROR NotSupported, not SecurityError"
    accepted = _play(refused, answers={"ClearCache": {"status": "Accepted"}})
    assert accepted.reason == "ClearCache response: a CALLERROR SecurityError was due"


def test_a_call_that_is_not_answered_fails() -> None:
    async def scenario(trial: Trial) -> None:
        await trial.call(v21.ClearCacheRequest(), within=4)

    assert _play(scenario).reason == "ClearCache was not answered in time"


def test_an_answer_that_breaks_the_schema_fails_the_case_with_the_path() -> None:
    async def scenario(trial: Trial) -> None:
        await trial.call(v21.ClearCacheRequest())

    result = _play(scenario, answers={"ClearCache": {"status": "Perhaps"}})
    assert result.verdict is Verdict.FAIL
    assert "ClearCache response breaks the schema of OCPP 2.0.1: $.status" in result.reason


@pytest.mark.parametrize("line", [b"{nonsense", b'[2,"x","Heartbeat",[]]', b'[2,"x","Nonsense",{}]'])
def test_what_cannot_be_read_fails_the_case(line: bytes) -> None:
    async def scenario(trial: Trial) -> None:
        await trial.wait(1)

    assert _play(scenario, says=[line]).verdict is Verdict.FAIL


def test_a_request_that_the_version_has_no_word_for_is_an_error() -> None:
    async def scenario(trial: Trial) -> None:
        await trial.call(v21.ClearTariffsRequest())

    result = _play(scenario)
    assert result.verdict is Verdict.ERROR
    assert "ClearTariffs could not be sent" in result.reason


def test_a_station_that_is_not_there_is_an_error() -> None:
    async def scenario(trial: Trial) -> None:
        pass

    result = _play(scenario, comes=False)
    assert (result.verdict, result.reason) == (Verdict.ERROR, "the station does not connect within 5 s")


def test_what_nobody_can_do_is_an_error() -> None:
    async def scenario(trial: Trial) -> None:
        await trial.operator.plug(1)

    result = _play(scenario)
    assert (result.verdict, result.reason) == (Verdict.ERROR, "the operator cannot connect an EV to EVSE 1")


def test_what_is_omitted_makes_it_partial_and_not_for_this_not_applicable() -> None:
    async def partial(trial: Trial) -> None:
        trial.omit("the colour of the light")

    async def other(trial: Trial) -> None:
        raise NotForThis("it has no light")

    assert (_play(partial).verdict, _play(partial).omitted) == (Verdict.PARTIAL, ["the colour of the light"])
    assert (_play(other).verdict, _play(other).reason) == (Verdict.NOT_APPLICABLE, "it has no light")


def test_a_scenario_that_fails_itself_is_an_error() -> None:
    async def scenario(trial: Trial) -> None:
        raise ZeroDivisionError("oops")

    assert _play(scenario).reason == "the scenario itself failed: ZeroDivisionError: oops"


def test_silence_and_answers_of_the_scenarios_own() -> None:
    heard: list[Any] = []

    async def scenario(trial: Trial) -> None:
        trial.answer(v21.HeartbeatRequest, lambda message: heard.append(message.action))
        await trial.wait(1)
        await trial.silence(5, besides=("Heartbeat",))
        await trial.nothing(v21.HeartbeatRequest)

    assert _play(scenario, says=[]).verdict is Verdict.PASS

    async def noisy(trial: Trial) -> None:
        await trial.silence(2)

    assert "nothing may be sent here" in _play(noisy, says=[_HEARTBEAT]).reason


def test_a_case_is_written_once() -> None:
    assert ("TC_B_01_CS", Version.V201) in station_cases()

    async def TC_B_01_CS(trial: Trial) -> None:
        pass

    with pytest.raises(ConfigurationError, match=r"TC_B_01_CS is written twice for OCPP 2\.0\.1"):
        station_case()(TC_B_01_CS)


def test_the_exit_code_tells_the_worst() -> None:
    def result(verdict: Verdict) -> CaseResult:
        return CaseResult(case="TC_X_01_CS", title="", version=Version.V21, verdict=verdict)

    assert exit_code([result(Verdict.PASS), result(Verdict.NOT_WRITTEN)]) == 0
    assert exit_code([result(Verdict.ERROR), result(Verdict.PASS)]) == 2
    assert exit_code([result(Verdict.ERROR), result(Verdict.FAIL)]) == 1
