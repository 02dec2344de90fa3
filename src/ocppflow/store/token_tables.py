"""Tokens, local lists, tariffs, reservations."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from ocppflow.store.column_types import Instant, Json
from ocppflow.store.schema import SCHEMA
from ocppflow.store.station_tables import STATIONS

TOKENS: Final = Table(
    "tokens",
    SCHEMA,
    Column("id_token", String(255), primary_key=True),  # in lower case: tokens are compared without case
    Column("type", String(20), primary_key=True, default=""),  # "": any, as in 1.6
    Column("shown_as", String(255), nullable=False),
    Column("status", String(30), nullable=False, default="Accepted"),
    Column("group_token", String(255), index=True),
    Column("group_type", String(20)),
    Column("expires_at", Instant),
    Column("language", String(8)),
    Column("second_language", String(8)),
    Column("message", Json),
    Column("priority", Integer),
    Column("station_groups", Json),  # where it may charge; NULL: everywhere
    Column("tariff", String(60)),
    Column("max_active", Integer),  # transactions at once; NULL: as many as it likes
    Column("is_master", Boolean, nullable=False, default=False),
    Column("note", Text, nullable=False, default=""),
    Column("learned_at", Text),  # the station where it was learned
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("data", Json),
)

LOCAL_LISTS: Final = Table(
    "local_lists",
    SCHEMA,
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, nullable=False),  # which the station has, as far as we know
    Column("entries", Json, nullable=False),
    Column("is_synced", Boolean, nullable=False, default=False),  # kept in step with the tokens
    Column("failure", Text),
    Column("updated_at", Instant, nullable=False),
)

TARIFFS: Final = Table(
    "tariffs",
    SCHEMA,
    Column("name", String(60), primary_key=True),
    Column("currency", String(3), nullable=False),
    Column("tariff", Json, nullable=False),  # v21.TariffType
    Column("is_default", Boolean, nullable=False, default=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

RESERVATIONS: Final = Table(
    "reservations",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), nullable=False),
    Column("evse", Integer),
    Column("connector_type", String(20)),
    Column("id_token", String(255), nullable=False),
    Column("type", String(20), nullable=False),
    Column("group_token", String(255)),
    Column("expires_at", Instant, nullable=False),
    Column("status", String(12), nullable=False),  # asked, accepted, refused, used, cancelled, expired, removed
    Column("reason", Text),
    Column("transaction", Integer),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_reservations_station_status", "station", "status"),
    sqlite_autoincrement=True,
)
