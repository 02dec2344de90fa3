"""All tables. Written by tools/make_migration.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=True),
        sa.Column("evse", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("severity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alerts_open", "alerts", ["resolved_at", "kind", "station"], unique=False)
    op.create_index(op.f("ix_alerts_opened_at"), "alerts", ["opened_at"], unique=False)
    op.create_table(
        "call_statistics",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("failures", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("slowest", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("station", "action", "day", name=op.f("pk_call_statistics")),
    )
    op.create_table(
        "charging_profiles",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_charging_profiles")),
    )
    op.create_table(
        "files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("most", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("station", sa.String(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("secret", name=op.f("uq_files_secret")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "groups",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("tariff", sa.String(), nullable=True),
        sa.Column("sharing", sa.Text(), nullable=True),
        sa.Column("ceiling", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_groups")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("stop_after", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at_once", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("frame", sa.Text(), nullable=False),
        sa.Column("latency", sa.Float(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index(op.f("ix_messages_at"), "messages", ["at"], unique=False)
    op.create_index("ix_messages_station_at", "messages", ["station", "at"], unique=False)
    op.create_table(
        "meter_hours",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("evse", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("energy_wh", sa.Float(), nullable=True),
        sa.Column("power_max_w", sa.Float(), nullable=True),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("station", "evse", "hour", name=op.f("pk_meter_hours")),
    )
    op.create_index("ix_meter_hours_hour", "meter_hours", ["hour"], unique=False)
    op.create_table(
        "meter_readings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("evse", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=True),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("context", sa.String(), nullable=True),
        sa.Column("values", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter_readings")),
    )
    op.create_index("ix_meter_readings_place", "meter_readings", ["station", "evse", "timestamp"], unique=False)
    op.create_index("ix_meter_readings_transaction", "meter_readings", ["transaction"], unique=False)
    op.create_table(
        "news",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news")),
    )
    op.create_index(op.f("ix_news_at"), "news", ["at"], unique=False)
    op.create_index("ix_news_station", "news", ["station", "id"], unique=False)
    op.create_table(
        "refused_connections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("times", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_connections")),
    )
    op.create_index(op.f("ix_refused_connections_at"), "refused_connections", ["at"], unique=False)
    op.create_index(op.f("ix_refused_connections_identity"), "refused_connections", ["identity"], unique=False)
    op.create_table(
        "settings",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "stations",
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("registration", sa.String(), nullable=False),
        sa.Column("is_disabled", sa.Boolean(), nullable=False),
        sa.Column("security_profile", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("next_password_hash", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("firmware", sa.Text(), nullable=False),
        sa.Column("serial_number", sa.Text(), nullable=False),
        sa.Column("modem", sa.Text(), nullable=True),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("is_quiet", sa.Boolean(), nullable=True),
        sa.Column("quirks", sa.Text(), nullable=True),
        sa.Column("own_quirks", sa.Text(), nullable=True),
        sa.Column("set_on_boot", sa.Text(), nullable=True),
        sa.Column("tariff", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("connected_at", sa.BigInteger(), nullable=True),
        sa.Column("disconnected_at", sa.BigInteger(), nullable=True),
        sa.Column("last_seen", sa.BigInteger(), nullable=True),
        sa.Column("booted_at", sa.BigInteger(), nullable=True),
        sa.Column("boot_reason", sa.Text(), nullable=True),
        sa.Column("device_model", sa.String(), nullable=False),
        sa.Column("reported_firmware", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_stations")),
    )
    op.create_index("ix_stations_last_seen", "stations", ["last_seen"], unique=False)
    op.create_table(
        "stray_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stray_events")),
        sa.UniqueConstraint("station", "fingerprint", name=op.f("uq_stray_events_station_fingerprint")),
    )
    op.create_index(op.f("ix_stray_events_received_at"), "stray_events", ["received_at"], unique=False)
    op.create_index(op.f("ix_stray_events_station"), "stray_events", ["station"], unique=False)
    op.create_table(
        "tariffs",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("tariff", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tariffs")),
    )
    op.create_table(
        "tokens",
        sa.Column("id_token", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("shown_as", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("group_token", sa.String(), nullable=True),
        sa.Column("group_type", sa.String(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("second_language", sa.String(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("priority", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("station_groups", sa.Text(), nullable=True),
        sa.Column("tariff", sa.String(), nullable=True),
        sa.Column("max_active", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("is_master", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("learned_at", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id_token", "type", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_group_token"), "tokens", ["group_token"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("start_key", sa.String(), nullable=True),
        sa.Column("evse", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("connector", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attention", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("last_event_at", sa.BigInteger(), nullable=False),
        sa.Column("energy_wh", sa.Float(), nullable=True),
        sa.Column("energy_source", sa.String(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("idle_s", sa.Float(), nullable=True),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("token_type", sa.String(), nullable=True),
        sa.Column("group_token", sa.String(), nullable=True),
        sa.Column("stop_token", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("charging_state", sa.String(), nullable=True),
        sa.Column("remote_start_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reservation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("tariff", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("cost", sa.Float(), nullable=True),
        sa.Column("cost_lines", sa.Text(), nullable=True),
        sa.Column("events", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint("station", "start_key", name=op.f("uq_transactions_station_start_key")),
        sa.UniqueConstraint("station", "transaction_id", name=op.f("uq_transactions_station_transaction_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_transactions_started_at", "transactions", ["started_at"], unique=False)
    op.create_index("ix_transactions_state_station", "transactions", ["state", "station"], unique=False)
    op.create_index("ix_transactions_station_started_at", "transactions", ["station", "started_at"], unique=False)
    op.create_index("ix_transactions_token", "transactions", ["token"], unique=False)
    op.create_table(
        "users",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("invitation", sa.String(), nullable=True),
        sa.Column("invited_until", sa.BigInteger(), nullable=True),
        sa.Column("is_disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_login", sa.BigInteger(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("told_until", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("next_try", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used", sa.BigInteger(), nullable=True),
        sa.Column("is_session", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_api_tokens_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_table(
        "certificates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(), nullable=True),
        sa.Column("use", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("hash_data", sa.Text(), nullable=True),
        sa.Column("pem", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_certificates_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
    )
    op.create_index(op.f("ix_certificates_fingerprint"), "certificates", ["fingerprint"], unique=False)
    op.create_index("ix_certificates_station", "certificates", ["station"], unique=False)
    op.create_index(op.f("ix_certificates_valid_until"), "certificates", ["valid_until"], unique=False)
    op.create_table(
        "connectors",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("evse", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connector", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("status_16", sa.String(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("info", sa.Text(), nullable=True),
        sa.Column("operative", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_connectors_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("station", "evse", "connector", name=op.f("pk_connectors")),
    )
    op.create_table(
        "customer_reports",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_customer_reports_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("station", "request_id", name=op.f("pk_customer_reports")),
        sa.UniqueConstraint("station", "request_id", name=op.f("uq_customer_reports_station_request_id")),
    )
    op.create_table(
        "device_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("severity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("is_cleared", sa.Boolean(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_device_events_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_events")),
    )
    op.create_index("ix_device_events_station_received_at", "device_events", ["station", "received_at"], unique=False)
    op.create_table(
        "display_messages",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_display_messages_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("station", "id", name=op.f("pk_display_messages")),
    )
    op.create_table(
        "group_members",
        sa.Column("group_name", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("evse", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("phases", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_name"], ["groups.name"], name=op.f("fk_group_members_group_name"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_group_members_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_name", "station", "evse", name=op.f("pk_group_members")),
    )
    op.create_index("ix_group_members_station", "group_members", ["station"], unique=False)
    op.create_table(
        "job_steps",
        sa.Column("job", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("file", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_job_steps_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job", "station", name=op.f("pk_job_steps")),
    )
    op.create_index(op.f("ix_job_steps_request_id"), "job_steps", ["request_id"], unique=False)
    op.create_index("ix_job_steps_station_state", "job_steps", ["station", "state"], unique=False)
    op.create_table(
        "limits",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(), nullable=True),
        sa.Column("evse", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_name", sa.String(), nullable=True),
        sa.Column("amps", sa.Float(), nullable=True),
        sa.Column("watts", sa.Float(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["station"], ["stations.identity"], name=op.f("fk_limits_station"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limits")),
    )
    op.create_index("ix_limits_station_state", "limits", ["station", "state"], unique=False)
    op.create_table(
        "local_lists",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("is_synced", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_local_lists_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("station", name=op.f("pk_local_lists")),
    )
    op.create_table(
        "monitors",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("monitor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("variable", sa.Text(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("severity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_transaction", sa.Boolean(), nullable=False),
        sa.Column("notification_type", sa.String(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_monitors_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("station", "monitor_id", name=op.f("pk_monitors")),
    )
    op.create_table(
        "network_profiles",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("slot", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_network_profiles_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("station", "slot", name=op.f("pk_network_profiles")),
    )
    op.create_table(
        "profile_assignments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("evse", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("stack_level", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=True),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_profile_assignments_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_assignments")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_profile_assignments_station_state", "profile_assignments", ["station", "state"], unique=False)
    op.create_table(
        "queued_calls",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_queued_calls_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queued_calls")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_queued_calls_station_state", "queued_calls", ["station", "state"], unique=False)
    op.create_table(
        "reports",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("parts", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_reports_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("station", "request_id", name=op.f("pk_reports")),
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("evse", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("connector_type", sa.String(), nullable=True),
        sa.Column("id_token", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("group_token", sa.String(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("transaction", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_reservations_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reservations_station_status", "reservations", ["station", "status"], unique=False)
    op.create_table(
        "transaction_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("transaction", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=True),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("is_offline", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["transaction"], ["transactions.id"], name=op.f("fk_transaction_events_transaction"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transaction_events")),
        sa.UniqueConstraint("transaction", "fingerprint", name=op.f("uq_transaction_events_transaction_fingerprint")),
    )
    op.create_index("ix_transaction_events_order", "transaction_events", ["transaction", "seq_no"], unique=False)
    op.create_table(
        "variables",
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("component", sa.String(), nullable=False),
        sa.Column("component_instance", sa.String(), nullable=False),
        sa.Column("evse", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connector", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("variable", sa.String(), nullable=False),
        sa.Column("variable_instance", sa.String(), nullable=False),
        sa.Column("attribute", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("mutability", sa.String(), nullable=True),
        sa.Column("is_persistent", sa.Boolean(), nullable=True),
        sa.Column("is_constant", sa.Boolean(), nullable=True),
        sa.Column("characteristics", sa.Text(), nullable=True),
        sa.Column("key_16", sa.String(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["station"], ["stations.identity"], name=op.f("fk_variables_station"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "station",
            "component",
            "component_instance",
            "evse",
            "connector",
            "variable",
            "variable_instance",
            "attribute",
            name=op.f("pk_variables"),
        ),
    )
    op.create_index(op.f("ix_variables_key_16"), "variables", ["key_16"], unique=False)
