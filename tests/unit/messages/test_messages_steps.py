"""What an invalid payload costs, in lines of Python that are run and not in time, under each policy."""

from __future__ import annotations

import contextlib
import gc
import sys
from types import FrameType
from typing import Any

import pytest

from ocppflow.errors import InvalidMessage
from ocppflow.messages import v16, v201
from ocppflow.messages.base import Message
from ocppflow.messages.codec import decode
from ocppflow.messages.tolerance import STRICT, TOLERANT, Policy, Rule, Rules, check
from ocppflow.messages.walk import EXAMINED

SIZE = 2**20
MOST_LINES = 25 * EXAMINED
"""A line of Python takes about 50 ns, so these take less than 50 ms."""

_TIME = '"timestamp":"2026-01-01T00:00:00Z"'
_EVENT = f'{{"eventType":"Started",{_TIME},"triggerReason":"Authorized","transactionInfo":{{"transactionId":"T"}}'
_ENDS = '"seqNo":0}'


def _filled(one: str, size: int = SIZE) -> str:
    return ",".join([one] * (size // (len(one) + 1)))


def _event(meter_values: str, more: str = _ENDS) -> str:
    return f'{_EVENT},"meterValue":[{meter_values}],{more}'


_METER_VALUE = f'{{{_TIME},"sampledValue":[{{"value":1}}]}}'
SHAPES: dict[str, tuple[type[Message], str]] = {
    "empty objects": (v201.TransactionEventRequest, _event(_filled("{}"))),
    "numbers for objects": (v201.TransactionEventRequest, _event(_filled("1"))),
    "nulls": (v201.TransactionEventRequest, _event(_filled("null"))),
    "lists for objects": (v201.TransactionEventRequest, _event(_filled("[{}]"))),
    "empty customData": (v201.TransactionEventRequest, _event(_filled('{"customData":{}}'))),
    "one fault at the end": (v201.TransactionEventRequest, _event(_filled(_METER_VALUE) + ",{}")),
    "one fault at the beginning": (v201.TransactionEventRequest, _event(_filled(_METER_VALUE), '"seqNo":"0"}')),
    "unknown fields": (
        v201.TransactionEventRequest,
        _event(_METER_VALUE, ",".join(f'"u{number}":0' for number in range(80_000)) + "," + _ENDS),
    ),
    "unknown fields deep inside": (
        v201.TransactionEventRequest,
        _event(f'{{{_TIME},"sampledValue":[' + _filled('{"value":1,"u":1}') + "]}"),
    ),
    "integers with a point": (
        v201.NotifyReportRequest,
        '{"requestId":1.0,"generatedAt":"2026-01-01T00:00:00Z","seqNo":0,"reportData":['
        + _filled('{"component":{"name":"C"},"variable":{"name":"V"},"variableAttribute":[{"value":"x"}]}')
        + "]}",
    ),
    "empty objects in 1.6": (v16.MeterValuesRequest, f'{{"connectorId":1,"meterValue":[{_filled("{}")}]}}'),
    "times without a zone in 1.6": (
        v16.MeterValuesRequest,
        '{"connectorId":1,"meterValue":['
        + _filled('{"timestamp":"2026-01-01T00:00:00","sampledValue":[{"value":"1"}]}')
        + "]}",
    ),
    "nested too deeply": (v201.TransactionEventRequest, _event("[" * 400_000 + "]" * 400_000)),
    "a nested value": (v201.HeartbeatRequest, '{"u":' + '{"a":' * 900 + "0" + "}" * 901),
    "a long name": (v201.HeartbeatRequest, f'{{"{"x" * SIZE}":0}}'),
    "a long text": (v201.HeartbeatRequest, f'{{"u":"{"x" * SIZE}"}}'),
    "a long text in a list": (v201.HeartbeatRequest, f'{{"u":["{"x" * SIZE}"]}}'),
    "lists of lists": (v201.HeartbeatRequest, '{"u":[' + ",".join([f"[{_filled('0', SIZE // 60)}]"] * 50) + "]}"),
    "escapes": (v201.HeartbeatRequest, '{"u":"' + "\\u0001" * (SIZE // 6) + '"}'),
    "control characters": (v201.HeartbeatRequest, '{"u":[' + _filled('"\x01"') + "]}"),
    "a field many times": (v201.HeartbeatRequest, "{" + _filled('"u":0') + "}"),
}
POLICIES: dict[str, Policy] = {
    "strict": STRICT,
    "tolerant": TOLERANT,
    "rules": Rules(
        [*(Rule(path=f"$.**.x{number}", forgive=["missing"]) for number in range(9)), Rule(forgive=["type", "value"])]
    ),
}


class Lines:
    """How many lines of the package's Python are run."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> Any:
        self.count += event == "line"
        return self


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_payload_costs_a_bounded_number_of_steps(shape: str, policy: str) -> None:
    kind, text = SHAPES[shape]
    raw = text.encode()
    lines, before = Lines(), sys.gettrace()
    sys.settrace(lines)
    try:
        with contextlib.suppress(InvalidMessage):
            check(kind, raw, POLICIES[policy])
    finally:
        sys.settrace(before)
    assert lines.count <= MOST_LINES


@pytest.mark.parametrize("policy", [STRICT, TOLERANT])
def test_a_payload_too_long_to_be_examined_is_refused_with_what_is_known(policy: Policy) -> None:
    kind, text = SHAPES["one fault at the end"]
    with pytest.raises(InvalidMessage) as caught:
        check(kind, text.encode(), policy)
    first, last = caught.value.violations
    assert "is missing" in str(first)
    assert first.path.startswith("$.meterValue[")
    assert str(last) == f"$: expected at most {EXAMINED} values in a payload that is to be examined, got more"


@pytest.mark.parametrize("judge", ["check", "decode"])
def test_what_is_refused_leaves_no_cycle_that_would_keep_it(judge: str) -> None:
    kind, text = SHAPES["empty objects"]
    raw = text[:10_000].encode() + b"{}]," + _ENDS.encode()

    def refuse() -> None:
        with contextlib.suppress(InvalidMessage):
            check(kind, raw) if judge == "check" else decode(kind, raw)

    refuse()  # what is made once is made now
    gc.collect()
    gc.disable()
    try:
        refuse()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_long_payload_that_a_station_may_send_is_examined() -> None:
    meter_values = _filled(_METER_VALUE, 200_000)
    assert len(check(v201.TransactionEventRequest, _event(meter_values, '"seqNo":"0"}'), TOLERANT).violations) == 1
