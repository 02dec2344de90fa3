"""Transaction: what a station has to know of one charging transaction, and keeps over a power cut."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ocppflow.messages.v21 import ChargingStateEnumType, IdTokenType


class Transaction(msgspec.Struct, kw_only=True):
    """One transaction. It is kept whole in the store with every change that a message tells of."""

    id: str
    """The transactionId: a UUID of the station's own."""
    evse: int
    connector: int = 0
    """0 as long as no cable is in."""
    started_at: datetime
    next_seq_no: int = 0
    charging_state: ChargingStateEnumType = "Idle"
    token: IdTokenType | None = None
    """Who is authorized; None: nobody yet, or no longer."""
    group: IdTokenType | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    register_at_start: float | None = None
    """Wh of the meter's register when it started."""
