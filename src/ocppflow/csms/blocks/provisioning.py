"""B: boots, heartbeats, resets."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.errors import OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import v21

log = budgeted("ocppflow.csms")

BOOTS_WITHIN: Final = 5.0
"""Seconds after connecting in which a station that has booted says so. One that says nothing has merely connected
again."""


class ProvisioningService(CSMSBlock):
    """B: boots, heartbeats, resets."""

    title = "provisioning"

    def hear(self) -> None:
        self.on(v21.BootNotificationRequest)(self.boot)
        self.on(v21.HeartbeatRequest)(self.heartbeat)

    async def heartbeat(self, station: Station, request: v21.HeartbeatRequest) -> v21.HeartbeatResponse:
        """G02.FR.06: answered with the time of day."""
        return v21.HeartbeatResponse(current_time=self.csms.now())

    # --- boots ---------------------------------------------------------------------------------------------------

    async def boot(self, station: Station, request: v21.BootNotificationRequest) -> v21.BootNotificationResponse:
        """B01 to B03: as the registry says of this station. It is written before it is answered."""
        told = request.charging_station
        entry = await self.csms.registry.booted(
            station.identity,
            vendor=_text(told.vendor_name),
            model=_text(told.model),
            firmware=_text(told.firmware_version),
            serial_number=_text(told.serial_number),
            booted_at=self.csms.now(),
            boot_reason=_text(request.reason),
        )
        self.cancel_timer(station.identity)
        self.csms.newsroom.tell(
            "booted", station.identity, status=entry.registration, reason=entry.boot_reason, firmware=entry.firmware
        )
        settings = self.csms.config.stations
        accepted = entry.registration == "Accepted"
        if accepted and station.current_call is not None:
            station.respond_then(lambda: self._told(station))
        return v21.BootNotificationResponse(
            current_time=self.csms.now(),
            interval=settings.heartbeat_interval if accepted else settings.boot_retry_interval,
            status=entry.registration,
        )

    async def _told(self, station: Station) -> None:
        """The answer is on its way: now calls may go to the station (B01.FR.10, B02.FR.02)."""
        self._may_be_called(station)

    def connected(self, station: Station) -> None:
        entry = self.csms.registry.entry(station.identity)
        self.cancel_timer(station.identity)
        if entry is not None and entry.booted_at is not None and entry.registration == "Accepted":
            self.later(station.identity, BOOTS_WITHIN, lambda: self._may_be_called(station))

    def _may_be_called(self, station: Station) -> None:
        if self.csms.stations.get(station.identity) is station:
            self.csms.told_all("accepted", station)

    def disconnected(self, station: Station) -> None:
        self.cancel_timer(station.identity)

    async def set_registration(self, identity: str, registration: v21.RegistrationStatusEnumType) -> None:
        """A person has decided on a station: Accepted, Pending or Rejected. One that waits for it and is connected is
        asked to boot at once; one that cannot do that hears of it when it boots next (B02.FR.03, B03.FR.06). Raises
        NoSuchStation and ConfigurationError."""
        before = await self.csms.registry.get(identity)
        await self.csms.registry.change(identity, registration=registration)
        if before.registration == registration or identity not in self.csms:
            return
        try:
            request = v21.TriggerMessageRequest(requested_message="BootNotification")
            answer = await self.csms.call(identity, request)
            log.info("%s: asked to boot, for it is %s now: %s", identity, registration, answer.status)
        except OCPPError as error:
            log.info(
                "%s: cannot be asked to boot, and hears at its next boot that it is %s: %s",
                identity,
                registration,
                error,
            )

    # --- resets --------------------------------------------------------------------------------------------------

    async def reset(self, identity: str, kind: v21.ResetEnumType = "OnIdle", evse: int = 0) -> v21.ResetResponse:
        """B11, B12: restart a station, or one of its EVSEs: ``Immediate``, which ends transactions, or ``OnIdle``, when
        they have ended (then the answer is Scheduled). Raises what ``csms.call`` raises."""
        return await self.csms.call(identity, v21.ResetRequest(type=kind, evse_id=evse or UNSET))


def _text(told: Any) -> str:
    """What a station has told; empty if it has not, which a tolerant policy forgives."""
    return told if isinstance(told, str) else ""
