"""J: meter values beside transactions, and their archive."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class MeteringService(CSMSBlock):
    """J: meter values beside transactions, and their archive."""

    title = "metering"

    def power(self, identity: str, evse: int | None = None) -> float | None:
        """W that are drawn now, as told last; None if that is not known."""
        raise NotImplementedError

    def currents(self, identity: str, evse: int) -> tuple[float, ...] | None:
        """A per phase, as told last."""
        raise NotImplementedError
