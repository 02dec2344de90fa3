"""Calls to stations that are not there: kept, and made when they come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.messages import Request


class DurableQueue(CSMSBlock):
    """Calls to stations that are not there: kept, and made when they come."""

    title = "durable_queue"

    async def put(
        self, identity: str, request: Request[Any], *, expires: datetime | None = None, by: str = "", purpose: str = ""
    ) -> int:
        """Make a call as soon as the station is connected and accepted; its number. It survives a restart."""
        raise NotImplementedError
