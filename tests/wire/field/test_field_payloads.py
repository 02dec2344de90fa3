"""Payloads of real stations and CSMSs, to a role with the handlers that a usual program has: one test for each case."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from field_cases import CASES
from field_peers import answered, ask, said, usual_csms

from ocppflow import STRICT, TOLERANT, ChargingStation, Rule, Rules, StationFile, errors, v16, v201
from ocppflow.testing import MemoryNetwork, ScriptedCSMS

VALID = {"FC20", "FC21", "FC25", "FC26", "FC29", "FC32", "FC33", "FC65", "FC67"}
"""What is allowed, however odd it looks."""
CALLS = [
    name
    for name, case in CASES.items()
    if case["kind"] == "payload" and case["role_under_test"] == "CSMS" and "call" not in case
]
FAULTS = {
    "FC18": {"$.chargePointSerialNumber", "$.chargeBoxSerialNumber"},
    "FC19": {"$.meterValue[0].sampledValue[0].value"},
    "FC22": {"$.info"},
    "FC23": {"$.errorCode", "$.connectorId"},
    "FC24": {"$.meterValue[0].sampledValue[0].value"},
    "FC27": {"$.meterValue"},
    "FC28": {"$.meterValue[0].sampledValue[0].unit", "$.meterValue[0].sampledValue[2].measurand"},
    "FC30": {"$.timestamp"},
    "FC34": {"$.idTag"},
    "FC35": {"$.connectorId"},
    "FC36": {"$.data"},
    "FC37": {"$.connectorId"},
    "FC66": {"$.triggerReason", "$.transactionInfo", "$.transactionData"},
}
"""What strict names."""


@pytest.mark.parametrize("name", CALLS)
async def test_tolerant_lets_ordinary_handlers_answer_it(network: MemoryNetwork, name: str) -> None:
    csms = usual_csms(network, policy=TOLERANT)
    peer = network.scripted_station(csms, version=CASES[name]["version"])
    heard = await said(peer, name)
    assert [frame[0] for frame in heard] == [3] * len(CASES[name]["frames"]), heard


@pytest.mark.parametrize("name", CALLS)
async def test_strict_refuses_what_the_schema_forbids_and_names_all_of_it(
    network: MemoryNetwork, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    csms = usual_csms(network, policy=STRICT)
    peer = network.scripted_station(csms, version=CASES[name]["version"])
    with caplog.at_level(logging.WARNING, "ocppflow"):
        heard = await said(peer, name)
    assert len(heard) == len(CASES[name]["frames"])
    assert {frame[0] for frame in heard} == ({3} if name in VALID else {4}), heard
    assert (name in VALID) != (name in FAULTS)
    for path in FAULTS.get(name, ()):
        assert f"{path}:" in caplog.text
    assert peer.ended is None


async def test_fc18_a_documented_rule_lets_it_boot(network: MemoryNetwork) -> None:
    rule = Rule(vendor="Fritz*", path="$.*SerialNumber", forgive=["value"])
    csms = usual_csms(network, policy=Rules([rule]))
    [answer] = await said(network.scripted_station(csms, version="1.6"), "FC18")
    assert answer[2]["status"] == "Accepted"


async def test_fc19_a_rule_for_a_vendor_holds_after_a_restart_without_a_boot(
    network: MemoryNetwork, tmp_path: Path
) -> None:
    rules = Rules([Rule(vendor="Fritz*", path="$.meterValue[*].sampledValue[*].value", forgive=["type"])])
    (tmp_path / "stations.jsonl").write_text('{"identity":"CS1","vendor":"Fritz Electric","model":"Link"}\n')
    csms = usual_csms(network, policy=rules, memory=StationFile(tmp_path / "stations.jsonl"))
    [answer] = await said(network.scripted_station(csms, version="1.6"), "FC19")
    assert answer[0] == 3
    assert csms["CS1"].data["samples"] == [12.5]
    [refused] = await said(network.scripted_station(csms, "CS2", version="1.6"), "FC19")
    assert "a rule may forgive this once the station's vendor and model are known" in refused[3]


async def test_fc27_fc30_fc37_what_has_one_evident_meaning_reaches_the_handler_as_that(network: MemoryNetwork) -> None:
    csms = usual_csms(network, policy=TOLERANT)
    peer = network.scripted_station(csms, version="1.6")
    await said(peer, "FC27")
    assert csms["CS1"].data["samples"] == [0.0]
    await said(peer, "FC30")
    assert csms["CS1"].data["age"] == datetime(2026, 3, 1, 12, tzinfo=UTC) - datetime(
        2026, 10, 19, 15, 28, 7, tzinfo=UTC
    )
    await said(peer, "FC37")
    assert csms["CS1"].data["status"] == {1: "available"}


async def test_fc33_the_largest_number_comes_back_as_it_was(network: MemoryNetwork) -> None:
    csms = usual_csms(network)
    seen: list[int] = []

    @csms.on(v16.MeterValuesRequest)
    def meter_values(station: object, request: v16.MeterValuesRequest) -> v16.MeterValuesResponse:
        seen.append(request.transaction_id)
        return v16.MeterValuesResponse()

    await said(network.scripted_station(csms, version="1.6"), "FC33")
    assert seen == [2**63 - 1]


@pytest.mark.parametrize(("name", "status"), [("FC60", "Rejected"), ("FC61", None)])
async def test_a_response_with_a_fault_is_forgiven_or_kept_for_people(
    network: MemoryNetwork, name: str, status: str | None
) -> None:
    tolerant = usual_csms(network, policy=TOLERANT)
    peer = network.scripted_station(tolerant, version="1.6")
    call = ask(tolerant["CS1"], name)
    await answered(peer, name)
    answer = await call
    assert answer.violations
    assert getattr(answer.message, "status", None) == status

    strict = usual_csms(network)
    peer = network.scripted_station(strict, version="1.6")
    call = ask(strict["CS1"], name)
    await answered(peer, name)
    with pytest.raises(errors.InvalidResponse) as refused:
        await call
    assert json.loads(refused.value.raw) == json.loads(answer.payload)
    assert refused.value.violations


async def test_fc62_a_csms_that_echoes_the_request_can_be_forgiven(network: MemoryNetwork) -> None:
    script = ScriptedCSMS(["1.6"])
    async with network.station(script, versions=["1.6"], policy=TOLERANT) as cs:
        call = ask(cs, "FC62")
        await answered(script.peer, "FC62")
        assert [each.path for each in (await call).violations] == ["$.connectorId", "$.status", "$.errorCode"]


async def test_fc63_the_time_of_a_csms_without_a_zone_is_utc(network: MemoryNetwork) -> None:
    script = ScriptedCSMS(["1.6"])
    async with network.station(script, versions=["1.6"], policy=TOLERANT) as cs:
        call = ask(cs, "FC63")
        await answered(script.peer, "FC63")
        assert (await call).message.current_time.utcoffset() == timedelta(0)


async def test_fc64_what_a_csms_asks_for_reaches_the_station(network: MemoryNetwork) -> None:
    script, seen = ScriptedCSMS(["1.6"]), []
    station = network.station(script, versions=["1.6"], policy=TOLERANT)

    @station.on(v16.ChangeConfigurationRequest)
    def change(cs: ChargingStation, request: v16.ChangeConfigurationRequest) -> v16.ChangeConfigurationResponse:
        seen.append(int(request.value))
        return v16.ChangeConfigurationResponse(status="Accepted")

    @station.on(v16.RemoteStartTransactionRequest)
    def start(cs: ChargingStation, request: v16.RemoteStartTransactionRequest) -> v16.RemoteStartTransactionResponse:
        seen.append(request.connector_id)
        return v16.RemoteStartTransactionResponse(status="Accepted")

    @station.on(v16.GetConfigurationRequest)
    def get(cs: ChargingStation, request: v16.GetConfigurationRequest) -> v16.GetConfigurationResponse:
        seen.append(len(request.key))
        return v16.GetConfigurationResponse()

    async with station:
        assert [frame[0] for frame in await said(script.peer, "FC64")] == [3, 3, 3]
    assert seen == [60, 0, 0]


async def test_fc69_times_that_we_send_have_at_most_three_decimals(network: MemoryNetwork) -> None:
    moment = datetime(2026, 11, 25, 15, 42, 0, 258_232, UTC)
    script = ScriptedCSMS(["2.0.1"])
    async with network.station(script, versions=["2.0.1"]) as cs:
        future = cs.begin_raw("StatusNotification", {"timestamp": moment}, validate=False)
        [[_, message_id, _, payload]] = await script.peer.hear()
        assert payload == {"timestamp": "2026-11-25T15:42:00.258Z"}
        await script.peer.say([3, message_id, {}])
        await future
    csms = usual_csms(network)

    @csms.on(v201.HeartbeatRequest)
    def heartbeat(station: object, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        return v201.HeartbeatResponse(current_time=moment)

    [[_, _, response]] = await said(network.scripted_station(csms), "FC69")
    assert re.fullmatch(r"2026-11-25T15:42:00\.258Z", response["currentTime"])
