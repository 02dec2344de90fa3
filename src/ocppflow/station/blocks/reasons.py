"""Why something was refused, as the standard has it (Part 2, Appendices, Reason Codes)."""

from __future__ import annotations

from msgspec import UNSET

from ocppflow.messages import v21


def because(reason_code: str, text: str = "") -> v21.StatusInfoType:
    """A statusInfo: one of the standard's reason codes, and what a person wants to know beside it."""
    return v21.StatusInfoType(reason_code=reason_code, additional_info=text or UNSET)
