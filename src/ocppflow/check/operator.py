"""Operator: what a person would do at the station under test, and who does it."""

from __future__ import annotations

from typing import Any

from ocppflow.errors import OCPPError
from ocppflow.messages.v21 import ChargingRateUnitEnumType, IdTokenType


class OperatorCannot(OCPPError):
    """Whoever operates the station has no means to do this."""


class Operator:
    """Someone at the station. Each verb returns when it is done, not when the station has said so. What one cannot do
    raises OperatorCannot, and so does whatever is not overridden here."""

    name = "operator"

    async def plug(self, evse: int, connector: int = 1) -> None:
        """Connect the EV, whose cable goes in at both ends; it asks for energy as soon as it may."""
        self.cannot(f"connect an EV to EVSE {evse}")

    async def unplug(self, evse: int) -> None:
        """Disconnect EV and EVSE, at both ends."""
        self.cannot(f"disconnect the EV from EVSE {evse}")

    async def unplug_ev_side(self, evse: int) -> None:
        """Pull the cable at the EV; at the station it stays in."""
        self.cannot(f"pull the cable of EVSE {evse} at the EV")

    async def take_cable(self, evse: int) -> None:
        """Take the cable, which is out of the EV already, out of the station."""
        self.cannot(f"take the cable out of EVSE {evse}")

    async def suspend_ev_before(self, evse: int) -> None:
        """The next EV at this EVSE does not ask for energy when it is connected."""
        self.cannot(f"connect an EV to EVSE {evse} that is not ready for energy")

    async def present(self, evse: int, token: IdTokenType) -> None:
        """Present a token at the reader of an EVSE."""
        self.cannot(f"present {token.id_token}")

    async def suspend_ev(self, evse: int) -> None:
        """Let the EV take no energy, still connected."""
        self.cannot(f"let the EV at EVSE {evse} pause")

    async def resume_ev(self, evse: int) -> None:
        """Let the EV take energy again."""
        self.cannot(f"let the EV at EVSE {evse} go on")

    async def end_session(self, evse: int) -> None:
        """Let the EV end the session by its higher-level protocol (ISO 15118 SessionStop, Terminate)."""
        self.cannot(f"let the EV at EVSE {evse} end the session")

    async def park(self, evse: int) -> None:
        """Drive an EV into the parking bay of an EVSE."""
        self.cannot("drive an EV into the parking bay")

    async def leave(self, evse: int) -> None:
        """Drive it out again."""
        self.cannot("drive the EV out of the parking bay")

    async def fault(self, evse: int, code: str = "GroundFailure") -> None:
        """Break something."""
        self.cannot(f"make EVSE {evse} faulty")

    async def clear(self, evse: int) -> None:
        """Mend it."""
        self.cannot(f"clear the fault of EVSE {evse}")

    async def reboot(self) -> None:
        """Restart the station in order."""
        self.cannot("reboot the station")

    async def power_cycle(self, seconds: float = 5.0) -> None:
        """Cut the power for so long."""
        self.cannot("cut the station's power")

    async def limit(
        self, evse: int, limit: float, unit: ChargingRateUnitEnumType, *, local_generation: bool = False
    ) -> None:
        """Limit an EVSE (0: the station) from outside of OCPP, as an energy management system does; or, with
        ``local_generation``, let it have so much more."""
        self.cannot(f"limit EVSE {evse} from outside")

    async def release(self, evse: int, *, local_generation: bool = False) -> None:
        """Let go of such a limit."""
        self.cannot(f"release the limit of EVSE {evse}")

    async def prioritize(self, evse: int, on: bool = True) -> None:
        """Ask at the station for priority charging, or not any more; nothing happens if it cannot be had."""
        self.cannot(f"ask for priority charging at EVSE {evse}")

    async def fill(self, evse: int, percent: float) -> None:
        """Let the EV tell this state of charge from now on."""
        self.cannot(f"let the EV at EVSE {evse} be {percent:g} % full")

    def cannot(self, what: str) -> None:
        """Raise OperatorCannot."""
        raise OperatorCannot(f"the {self.name} cannot {what}")

    async def close(self) -> None:
        """Nothing is to be done any more."""


def token_payload(token: IdTokenType) -> dict[str, Any]:
    """A token as the control API takes it."""
    return {"token": token.id_token, "type": token.type}
