"""G: statuses of connectors, and making them (in)operative."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct
from sqlalchemy import select

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.messages import v21
from ocppflow.store import station_tables
from ocppflow.store.struct_rows import struct_of
from ocppflow.store.upsert import upsert

if TYPE_CHECKING:
    from ocppflow.csms.complete_csms import CompleteCSMS

_CONNECTORS = station_tables.CONNECTORS

Place = tuple[int, int]
"""EVSE and connector; (0, 0) is the station as a whole, (1, 0) an EVSE with all its connectors."""


class ConnectorWord(Struct, frozen=True, kw_only=True):
    """What a station said last of a connector. ``status`` is 2.x's word; ``status_16`` the one of 1.6, which knows
    more of them, ``error_code`` and ``info`` what came with it."""

    status: str
    since: datetime
    """When it became so, by the station's clock."""
    status_16: str | None = None
    error_code: str | None = None
    info: str | None = None


class AvailabilityService(CSMSBlock):
    """G: statuses of connectors, and making them (in)operative."""

    title = "availability"

    def __init__(self, csms: CompleteCSMS) -> None:
        self._known: dict[str, dict[Place, ConnectorWord]] = {}
        super().__init__(csms)

    def hear(self) -> None:
        self.on(v21.StatusNotificationRequest)(self.status_notification)

    async def start(self) -> None:
        """Statuses outlive a restart: a station tells them only when they change."""
        rows = await self.csms.store.read(lambda c: c.execute(select(_CONNECTORS)).all())
        for row in rows:
            self._known.setdefault(row.station, {})[row.evse, row.connector] = struct_of(ConnectorWord, row)

    # --- what stations say ---------------------------------------------------------------------------------------

    async def status_notification(
        self, station: Station, request: v21.StatusNotificationRequest
    ) -> v21.StatusNotificationResponse:
        """G01: a connector is so from a moment on."""
        since: Any = request.timestamp  # a tolerant policy may have forgiven that it is missing
        when = self.csms.now() if since is UNSET else since
        report = ConnectorWord(status=request.connector_status, since=when)
        await self.learned(station.identity, request.evse_id, request.connector_id, report)
        return v21.StatusNotificationResponse()

    async def learned(self, identity: str, evse: int, connector: int, report: ConnectorWord) -> bool:
        """A station has told the status of a connector, whichever message it took for that. False if it is older than
        what is known already, as what was kept while offline may be (G01.FR.05): then nothing changes."""
        place = (evse, connector)
        known = self._known.get(identity, {}).get(place)
        if known is not None and report.since < known.since:
            return False
        row: dict[str, Any] = {
            "station": identity,
            "evse": evse,
            "connector": connector,
            "status": report.status,
            "since": report.since,
            "status_16": report.status_16,
            "error_code": report.error_code,
            "info": report.info,
        }
        await self.csms.store.write(lambda c: upsert(c, _CONNECTORS, row))
        self._known.setdefault(identity, {})[place] = report
        if known is None or known.status != report.status or known.error_code != report.error_code:
            self._tell(identity, evse, connector, report)
        return True

    def _tell(self, identity: str, evse: int, connector: int, report: ConnectorWord) -> None:
        said = {"evse": evse, "connector": connector, "status": report.status, "since": report.since}
        if report.error_code is not None:
            said["errorCode"] = report.error_code
        self.csms.newsroom.tell("status", identity, **said)
        if report.status == "Faulted":
            why = report.error_code or report.info or "no reason told"
            text = f"connector {connector} of EVSE {evse} is faulted: {why}"
            self.csms.alerts.raised("faulted", identity, text, evse=evse, severity=2)
        elif not any(other.status == "Faulted" for (at, _), other in self.connectors(identity).items() if at == evse):
            self.csms.alerts.over("faulted", identity, evse=evse)

    # --- what is known -------------------------------------------------------------------------------------------

    def connectors(self, identity: str) -> dict[Place, ConnectorWord]:
        """What is known of a station's connectors, by EVSE and connector."""
        return dict(self._known.get(identity, {}))

    def status(self, identity: str, evse: int, connector: int = 1) -> str | None:
        """The status told last; None if none has been."""
        report = self._known.get(identity, {}).get((evse, connector))
        return report.status if report is not None else None

    def forget(self, identity: str) -> None:
        """The station is removed from the store, and its connectors with it."""
        self._known.pop(identity, None)

    # --- what people want ----------------------------------------------------------------------------------------

    async def change(
        self, identity: str, *, operative: bool, evse: int = 0, connector: int = 0
    ) -> v21.ChangeAvailabilityResponse:
        """G03, G04: put a station (EVSE 0), an EVSE (connector 0) or a connector out of service, or back into it.
        ``Scheduled``: when the transaction there has ended. Raises ValueError for a connector without its EVSE, and
        what ``csms.call`` raises."""
        if connector and not evse:
            raise ValueError(f"connector {connector} of which EVSE?")
        where = v21.EVSEType(id=evse, connector_id=connector or UNSET) if evse else UNSET
        request = v21.ChangeAvailabilityRequest(
            operational_status="Operative" if operative else "Inoperative", evse=where
        )
        return await self.csms.call(identity, request)
