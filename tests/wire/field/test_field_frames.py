"""Frames of real stations that are no good OCPP-J, to a CSMS: one test for each case by its id."""

from __future__ import annotations

import logging

import pytest
from field_cases import frames
from field_peers import answered, ask, said, usual_csms

from ocppflow import STRICT, TOLERANT, Policy, errors
from ocppflow.testing import MemoryNetwork


async def test_fc38_broken_json_gets_a_callerror_with_its_id_and_the_connection_stays(network: MemoryNetwork) -> None:
    peer = network.scripted_station(usual_csms(network), version="1.6")
    broken, beat = await said(peer, "FC38")
    assert broken[:3] == [4, "9lmha8x2", "FormationViolation"]
    assert "byte" in broken[3]
    assert beat[:2] == [3, "1"]
    assert peer.ended is None


async def test_fc39_nuls_in_a_text_are_forgiven(network: MemoryNetwork) -> None:
    csms = usual_csms(network, policy=TOLERANT)
    peer = network.scripted_station(csms, version="1.6")
    call = ask(csms["CS1"], "FC39")
    await answered(peer, "FC39")
    answer = await call
    assert answer.message.configuration_key[0].value == "60"
    assert answer.violations


@pytest.mark.parametrize("policy", [STRICT, TOLERANT], ids=repr)
async def test_fc40_a_truncated_answer_ends_the_call_at_once_and_is_at_hand(
    network: MemoryNetwork, policy: Policy
) -> None:
    csms = usual_csms(network, policy=policy)
    peer = network.scripted_station(csms, version="1.6")
    call = ask(csms["CS1"], "FC40")
    await answered(peer, "FC40")
    with pytest.raises(errors.InvalidResponse) as refused:
        await call
    assert b'{"configurationKey":[]' in refused.value.raw


async def test_fc41_a_callerror_of_four_elements_is_the_answer(network: MemoryNetwork) -> None:
    csms = usual_csms(network)
    peer = network.scripted_station(csms, version="1.6")
    call = ask(csms["CS1"], "FC41")
    await answered(peer, "FC41")
    with pytest.raises(errors.RemoteCallError) as failed:
        await call
    assert (failed.value.code, failed.value.wire_code) == ("FormatViolation", "FormationViolation")


async def test_fc42_details_that_are_text_are_kept_for_people(network: MemoryNetwork) -> None:
    csms = usual_csms(network)
    peer = network.scripted_station(csms, version="1.6")
    call = ask(csms["CS1"], "FC42")
    await answered(peer, "FC42")
    with pytest.raises(errors.RemoteCallError, match="Internal services failed") as failed:
        await call
    assert "SQL [insert into t ...]" in str(failed.value.details)


async def test_fc43_an_unknown_message_type_is_reported_and_the_connection_stays(
    network: MemoryNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    peer = network.scripted_station(usual_csms(network), version="1.6")
    with caplog.at_level(logging.INFO, "ocppflow"):
        heard = await said(peer, "FC43")
    assert [frame[:2] for frame in heard] == [[3, "1"]]
    assert "message type 1" in caplog.text


async def test_fc45_json_in_a_binary_message_is_handled_where_that_is_forgiven(network: MemoryNetwork) -> None:
    peer = network.scripted_station(usual_csms(network, policy=TOLERANT), version="1.6")
    peer.link.send_binary(frames("FC45")[0]["binary"].encode())
    [answer] = await peer.hear()
    assert answer[:2] == [3, "1"]
    peer = network.scripted_station(usual_csms(network), version="1.6")
    peer.link.send_binary(frames("FC45")[0]["binary"].encode())
    [refused] = await peer.hear()
    assert refused[:2] == [4, "1"]
    assert "text message" in refused[3]
