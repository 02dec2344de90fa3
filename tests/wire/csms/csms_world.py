"""A complete CSMS over a store in memory, and stations joined to it: puppets, whose every word a test chooses, or
complete ones. The clock stands still until a test moves it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from ocppflow.csms.complete_csms import CompleteCSMS
from ocppflow.csms.csms_config import CSMSConfig, changed
from ocppflow.endpoint import IncomingCall, settle
from ocppflow.messages import Version
from ocppflow.station import ChargingStation, CompleteStation, StationConfig
from ocppflow.store import Store, station_tables
from ocppflow.testing import MemoryNetwork

START = datetime(2026, 1, 1, tzinfo=UTC)

__all__ = ["START", "CSMSWorld", "Puppet", "changed", "register"]


class Puppet:
    """A station that says what a test says. ``heard`` has the CSMS's calls as (action, payload); ``answers`` what it
    answers: by action a payload, a CallError, or a function of the IncomingCall."""

    def __init__(self, world: CSMSWorld, identity: str, version: Version) -> None:
        self.world = world
        self.version = version
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self.station: ChargingStation = world.network.station(world.csms, identity, versions=[version])
        self.station.on_any(self._answer)

    def _answer(self, station: Any, call: IncomingCall) -> Any:
        self.heard.append((call.action, call.data))
        answer = self.answers.get(call.action, {"status": "Accepted"})
        answer = answer(call) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def asked(self, action: str) -> list[dict[str, Any]]:
        """The payloads of the CSMS's calls of this action."""
        return [payload for name, payload in self.heard if name == action]

    async def connect(self) -> Puppet:
        """Connect, without booting."""
        await self.station.connect()
        await settle()
        return self

    async def disconnect(self) -> None:
        """Hang up; it can connect again."""
        await self.station.stop()
        await settle()

    async def call(self, action: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the CSMS answers. Raises RemoteCallError."""
        answer = await self.station.call_raw(action, payload)
        await settle()
        answered: dict[str, Any] = json.loads(answer.payload)
        return answered

    async def boot(self, **about: str) -> dict[str, Any]:
        """Say a BootNotification. ``about``: vendor, model, firmware, serial."""
        said = {"vendor": "Acme", "model": "One", "firmware": "1.0", "serial": "S1", **about}
        if self.version is Version.V16:
            payload: dict[str, Any] = {
                "chargePointVendor": said["vendor"],
                "chargePointModel": said["model"],
                "firmwareVersion": said["firmware"],
                "chargePointSerialNumber": said["serial"],
            }
        else:
            payload = {
                "reason": "PowerUp",
                "chargingStation": {
                    "vendorName": said["vendor"],
                    "model": said["model"],
                    "firmwareVersion": said["firmware"],
                    "serialNumber": said["serial"],
                },
            }
        return await self.call("BootNotification", payload)


class CSMSWorld:
    def __init__(self, config: CSMSConfig | None = None, store: Store | None = None, **settings: Any) -> None:
        self.network = MemoryNetwork()
        self.clock = self.network.clock
        self.config = config or CSMSConfig()
        self.store = store or Store.in_memory()
        self.settings = settings
        self._clock_start = self.clock.now()
        self.csms = self._made()
        self.csms.closes_store = store is None
        self.network._csmses[self.csms] = None  # closed with the network, whether anybody connects or not

    def _made(self) -> CompleteCSMS:
        made = {"config": self.config, "clock": self.clock, "now": self.now, **self.settings}
        return CompleteCSMS(self.store, **made)

    def now(self) -> datetime:
        """The time of day, by the network's clock."""
        return START + timedelta(seconds=self.clock.now() - self._clock_start)

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        await self.clock.advance(seconds)
        await settle()

    async def puppet(
        self, identity: str = "CS1", version: Version | str = Version.V201, *, boot: bool = True
    ) -> Puppet:
        """A puppet that has connected, and has booted unless ``boot`` is False. What the CSMS has asked it by then is
        forgotten."""
        puppet = await Puppet(self, identity, Version.parse(version)).connect()
        if boot:
            await puppet.boot()
            puppet.heard.clear()
        return puppet

    def complete_station(
        self, identity: str = "CS1", version: Version | str = Version.V201, **settings: Any
    ) -> CompleteStation:
        """A complete station that connects here once it is told to."""
        made = {"config": StationConfig(), "start_time": self.now(), **settings}
        return self.network.complete_station(self.csms, identity, versions=[Version.parse(version)], **made)

    async def __aenter__(self) -> CSMSWorld:
        await self.network.__aenter__()
        await self.csms.start()
        return self

    async def __aexit__(self, *how: Any) -> None:
        self.csms.grace = None
        await self.network.__aexit__(*how)


async def register(world: CSMSWorld, *identities: str) -> None:
    """Let the store know stations."""
    rows = [{"identity": identity, "created_at": world.now(), "booted_at": world.now()} for identity in identities]
    await world.csms.store.write(lambda c: c.execute(insert(station_tables.STATIONS), rows))
