"""The judge of ``make fuzz`` itself: it passes what is right, and finds what is wrong."""

from __future__ import annotations

from collections import Counter

import pytest

from ocppflow.errors import NotSupported
from ocppflow.messages import Role, Version
from ocppflow.rpc.session import Session
from tests.fuzz import judge, oracle
from tests.fuzz.items import Answer, error
from tests.fuzz.mutate import Mutator

CALL = b'[2,"a","Heartbeat",{}]'
GOOD = b'[3,"a",{"currentTime":"2026-01-01T00:00:00Z"}]'
REFUSED = b'[4,"a","NotSupported","",{}]'


def findings(sent: list[bytes], got: list[bytes], version: Version = Version.V201) -> list[str]:
    return [finding.what for finding in oracle.check(sent, got, version, Counter())]


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ([CALL], [GOOD]),
        ([CALL], [REFUSED]),
        ([CALL, CALL], [GOOD, GOOD]),
        ([b"}{"], [b'[4,"-1","RpcFrameworkError","",{}]']),
        ([b'[3,"a",{}]', b'[4,"a","X","",{}]'], []),
        ([b'[7,"a"]'], [b'[4,"a","MessageTypeNotSupported","",{}]']),
    ],
)
def test_what_is_right_passes(sent: list[bytes], got: list[bytes]) -> None:
    assert not findings(sent, got)


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ([CALL], []),
        ([CALL], [GOOD, GOOD]),
        ([CALL], [b'[3,"b",{}]']),
        ([CALL], [b'[3,"a"]']),
        ([CALL], [b'[3,"a",[]]']),
        ([CALL], [b'[4,"a","Nonsense","",{}]']),
        ([CALL], [b'[4,"a","FormationViolation","",{}]']),
        ([CALL], [b'[4,"a","NotSupported","' + b"x" * 256 + b'",{}]']),
        ([CALL], [b'[4,"a","NotSupported",""]']),
        ([CALL], [b'[3,"a",{"x":NaN}]']),
        ([CALL], [b'[3,"a",{"x":"\xff"}]']),
        ([b"}{"], []),
        ([b"}{"], [b'[4,-1,"RpcFrameworkError","",{}]']),
        ([b'[3,"a",{}]'], [REFUSED]),
        ([b'[7,"a"]'], []),
    ],
)
def test_what_is_wrong_is_found(sent: list[bytes], got: list[bytes]) -> None:
    assert findings(sent, got)


def test_an_answer_counts_only_in_the_spelling_of_its_version() -> None:
    wanted = error("FormatViolation")
    assert judge.is_as_expected(Answer(4, "1", "FormationViolation"), wanted, Version.V16)
    assert not judge.is_as_expected(Answer(4, "1", "FormatViolation"), error("RpcFrameworkError"), Version.V21)
    assert not judge.is_as_expected(Answer(3, "1"), wanted, Version.V16)


def test_the_same_seed_makes_the_same_messages() -> None:
    first, again, other = (Mutator(Version.V21, Role.CSMS, seed).batch(300) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("target", list(Role))
@pytest.mark.parametrize("version", list(Version))
def test_a_session_answers_mutated_messages_by_the_rules(version: Version, target: Role) -> None:
    mutator = Mutator(version, target, 7)
    session = Session(version, target)
    for data in mutator.batch(1500):
        for event in session.receive(data, 0.0):
            if type(event).__name__ == "CallReceived":
                session.fail(event.message_id, NotSupported("not here"))
        assert not findings([data], [sent for sent, _ in session.data_to_send()], version)
