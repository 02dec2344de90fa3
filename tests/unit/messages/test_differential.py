"""Our verdict against jsonschema-rs on the official schemas, for every message type of every version."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schema_instances import Maker, schemas

from ocppflow.errors import InvalidMessage
from ocppflow.messages import Version, actions
from ocppflow.messages.base import Message
from ocppflow.messages.codec import decode, encode, violations
from ocppflow.messages.tolerance import TOLERANT, check

# Where we differ on purpose: (version, message, payload, what jsonschema-rs says, why). We say the opposite.
DIFFERENCES: tuple[tuple[str, str, dict[str, Any], bool, str], ...] = (
    ("1.6", "ChangeAvailabilityRequest", {"connectorId": 1.0, "type": "Operative"}, False,
     "JSON has one kind of number; JSON Schema sees it so from draft 6 on, the schemas of 1.6 are of draft 4"),
    ("2.0.1", "HeartbeatResponse", {"currentTime": "2024-05-01 10:00:00Z"}, False,
     "RFC 3339 5.6 lets applications use a space for the T"),
    ("2.0.1", "HeartbeatResponse", {"currentTime": "2024-05-01T10:00:00+0200"}, False,
     "the basic form of ISO 8601, which the standard names for dateTime, is as clear"),
    ("1.6", "HeartbeatResponse", {"currentTime": "2024-05-01T10:00:00+02"}, False,
     "OCPP 1.6 edition 2, 3.15 names ISO 8601, where an offset may consist of hours alone"),
    ("2.0.1", "HeartbeatResponse", {"currentTime": "0000-05-01T10:00:00Z"}, True, "Python has no year 0"),
    ("1.6", "StopTransactionRequest",
     {"transactionId": 1, "timestamp": "2024-05-01T10:00:00Z", "meterStop": 1, "transactionData": [
         {"timestamp": "2024-05-01T10:00:00Z", "sampledValue": [{"value": "50", "unit": "Hertz"}]}]},
     False, "OCPP 1.6 errata 3.86: Hertz; the schema of MeterValues has it, that of StopTransaction not"),
)  # fmt: skip

CASES = [(version, name) for version in ("1.6", "2.0.1", "2.1") for name in schemas(version)]
SAMPLE = 30
"""Faults that are tried per valid instance, of all that can be made."""


@cache
def types(version: str) -> dict[str, type[Message]]:
    infos = actions(version).values()
    return {t.__name__: t for info in infos for t in (info.request, info.response) if t is not None}


@cache
def oracle(version: str, name: str) -> Any:
    return jsonschema_rs.validator_for(schemas_of(version)[name], validate_formats=True)


schemas_of = cache(schemas)


def accepts(kind: type[Message], raw: str) -> bool:
    try:
        decode(kind, raw)
    except InvalidMessage:
        return False
    return True


def same_meaning(a: Any, b: Any) -> bool:
    """Equal data; a date-time may be written in another way, and with three decimals at most."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_meaning(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_meaning, a, b))
    if a != b and isinstance(a, str) and isinstance(b, str):
        if a == "2016-12-31T23:59:60Z":
            return b == "2017-01-01T00:00:00Z"
        moment = datetime.fromisoformat(a.upper())
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000) == datetime.fromisoformat(b)
    return bool(a == b) and type(a) is type(b)


def test_every_official_schema_has_its_type_and_no_type_lacks_a_schema() -> None:
    for version in Version:
        assert types(version).keys() == schemas_of(version).keys()


def compare(version: str, name: str, maker: Maker, sample: int | None) -> None:
    """A valid value, its round trip, and that value with one fault each time."""
    kind, official = types(version)[name], oracle(version, name)
    value = maker.valid(maker.root)
    raw = json.dumps(value, ensure_ascii=False)
    assert official.is_valid(value), f"the generator made something invalid: {raw}"
    message = decode(kind, raw)
    assert violations(kind, raw) == ()
    assert same_meaning(value, json.loads(encode(message)))

    faults = list(maker.wrong(maker.root, value))
    for what, bad in faults if sample is None else maker.chance.sample(faults, min(sample, len(faults))):
        if bad is None:
            continue  # a payload of null is an empty one (2.1 Part 4, 4.1.5), whatever the schema says
        raw = json.dumps(bad, ensure_ascii=False)
        expected, ours = official.is_valid(bad), accepts(kind, raw)
        assert ours == expected, f"{what}: schema says {expected}, we say {ours}: {raw[:300]}"
        if sample and isinstance(bad, dict):
            checked = check(kind, raw, TOLERANT)
            assert (checked.violations == ()) == expected
            assert isinstance(checked.message, kind)
            encode(checked.message, validate=False)


@pytest.mark.parametrize(("version", "name"), CASES, ids=lambda v: v)
def test_same_verdict_as_the_official_schema(version: str, name: str) -> None:
    schema = schemas_of(version)[name]

    @settings(max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.integers(0, 2**32 - 1))
    def run(seed: int) -> None:
        compare(version, name, Maker(schema, Random(seed)), SAMPLE)

    run()


@pytest.mark.slow
@pytest.mark.parametrize(("version", "name"), CASES, ids=lambda v: v)
def test_same_verdict_for_every_fault_of_a_full_message(version: str, name: str) -> None:
    compare(version, name, Maker(schemas_of(version)[name], Random(1), full=True), None)


@pytest.mark.parametrize(("version", "name", "payload", "official", "why"), DIFFERENCES)
def test_deliberate_differences(version: str, name: str, payload: dict[str, Any], official: bool, why: str) -> None:
    assert oracle(version, name).is_valid(payload) is official
    assert accepts(types(version)[name], json.dumps(payload)) is not official, why
