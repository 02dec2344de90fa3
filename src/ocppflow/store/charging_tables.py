"""Charging profiles and limits."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Table, Text

from ocppflow.store.column_types import Instant, Json
from ocppflow.store.schema import SCHEMA
from ocppflow.store.station_tables import STATIONS

PROFILES: Final = Table(
    "charging_profiles",
    SCHEMA,
    Column("name", String(60), primary_key=True),
    Column("profile", Json, nullable=False),  # v21.ChargingProfileType; its id is given where it is assigned
    Column("note", Text, nullable=False, default=""),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)
"""A library; what a station has is an assignment."""

ASSIGNMENTS: Final = Table(
    "profile_assignments",
    SCHEMA,
    Column("id", Integer, primary_key=True),  # the chargingProfileId
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), nullable=False),
    Column("evse", Integer, nullable=False),
    Column("name", String(60)),  # of the library; NULL: made for a limit, or found at the station
    Column("source", String(20), nullable=False),  # library, limit, load, station, api
    Column("purpose", String(40), nullable=False),
    Column("stack_level", Integer, nullable=False),
    Column("transaction_id", String(36)),
    Column("profile", Json, nullable=False),
    Column("state", String(10), nullable=False),  # asked, accepted, refused, cleared, replaced
    Column("reason", Text),
    Column("valid_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_profile_assignments_station_state", "station", "state"),
    sqlite_autoincrement=True,
)

LIMITS: Final = Table(
    "limits",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE")),
    Column("evse", Integer, nullable=False, default=0),
    Column("group_name", String(60)),
    Column("amps", Float),
    Column("watts", Float),
    Column("until", Instant),
    Column("state", String(12), nullable=False),  # wanted, set, verified, no_effect, refused, lifted
    Column("report", Json),  # how it was done, and what came of it
    Column("set_by", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_limits_station_state", "station", "state"),
)
