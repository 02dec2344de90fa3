"""What is worth a look, as episodes: opened, extended, acknowledged, resolved."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class Alerting(CSMSBlock):
    """What is worth a look, as episodes: opened, extended, acknowledged, resolved."""

    title = "alerts"

    def raised(self, kind: str, identity: str, text: str, *, evse: int | None = None, severity: int = 4) -> None:
        """Something is so: open an episode, or extend the one that is open."""

    def over(self, kind: str, identity: str, evse: int | None = None) -> None:
        """It is so no more."""
