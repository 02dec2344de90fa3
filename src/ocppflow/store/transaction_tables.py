"""The books: transactions, their events, meter values."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ocppflow.store.column_types import Instant, Json
from ocppflow.store.schema import SCHEMA

_ID = BigInteger().with_variant(Integer, "sqlite")  # which counts up by itself only as INTEGER

TRANSACTIONS: Final = Table(
    "transactions",
    SCHEMA,
    Column("id", _ID, primary_key=True),  # in 1.6 also the transactionId
    Column("station", String(255), nullable=False),  # kept when the station is forgotten
    Column("transaction_id", String(36), nullable=False),
    Column("start_key", String(64)),  # of a 1.6 start: connector, tag, time and meter
    Column("evse", Integer),
    Column("connector", Integer),
    Column("state", String(9), nullable=False),  # active, ended, attention
    Column("attention", Text),  # why somebody has to look at it
    Column("closed_by", Text),  # stop, reboot, next, or who closed it by hand
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("last_event_at", Instant, nullable=False),
    Column("energy_wh", Float),
    Column("energy_source", String(20)),  # which rule told it
    Column("duration_s", Float),
    Column("idle_s", Float),
    Column("token", String(255)),
    Column("token_type", String(20)),
    Column("group_token", String(255)),
    Column("stop_token", String(255)),
    Column("reason", String(30)),
    Column("charging_state", String(20)),
    Column("remote_start_id", Integer),
    Column("reservation_id", Integer),
    Column("tariff", String(60)),
    Column("currency", String(3)),
    Column("cost", Float),
    Column("cost_lines", Json),
    Column("events", Integer, nullable=False, default=0),
    Column("version", String(8), nullable=False),
    Column("is_signed", Boolean, nullable=False, default=False),
    Column("summary", Json),  # what the books hold in mind: last register, next seqNo, rules that spoke
    UniqueConstraint("station", "transaction_id"),
    UniqueConstraint("station", "start_key"),
    Index("ix_transactions_state_station", "state", "station"),
    Index("ix_transactions_station_started_at", "station", "started_at"),
    Index("ix_transactions_started_at", "started_at"),
    Index("ix_transactions_token", "token"),
    sqlite_autoincrement=True,
)

TRANSACTION_EVENTS: Final = Table(
    "transaction_events",
    SCHEMA,
    Column("id", _ID, primary_key=True),
    Column("transaction", ForeignKey(TRANSACTIONS.c.id, ondelete="CASCADE"), nullable=False),
    Column("seq_no", Integer, nullable=False),
    Column("event_type", String(10), nullable=False),
    Column("trigger", String(30)),
    Column("timestamp", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("is_offline", Boolean, nullable=False, default=False),
    Column("fingerprint", LargeBinary(16), nullable=False),  # of the content: what came twice is kept once
    Column("payload", Text, nullable=False),  # as it came
    Column("verdict", Text),  # what the books made of it, where that is not the usual
    UniqueConstraint("transaction", "fingerprint"),
    Index("ix_transaction_events_order", "transaction", "seq_no"),
)

STRAY_EVENTS: Final = Table(
    "stray_events",
    SCHEMA,
    Column("id", _ID, primary_key=True),
    Column("station", String(255), nullable=False, index=True),
    Column("received_at", Instant, nullable=False, index=True),
    Column("action", String(30), nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("fingerprint", LargeBinary(16), nullable=False),
    Column("settled_by", Text),
    UniqueConstraint("station", "fingerprint"),
)
"""What belongs to no transaction that is known, such as a StopTransaction with an unknown id."""

METER_READINGS: Final = Table(
    "meter_readings",
    SCHEMA,
    Column("id", _ID, primary_key=True),
    Column("station", String(255), nullable=False),
    Column("evse", Integer, nullable=False),
    Column("transaction", BigInteger),
    Column("timestamp", Instant, nullable=False),
    Column("context", String(20)),
    Column("values", Text, nullable=False),  # {"Energy.Active.Import.Register": 1234.5, "Current.Import.L1": ...}
    Index("ix_meter_readings_place", "station", "evse", "timestamp"),
    Index("ix_meter_readings_transaction", "transaction"),
)
"""Of late, one for each MeterValue; then they are packed, see METER_HOURS."""

METER_HOURS: Final = Table(
    "meter_hours",
    SCHEMA,
    Column("station", String(255), primary_key=True),
    Column("evse", Integer, primary_key=True),
    Column("hour", Instant, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("energy_wh", Float),
    Column("power_max_w", Float),
    Column("packed", LargeBinary, nullable=False),
    Index("ix_meter_hours_hour", "hour"),
)
"""All readings of an EVSE in one hour."""
