"""What the CSMS has to do: queued calls, jobs, files, alerts."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from ocppflow.store.column_types import Instant, Json
from ocppflow.store.schema import SCHEMA
from ocppflow.store.station_tables import STATIONS

QUEUED_CALLS: Final = Table(
    "queued_calls",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), nullable=False),
    Column("action", String(60), nullable=False),
    Column("version", String(8)),  # of the payload's words; NULL: whatever the station speaks
    Column("payload", Text, nullable=False),
    Column("state", String(10), nullable=False),  # waiting, sent, done, failed, expired, cancelled
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("ended_at", Instant),
    Column("attempts", Integer, nullable=False, default=0),
    Column("response", Text),
    Column("error", Json),  # code, description, details
    Column("asked_by", Text),
    Column("purpose", Text),
    Index("ix_queued_calls_station_state", "station", "state"),
    sqlite_autoincrement=True,
)

JOBS: Final = Table(
    "jobs",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),  # firmware, log, diagnostics, publish, ...
    Column("state", String(10), nullable=False),  # running, stopped, done, cancelled
    Column("data", Json, nullable=False),
    Column("stop_after", Integer),  # failures
    Column("at_once", Integer, nullable=False, default=1),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("created_by", Text),
    sqlite_autoincrement=True,
)

JOB_STEPS: Final = Table(
    "job_steps",
    SCHEMA,
    Column("job", ForeignKey(JOBS.c.id, ondelete="CASCADE"), primary_key=True),
    Column("station", String(255), primary_key=True),
    Column("request_id", Integer, nullable=False, index=True),
    Column("state", String(10), nullable=False),  # waiting, running, done, failed, skipped
    Column("progress", Text, nullable=False, default=""),  # the station's last word
    Column("reason", Text),
    Column("file", Integer),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Index("ix_job_steps_station_state", "station", "state"),
)

FILES: Final = Table(
    "files",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),  # for people; never a path
    Column("kind", String(20), nullable=False),  # firmware, log, certificate
    Column("secret", String(64), nullable=False, unique=True),  # the part of its URL that nobody guesses
    Column("state", String(10), nullable=False),  # expected, stored, gone
    Column("size", BigInteger),
    Column("most", BigInteger),  # bytes that an upload may have
    Column("sha256", String(64)),
    Column("station", String(255)),
    Column("data", Json),  # signature, signing certificate
    Column("created_at", Instant, nullable=False),
    Column("stored_at", Instant),
    Column("expires_at", Instant),
    sqlite_autoincrement=True,
)

ALERTS: Final = Table(
    "alerts",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),  # offline, silent, flapping, faulted, failing, slow, ...
    Column("station", String(255)),
    Column("evse", Integer),
    Column("text", Text, nullable=False),
    Column("severity", Integer, nullable=False, default=4),
    Column("opened_at", Instant, nullable=False, index=True),
    Column("last_at", Instant, nullable=False),
    Column("times", Integer, nullable=False, default=1),
    Column("resolved_at", Instant),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", Text),
    Column("data", Json),
    Index("ix_alerts_open", "resolved_at", "kind", "station"),
    sqlite_autoincrement=True,
)

CALL_STATISTICS: Final = Table(
    "call_statistics",
    SCHEMA,
    Column("station", String(255), primary_key=True),
    Column("action", String(60), primary_key=True),
    Column("day", Instant, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("slowest", Float, nullable=False),
)
