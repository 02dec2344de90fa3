"""How many functions of ours a valid CALL passes on its way to the answer, counted by a tracer and not by time.

Behind a socket a call of a Python function costs about three times what it does in a loop, as the kernel's network code
contends with the interpreter for the processor's caches. So their number is what a message costs beyond its bytes.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import pytest
from tests.fuzz.wire import Peer

from ocppflow import CSMS, Station, v201

MOST = 20
"""From the arrival of the CALL's bytes to the hand-over of the answer's bytes to the event loop."""

HEARTBEAT = b'[2,"%s","Heartbeat",{}]'
TRANSACTION_EVENT = (
    b'[2,"%s","TransactionEvent",{"eventType":"Updated","timestamp":"2026-03-01T10:15:00Z",'
    b'"triggerReason":"MeterValuePeriodic","seqNo":7,"transactionInfo":{"transactionId":"t1"},'
    b'"meterValue":[{"timestamp":"2026-03-01T10:15:00Z","sampledValue":[{"value":1234.5}]}]}]'
)


def _csms() -> CSMS:
    csms = CSMS()

    @csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        return v201.HeartbeatResponse(current_time=datetime.now(UTC))

    @csms.on(v201.TransactionEventRequest)
    async def event(station: Station, request: v201.TransactionEventRequest) -> v201.TransactionEventResponse:
        return v201.TransactionEventResponse()

    return csms


class Way:
    """The functions of the package that are entered between the arrival of bytes and the write of the answer."""

    def __init__(self) -> None:
        self.functions: list[str] = []
        self._is_open = False

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call":
            return
        code, module = frame.f_code, frame.f_globals.get("__name__", "")
        if module == "asyncio.selector_events" and code.co_name == "write":
            self._is_open = False
        elif module.startswith("ocppflow."):
            self._is_open = self._is_open or code.co_name == "data_received"
            if self._is_open:
                self.functions.append(f"{module}: {code.co_qualname}")


@pytest.mark.parametrize("call", [HEARTBEAT, TRANSACTION_EVENT], ids=["Heartbeat", "TransactionEvent"])
def test_the_way_of_a_valid_call_to_its_answer_is_short(call: bytes) -> None:
    way = Way()

    async def two_calls() -> None:
        async with _csms().listen("ws://127.0.0.1:0/ocpp") as listener:
            peer = await Peer.connected(listener.port, "ocpp2.0.1")
            for message_id in (b"first", b"second"):
                peer.say(call % message_id)
                if message_id == b"second":  # the first one made decoders and caches
                    sys.setprofile(way)
                answer = await peer.next()
                sys.setprofile(None)
                assert answer is not None
                assert answer.payload.startswith(b'[3,"%s",' % message_id)
            await peer.close()

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(two_calls())
    assert way.functions[0].endswith("data_received")
    assert len(way.functions) <= MOST, "\n".join(way.functions)
