"""What must outlive a CSMS's process: SQLite by default, PostgreSQL by URL; one writer that groups commits, and readers
that never wait for it."""

from ocppflow.store import (
    access_tables,
    charging_tables,
    device_tables,
    station_tables,
    token_tables,
    transaction_tables,
    work_tables,
)
from ocppflow.store.column_types import Instant, Json
from ocppflow.store.database_faults import StoreUnavailable
from ocppflow.store.schema import SCHEMA
from ocppflow.store.store import Store
from ocppflow.store.upsert import insert_new, upsert

__all__ = [
    "SCHEMA",
    "Instant",
    "Json",
    "Store",
    "StoreUnavailable",
    "access_tables",
    "charging_tables",
    "device_tables",
    "insert_new",
    "station_tables",
    "token_tables",
    "transaction_tables",
    "upsert",
    "work_tables",
]
