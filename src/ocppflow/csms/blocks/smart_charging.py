"""K: charging profiles, and the one verb `limit`."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ocppflow.csms.blocks.csms_block import CSMSBlock


class LimitReport(Struct):
    """How a limit was set, and what came of it."""


class SmartChargingService(CSMSBlock):
    """K: charging profiles, and the one verb `limit`."""

    title = "smart_charging"

    async def limit(
        self,
        identity: str,
        *,
        amps: float | None = None,
        watts: float | None = None,
        evse: int = 0,
        until: datetime | None = None,
        by: str = "",
    ) -> LimitReport:
        """Limit a station (EVSE 0) or one of its EVSEs; neither ``amps`` nor ``watts`` lifts the limit."""
        raise NotImplementedError
