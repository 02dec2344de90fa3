"""What is worth a look, as episodes: opened, extended, acknowledged, resolved."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import func, insert, select, update

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.errors import LocalError
from ocppflow.plain_text import SHOWN_REPORT, one_line
from ocppflow.store import station_tables, work_tables
from ocppflow.store.struct_rows import struct_of

if TYPE_CHECKING:
    from ocppflow.csms.complete_csms import CompleteCSMS

_ALERTS = work_tables.ALERTS
_STATIONS = station_tables.STATIONS

_LOOK_EVERY = 30.0
"""Seconds between looks for who has been away or silent for too long."""

Subject = tuple[str, str, int]
"""Kind, station (empty: the CSMS itself), EVSE (0: the station)."""


class NoSuchAlert(LocalError):
    """There is no alert of this number."""


class Episode(Struct, kw_only=True):
    """Something that is so, or was so, for a while."""

    id: int
    kind: str
    station: str
    evse: int
    text: str
    severity: int
    """0 (danger) to 9 (debugging), as events of the standard have it."""
    opened_at: datetime
    last_at: datetime
    times: int
    """How often it was noticed."""
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None


class Alerting(CSMSBlock):
    """What is worth a look, as episodes: opened, extended, acknowledged, resolved by themselves.

    Kinds of its own: ``offline`` (a known station has been away for ``alerts.offline_after`` seconds), ``silent`` (one
    that is connected says nothing for ``alerts.silent_after``), ``flapping`` (one has connected
    ``alerts.flapping_connects`` times within ``alerts.flapping_within``). Other blocks raise others.
    """

    title = "alerts"

    def __init__(self, csms: CompleteCSMS) -> None:
        self._open: dict[Subject, Episode] = {}
        self._last_id = 0
        self._away: dict[str, float] = {}
        self._connects: dict[str, list[float]] = {}
        super().__init__(csms)

    async def start(self) -> None:
        """Take up open episodes; a station that was connected when the last process ended counts as away from now."""
        store = self.csms.store
        rows = await store.read(lambda c: c.execute(select(_ALERTS).where(_ALERTS.c.resolved_at.is_(None))).all())
        for row in rows:
            episode = struct_of(Episode, row)
            self._open[episode.kind, episode.station, episode.evse] = episode
        self._last_id = await store.read(lambda c: c.execute(select(func.max(_ALERTS.c.id))).scalar() or 0)
        known = select(_STATIONS.c.identity).where(_STATIONS.c.booted_at.is_not(None), ~_STATIONS.c.is_disabled)
        away = await store.read(lambda c: c.execute(known).scalars().all())
        now = self.csms.clock.now()
        self._away = dict.fromkeys(away, now)
        self.later("look", _LOOK_EVERY, self._look)

    # --- what others tell ----------------------------------------------------------------------------------------

    def raised(self, kind: str, identity: str, text: str, *, evse: int | None = None, severity: int = 4) -> None:
        """Something is so: open an episode, or extend the one that is open."""
        now, subject = self.csms.now(), (kind, identity, evse or 0)
        text = one_line(text, SHOWN_REPORT)
        episode = self._open.get(subject)
        if episode is not None:
            episode.last_at, episode.times, episode.text = now, episode.times + 1, text
            self._write(episode)
            return
        self._last_id += 1
        episode = self._open[subject] = Episode(
            id=self._last_id,
            kind=kind,
            station=identity,
            evse=evse or 0,
            text=text,
            severity=severity,
            opened_at=now,
            last_at=now,
            times=1,
        )
        row = _row(episode)
        self.csms.store.write_soon(lambda c: c.execute(insert(_ALERTS), row))
        self._tell(episode, "opened")

    def over(self, kind: str, identity: str, evse: int | None = None) -> None:
        """It is so no more: the episode, if there is one, is resolved."""
        episode = self._open.pop((kind, identity, evse or 0), None)
        if episode is not None:
            episode.resolved_at = self.csms.now()
            self._write(episode)
            self._tell(episode, "resolved")

    def _write(self, episode: Episode) -> None:
        row = _row(episode)
        number = row.pop("id")
        self.csms.store.write_soon(lambda c: c.execute(update(_ALERTS).where(_ALERTS.c.id == number).values(row)))

    def _tell(self, episode: Episode, what: str) -> None:
        self.csms.newsroom.tell(
            "alert", episode.station or None, alert=episode.id, kind=episode.kind, what=what, text=episode.text
        )

    # --- what people do ------------------------------------------------------------------------------------------

    def open_ones(self, identity: str | None = None) -> list[Episode]:
        """The episodes that go on, of all or of one station, the gravest first."""
        found = [each for each in self._open.values() if identity in (None, each.station)]
        return sorted(found, key=lambda each: (each.severity, each.opened_at, each.id))

    async def acknowledge(self, number: int, by: str) -> None:
        """Somebody has seen it. It stays open as long as it is so. Raises NoSuchAlert."""
        now = self.csms.now()
        seen = update(_ALERTS).where(_ALERTS.c.id == number).values(acknowledged_at=now, acknowledged_by=by)
        if not await self.csms.store.write(lambda c: c.execute(seen).rowcount):
            raise NoSuchAlert(f"there is no alert {number}")
        for episode in self._open.values():
            if episode.id == number:
                episode.acknowledged_at, episode.acknowledged_by = now, by
                self._tell(episode, "acknowledged")

    # --- what it sees itself -------------------------------------------------------------------------------------

    def connected(self, station: Station) -> None:
        identity, now = station.identity, self.csms.clock.now()
        self._away.pop(identity, None)
        self.over("offline", identity)
        settings = self.csms.config.alerts
        times = [at for at in self._connects.get(identity, ()) if at > now - settings.flapping_within]
        times = [*times, now][-settings.flapping_connects :]
        self._connects[identity] = times
        if len(times) >= settings.flapping_connects:
            text = f"connected {len(times)} times within {now - times[0]:.0f} s"
            self.raised("flapping", identity, text)

    def disconnected(self, station: Station) -> None:
        self._away[station.identity] = self.csms.clock.now()
        self.over("silent", station.identity)

    def _look(self) -> None:
        now, settings = self.csms.clock.now(), self.csms.config.alerts
        for identity, since in list(self._away.items()):
            if now - since >= settings.offline_after:
                del self._away[identity]  # told once; the episode ends when it comes
                self.raised("offline", identity, f"away for {now - since:.0f} s", severity=3)
        for station in self.csms:
            if station.idle_for >= settings.silent_after:
                if ("silent", station.identity, 0) not in self._open:
                    self.raised("silent", station.identity, f"has said nothing for {station.idle_for:.0f} s")
            else:
                self.over("silent", station.identity)
        for identity, times in list(self._connects.items()):
            if now - times[-1] >= settings.flapping_within:
                del self._connects[identity]
                self.over("flapping", identity)
        self.later("look", _LOOK_EVERY, self._look)


def _row(episode: Episode) -> dict[str, Any]:
    return {name: getattr(episode, name) for name in episode.__struct_fields__}
