"""A small honest CSMS: what the shipped scenarios are played against, in memory and in virtual time. It keeps books of
transactions, knows which tokens are blocked, and does what it is asked. Subclasses are broken on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ocppflow.csms import CSMS
from ocppflow.endpoint import IncomingCall, Link, memory_pair, run_in_virtual_time
from ocppflow.errors import CallError
from ocppflow.messages import Version
from ocppflow.scenario import Scenario, ScenarioResult, parse_scenario, play_scenario, read_scenario, station_config
from ocppflow.station import CompleteStation
from ocppflow.trace import TraceRecord

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


class HonestCSMS:
    """For one station, CS1. ``books``: by transaction id whether it runs. ``heard``: (action, payload).
    ``said``: for what a test wants to keep of the station's own view."""

    blocked = frozenset({"BLOCKED"})

    def __init__(self, version: Version) -> None:
        self.version = version
        self.csms = CSMS(versions=[version], grace=1.0)
        self.csms.on_any(self._answer)
        self.books: dict[str | int, bool] = {}
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.said: list[TraceRecord] = []
        self.accepts = True
        self._start = self.csms.clock.now()

    async def dial(self) -> Link:
        theirs, ours = memory_pair("CS1", self.version, clock=self.csms.clock)
        self.csms.accept(ours)
        return theirs

    def now(self) -> str:
        """The time of day."""
        moment = START + timedelta(seconds=self.csms.clock.now() - self._start)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _answer(self, station: Any, call: IncomingCall) -> Any:
        self.heard.append((call.action, call.data))
        return self.answer(call.action, call.data)

    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        match action:
            case "BootNotification":
                status = "Accepted" if self.accepts else "Pending"
                return {"currentTime": self.now(), "interval": 300 if self.accepts else 5, "status": status}
            case "Heartbeat":
                return {"currentTime": self.now()}
            case "Authorize" if self.version is Version.V16:
                return {"idTagInfo": self.info(payload["idTag"])}
            case "Authorize":
                return {"idTokenInfo": self.info(payload["idToken"]["idToken"])}
            case "StartTransaction":
                number = len(self.books) + 1
                self.books[number] = True
                return {"transactionId": number, "idTagInfo": self.info(payload["idTag"])}
            case "StopTransaction":
                self.books[payload["transactionId"]] = False
                return {}
            case "TransactionEvent":
                return self.event(payload)
        return {"status": "Accepted"} if action == "DataTransfer" else {}

    def event(self, payload: dict[str, Any]) -> dict[str, Any]:
        self.books[payload["transactionInfo"]["transactionId"]] = payload["eventType"] != "Ended"
        token = payload.get("idToken", {}).get("idToken")
        return {"idTokenInfo": self.info(token)} if token else {}

    def info(self, token: str) -> dict[str, Any]:
        return {"status": "Blocked" if token in self.blocked else "Accepted"}

    # --- what it is asked to do ----------------------------------------------------------------------------------

    async def ask(self, name: str, sentence: str, variables: Mapping[str, Any]) -> bool:
        """As somebody at its console would."""
        if name == "accept":
            self.accepts = True
        elif name == "remote_start":
            self._begin(self.remote_start(variables))
        elif name == "limit":
            self._begin(self.limit(variables))
        else:
            return False
        return True

    def _begin(self, what: tuple[str, dict[str, Any]]) -> None:
        station = self.csms.stations["CS1"]
        asyncio.get_running_loop().create_task(station.call_raw(*what, validate=False))

    def remote_start(self, variables: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        token = variables["token"]
        if self.version is Version.V16:
            return "RemoteStartTransaction", {"idTag": token, "connectorId": 1}
        wire = {"idToken": token, "type": "ISO14443"}
        return "RequestStartTransaction", {"idToken": wire, "remoteStartId": len(self.heard), "evseId": 1}

    def limit(self, variables: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        schedule: dict[str, Any] = {
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": float(variables["watts"])}],
        }
        profile: dict[str, Any] = {
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
        }
        if self.version is Version.V16:
            profile |= {"chargingProfileId": 1, "transactionId": variables["transaction"], "chargingSchedule": schedule}
            return "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}
        profile |= {"id": 1, "transactionId": variables["transaction"], "chargingSchedule": [{"id": 1, **schedule}]}
        return "SetChargingProfile", {"evseId": 1, "chargingProfile": profile}


def refuse(code: str) -> dict[str, Any]:
    """For a broken CSMS: answer with a CALLERROR."""
    raise CallError("on purpose", code=code)


def played(
    scenario: Scenario | str,
    version: Version = Version.V21,
    kind: Callable[[Version], HonestCSMS] = HonestCSMS,
    **variables: Any,
) -> ScenarioResult:
    """What comes of a scenario (a shipped one by name, or TOML) against a CSMS, in virtual time."""
    if isinstance(scenario, str):
        scenario = read_scenario(scenario) if "\n" not in scenario else parse_scenario(scenario)

    async def main() -> ScenarioResult:
        csms = kind(version)
        config = station_config(scenario.head)

        def make() -> CompleteStation:
            return CompleteStation(
                "CS1", "ws://memory/ocpp", config=config, versions=[version], dial=csms.dial, start_time=START
            )

        given = {**scenario.head.variables, **variables}
        try:
            return await play_scenario(scenario, make, variables=given, ask=csms.ask)
        finally:
            await csms.csms.close()

    return run_in_virtual_time(main())
