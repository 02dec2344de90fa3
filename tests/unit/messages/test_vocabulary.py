"""2.0.1 and 2.1 share a vocabulary: up keeps everything, down drops nothing silently."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, inspect
from schema_instances import Maker, schemas

from ocppflow.errors import InvalidMessage, UnknownAction
from ocppflow.messages import actions, request_type, response_type, v16, v21, v201, vocabulary
from ocppflow.messages.base import Message, Response, Version
from ocppflow.messages.codec import decode, encode
from ocppflow.messages.tolerance import TOLERANT, check
from ocppflow.messages.vocabulary import to_v21, to_v201, v21_type, v201_type

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
OFFICIAL = {version: schemas(version) for version in ("2.0.1", "2.1")}
SHARED = [
    t for info in actions("2.0.1").values() for t in (info.request, info.response) if t is not None
]  # every message type of 2.0.1


def instances(version: str, name: str, seed: int, *, full: bool = False) -> str:
    maker = Maker(OFFICIAL[version][name], Random(seed), full=full)
    return json.dumps(maker.valid(maker.root), ensure_ascii=False)


def rebuilt(message: Message, target: type[Message]) -> Message:
    """The slow way alone."""
    return vocabulary._rebuilt(message, target, [])


some_seeds = settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", SHARED, ids=lambda kind: kind.__name__)
def test_up_and_down_again_is_the_same_message(kind: type[Message]) -> None:
    @some_seeds
    @given(seed=st.integers(0, 2**32 - 1))
    def run(seed: int) -> None:
        message = decode(kind, instances("2.0.1", kind.__name__, seed))
        up = to_v21(message)
        assert type(up) is v21_type(kind)
        assert up.__version__ is Version.V21
        assert json.loads(encode(up, validate=False)) == json.loads(encode(message))
        down = to_v201(up)
        assert type(down) is kind
        assert down == message
        assert rebuilt(message, v21_type(kind)) == up
        assert rebuilt(up, kind) == message

    run()


@pytest.mark.parametrize("kind", SHARED, ids=lambda kind: kind.__name__)
def test_a_2_1_message_goes_down_whole_or_is_refused_with_a_path(kind: type[Message]) -> None:
    """What goes down without an error says the same on the wire, but for what 2.1 forces upon its messages."""

    @some_seeds
    @given(seed=st.integers(0, 2**32 - 1))
    def run(seed: int) -> None:
        later = v21_type(kind)
        message = decode(later, instances("2.1", later.__name__, seed))
        refused: list[InvalidMessage] = []
        try:
            down = to_v201(message)
        except InvalidMessage as exc:
            refused.append(exc)
        if refused:
            assert all(v.path.startswith("$.") for v in refused[0].violations)
            assert refused[0].path in str(refused[0])
            return
        said, expected = json.loads(encode(down, validate=False)), json.loads(encode(message))
        for monitor in (m for data in expected.get("monitor", []) for m in data.get("variableMonitoring", [])):
            del monitor["eventNotificationType"]
        assert said == expected

    run()


def added(source: inspect.Type, target: inspect.Type, path: str = "$") -> Iterator[str]:
    """The paths of the fields and of the enum values that ``source`` (2.1) has and ``target`` (2.0.1) has not."""
    if isinstance(source, inspect.StructType):
        theirs = {f.encode_name: f for f in inspect.type_info(target.cls).fields}  # type: ignore[union-attr]
        for f in inspect.type_info(source.cls).fields:  # type: ignore[union-attr]
            if f.encode_name not in theirs:
                yield f"{path}.{f.encode_name}"
            else:
                yield from added(f.type, theirs[f.encode_name].type, f"{path}.{f.encode_name}")
    elif isinstance(source, inspect.ListType):
        yield from added(source.item_type, target.item_type, f"{path}[0]")  # type: ignore[union-attr]
    elif isinstance(target, inspect.LiteralType):
        values = source.values if isinstance(source, inspect.LiteralType) else ("SomethingNew",)
        yield from (f"{path}={value}" for value in values if value not in target.values)


ADDED = [
    (kind, where)
    for kind in SHARED
    for where in added(inspect.type_info(v21_type(kind)), inspect.type_info(kind))
    if not where.endswith(".eventNotificationType")
]


def place(message: Any, where: str) -> tuple[Any, str]:
    """The Struct and the wire name that a path ends at."""
    steps = where.removeprefix("$.").replace("[0]", ".[0]").split(".")
    for step in steps[:-1]:
        message = message[0] if step == "[0]" else getattr(message, attribute(message, step))
    return message, steps[-1]


def attribute(struct: Any, wire: str) -> str:
    return str(struct.__struct_fields__[struct.__struct_encode_fields__.index(wire)])


@pytest.mark.parametrize(("kind", "where"), ADDED, ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_every_field_and_enum_value_that_2_1_added_is_refused_with_its_path(kind: type[Message], where: str) -> None:
    """Into a full 2.0.1 message, one word of 2.1 is put."""
    message = rebuilt(decode(kind, instances("2.0.1", kind.__name__, 1, full=True)), v21_type(kind))
    path, _, value = where.partition("=")
    owner, last = place(message, path)
    if last == "[0]":
        owner[0] = value
    else:
        setattr(owner, attribute(owner, last), value or 1)
    with pytest.raises(InvalidMessage, match=r"of OCPP 2\.1 cannot be said in 2\.0\.1") as caught:
        to_v201(message)
    assert caught.value.path == path
    assert [v.path for v in caught.value.violations] == [path]


def test_there_is_something_to_refuse() -> None:
    fields, values = [w for _, w in ADDED if "=" not in w], [w for _, w in ADDED if "=" in w]
    assert (len(fields), len(values)) > (100, 100)


def test_what_2_1_requires_and_2_0_1_does_not_know_is_left_out() -> None:
    """No 2.1 message can be without it. All other fields that 2.1 added are refused (above): it is the only one."""
    monitoring = v21.VariableMonitoringType(
        id=1, transaction=False, value=1, type="UpperThreshold", severity=5, event_notification_type="CustomMonitor"
    )
    where = {"component": v21.ComponentType(name="EVSE"), "variable": v21.VariableType(name="Power")}
    report = v21.NotifyMonitoringReportRequest(
        request_id=1,
        seq_no=0,
        generated_at=NOON,
        monitor=[v21.MonitoringDataType(variable_monitoring=[monitoring], **where)],  # type: ignore[arg-type]
    )
    down = to_v201(report)
    assert isinstance(down, v201.NotifyMonitoringReportRequest)
    assert "eventNotificationType" not in encode(down).decode()
    up = to_v21(down)
    assert isinstance(up, v21.NotifyMonitoringReportRequest)
    assert up.monitor is not UNSET
    assert up.monitor[0].variable_monitoring[0].event_notification_type is UNSET


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (v201.StatusNotificationRequest,
         {"timestamp": "2026-05-01T12:00:00Z", "connectorStatus": "Available", "evseId": -1, "connectorId": 1}),
        (v201.NotifyEVChargingScheduleRequest,
         {"timeBase": "2026-05-01T12:00:00Z", "evseId": 0, "chargingSchedule": {
             "id": 1, "chargingRateUnit": "A",
             "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.0, "numberPhases": 4}]}}),
        (v201.RequestStartTransactionRequest,
         {"evseId": 0, "remoteStartId": 1, "idToken": {"idToken": "", "type": "NoAuthorization"}}),
    ],
)  # fmt: skip
def test_what_2_0_1_allows_and_2_1_does_not_is_kept(kind: type[Message], payload: dict[str, Any]) -> None:
    message = decode(kind, json.dumps(payload))
    up = to_v21(message)
    with pytest.raises(InvalidMessage):
        encode(up)
    assert json.loads(encode(up, validate=False)) == payload
    assert to_v201(up) == message


def test_what_a_tolerant_policy_forgave_is_kept() -> None:
    payload = '{"idToken":"AABB","timestamp":"today","eventType":"Started","meterValue":7,"evse":{"id":"one"}}'
    message = check(v201.TransactionEventRequest, payload, TOLERANT).message
    up = to_v21(message)
    assert isinstance(up, v21.TransactionEventRequest)
    assert msgspec.structs.asdict(up) | {"evse": None} == msgspec.structs.asdict(
        v21.TransactionEventRequest(
            **{n: getattr(message, n) for n in message.__struct_fields__},
        )
    ) | {"evse": None}
    assert up.transaction_info is UNSET
    assert isinstance(up.evse, v21.EVSEType)
    assert to_v201(up) == message


def test_microseconds_are_kept() -> None:
    message = v201.HeartbeatResponse(current_time=NOON.replace(microsecond=123456))
    assert to_v21(message) == v21.HeartbeatResponse(current_time=NOON.replace(microsecond=123456))


def test_a_whole_number_is_an_integer_in_2_0_1() -> None:
    parameters = v21.ACChargingParametersType(energy_amount=16.0, ev_min_current=6, ev_max_current=16, ev_max_voltage=1)
    needs = v21.ChargingNeedsType(requested_energy_transfer="AC_three_phase", ac_charging_parameters=parameters)
    down = to_v201(v21.NotifyEVChargingNeedsRequest(evse_id=1, charging_needs=needs))
    assert isinstance(down, v201.NotifyEVChargingNeedsRequest)
    amount = down.charging_needs.ac_charging_parameters.energy_amount  # type: ignore[union-attr]
    assert (amount, type(amount)) == (16, int)
    parameters.energy_amount = 16.5
    with pytest.raises(InvalidMessage, match=r"energyAmount: expected an integer"):
        encode(to_v201(v21.NotifyEVChargingNeedsRequest(evse_id=1, charging_needs=needs)))


def test_all_that_has_no_word_is_named() -> None:
    reset = v21.ResetRequest(type="ImmediateAndResume")
    with pytest.raises(InvalidMessage, match=r'\$\.type: expected one of .*, got "ImmediateAndResume"') as caught:
        to_v201(reset)
    assert (caught.value.code, caught.value.path) == ("PropertyConstraintViolation", "$.type")
    event = v21.TransactionEventRequest(
        event_type="Updated",
        timestamp=NOON,
        trigger_reason="TxResumed",
        seq_no=1,
        transaction_info=v21.TransactionType(transaction_id="t", tariff_id="x"),
        evse_sleep=True,
    )
    with pytest.raises(InvalidMessage, match="and 2 more") as caught:
        to_v201(event)
    assert {v.path for v in caught.value.violations} == {"$.triggerReason", "$.transactionInfo.tariffId", "$.evseSleep"}


def test_actions_that_2_0_1_lacks() -> None:
    for name in actions("2.1").keys() - actions("2.0.1").keys():
        with pytest.raises(UnknownAction, match=r"OCPP 2\.0\.1 has no action"):
            v201_type(request_type("2.1", name))
    with pytest.raises(UnknownAction, match="BatterySwap"):
        to_v201(v21.BatterySwapResponse())


def test_1_6_is_another_language() -> None:
    for convert in (to_v21, to_v201):
        with pytest.raises(UnknownAction, match=r"v16\.HeartbeatRequest has no counterpart in OCPP 2"):
            convert(v16.HeartbeatRequest())


def test_a_message_of_the_wanted_version_comes_back_as_it_is() -> None:
    later, earlier = v21.HeartbeatRequest(), v201.HeartbeatRequest()
    assert to_v21(later) is later
    assert to_v201(earlier) is earlier
    assert v21_type(v21.HeartbeatRequest) is v21.HeartbeatRequest


def test_types_of_requests_and_responses() -> None:
    for name in actions("2.0.1"):
        assert v21_type(request_type("2.0.1", name)) is request_type("2.1", name)
        assert v201_type(response_type("2.1", name)) is response_type("2.0.1", name)
        assert issubclass(v21_type(response_type("2.0.1", name)), Response)


def test_2_1_takes_every_action_over_with_its_direction_and_its_answer() -> None:
    later = actions("2.1")
    for name, info in actions("2.0.1").items():
        assert (later[name].senders, later[name].confirmed) == (info.senders, info.confirmed)
