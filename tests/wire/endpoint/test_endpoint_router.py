"""Who answers what: handlers, blocks, 2.1's vocabulary on 2.0.1 connections, middleware."""

from __future__ import annotations

from typing import Any

import pytest
from endpoint_pairs import BEAT, HEARTBEAT, TIME, World, heartbeat_response

from ocppflow import CSMS, Router, Station, v16, v21, v201
from ocppflow.endpoint import Proceed
from ocppflow.errors import ConfigurationError, InvalidMessage, SecurityError
from ocppflow.messages import Role, Version

AVAILABLE = {"timestamp": "2026-01-01T00:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}


def a_block(name: str = "block") -> Router[Station]:
    """Answers Heartbeat and StatusNotification in 2.1's words, and notes what it did in the station's ``data``."""
    block: Router[Station] = Router(Role.CSMS, name)

    @block.on(v21.HeartbeatRequest)
    def heartbeat(station: Station, request: v21.HeartbeatRequest) -> v21.HeartbeatResponse:
        station.data.setdefault("by", []).append(name)
        return v21.HeartbeatResponse(current_time=TIME)

    @block.on(v21.StatusNotificationRequest)
    def status(station: Station, request: v21.StatusNotificationRequest) -> v21.StatusNotificationResponse:
        station.data.setdefault("by", []).append(f"{name} {type(request).__module__.rpartition('.')[2]}")
        return v21.StatusNotificationResponse()

    return block


async def test_a_users_handler_goes_before_a_blocks_and_the_first_block_before_the_second(world: World) -> None:
    first, second = a_block("first"), a_block("second")
    world.csms.include(first, without=["Heartbeat"])
    world.csms.include(second)
    peer, station = world.raw()
    await peer.say(HEARTBEAT)
    await peer.say([2, "s", "StatusNotification", AVAILABLE])
    assert station.data["by"] == ["second", "first v21"]
    world.csms.on(v201.HeartbeatRequest)(lambda *_: heartbeat_response())
    assert await peer.say(HEARTBEAT) == [BEAT]
    assert len(station.data["by"]) == 2


async def test_a_block_may_be_included_in_part(world: World) -> None:
    world.csms.include(a_block(), only=["StatusNotification"])
    peer, _ = world.raw()
    assert (await peer.say(HEARTBEAT))[0][:3] == [4, "h", "NotSupported"]
    assert await peer.say([2, "s", "StatusNotification", AVAILABLE]) == [[3, "s", {}]]


async def test_what_a_block_learns_later_is_included_and_the_catch_all_goes_last(world: World) -> None:
    block: Router[Station] = Router(Role.CSMS, "late")
    world.csms.include(block)
    world.csms.on_any(lambda station, call: {"currentTime": "2000-01-01T00:00:00Z"})
    peer, _ = world.raw()
    assert (await peer.say(HEARTBEAT))[0][2] == {"currentTime": "2000-01-01T00:00:00Z"}
    block.on(v201.HeartbeatRequest)(lambda *_: heartbeat_response())
    assert await peer.say(HEARTBEAT) == [BEAT]


async def test_a_block_within_a_block_and_its_catch_all() -> None:
    world = World()
    inner, outer = a_block("inner"), Router[Station](Role.CSMS, "outer")
    outer.include(inner, only=["Heartbeat"])
    outer.on_any(lambda station, call: {"status": "Accepted"})
    world.csms.include(outer)
    peer, station = world.raw()
    await peer.say(HEARTBEAT)
    assert station.data["by"] == ["inner"]
    assert await peer.say([2, "d", "DataTransfer", {"vendorId": "v"}]) == [[3, "d", {"status": "Accepted"}]]
    await world.close()


def test_an_include_that_makes_no_sense_is_refused_with_a_sentence() -> None:
    csms, block = CSMS(), a_block()
    with pytest.raises(ConfigurationError, match=r"does not handle Reset; it has Heartbeat, StatusNotification"):
        csms.include(block, only=["Reset"])
    with pytest.raises(ConfigurationError, match="does not handle Resett"):
        csms.include(block, without="Resett")
    with pytest.raises(ConfigurationError, match="is for the CS, "):
        csms.include(Router(Role.CS, "station's"))
    with pytest.raises(ConfigurationError, match="cannot include itself"):
        block.include(block)
    outer: Router[Station] = Router(Role.CSMS)
    outer.include(block)
    with pytest.raises(ConfigurationError, match="cannot include itself"):
        block.include(outer)


def test_what_is_not_to_be_handled_is_refused_with_a_sentence() -> None:
    csms = CSMS()
    with pytest.raises(TypeError, match="HeartbeatResponse is a response"):
        csms.on(v201.HeartbeatResponse)  # type: ignore[type-var]
    with pytest.raises(TypeError, match=r"a CSMS never receives Reset; in OCPP 2\.0\.1 it is the CSMS's to send"):
        csms.on(v201.ResetRequest)
    with pytest.raises(TypeError, match=r"in OCPP 1\.6"):
        csms.on(v16.RemoteStartTransactionRequest)
    csms.on(v201.DataTransferRequest)  # both send it


# --- one vocabulary ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_one_handler_in_the_words_of_2_1_serves_both_versions(version: Version) -> None:
    world = World(version)
    seen: list[Any] = []

    @world.csms.on(v21.TransactionEventRequest)
    async def event(station: Station, request: v21.TransactionEventRequest) -> v21.TransactionEventResponse:
        seen.append(request)
        return v21.TransactionEventResponse(total_cost=1.5)

    peer, _ = world.raw()
    payload = {
        "eventType": "Started",
        "timestamp": "2026-01-01T00:00:00Z",
        "triggerReason": "Authorized",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "T"},
    }
    assert await peer.say([2, "1", "TransactionEvent", payload]) == [[3, "1", {"totalCost": 1.5}]]
    assert type(seen[0]) is v21.TransactionEventRequest
    await world.close()


async def test_what_2_0_1_has_no_word_for_is_an_error_that_names_the_field(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    @world.csms.on(v21.AuthorizeRequest)
    def authorize(station: Station, request: v21.AuthorizeRequest) -> v21.AuthorizeResponse:
        info = v21.IdTokenInfoType(status="Accepted")
        return v21.AuthorizeResponse(id_token_info=info, tariff=v21.TariffType(tariff_id="t", currency="EUR"))

    peer, _ = world.raw()
    [answer] = await peer.say([2, "1", "Authorize", {"idToken": {"idToken": "A", "type": "Central"}}])
    assert answer[:3] == [4, "1", "InternalError"]
    assert "$.tariff" in answer[3]
    assert "the handler of Authorize failed" in caplog.text


async def test_a_2_1_request_goes_over_a_2_0_1_connection_and_its_response_comes_back(world: World) -> None:
    peer, station = world.raw()
    import asyncio

    call = asyncio.ensure_future(station.call(v21.ResetRequest(type="Immediate"), message_id="1"))
    assert await peer.hear() == [[2, "1", "Reset", {"type": "Immediate"}]]
    await peer.say([3, "1", {"status": "Accepted"}])
    assert await call == v21.ResetResponse(status="Accepted")
    with pytest.raises(InvalidMessage, match=r"\$\.type"):
        await station.call(v21.ResetRequest(type="ImmediateAndResume"))


async def test_the_verdict_on_a_message_is_by_its_own_versions_schema(world: World) -> None:
    """2.0.1 lets ``numberPhases`` be 5, 2.1 does not; what came over 2.0.1 is judged by 2.0.1."""
    seen: list[Any] = []

    @world.csms.on(v21.NotifyChargingLimitRequest)
    def limit(station: Station, request: v21.NotifyChargingLimitRequest) -> v21.NotifyChargingLimitResponse:
        seen.append(request.charging_schedule[0].charging_schedule_period[0].number_phases)  # type: ignore[index]
        return v21.NotifyChargingLimitResponse()

    peer, _ = world.raw()
    period = {"startPeriod": 0, "limit": 16.0, "numberPhases": 5}
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    payload = {"chargingLimit": {"chargingLimitSource": "EMS"}, "chargingSchedule": [schedule]}
    assert await peer.say([2, "1", "NotifyChargingLimit", payload]) == [[3, "1", {}]]
    assert seen == [5]
    schedule["chargingRateUnit"] = "V"
    assert (await peer.say([2, "2", "NotifyChargingLimit", payload]))[0][:3] == [4, "2", "PropertyConstraintViolation"]


# --- middleware --------------------------------------------------------------------------------------------------


async def test_middleware_sees_request_response_and_error_and_the_first_is_the_outermost(world: World) -> None:
    seen: list[str] = []

    def noting(name: str) -> Any:
        async def middleware(station: Station, call: Any, proceed: Proceed) -> Any:
            seen.append(f"{name} > {call.action} at {call.received_at:g}")
            try:
                response = await proceed()
            except SecurityError as error:
                seen.append(f"{name} < {error}")
                raise
            seen.append(f"{name} < {type(response).__name__}")
            return response

        return middleware

    world.csms.middleware(noting("outer"))
    world.csms.middleware(noting("inner"))

    @world.csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        return heartbeat_response()

    @world.csms.on(v201.StatusNotificationRequest)
    def status(station: Station, request: v201.StatusNotificationRequest) -> v201.StatusNotificationResponse:
        raise SecurityError("no")

    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == [BEAT]
    assert (await peer.say([2, "s", "StatusNotification", AVAILABLE]))[0] == [4, "s", "SecurityError", "no", {}]
    assert seen == [
        "outer > Heartbeat at 1000",
        "inner > Heartbeat at 1000",
        "inner < HeartbeatResponse",
        "outer < HeartbeatResponse",
        "outer > StatusNotification at 1000",
        "inner > StatusNotification at 1000",
        "inner < SecurityError: no",
        "outer < SecurityError: no",
    ]


async def test_middleware_may_answer_itself_and_hears_of_what_nobody_handles(world: World) -> None:
    heard: list[str] = []

    @world.csms.middleware
    async def deny(station: Station, call: Any, proceed: Proceed) -> Any:
        heard.append(call.action)
        return heartbeat_response() if call.action == "Heartbeat" else await proceed()

    peer, _ = world.raw()
    assert await peer.say(HEARTBEAT) == [BEAT]
    assert (await peer.say([2, "s", "StatusNotification", AVAILABLE]))[0][:3] == [4, "s", "NotSupported"]
    assert heard == ["Heartbeat", "StatusNotification"]


async def test_a_blocks_middleware_goes_round_that_block_alone_inside_of_the_users(world: World) -> None:
    order: list[str] = []

    def noting(name: str) -> Any:
        async def middleware(station: Station, call: Any, proceed: Proceed) -> Any:
            order.append(f"{name} {call.action}")
            return await proceed()

        return middleware

    block = a_block()
    block.middleware(noting("block"))
    world.csms.middleware(noting("user"))
    world.csms.include(block, without=["StatusNotification"])
    world.csms.on(v201.StatusNotificationRequest)(lambda *_: v201.StatusNotificationResponse())
    peer, _ = world.raw()
    await peer.say(HEARTBEAT)
    await peer.say([2, "s", "StatusNotification", AVAILABLE])
    assert order == ["user Heartbeat", "block Heartbeat", "user StatusNotification"]
