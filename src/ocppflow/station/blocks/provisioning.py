"""B, Provisioning: booting, registration, heartbeats (B01 to B04, G02). Resets and network profiles have modules of
their own beside this one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.errors import OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.message_limits import LONGEST_INTERVAL
from ocppflow.station.blocks.network_profiles import network_profiles
from ocppflow.station.blocks.registration_table import NEXT_REGISTRATION, RegistrationEvent, RegistrationState
from ocppflow.station.blocks.resetting import resetting
from ocppflow.station.device_model import VariableKey, on_change

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

provisioning: Router[CompleteStation] = Router(Role.CS, "provisioning")
provisioning.include(resetting)
provisioning.include(network_profiles)

_RETRY: Final = 60.0
"""Seconds until the next BootNotification, if the CSMS has given no interval (B02.FR.07, B03.FR.05) or no answer."""

_DAY: Final = 24 * 3600.0
"""Seconds after which a Heartbeat is sent however much else was, since it sets the time (G02.FR.07)."""


class Provisioning(Block):
    """Registration and heartbeats."""

    __slots__ = ("_beaten_at", "_boot_at", "_booting", "_interval", "_slot", "registration")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.registration = RegistrationState.NONE
        self._booting = False
        self._boot_at = station.clock.now()
        """Clock time before which no BootNotification goes out, unless the CSMS asks for one (B02.FR.04, B03.FR.02)."""
        self._interval = _RETRY
        self._beaten_at = station.clock.now()
        self._slot = 0
        """The network connection profile over which it was registered."""

    @property
    def may_send(self) -> bool:
        """Whether messages other than BootNotification may go out unasked."""
        return self.registration.may_send

    @property
    def may_answer(self) -> bool:
        """Whether messages may go out that the CSMS has asked for."""
        return self.registration.may_answer

    async def reset(
        self,
        type: v21.ResetEnumType,  # noqa: A002 - the standard's word
        evse: int = 0,
        reason: v21.BootReasonEnumType | None = None,
    ) -> v21.ResetStatusEnumType:
        """Reset the station or one EVSE, as a CSMS's Reset does; ``reason`` for the BootNotification after it."""
        return (await self.station.resetting.ask(type, evse, reason)).status

    # --- registration --------------------------------------------------------------------------------------------

    def connected(self) -> None:
        slot = self.station.network.slot
        if self._slot not in (0, slot):  # B10.FR.10
            self.registration = NEXT_REGISTRATION[self.registration][RegistrationEvent.SWITCHED]
            self._boot_at = self.station.clock.now()
        self._slot = slot
        if self.registration is RegistrationState.ACCEPTED:
            self.station.announce_registered()
            self._beat_later()
        else:
            self._boot_later()

    def disconnected(self) -> None:
        self.cancel_timers()

    def _boot_later(self) -> None:
        wait = self._boot_at - self.station.clock.now()
        if wait <= 0:
            self.boot_soon()
        else:
            self.later("boot", wait, self.boot_soon)

    def boot_soon(self, reason: v21.BootReasonEnumType | None = None) -> None:
        """Send a BootNotification, unless one is on its way."""
        if not self._booting:
            self._booting = True
            self.cancel_timers()
            self.station.work(self._boot(reason or self.station.boot_reason), "BootNotification")

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
            self._booting = False
            if self.station.is_connected:
                self._wait_for_boot(self._interval)
            return
        self._booting = False
        self._answered(response)

    def _answered(self, response: v21.BootNotificationResponse) -> None:
        if self.registration is RegistrationState.ACCEPTED:
            return
        self.registration = NEXT_REGISTRATION[self.registration][RegistrationEvent(response.status)]
        self.station.dialect_16.boot_answered()
        self._set_time(response.current_time)  # B01.FR.06
        if self.registration is RegistrationState.ACCEPTED:
            if response.interval > 0:
                interval = min(response.interval, LONGEST_INTERVAL)
                self.station.device_model.set("OCPPCommCtrlr", "HeartbeatInterval", interval)  # B01.FR.04
                self.station.store.commit()
            if self.station.is_connected:  # else at the reconnection
                self.station.announce_registered()
                self._beat_later()
        else:
            self._interval = float(min(response.interval, LONGEST_INTERVAL)) if response.interval > 0 else _RETRY
            self._wait_for_boot(self._interval)  # B02.FR.08, B03.FR.06

    def _wait_for_boot(self, seconds: float) -> None:
        self._boot_at = self.station.clock.now() + seconds
        if self.station.is_connected:
            self._boot_later()

    # --- heartbeats ----------------------------------------------------------------------------------------------

    def _set_time(self, now: datetime) -> None:
        if "Heartbeat" in self.station.device_model.members("ClockCtrlr", "TimeSource", ("Heartbeat",)):
            self.station.security.set_time(now)

    def _beat_later(self) -> None:
        """A Heartbeat is due when nothing else has been said for the interval (G02.FR.05), and once a day."""
        interval = self.station.device_model.integer("OCPPCommCtrlr", "HeartbeatInterval")
        if interval > 0:
            due = min(self.station.said_at + interval, self._beaten_at + max(_DAY, interval))
            self.later("heartbeat", due - self.station.clock.now(), self._beat_if_due)

    def _beat_if_due(self) -> None:
        now = self.station.clock.now()
        interval = self.station.device_model.integer("OCPPCommCtrlr", "HeartbeatInterval")
        if now >= min(self.station.said_at + interval, self._beaten_at + max(_DAY, interval)):
            self.station.work(self.beat(), "Heartbeat")
        else:
            self._beat_later()

    async def beat(self, *, asked: bool = False) -> None:
        """Send a Heartbeat, and take the time from its answer (G02.FR.06)."""
        self._beaten_at = self.station.said_at = self.station.clock.now()
        if self.may_send:
            self._beat_later()
        response = await self.station.say(v21.HeartbeatRequest(), asked=asked)
        if response is not None:
            self._set_time(response.current_time)

    def new_interval(self) -> None:
        """HeartbeatInterval has another value."""
        if self.may_send and self.station.is_connected:
            self._beat_later()


@on_change("OCPPCommCtrlr", "HeartbeatInterval")
def _new_interval(station: CompleteStation, key: VariableKey, value: str) -> None:
    station.provisioning.new_interval()
