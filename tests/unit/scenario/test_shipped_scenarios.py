"""The shipped scenarios: an honest CSMS passes each in all versions, and one that is broken on purpose fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.scenario.honest_csms import HonestCSMS, played, refuse

from ocppflow.messages import Version
from ocppflow.scenario import SHIPPED, read_scenario, shipped_text

EVERY = pytest.mark.parametrize("version", Version)


class HoldingBack(HonestCSMS):
    """Says Pending until somebody has accepted the station."""

    def __init__(self, version: Version) -> None:
        super().__init__(version)
        self.accepts = False


class AcceptsAfterReboot(HoldingBack):
    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        answer = super().answer(action, payload)
        if action == "BootNotification":
            self.accepts = True
        return answer


class KnowsNoBlocked(HonestCSMS):
    blocked = frozenset()


class LetsBlockedGoOn(HonestCSMS):
    """Refuses a blocked card that asks, and takes its transaction."""

    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.blocked = frozenset({"BLOCKED"}) if action == "Authorize" else frozenset()
        return super().answer(action, payload)


class DeafToFaults(HonestCSMS):
    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        bad = re.search("'(Faulted|Unavailable)'", str(payload))
        if bad and action in ("StatusNotification", "NotifyEvent"):
            refuse("InternalError")
        return super().answer(action, payload)


class ForgetsOnLoss(HonestCSMS):
    """Knows a transaction only as long as its connection lasts."""

    def __init__(self, version: Version) -> None:
        super().__init__(version)
        self.csms.on_disconnect(lambda *_: self.books.clear())

    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        number = payload.get("transactionId", payload.get("transactionInfo", {}).get("transactionId"))
        if (action == "StopTransaction" or payload.get("eventType") in ("Updated", "Ended")) and (
            number not in self.books
        ):
            refuse("PropertyConstraintViolation")
        return super().answer(action, payload)


class RefusesLateValues(HonestCSMS):
    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        number = payload.get("transactionId", payload.get("transactionInfo", {}).get("transactionId"))
        if action in ("MeterValues", "TransactionEvent") and self.books.get(number) is False:
            refuse("GenericError")
        return super().answer(action, payload)


class SetsNoLimit(HonestCSMS):
    async def ask(self, name: str, sentence: str, variables: Mapping[str, Any]) -> bool:
        return name == "limit"


class LimitsTooHigh(HonestCSMS):
    def limit(self, variables: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return super().limit({**variables, "watts": 20_000})


class RefusesThePast(HonestCSMS):
    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        begins = action == "StartTransaction" or payload.get("eventType") == "Started"
        if begins and payload["timestamp"][:19] < self.now()[:19]:
            refuse("InternalError")
        return super().answer(action, payload)


class LosesItsBooksAtBoot(ForgetsOnLoss):
    pass


class StartsForAnother(HonestCSMS):
    def remote_start(self, variables: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return super().remote_start({**variables, "token": "SOMEBODYELSE"})


class StartsOnce(HonestCSMS):
    """Believes that the first one runs."""

    async def ask(self, name: str, sentence: str, variables: Mapping[str, Any]) -> bool:
        return True if "once more" in sentence else await super().ask(name, sentence, variables)


class OneAtATime(HonestCSMS):
    """A token that charges already does not charge twice, whatever became of the first time."""

    def info(self, token: str) -> dict[str, Any]:
        return {"status": "ConcurrentTx" if len(self.books) > 1 else "Accepted"}


class SameNumberAgain(HonestCSMS):
    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        answer = super().answer(action, payload)
        return {**answer, "transactionId": 1} if action == "StartTransaction" else answer


PASSES: dict[str, type[HonestCSMS]] = {"reboot-while-pending": HoldingBack}
BROKEN: list[tuple[str, type[HonestCSMS], str]] = [
    ("blocked-card", KnowsNoBlocked, "status is Accepted, not Blocked or Invalid"),
    ("blocked-card", LetsBlockedGoOn, "started .*status is Accepted, not Blocked"),
    ("faulted-while-charging", DeafToFaults, "CALLERROR InternalError: on purpose"),
    ("flapping-connection", ForgetsOnLoss, "CALLERROR .*ConstraintViolation"),
    ("late-meter-values", RefusesLateValues, "CALLERROR GenericError"),
    ("limit-while-charging", SetsNoLimit, "no limit came within 600 s"),
    ("limit-while-charging", LimitsTooHigh, "power is .* after 30 s, not at least 1000 and at most 6000"),
    ("offline-session", RefusesThePast, "CALLERROR InternalError"),
    ("power-cut-in-session", LosesItsBooksAtBoot, "CALLERROR .*ConstraintViolation"),
    ("reboot-while-pending", HonestCSMS, "status is Accepted, not Pending"),
    ("reboot-while-pending", AcceptsAfterReboot, "status is Accepted, not Pending"),
    ("remote-start-without-cable", StartsForAnother, "no such remote_start came .* token is SOMEBODYELSE, not 04A1"),
    ("remote-start-without-cable", StartsOnce, "no remote_start came"),
    ("zombie-transaction", OneAtATime, "status is ConcurrentTx, not Accepted"),
]


@EVERY
@pytest.mark.parametrize("name", SHIPPED)
def test_an_honest_csms_passes(name: str, version: Version) -> None:
    result = played(name, version, PASSES.get(name, HonestCSMS))
    assert (result.verdict, result.step, result.reason) == ("pass", "", "")
    assert result.version == version.value
    assert result.records


@EVERY
@pytest.mark.parametrize(("name", "kind", "why"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_csms_fails(name: str, kind: type[HonestCSMS], why: str, version: Version) -> None:
    result = played(name, version, kind)
    assert result.verdict == "fail", result.reason
    assert re.search(why, result.reason), result.reason
    assert result.step


def test_a_number_that_is_given_twice_is_seen() -> None:
    result = played("zombie-transaction", Version.V16, SameNumberAgain)
    assert result.verdict == "fail"
    assert "transaction is 1, not not 1" in result.reason


def test_every_scenario_has_a_way_to_fail() -> None:
    assert {name for name, _, _ in BROKEN} == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_each_says_what_it_proves(name: str) -> None:
    head = read_scenario(name).head
    assert head.title
    assert head.proves
    assert shipped_text(name).startswith("# Proves of a CSMS: ")
    assert set(head.versions) == set(Version)
