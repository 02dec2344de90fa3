"""Transaction: what a station has to know of one charging transaction, and keeps over a power cut."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ocppflow.messages.v21 import (
    ChargingStateEnumType,
    IdTokenType,
    ReasonEnumType,
    TransactionLimitType,
    TriggerReasonEnumType,
)
from ocppflow.secrecy.discreet_repr import discreet_repr


class Transaction(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One transaction. It is kept whole in the store with every change that a message tells of."""

    __repr__ = discreet_repr

    id: str
    """The transactionId: a UUID of the station's own."""
    evse: int
    """0 as long as it is not known: a token was presented at a station with several EVSEs."""
    connector: int = 0
    """0 as long as no cable is in."""
    started_at: datetime
    last_event_at: datetime
    """Of the last message about it: how long the power was away is counted from here."""
    next_seq_no: int = 0
    charging_state: ChargingStateEnumType = "Idle"
    authorized: bool = False
    """Whether energy may flow, as far as its driver is concerned."""
    token: IdTokenType | None = None
    """Who is authorized, or was at last; None: nobody yet."""
    group: IdTokenType | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    token_told: bool = False
    """Whether a message has told ``token``, with ``remote_start_id`` and ``reservation_id``."""
    evse_told: bool = False
    """Whether a message has told where the EV is connected (E01.FR.16)."""
    begin_told: bool = False
    """Whether a message has had the values of the beginning (E01.FR.09, E01.FR.17)."""
    register_at_start: float | None = None
    """Wh of the meter's register when it started, or when its EVSE became known."""
    phases_told: int = 0
    """The number of phases that was last told; 0: none yet (E02.FR.18)."""
    key_told: bool = False
    """Whether a signed value has had the meter's public key (PublicKeyWithSignedMeterValue)."""
    stopped_reason: ReasonEnumType | None = None
    """Why its authorization has ended, which is why it will have ended."""
    invalid: bool = False
    """The CSMS does not accept its token, and ``StopTxOnInvalidId`` is off (E05.FR.02, E05.FR.03)."""
    register_limit: float | None = None
    """Wh of the register up to which an ``invalid`` one may go on (``MaxEnergyOnInvalidId``)."""
    limit: TransactionLimitType | None = None
    """What the CSMS or the driver has limited (2.1 E16)."""
    csms_limit: TransactionLimitType | None = None
    """What of it the CSMS has limited."""
    reached: TriggerReasonEnumType | None = None
    """Which of the limits has stopped the energy."""
    seconds_charged: float = 0.0
    charging_since: datetime | None = None
    total_cost: float | None = None
    """The cost that the CSMS has last told, in its currency."""
    charging_priority: int | None = None
