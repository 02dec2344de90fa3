"""The configuration key SecurityProfile: the station goes over to a higher one (security whitepaper, A05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocppflow.log_budget import budgeted
from ocppflow.messages import v16, v21
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

SECURITY_PROFILE: Final = "SecurityProfile"


async def upgrade(station: CompleteStation, value: str) -> v16.ConfigurationStatus:
    """Go over to another security profile, if all is there that it needs: over a network connection profile of its own,
    with the one in use to fall back to (A05.FR.05 to A05.FR.08)."""
    text = value.strip()
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) == 1 else -1
    why = _obstacle(station, wanted)
    slot = station.network.free_slot()
    if why or slot is None:
        log.info("%s: SecurityProfile %r is refused: %s", station.identity, value, why or "no free network profile")
        return "Rejected"
    try:
        await station.network.set(slot, _profile(station, wanted))
    except StoreFailed as exc:
        log.error("%s: SecurityProfile cannot be changed: %s", station.identity, exc)
        return "Rejected"
    station.after_answer(lambda: station.network.go_over(slot))
    return "Accepted"


def _obstacle(station: CompleteStation, wanted: int) -> str:
    if not station.security.profile < wanted <= 3:  # A05.FR.01
        return f"{station.security.profile} is in use"
    if wanted < 3 and station.password is None:
        return "there is no AuthorizationKey"  # A05.FR.02
    return station.security.obstacle(wanted)  # A05.FR.03, A05.FR.04


def _profile(station: CompleteStation, wanted: int) -> v21.NetworkConnectionProfileType:
    """The connection in use, over TLS if the security profile is one with TLS: at the same host, at the port that is
    written in the URL, or else at that of the scheme."""
    rest = station.url.partition(":")[2]
    model = station.device_model
    return v21.NetworkConnectionProfileType(
        ocpp_interface="Any",
        ocpp_transport="JSON",
        ocpp_csms_url=("wss:" if wanted >= 2 else "ws:") + rest,
        message_timeout=model.integer("OCPPCommCtrlr", "MessageTimeout", 30, variable_instance="Default"),
        security_profile=wanted,
    )
