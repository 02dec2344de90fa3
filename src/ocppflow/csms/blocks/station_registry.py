"""The stations that there are: by hand, or admitted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, delete, select, update

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.endpoint import hash_password
from ocppflow.errors import ConfigurationError, LocalError
from ocppflow.log_budget import budgeted
from ocppflow.messages import v21
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.store import station_tables
from ocppflow.store.struct_rows import struct_of
from ocppflow.store.upsert import insert_new

if TYPE_CHECKING:
    from ocppflow.csms.complete_csms import CompleteCSMS

log = budgeted("ocppflow.csms")

_STATIONS = station_tables.STATIONS

SEEN_EVERY: Final = 30.0
"""Seconds between two notes of when stations were heard of last. There is one statement for all of them, so that a
Heartbeat costs none."""

LONGEST_IDENTITY: Final = 255
"""Characters: 2.x allows 48, 1.6 sets no limit."""


class NoSuchStation(LocalError):
    """The store knows no station of this identity."""


class StationExists(LocalError):
    """There is a station of this identity already."""


class StationEntry(Struct, kw_only=True):
    """What the store says of a station."""

    __repr__ = discreet_repr

    identity: str
    registration: v21.RegistrationStatusEnumType = "Accepted"
    """What its boots are answered with."""
    is_disabled: bool = False
    """Whether it is refused at the door."""
    security_profile: int | None = None
    """The weakest that it may use; None: as the configuration says."""
    is_quiet: bool | None = None
    """Whether nothing is sent unasked; None: as the configuration says."""
    note: str = ""
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    serial_number: str = ""
    version: str | None = None
    """Of OCPP, on the last connection."""
    address: str | None = None
    tariff: str | None = None
    created_at: datetime
    connected_at: datetime | None = None
    disconnected_at: datetime | None = None
    last_seen: datetime | None = None
    booted_at: datetime | None = None
    boot_reason: str | None = None


_FIELDS: Final = StationEntry.__struct_fields__
_CHANGEABLE: Final = frozenset({"registration", "is_disabled", "security_profile", "is_quiet", "note", "tariff"})


class StationRegistry(CSMSBlock):
    """The stations that there are. Whoever is let in has an entry: made by hand, or at the door if it admits strangers.
    The entries of those that are connected are in memory."""

    title = "station_registry"

    def __init__(self, csms: CompleteCSMS) -> None:
        self._entries: dict[str, StationEntry] = {}
        super().__init__(csms)

    async def start(self) -> None:
        self.later("seen", SEEN_EVERY, self._note_seen)

    # --- by hand -------------------------------------------------------------------------------------------------

    async def add(self, identity: str, *, password: str | None = None, **settings: Any) -> StationEntry:
        """Make a station known; ``settings`` are attributes of StationEntry that can be changed. Raises StationExists,
        and ConfigurationError for what makes no sense."""
        if not identity or len(identity) > LONGEST_IDENTITY:
            raise ConfigurationError(f"an identity has 1 to {LONGEST_IDENTITY} characters, not {len(identity)}")
        row = {"identity": identity, "created_at": self.csms.now(), **_checked(settings)}
        if password is not None:
            row["password_hash"] = hash_password(password)
        if not await self.csms.store.write(lambda c: insert_new(c, _STATIONS, row)):
            raise StationExists(f"station {identity!r} is there already")
        self.csms.newsroom.tell("station", identity, what="added")
        return await self.get(identity)

    async def get(self, identity: str) -> StationEntry:
        """A station, connected or not. Raises NoSuchStation."""
        query = select(_STATIONS).where(_STATIONS.c.identity == identity)
        row = await self.csms.store.read(lambda c: c.execute(query).first())
        if row is None:
            raise NoSuchStation(f"there is no station {identity!r}; add it first")
        return struct_of(StationEntry, row)

    async def all(self, after: str = "", count: int = 1000) -> list[StationEntry]:
        """Stations in the order of their identities, those behind ``after``."""
        query = select(_STATIONS).where(_STATIONS.c.identity > after).order_by(_STATIONS.c.identity).limit(count)
        return [struct_of(StationEntry, row) for row in await self.csms.store.read(lambda c: c.execute(query).all())]

    async def change(self, identity: str, **settings: Any) -> StationEntry:
        """Change attributes of a station; a new ``registration`` holds from its next boot. Raises NoSuchStation, and
        ConfigurationError for what makes no sense or cannot be changed."""
        values = _checked(settings)
        changing = update(_STATIONS).where(_STATIONS.c.identity == identity).values(values)
        if not await self.csms.store.write(lambda c: c.execute(changing).rowcount):
            raise NoSuchStation(f"there is no station {identity!r}; add it first")
        self._mirror(identity, values)
        self.csms.newsroom.tell("station", identity, what="changed")
        return await self.get(identity)

    async def remove(self, identity: str) -> None:
        """Forget a station, with all that it has told of itself; its transactions stay in the books. If it is
        connected, its connection is closed. Raises NoSuchStation."""
        removing = delete(_STATIONS).where(_STATIONS.c.identity == identity)
        if not await self.csms.store.write(lambda c: c.execute(removing).rowcount):
            raise NoSuchStation(f"there is no station {identity!r}")
        self.csms.availability.forget(identity)
        self._entries.pop(identity, None)
        self.csms.newsroom.tell("station", identity, what="removed")
        if identity in self.csms:
            await self.csms[identity].close(1000, "this station has been removed")

    # --- what stations do ----------------------------------------------------------------------------------------

    def is_quiet(self, identity: str) -> bool | None:
        """What is set for this station; None: as the configuration says."""
        entry = self._entries.get(identity)
        return entry.is_quiet if entry is not None else None

    def entry(self, identity: str) -> StationEntry | None:
        """What the store says of a connected station, without asking it; None if it is not connected."""
        return self._entries.get(identity)

    async def load(self, station: Station) -> None:
        """A station has connected: its entry is in memory as long as the connection lasts. What it was told at its last
        boot holds, over restarts: one that is Pending or Rejected stays held back (B01.FR.10)."""
        now = self.csms.now()
        values = {
            "connected_at": now,
            "last_seen": now,
            "version": station.version.value,
            "address": station.peer.address,
        }
        identity, admit_as = station.identity, self.csms.config.stations.admit_as
        proved = station.peer.security_profile  # never less from now on
        new = {"identity": identity, "created_at": now, "registration": admit_as, "security_profile": proved}

        def note(connection: Connection) -> tuple[Row[Any], bool]:
            is_new = insert_new(connection, _STATIONS, new)
            here = _STATIONS.c.identity == identity
            connection.execute(update(_STATIONS).where(here).values(values))
            return connection.execute(select(_STATIONS).where(here)).one(), is_new

        row, is_new = await self.csms.store.write(note)
        entry = self._entries[identity] = struct_of(StationEntry, row)
        if is_new:
            how = "without a password" if proved == 0 else "by what it has shown"
            log.warning("%s: not known until now, and admitted %s (security profile %d)", identity, how, proved)
            self.csms.newsroom.tell("station", identity, what="admitted")
        if entry.booted_at is not None and station.history.registration is None:
            station.history.registration = entry.registration
        self.csms.newsroom.tell("connected", identity, version=station.version.value, address=station.peer.address)

    def disconnected(self, station: Station) -> None:
        identity, now = station.identity, self.csms.now()
        if self._entries.pop(identity, None) is None:
            return
        seen = now - timedelta(seconds=station.idle_for)
        leaving = update(_STATIONS).where(_STATIONS.c.identity == identity)
        self.csms.store.write_soon(lambda c: c.execute(leaving.values(disconnected_at=now, last_seen=seen)))
        self.csms.newsroom.tell("disconnected", identity)

    async def booted(self, identity: str, **told: Any) -> StationEntry:
        """A station has said who it is; ``told`` are columns of the table. Returned once it is written."""
        changing = update(_STATIONS).where(_STATIONS.c.identity == identity).values(told)
        await self.csms.store.write(lambda c: c.execute(changing))
        self._mirror(identity, told)
        entry = self._entries.get(identity)
        return entry if entry is not None else await self.get(identity)

    def _mirror(self, identity: str, values: dict[str, Any]) -> None:
        entry = self._entries.get(identity)
        if entry is not None:
            for name, value in values.items():
                if name in _FIELDS:
                    setattr(entry, name, value)

    # --- last seen -----------------------------------------------------------------------------------------------

    def _note_seen(self) -> None:
        """Of the connected stations that were heard of since the last time."""
        now = self.csms.now()
        seen = [
            {"who": station.identity, "at": now - timedelta(seconds=station.idle_for)}
            for station in self.csms
            if station.idle_for < SEEN_EVERY and station.identity in self._entries
        ]
        if seen:
            noting = update(_STATIONS).where(_STATIONS.c.identity == bindparam("who"))
            noting = noting.values(last_seen=bindparam("at", type_=_STATIONS.c.last_seen.type))
            self.csms.store.write_soon(lambda c: c.execute(noting, seen))
        self.later("seen", SEEN_EVERY, self._note_seen)


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    """Raises ConfigurationError."""
    if unknown := sorted(settings.keys() - _CHANGEABLE):
        raise ConfigurationError(f"{', '.join(unknown)} cannot be set; {', '.join(sorted(_CHANGEABLE))} can")
    if settings.get("registration", "Accepted") not in ("Accepted", "Pending", "Rejected"):
        raise ConfigurationError(f"registration is Accepted, Pending or Rejected, not {settings['registration']!r}")
    if settings.get("security_profile") not in (None, 0, 1, 2, 3):
        raise ConfigurationError(f"security profiles are 0 to 3, not {settings['security_profile']!r}")
    return settings
