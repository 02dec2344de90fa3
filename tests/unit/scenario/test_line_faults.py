"""Faults on purpose: each kind against our CSMS, which survives and says why; one seed is one run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scenario.honest_csms import START, HonestCSMS, played

from ocppflow.cli.app import run
from ocppflow.csms import CSMS
from ocppflow.endpoint import SecurityPolicy, run_in_virtual_time
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version, v21
from ocppflow.station import ChargingStation, CompleteStation
from ocppflow.station.line_faults import FaultInjector, FaultPlan, inject, read_faults
from ocppflow.trace import TraceRecord

EVERY = pytest.mark.parametrize("version", Version)


def lived(
    plan: FaultPlan, seconds: float = 3600.0, version: Version = Version.V201
) -> tuple[FaultInjector, HonestCSMS, list[TraceRecord]]:
    """An hour of a station that charges twice, with these faults; at its end the CSMS still serves another one."""

    async def main() -> tuple[FaultInjector, HonestCSMS, list[TraceRecord]]:
        csms = HonestCSMS(version)
        records: list[TraceRecord] = []
        csms.csms.add_trace(records.append)
        station = CompleteStation(
            "CS1", "ws://memory/ocpp", versions=[version], dial=csms.dial, start_time=START, grace=None
        )
        faults = inject(station, plan)
        station.add_trace(csms.said.append)
        station.start()
        for _ in range(2):
            await asyncio.sleep(seconds / 8)
            await station.plug(1)
            await station.swipe(1, "A1")
            await asyncio.sleep(seconds / 8)
            await station.swipe(1, "A1")
            await asyncio.sleep(seconds / 8)
            if station.transactions.on_evse(1) is not None:
                await station.swipe(1, "A1")
            await station.unplug(1)
            await asyncio.sleep(seconds / 8)
        await station.close()
        other = ChargingStation("CS1", "ws://memory/ocpp", versions=[version], dial=csms.dial)
        async with other:
            answer = await other.call_raw("Heartbeat")
            assert answer.action == "Heartbeat"
        await csms.csms.close()
        return faults, csms, records

    return run_in_virtual_time(main())


def notes(records: list[TraceRecord]) -> str:
    return "\n".join([record.note for record in records] + [record.data.decode() for record in records])


@EVERY
def test_a_connection_that_is_torn(version: Version) -> None:
    faults, csms, records = lived(FaultPlan(drop=0.2, seed=1), version=version)
    assert faults.counts["drop"] > 2
    assert [record.event for record in records].count("connected") > 3
    assert "connection lost" in notes(records)
    assert not any(csms.books.values())


@EVERY
def test_messages_that_come_twice_are_answered_and_booked_once(version: Version) -> None:
    faults, csms, _ = lived(FaultPlan(duplicate=1.0), version=version)
    plain, once, _ = lived(FaultPlan(), version=version)
    assert faults.counts["duplicate"] > 10
    assert plain.counts == {}
    assert len(csms.books) == len(once.books) == 2


@EVERY
def test_malformed_json_is_refused_with_the_reason(version: Version) -> None:
    faults, _, records = lived(FaultPlan(malformed=0.3, seed=2), version=version)
    assert faults.counts["malformed"] > 2
    assert any(record.event == "in" and record.note for record in records)
    codes = ("FormationViolation", "RpcFrameworkError", "FormatViolation", "GenericError", "ProtocolError")
    assert any(code in notes(records) for code in codes)


@EVERY
def test_a_broken_schema_is_refused_with_the_field(version: Version) -> None:
    faults, _, records = lived(FaultPlan(schema=0.3, seed=3), version=version)
    assert faults.counts["schema"] > 2
    refused = [record for record in records if record.event == "out" and record.data.startswith(b"[4")]
    assert len(refused) >= faults.counts["schema"]
    assert any("$." in record.data.decode() for record in refused)


@EVERY
def test_delays_keep_the_order(version: Version) -> None:
    _, csms, records = lived(FaultPlan(delay=5.0), version=version)
    came = [record.data for record in records if record.event == "in"]
    said = [record.data for record in csms.said if record.event == "out"]
    assert len(came) > 15
    assert came[: len(came) - 1] == said[: len(came) - 1]  # the last one is of the other station
    assert not any(csms.books.values())


def test_slow_answers() -> None:
    async def main() -> float:
        csms = HonestCSMS(Version.V201)
        station = CompleteStation("CS1", "ws://memory/ocpp", versions=["2.0.1"], dial=csms.dial, grace=None)
        inject(station, FaultPlan(slow_answers=20.0))
        await station.connect()
        await asyncio.sleep(1)
        clock = csms.csms.clock
        began = clock.now()
        await csms.csms.stations["CS1"].call(v21.GetLocalListVersionRequest())
        took = clock.now() - began
        await station.close()
        await csms.csms.close()
        return took

    assert 0.1 < run_in_virtual_time(main()) <= 20


def test_a_wrong_clock_stays_wrong_after_the_csms_has_told_the_time() -> None:
    _, csms, _ = lived(FaultPlan(clock=-86_400.0))
    stamps = [payload["timestamp"] for _, payload in csms.heard if "timestamp" in payload]
    assert stamps
    assert all(stamp.startswith("2026-02-28") for stamp in stamps)


async def test_a_frame_that_is_cut_in_the_middle() -> None:
    csms = CSMS(versions=["2.0.1"], acceptor=SecurityPolicy({0}, None))
    records: list[TraceRecord] = []
    gone = asyncio.Event()
    csms.add_trace(records.append)
    csms.on_disconnect(lambda *_: gone.set())

    @csms.on(v21.BootNotificationRequest)
    async def boot(station: Any, request: v21.BootNotificationRequest) -> v21.BootNotificationResponse:
        raise AssertionError("it never came whole")

    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        station = CompleteStation("CS1", listener.url, versions=["2.0.1"], reconnect=False)
        faults = inject(station, FaultPlan(cut=1.0, actions=("BootNotification",)))
        await station.connect()
        await asyncio.wait_for(gone.wait(), 10)
        await station.close()
    assert faults.counts == {"cut": 1}
    assert [record.event for record in records] == ["connected", "disconnected"]
    assert records[-1].note.startswith("1006")
    await csms.close()


@given(st.integers(0, 10**6), st.floats(0.0, 0.5))
def test_one_seed_is_one_run(seed: int, chance: float) -> None:
    plan = FaultPlan(drop=chance, duplicate=chance, malformed=chance, schema=chance, delay=3.0, seed=seed)
    frames: list[list[Any]] = [[2, str(number), "Heartbeat", {}] for number in range(50)]

    def course(identity: str) -> list[Any]:
        injector = FaultInjector(plan, identity, lambda: pytest.fail("no clock is needed"))
        return [(injector.wait(frame), injector.strikes(frame)) for frame in frames]

    assert course("CS1") == course("CS1")
    assert course("CS1") != course("CS2")


def test_the_same_seed_lets_the_same_happen_to_a_station() -> None:
    plan = FaultPlan(drop=0.1, duplicate=0.1, schema=0.1, delay=2.0, seed=7)
    first, second = lived(plan), lived(plan)
    assert first[0].counts == second[0].counts != {}
    assert [action for action, _ in first[1].heard] == [action for action, _ in second[1].heard]
    assert lived(FaultPlan(drop=0.1, duplicate=0.1, schema=0.1, delay=2.0, seed=8))[0].counts != first[0].counts


@EVERY
def test_a_scenario_with_faults_does_not_blame_the_csms(version: Version) -> None:
    text = """
title = "x"
faults = { duplicate = 1.0, schema = 1.0, actions = ["Heartbeat", "StatusNotification", "NotifyEvent"] }
[[steps]]
do = "plug 1"
[[steps]]
do = "swipe 1 A1"
[[steps]]
expect = "started"
must = { status = "Accepted" }
"""
    assert played(text, version).verdict == "pass"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dorp=1", "did you mean drop?"),
        ("drop", "something like drop=0.01 is wanted"),
        ("drop=x", "drop: a number is wanted, not 'x'"),
        ("drop=2", "drop is a chance from 0 to 1, not 2.0"),
        ("delay=-1", "delay is 0 to 3600 seconds, not -1.0"),
        ("delay=nan", "delay is 0 to 3600 seconds"),
        ("/nowhere/f.toml", "/nowhere/f.toml: No such file"),
    ],
)
def test_a_plan_that_makes_no_sense_is_one_line(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_faults(text)
    assert said in str(caught.value)
    assert run(["station", "CS1", "ws://127.0.0.1:1/ocpp", "--plain", "--faults", text]) == 2
    assert said in capsys.readouterr().err
    assert run(["fleet", "ws://127.0.0.1:1/ocpp", "--faults", text]) == 2
    assert said in capsys.readouterr().err


def test_a_plan_in_words_and_in_a_file(tmp_path: Path) -> None:
    wanted = FaultPlan(drop=0.5, delay=2.0, actions=("Heartbeat", "Authorize"), seed=3)
    assert read_faults("drop=0.5, delay=2, actions=Heartbeat+Authorize, seed=3") == wanted
    file = tmp_path / "f.toml"
    file.write_text('drop = 0.5\ndelay = 2\nactions = ["Heartbeat", "Authorize"]\nseed = 3\n')
    assert read_faults(str(file)) == wanted
    file.write_text("dorp = 0.5\n")
    with pytest.raises(ConfigurationError, match=r"f\.toml: faults: dorp: there is no such key; did you mean drop\?"):
        read_faults(str(file))
