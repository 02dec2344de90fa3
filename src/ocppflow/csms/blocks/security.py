"""A: who is let in, passwords, security profiles, security events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET
from sqlalchemy import Connection, insert, select, update

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.endpoint import Accept, FetchedPasswords, Handshake, Refuse, RefusedInfo, SecurityPolicy, hash_password
from ocppflow.messages import v21
from ocppflow.store import device_tables, station_tables

if TYPE_CHECKING:
    from ocppflow.csms.complete_csms import CompleteCSMS

_STATIONS = station_tables.STATIONS
_REFUSED = station_tables.REFUSED
_EVENTS = device_tables.DEVICE_EVENTS

_SAME: Final = timedelta(days=1)
"""Refusals of one identity for one reason are counted together for so long."""


class SecurityService(CSMSBlock):
    """A: who is let in, passwords, security profiles, security events."""

    title = "security"

    def __init__(self, csms: CompleteCSMS) -> None:
        self._passwords = FetchedPasswords(self._password_hash)
        super().__init__(csms)

    def hear(self) -> None:
        self.on(v21.SecurityEventNotificationRequest)(self.security_event)

    # --- the door ------------------------------------------------------------------------------------------------

    async def decide(self, handshake: Handshake) -> Accept | Refuse:
        """Whether a station is let in; by what the store says of it (A00). A station may use a stronger security
        profile than the weakest that it is held to."""
        columns = (_STATIONS.c.is_disabled, _STATIONS.c.security_profile, _STATIONS.c.password_hash)
        query = select(*columns).where(_STATIONS.c.identity == handshake.identity)
        row = await self.csms.store.read(lambda c: c.execute(query).first())
        settings = self.csms.config.stations
        if row is None and not settings.admit:
            return Refuse(404, f"{handshake.identity!r} is not a known station; add it, or let strangers in")
        if row is not None and row.is_disabled:
            return Refuse(403, f"{handshake.identity} is disabled")
        weakest = 0 if row is None or settings.admit else settings.security_profile
        if row is not None and row.security_profile is not None:
            weakest = row.security_profile
        profiles = set(range(weakest, 4))
        if row is None or row.password_hash is None:
            if weakest in (1, 2) and handshake.certificate is None:
                return Refuse(403, f"{handshake.identity} has no password yet, and its security profile asks for one")
            profiles -= {1, 2}
        return await SecurityPolicy(profiles, self._passwords, known=lambda _: True)(handshake)

    async def _password_hash(self, identity: str) -> str | None:
        query = select(_STATIONS.c.password_hash).where(_STATIONS.c.identity == identity)
        found: str | None = await self.csms.store.read(lambda c: c.execute(query).scalar())
        return found

    async def set_password(self, identity: str, password: str) -> None:
        """Let the station in with this password from now on; the station is told of it by other means. Raises
        NoSuchStation."""
        await self.csms.registry.get(identity)
        values = {"password_hash": hash_password(password)}
        changing = update(_STATIONS).where(_STATIONS.c.identity == identity).values(values)
        await self.csms.store.write(lambda c: c.execute(changing))

    def refused(self, info: RefusedInfo) -> None:
        """A connection was refused: keep it for whoever wonders why. The same again is counted."""
        now, times = self.csms.now(), 1 + info.more
        same = (_REFUSED.c.identity == info.identity, _REFUSED.c.reason == info.reason, _REFUSED.c.at > now - _SAME)

        def note(connection: Connection) -> None:
            counting = update(_REFUSED).where(*same).values(times=_REFUSED.c.times + times, address=info.address)
            if not connection.execute(counting).rowcount:
                row = {"at": now, "identity": info.identity, "address": info.address, "reason": info.reason}
                connection.execute(insert(_REFUSED), {**row, "status": info.status, "times": times})

        self.csms.store.write_soon(note)
        self.csms.newsroom.tell("refused", None, identity=info.identity, address=info.address, reason=info.reason)

    # --- security events -----------------------------------------------------------------------------------------

    async def security_event(
        self, station: Station, request: v21.SecurityEventNotificationRequest
    ) -> v21.SecurityEventNotificationResponse:
        """A04: kept, and told."""
        when: Any = request.timestamp  # a tolerant policy may have forgiven that it is missing
        row = {
            "station": station.identity,
            "timestamp": self.csms.now() if when is UNSET else when,
            "received_at": self.csms.now(),
            "kind": "SecurityEvent",
            "type": request.type,
            "data": None if request.tech_info is UNSET else {"techInfo": request.tech_info},
        }
        await self.csms.store.write(lambda c: c.execute(insert(_EVENTS), row))
        self.csms.newsroom.tell("event", station.identity, what="SecurityEvent", type=request.type)
        return v21.SecurityEventNotificationResponse()
