"""Stations, and what they belong to."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from ocppflow.store.column_types import Instant, Json
from ocppflow.store.schema import SCHEMA

STATIONS: Final = Table(
    "stations",
    SCHEMA,
    Column("identity", String(255), primary_key=True),
    Column("registration", String(10), nullable=False, default="Accepted"),  # what a boot is answered with
    Column("is_disabled", Boolean, nullable=False, default=False),  # refused at the door
    Column("security_profile", Integer),  # at least; NULL: the configuration's
    Column("password_hash", Text),
    Column("next_password_hash", Text),  # while a new password is on its way, both are right
    Column("note", Text, nullable=False, default=""),
    Column("location", Json),
    Column("vendor", Text, nullable=False, default=""),
    Column("model", Text, nullable=False, default=""),
    Column("firmware", Text, nullable=False, default=""),
    Column("serial_number", Text, nullable=False, default=""),
    Column("modem", Json),  # iccid, imsi
    Column("version", String(8)),  # of OCPP, on the last connection
    Column("address", Text),
    Column("is_quiet", Boolean),  # NULL: the configuration's
    Column("quirks", Json),  # names of profiles that matched at the last boot
    Column("own_quirks", Json),  # overrides for this station
    Column("set_on_boot", Json),  # [{component, variable, value, ...}]
    Column("tariff", String(60)),
    Column("created_at", Instant, nullable=False),
    Column("connected_at", Instant),
    Column("disconnected_at", Instant),
    Column("last_seen", Instant),
    Column("booted_at", Instant),
    Column("boot_reason", Text),
    Column("device_model", String(10), nullable=False, default="none"),  # none, asked, gap, complete
    Column("reported_firmware", Text),  # whose device model it is
    Column("data", Json),
    Index("ix_stations_last_seen", "last_seen"),
)

CONNECTORS: Final = Table(
    "connectors",
    SCHEMA,
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), primary_key=True),
    Column("evse", Integer, primary_key=True),  # 0, 0: the station as a whole
    Column("connector", Integer, primary_key=True),
    Column("status", String(20), nullable=False),
    Column("since", Instant, nullable=False),
    Column("status_16", String(20)),
    Column("error_code", Text),
    Column("info", Text),
    Column("operative", Boolean),
)

GROUPS: Final = Table(
    "groups",
    SCHEMA,
    Column("name", String(60), primary_key=True),
    Column("note", Text, nullable=False, default=""),
    Column("tariff", String(60)),
    Column("sharing", Json),  # how a limit is shared; see csms/load
    Column("ceiling", Json),  # an external limit that holds now
    Column("created_at", Instant, nullable=False),
)
"""Of stations or EVSEs: for limits, permissions, tariffs, jobs."""

GROUP_MEMBERS: Final = Table(
    "group_members",
    SCHEMA,
    Column("group_name", ForeignKey(GROUPS.c.name, ondelete="CASCADE"), primary_key=True),
    Column("station", ForeignKey(STATIONS.c.identity, ondelete="CASCADE"), primary_key=True),
    Column("evse", Integer, primary_key=True, default=0),  # 0: all of the station
    Column("phases", Json),  # {"rotation": "RST", "count": 3}
    Index("ix_group_members_station", "station"),
)

REFUSED: Final = Table(
    "refused_connections",
    SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("identity", String(255), nullable=False, index=True),
    Column("address", Text, nullable=False),
    Column("status", Integer),
    Column("reason", Text, nullable=False),
    Column("times", Integer, nullable=False, default=1),
    Column("data", Json),  # what was offered
)

SETTINGS: Final = Table(
    "settings",
    SCHEMA,
    Column("name", String(60), primary_key=True),
    Column("value", Json),
)
"""What the CSMS keeps for itself."""
