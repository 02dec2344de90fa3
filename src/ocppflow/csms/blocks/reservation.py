"""H: reservations, written before they are asked for."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class ReservationService(CSMSBlock):
    """H: reservations, written before they are asked for."""

    title = "reservation"
