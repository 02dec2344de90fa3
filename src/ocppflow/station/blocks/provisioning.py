"""B, Provisioning: booting, registration, heartbeats."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.errors import OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.device_model import VariableKey, on_change

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

provisioning: Router[CompleteStation] = Router(Role.CS, "provisioning")

_RETRY = 60
"""Seconds until the next BootNotification when the CSMS gave no interval, or no answer (B02.FR.06)."""


class RegistrationState(Enum):
    """What the CSMS has said to the BootNotification of this boot."""

    NONE = "none"
    PENDING = "Pending"
    REJECTED = "Rejected"
    ACCEPTED = "Accepted"


class Provisioning(Block):
    """Registration and heartbeats."""

    __slots__ = ("boot_reason", "registration")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.registration = RegistrationState.NONE
        self.boot_reason: v21.BootReasonEnumType = station.boot_reason

    @property
    def may_send(self) -> bool:
        """Whether messages other than BootNotification may go out unasked (B02.FR.02, B03.FR.02)."""
        return self.registration is RegistrationState.ACCEPTED

    def connected(self) -> None:
        if self.registration is RegistrationState.ACCEPTED:
            self.station.announce_registered()
            self._beat_later()
        else:
            self.boot_soon()

    def disconnected(self) -> None:
        self.cancel_timers()

    def boot_soon(self, reason: v21.BootReasonEnumType | None = None) -> None:
        """Send a BootNotification."""
        self.cancel_timers()
        self.station.work(self._boot(reason or self.boot_reason), "BootNotification")

    async def _boot(self, reason: v21.BootReasonEnumType) -> None:
        config = self.station.config
        request = v21.BootNotificationRequest(
            reason=reason,
            charging_station=v21.ChargingStationType(
                model=config.model,
                vendor_name=config.vendor,
                serial_number=config.serial_number or UNSET,
                firmware_version=self.station.firmware.version or UNSET,
            ),
        )
        try:
            response = await self.station.call(request)
        except OCPPError as exc:
            log.warning("%s: BootNotification failed: %s", self.station.identity, exc)
            if self.station.is_connected:
                self.later("boot", _RETRY, self.boot_soon)
            return
        self._told(response)

    def _told(self, response: v21.BootNotificationResponse) -> None:
        self.registration = RegistrationState(response.status)
        if self.registration is RegistrationState.ACCEPTED:
            self.station.security.set_time(response.current_time)  # B01.FR.06
            if response.interval > 0:
                self.station.device_model.set("OCPPCommCtrlr", "HeartbeatInterval", response.interval)  # B01.FR.04
                self.station.store.commit()
            self.station.announce_registered()
            self._beat_later()
        else:
            self.later("boot", response.interval or _RETRY, self.boot_soon)  # B02.FR.04, B02.FR.06

    def _beat_later(self) -> None:
        interval = self.station.device_model.integer("OCPPCommCtrlr", "HeartbeatInterval")
        if interval:
            self.later("heartbeat", interval, lambda: self.station.work(self._beat(), "Heartbeat"))

    async def _beat(self) -> None:
        self._beat_later()
        response = await self.station.say(v21.HeartbeatRequest())
        if response is not None:
            self.station.security.set_time(response.current_time)


@on_change("OCPPCommCtrlr", "HeartbeatInterval")
def _new_interval(station: CompleteStation, key: VariableKey, value: str) -> None:
    if station.provisioning.may_send and station.is_connected:
        station.provisioning._beat_later()
