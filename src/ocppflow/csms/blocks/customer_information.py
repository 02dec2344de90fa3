"""N09, N10: customer information."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class CustomerService(CSMSBlock):
    """N09, N10: customer information."""

    title = "customer_information"
