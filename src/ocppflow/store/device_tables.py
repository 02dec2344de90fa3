"""What stations report of themselves: the device model, monitors, events, certificates."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from ocppflow.store.column_types import Instant, Json
from ocppflow.store.schema import SCHEMA
from ocppflow.store.station_tables import STATIONS

VARIABLES: Final = Table(
    "variables",
    SCHEMA,
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), primary_key=True),
    Column("component", String(50), primary_key=True),
    Column("component_instance", String(50), primary_key=True, default=""),
    Column("evse", Integer, primary_key=True, default=0),
    Column("connector", Integer, primary_key=True, default=0),
    Column("variable", String(50), primary_key=True),
    Column("variable_instance", String(50), primary_key=True, default=""),
    Column("attribute", String(6), primary_key=True, default="Actual"),
    Column("value", Text),  # NULL: write-only, or not told
    Column("mutability", String(9)),
    Column("is_persistent", Boolean),
    Column("is_constant", Boolean),
    Column("characteristics", Json),
    Column("key_16", String(50), index=True),  # the configuration key it was in 1.6
    Column("updated_at", Instant, nullable=False),
)

REPORTS: Final = Table(
    "reports",
    SCHEMA,
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), primary_key=True),
    Column("request_id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),  # base, custom, monitoring
    Column("state", String(10), nullable=False),  # asked, complete, gap, refused
    Column("asked_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("parts", Json),  # sequence numbers that came; whether the last one has
)

MONITORS: Final = Table(
    "monitors",
    SCHEMA,
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), primary_key=True),
    Column("monitor_id", Integer, primary_key=True),
    Column("component", Json, nullable=False),
    Column("variable", Json, nullable=False),
    Column("type", String(30), nullable=False),
    Column("value", Float, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("is_transaction", Boolean, nullable=False, default=False),
    Column("notification_type", String(30)),  # CustomMonitor, HardWiredMonitor, PreconfiguredMonitor
    Column("updated_at", Instant, nullable=False),
)

DEVICE_EVENTS: Final = Table(
    "device_events",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), nullable=False),
    Column("timestamp", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("kind", String(20), nullable=False),  # NotifyEvent, SecurityEvent, StatusNotification
    Column("type", Text, nullable=False),  # of a security event, or component.variable
    Column("severity", Integer),
    Column("is_cleared", Boolean),
    Column("data", Json),
    Index("ix_device_events_station_received_at", "station", "received_at"),
)

CERTIFICATES: Final = Table(
    "certificates",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE")),  # NULL: a root of ours
    Column("use", String(40), nullable=False),  # as the standard names it, or "CA"
    Column("state", String(12), nullable=False),  # sent, installed, refused, deleted, revoked
    Column("serial", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("hash_data", Json),
    Column("pem", Text),
    Column("valid_from", Instant),
    Column("valid_until", Instant, index=True),
    Column("created_at", Instant, nullable=False),
    Index("ix_certificates_station", "station"),
)

NETWORK_PROFILES: Final = Table(
    "network_profiles",
    SCHEMA,
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("profile", Json, nullable=False),
    Column("state", String(10), nullable=False),
    Column("set_at", Instant, nullable=False),
)

DISPLAY_MESSAGES: Final = Table(
    "display_messages",
    SCHEMA,
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("message", Json, nullable=False),
    Column("state", String(10), nullable=False),
    Column("updated_at", Instant, nullable=False),
)

CUSTOMER_REPORTS: Final = Table(
    "customer_reports",
    SCHEMA,
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), primary_key=True),
    Column("request_id", Integer, primary_key=True),
    Column("asked_at", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("text", Text, nullable=False, default=""),
    UniqueConstraint("station", "request_id"),
)
