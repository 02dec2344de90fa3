"""Hands: what people do at a station whose hardware is simulated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ocppflow.messages.v21 import ChargingRateUnitEnumType, IdTokenType
from ocppflow.station.hardware import ElectricVehicle, Hardware, HardwareRefused, NoSuchPlace, NotNow, SimulatedHardware

if TYPE_CHECKING:
    from ocppflow.station.blocks.smart_charging import SmartCharging
    from ocppflow.station.station_config import StationConfig

TOKEN_TYPES: Final = (
    *("Central", "DirectPayment", "eMAID", "EVCCID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress"),
    *("NoAuthorization", "VIN"),
)
"""Part 2, Appendices, IdTokenEnumStringType."""

_LONGEST_TOKEN: Final = 255


class NotThisToken(HardwareRefused):
    """No reader reads a token like this."""


class Hands:
    """Verbs for a person at a station: the EV's driver, or whoever repairs or breaks it. Each returns when it is done,
    not when the station has said so to the CSMS.

    All raise NoSuchPlace for an EVSE or connector that is not there, and NotNow for what cannot be done as things
    stand, or not at all because the hardware is real; both are HardwareRefused.
    """

    __slots__ = ()

    hardware: Hardware | None
    smart_charging: SmartCharging
    config: StationConfig

    if TYPE_CHECKING:

        @property
        def is_up(self) -> bool:
            """Whether the station has power."""

    @property
    def simulated(self) -> SimulatedHardware:
        """The simulated hardware. Raises NotNow if the station's hardware is real."""
        if not isinstance(self.hardware, SimulatedHardware):
            raise NotNow("the station's hardware is real: what software cannot do there, a person has to")
        return self.hardware

    async def plug(self, evse: int, connector: int = 1, ev: ElectricVehicle | None = None) -> None:
        """Plug in an EV, one of some common kinds if none is given."""
        self.simulated.plug(evse, connector, ev)

    async def unplug(self, evse: int) -> None:
        """Take the cable out at both ends. What a socket has locked comes out when the station unlocks it."""
        self.simulated.unplug(evse)

    async def unplug_ev_side(self, evse: int) -> None:
        """Take the plug out of the EV; a cable that is not fixed to the station stays in its socket."""
        self.simulated.unplug(evse, leave_cable=True)

    async def suspend_ev(self, evse: int) -> None:
        """Let the EV ask for no energy, still connected."""
        self.simulated.pause(evse)

    async def resume_ev(self, evse: int) -> None:
        """Let the EV ask for energy again."""
        self.simulated.pause(evse, False)

    async def swipe(self, evse: int, token: str, type: str = "ISO14443") -> None:  # noqa: A002 - the standard's word
        """Hold a token before the reader of an EVSE, or of the station (0). ``type``: one of TOKEN_TYPES. Raises
        NotThisToken too."""
        if type not in TOKEN_TYPES:
            raise NotThisToken(f"the types are {', '.join(TOKEN_TYPES)}")
        if not 0 < len(token) <= _LONGEST_TOKEN or not token.isprintable():
            raise NotThisToken(f"a token is 1 to {_LONGEST_TOKEN} printable characters, not {token[:40]!r}")
        self.simulated.present(evse, IdTokenType(id_token=token, type=type))

    async def end_session(self, evse: int) -> None:
        """Let the EV end the session over its higher-level protocol (SessionStopReq of ISO 15118)."""
        self.simulated.end_session(evse)

    async def park(self, evse: int) -> None:
        """Drive a vehicle into the parking bay of an EVSE."""
        self.simulated.bay(evse, True)

    async def leave(self, evse: int) -> None:
        """Drive it out again."""
        self.simulated.bay(evse, False)

    async def fault(self, evse: int, code: str = "GroundFailure", *, connector: int = 0) -> None:
        """Break something: see ``hardware.FAULTS`` for the codes; EVSE 0 is the whole station. Raises NoSuchFault
        too."""
        self.simulated.fault(evse, code, connector=connector)

    async def clear(self, evse: int, code: str = "") -> None:
        """Mend what is broken, or one thing. Raises NoSuchFault too."""
        self.simulated.clear(evse, code)

    async def fill(self, evse: int, percent: float) -> None:
        """Let the EV's battery have so much, as if it had been charged or used elsewhere."""
        if not 0 <= percent <= 100:
            raise HardwareRefused(f"a battery is 0 to 100 % full, not {percent:g}")
        self.simulated.fill(evse, percent)

    # --- what comes from outside of OCPP (K11 to K13, K22, K27) --------------------------------------------------

    async def limit_from_outside(
        self, evse: int, limit: float, unit: ChargingRateUnitEnumType = "W", *, local_generation: bool = False
    ) -> None:
        """Limit an EVSE, or the station (0), as an energy management system does; with ``local_generation`` let it have
        so much more."""
        self._place(evse)
        if not (limit >= 0 and math.isfinite(limit)):
            raise HardwareRefused(f"a limit is 0 or more, not {limit:g}")
        if self.smart_charging.external.set(limit, unit, evse=evse, local_generation=local_generation) is None:
            raise NotNow("limits from outside do not count at this station: its SmartChargingCtrlr says so")

    async def release_from_outside(self, evse: int, *, local_generation: bool = False) -> None:
        """Let go of such a limit."""
        self._place(evse)
        if not self.smart_charging.external.clear(evse=evse, local_generation=local_generation):
            raise NotNow("there is no such limit")

    async def prioritize(self, evse: int, on: bool = True) -> bool:
        """Ask for priority charging, or not any more; False if it cannot be had (K22.FR.01)."""
        self._place(evse)
        return self.smart_charging.ask_for_priority(evse, on)

    def _place(self, evse: int) -> None:
        count = len(self.config.evses)
        if not 0 <= evse <= count:
            raise NoSuchPlace(f"there is no EVSE {evse}; this station has {count}")
        if not self.is_up:
            raise NotNow("the station has no power: nobody hears of it")
