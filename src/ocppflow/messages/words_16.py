"""Words of 1.6 for what 2.1 says, which both roles need."""

from __future__ import annotations

from typing import Final

from ocppflow.messages import v16, v21

_TOKEN_STATUSES: Final[dict[v21.AuthorizationStatusEnumType, v16.AuthorizationStatus]] = {
    "Accepted": "Accepted",
    "Blocked": "Blocked",
    "ConcurrentTx": "ConcurrentTx",
    "Expired": "Expired",
}


def token_status_16(status: v21.AuthorizationStatusEnumType) -> v16.AuthorizationStatus:
    """2.1 has more reasons for a refusal; in 1.6 they are all Invalid."""
    return _TOKEN_STATUSES.get(status, "Invalid")
