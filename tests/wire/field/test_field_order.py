"""What real stations send twice, late, crossed, or in an order of their own, to a CSMS: one test for each case."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path

import pytest
from field_cases import CASES, frames
from field_peers import NOW, answered, ask, said, usual_csms

from ocppflow import Station, errors, v16, v201
from ocppflow.testing import MemoryNetwork, settle


def test_every_case_has_a_test_that_bears_its_id() -> None:
    tests = Path(__file__).parents[2]
    named = " ".join(file.read_text(encoding="utf-8").upper() for file in tests.rglob("test_*.py"))
    assert not [name for name in CASES if not re.search(rf"{name}\b|{name}_", named)]


async def test_fc51_the_same_stop_again_gets_the_same_answer_and_is_handled_once(network: MemoryNetwork) -> None:
    csms = usual_csms(network)
    handled: list[int] = []

    @csms.on(v16.StopTransactionRequest)
    def stop(station: Station, request: v16.StopTransactionRequest) -> v16.StopTransactionResponse:
        handled.append(request.transaction_id)
        return v16.StopTransactionResponse()

    first, second = await said(network.scripted_station(csms, version="1.6"), "FC51")
    assert first == second == [3, "531", {}]
    again = network.scripted_station(csms, version="1.6")  # the next connection remembers too
    assert await again.say(frames("FC51")[0]) == [first]
    assert handled == [58]


async def test_fc52_the_same_boot_every_ten_seconds_is_answered_anew(network: MemoryNetwork) -> None:
    csms = usual_csms(network)
    peer = network.scripted_station(csms, version="1.6")
    for frame in frames("FC52"):
        [answer] = await peer.say(frame)
        assert answer[2]["status"] == "Accepted"
        await network.clock.advance(10)
    assert csms["CS1"].data["boots"] == ["AcmeBox"] * 3


async def test_fc53_the_newest_connection_wins_and_the_end_of_the_older_one_does_no_harm(
    network: MemoryNetwork,
) -> None:
    csms = usual_csms(network)
    older = network.scripted_station(csms, version="1.6")
    newer = network.scripted_station(csms, version="1.6")
    older.link.close()
    await settle()
    assert older.ended is not None
    assert await newer.say(frames("FC53")[-1]) == [[3, "1", {"currentTime": "2026-03-01T12:00:00Z"}]]
    assert csms["CS1"].is_open


async def test_fc55_while_pending_only_what_was_triggered_is_taken(network: MemoryNetwork) -> None:
    csms = usual_csms(network)

    @csms.on(v201.BootNotificationRequest)
    def boot(station: Station, request: v201.BootNotificationRequest) -> v201.BootNotificationResponse:
        return v201.BootNotificationResponse(current_time=NOW, interval=300, status="Pending")

    @csms.on(v201.StatusNotificationRequest)
    def status(station: Station, request: v201.StatusNotificationRequest) -> v201.StatusNotificationResponse:
        return v201.StatusNotificationResponse()

    peer = network.scripted_station(csms)
    answer, refused = await said(peer, "FC55")
    assert answer[2]["status"] == "Pending"
    assert refused[:3] == [4, "s1", "SecurityError"]
    assert "Pending" in refused[3]
    trigger = asyncio.ensure_future(
        csms.call("CS1", v201.TriggerMessageRequest(requested_message="StatusNotification"))
    )
    [[_, message_id, *_]] = await peer.hear()
    await peer.say([3, message_id, {"status": "Accepted"}])
    assert (await trigger).status == "Accepted"
    assert await peer.say(frames("FC55")[1].replace("s1", "s2")) == [[3, "s2", {}]]


async def test_fc56_transactions_0_and_minus_1_are_answered(network: MemoryNetwork) -> None:
    csms = usual_csms(network)
    heard = await said(network.scripted_station(csms, version="1.6"), "FC56")
    assert [frame[:2] for frame in heard] == [[3, "m1"], [3, "x2"]]
    assert csms["CS1"].data["stops"] == [(-1, 5)]


async def test_fc57_double_and_unasked_answers_are_ignored_and_told(
    network: MemoryNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    csms = usual_csms(network)
    peer = network.scripted_station(csms, version="1.6")
    call = ask(csms["CS1"], "FC57")
    with caplog.at_level(logging.INFO, "ocppflow"):
        assert await answered(peer, "FC57") == []
    assert (await call).message.status == "Accepted"
    assert sum("ignored" in record.getMessage() for record in caplog.records) == 2
    late = ask(csms["CS1"], "FC57", timeout=5)
    await network.clock.advance(6)
    with pytest.raises(errors.CallTimeout):
        await late
    caplog.clear()
    with caplog.at_level(logging.INFO, "ocppflow"):
        assert await answered(peer, "FC57") == []
    assert sum("ignored" in record.getMessage() for record in caplog.records) == 3
    assert csms["CS1"].is_open


async def test_fc58_calls_may_cross_and_one_that_is_never_answered_blocks_until_its_time_out(
    network: MemoryNetwork,
) -> None:
    csms = usual_csms(network)
    peer = network.scripted_station(csms, version="1.6")
    call = ask(csms["CS1"], "FC58")
    assert [frame[:2] for frame in await answered(peer, "FC58")] == [[3, "a1"]]
    assert (await call).message.status == "Accepted"
    never, after = ask(csms["CS1"], "FC58", timeout=5), ask(csms["CS1"], "FC58")
    await network.clock.advance(4)
    assert len(await peer.hear()) == 1
    await network.clock.advance(2)
    with pytest.raises(errors.CallTimeout):
        await never
    await answered(peer, "FC58")
    assert (await after).message.status == "Accepted"
