"""A: who is let in, passwords and their rotation, security profiles, security events."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.endpoint import Accept, Handshake, Refuse, RefusedInfo


class SecurityService(CSMSBlock):
    """A: who is let in, passwords and their rotation, security profiles, security events."""

    title = "security"

    async def decide(self, handshake: Handshake) -> Accept | Refuse:
        """Whether a station is let in; by what the store says of it."""
        raise NotImplementedError

    def refused(self, info: RefusedInfo) -> None:
        """A connection was refused: keep it for whoever wonders why."""
