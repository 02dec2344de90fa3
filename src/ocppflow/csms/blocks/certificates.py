"""M: the local authority, CSRs, certificates of stations and those they trust."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class CertificateService(CSMSBlock):
    """M: the local authority, CSRs, certificates of stations and those they trust."""

    title = "certificates"
