"""Booked: a transaction as the books have it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from ocppflow.secrecy.discreet_repr import discreet_repr


class BookState(StrEnum):
    """Whether a transaction goes on, is over, or somebody has to look at it."""

    ACTIVE = "active"
    ENDED = "ended"
    ATTENTION = "attention"


class Booked(Struct, kw_only=True):
    """One transaction. Energies in Wh, times in UTC, durations in s."""

    __repr__ = discreet_repr

    id: int
    """The books' own number; in 1.6 also the transactionId."""
    station: str
    transaction_id: str
    evse: int | None = None
    connector: int | None = None
    state: BookState = BookState.ACTIVE
    attention: str | None = None
    closed_by: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    last_event_at: datetime
    energy_wh: float | None = None
    energy_source: str | None = None
    duration_s: float | None = None
    idle_s: float | None = None
    token: str | None = None
    token_type: str | None = None
    group_token: str | None = None
    stop_token: str | None = None
    reason: str | None = None
    charging_state: str | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    tariff: str | None = None
    currency: str | None = None
    cost: float | None = None
    events: int = 0
    version: str = "2.0.1"
    is_signed: bool = False
