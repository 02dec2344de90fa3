"""B05 to B08: reports, variables read and set; configuration keys of 1.6 in the same place."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class DeviceModelService(CSMSBlock):
    """B05 to B08: reports, variables read and set; configuration keys of 1.6 in the same place."""

    title = "device_models"
