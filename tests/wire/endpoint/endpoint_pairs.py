"""A CSMS and stations joined in memory, with a clock that stands still, and a check that nothing is left behind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ocppflow import ChargingStation, Station, v201
from ocppflow.messages import Version
from ocppflow.testing import MemoryLink, MemoryNetwork, ScriptedPeer
from ocppflow.trace import TraceRecord
from ocppflow.transport.backoff import Backoff

TIME = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """A CSMS on a ManualClock, and stations of one version, of ours and scripted ones."""

    def __init__(self, version: Version = Version.V201, **settings: Any) -> None:
        self.version = version
        self.network = MemoryNetwork()
        self.clock = self.network.clock
        self.trace: list[TraceRecord] = []
        self.csms = self.network.csms(trace=self.trace.append, **settings)

    @property
    def links(self) -> list[MemoryLink]:
        """The CSMS's ends."""
        return self.network.links

    def raw(self, identity: str = "CS1") -> tuple[ScriptedPeer, Station]:
        peer = self.network.scripted_station(self.csms, identity, self.version)
        return peer, self.csms[identity]

    def station(self, identity: str = "CS1", **settings: Any) -> ChargingStation:
        settings.setdefault("backoff", Backoff(10, 2, 2, uniform=lambda low, high: high / 2))
        settings.setdefault("versions", [self.version])
        return self.network.station(self.csms, identity, **settings)

    async def close(self) -> None:
        self.csms.grace = None
        await self.network.close()


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
