"""D: local authorization lists, sent whole or by their changes, kept in step."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class LocalListService(CSMSBlock):
    """D: local authorization lists, sent whole or by their changes, kept in step."""

    title = "local_list"
