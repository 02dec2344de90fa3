"""Jobs over many stations, with progress, that stop when too many fail."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class JobService(CSMSBlock):
    """Jobs over many stations, with progress, that stop when too many fail."""

    title = "jobs"
