"""A complete station and the CSMS it talks to, which keeps what it hears."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ocppflow.csms import CSMS
from ocppflow.endpoint import IncomingCall
from ocppflow.messages import Version
from ocppflow.station import CompleteStation, MemoryStationStore, StationConfig
from ocppflow.testing import MemoryNetwork

START = datetime(2026, 1, 1, tzinfo=UTC)


class StationWorld:
    """``heard`` has every message of the station's, as (action, payload); ``answers`` what to answer: by action a
    payload, or a function of the IncomingCall; without one, the usual friendly answer."""

    def __init__(self, version: Version = Version.V201, config: StationConfig | None = None, **settings: Any) -> None:
        self.network = MemoryNetwork()
        self.clock = self.network.clock
        self.config = config or StationConfig()
        self.version = version
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self.store = MemoryStationStore()
        self._clock_start = self.clock.now()
        self.csms: CSMS = self.network.csms()
        self.csms.on_any(self._answer)
        self.station = self.complete_station(**settings)

    def complete_station(self, **settings: Any) -> CompleteStation:
        """A station that connects here; made anew over the same ``store`` it is the same one after a power cut."""
        made = {"config": self.config, "store": self.store, "start_time": self.now(), **settings}
        return self.network.complete_station(self.csms, "CS1", versions=[self.version], **made)

    def now(self) -> datetime:
        """The time of day, by the network's clock."""
        return START + timedelta(seconds=self.clock.now() - self._clock_start)

    def sent(self, action: str) -> list[dict[str, Any]]:
        """The payloads of this action that the station has sent."""
        return [payload for name, payload in self.heard if name == action]

    def _answer(self, station: Any, call: IncomingCall) -> Any:
        self.heard.append((call.action, call.data))
        answer = self.answers.get(call.action)
        if callable(answer):
            answer = answer(call)
        return self._usual(call) if answer is None else answer

    def _usual(self, call: IncomingCall) -> dict[str, Any]:
        now = self.now().isoformat().replace("+00:00", "Z")
        match call.action:
            case "BootNotification":
                return {"currentTime": now, "interval": 300, "status": "Accepted"}
            case "Heartbeat":
                return {"currentTime": now}
            case "Authorize" if self.version is Version.V16:
                return {"idTagInfo": {"status": "Accepted"}}
            case "Authorize":
                return {"idTokenInfo": {"status": "Accepted"}}
            case "StartTransaction":
                return {"idTagInfo": {"status": "Accepted"}, "transactionId": len(self.sent("StartTransaction"))}
            case "DataTransfer" | "Get15118EVCertificate" | "SignCertificate":
                return {"status": "Accepted"}
        return {}

    async def call(self, action: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the station answers to the CSMS's call."""
        answer = await self.csms["CS1"].call_raw(action, payload)
        answered: dict[str, Any] = json.loads(answer.payload)
        return answered

    async def __aenter__(self) -> StationWorld:
        await self.network.__aenter__()
        return self

    async def __aexit__(self, *how: Any) -> None:
        self.csms.grace = None
        await self.network.__aexit__(*how)
