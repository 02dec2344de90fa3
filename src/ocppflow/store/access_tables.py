"""Who may use the API, what it tells them, and what was said on the wire."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from ocppflow.store.column_types import Instant, Json
from ocppflow.store.schema import SCHEMA

_ID = BigInteger().with_variant(Integer, "sqlite")

USERS: Final = Table(
    "users",
    SCHEMA,
    Column("name", String(60), primary_key=True),
    Column("role", String(8), nullable=False),  # viewer, operator, admin
    Column("password_hash", Text),  # argon2; NULL: has not set one yet
    Column("invitation", String(64)),  # hash of a one-time link
    Column("invited_until", Instant),
    Column("is_disabled", Boolean, nullable=False, default=False),
    Column("created_at", Instant, nullable=False),
    Column("last_login", Instant),
    Column("data", Json),
)

API_TOKENS: Final = Table(
    "api_tokens",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),  # SHA-256: the token is random
    Column("role", String(8), nullable=False),
    Column("user", ForeignKey(USERS.c.name, ondelete="CASCADE")),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used", Instant),
    Column("is_session", Boolean, nullable=False, default=False),
)

NEWS: Final = Table(
    "news",
    SCHEMA,
    Column("id", _ID, primary_key=True),  # the event id of a stream
    Column("at", Instant, nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("station", String(255)),
    Column("data", Json, nullable=False),
    Index("ix_news_station", "station", "id"),
)
"""What happened, for streams and webhooks; see csms/newsroom."""

WEBHOOKS: Final = Table(
    "webhooks",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("kinds", Json),  # NULL: all
    Column("is_enabled", Boolean, nullable=False, default=True),
    Column("told_until", BigInteger, nullable=False, default=0),  # the id of the last news delivered
    Column("failures", Integer, nullable=False, default=0),
    Column("next_try", Instant),
    Column("failure", Text),
    Column("created_at", Instant, nullable=False),
)

MESSAGES: Final = Table(
    "messages",
    SCHEMA,
    Column("id", _ID, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("station", String(255), nullable=False),
    Column("direction", String(3), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("message_id", String(36)),
    Column("action", String(60)),
    Column("frame", Text, nullable=False),  # without secrets
    Column("latency", Float),
    Column("note", Text),
    Index("ix_messages_station_at", "station", "at"),
)
"""Raw messages, as long as the configuration says."""
