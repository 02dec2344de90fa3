"""A CSMS and stations joined in memory, with a clock that stands still, and a check that nothing is left behind."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from ocppflow import CSMS, ChargingStation, Station, v201
from ocppflow.messages import Version
from ocppflow.trace import TraceRecord
from ocppflow.transport.backoff import Backoff
from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.memory import MemoryLink, memory_pair

TIME = datetime(2026, 1, 1, tzinfo=UTC)


class RawPeer:
    """The other end of a link: what it hears as JSON, and says as it is told."""

    def __init__(self, link: MemoryLink) -> None:
        self.link = link
        self.heard: list[Any] = []
        self.ended: tuple[int, str] | None = None
        link.attach(self)

    def received(self, data: bytes) -> None:
        self.heard.append(json.loads(data))

    def received_binary(self, data: bytes) -> None:
        raise AssertionError("nobody sends binary")

    def closed(self, code: int, reason: str) -> None:
        self.ended = (code, reason)

    async def say(self, message: Any) -> list[Any]:
        """Send it; what was heard since the last time."""
        self.link.send(message if isinstance(message, bytes) else json.dumps(message).encode())
        return await self.hear()

    async def hear(self) -> list[Any]:
        await settle()
        heard, self.heard = self.heard, []
        return heard


class World:
    """A CSMS on a ManualClock, stations of ours and raw ones."""

    def __init__(self, version: Version = Version.V201, **settings: Any) -> None:
        self.version = version
        self.clock = ManualClock()
        self.trace: list[TraceRecord] = []
        self.csms = CSMS(clock=self.clock, trace=self.trace.append, **settings)
        self.links: list[MemoryLink] = []  # the CSMS's ends
        self.stations: list[ChargingStation] = []
        self.refusals: list[Exception] = []
        """What the next attempts to connect end with, instead of a connection."""

    def raw(self, identity: str = "CS1") -> tuple[RawPeer, Station]:
        theirs, ours = memory_pair(identity, self.version, clock=self.clock)
        peer = RawPeer(theirs)
        self.links.append(ours)
        return peer, self.csms.accept(ours)

    def station(self, identity: str = "CS1", **settings: Any) -> ChargingStation:
        async def dial() -> MemoryLink:
            if self.refusals:
                raise self.refusals.pop(0)
            theirs, ours = memory_pair(identity, self.version, clock=self.clock)
            self.links.append(ours)
            self.csms.accept(ours)
            return theirs

        settings.setdefault("backoff", Backoff(10, 2, 2, uniform=lambda low, high: high / 2))
        station = ChargingStation(identity, "ws://csms/ocpp", dial=dial, clock=self.clock, **settings)
        self.stations.append(station)
        return station

    async def close(self) -> None:
        self.csms.grace = 0.0
        for station in self.stations:
            await station.stop()
        await self.csms.close()
        await settle()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert left == set(), "tasks are left behind"
        timers = [timer for _, _, timer in self.clock._heap if timer.callback is not None]
        assert timers == [], "timers are left behind"


def event(number: int = 0) -> dict[str, Any]:
    """The payload of a TransactionEvent."""
    return {
        "eventType": "Started",
        "timestamp": "2026-01-01T00:00:00Z",
        "triggerReason": "Authorized",
        "seqNo": number,
        "transactionInfo": {"transactionId": "T"},
    }


def heartbeat_response() -> v201.HeartbeatResponse:
    return v201.HeartbeatResponse(current_time=TIME)


HEARTBEAT = [2, "h", "Heartbeat", {}]
BEAT = [3, "h", {"currentTime": "2026-01-01T00:00:00Z"}]
