"""C: tokens, and what they may."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.messages.v21 import IdTokenInfoType, IdTokenType


class TokenService(CSMSBlock):
    """C: tokens, and what they may."""

    title = "authorization"

    async def judge(
        self, token: IdTokenType, identity: str, evse: int | None = None, *, starts: bool = False
    ) -> IdTokenInfoType:
        """What a token may at a station. ``starts``: a transaction is about to start with it."""
        raise NotImplementedError
