"""What stands above each key in the file that ``ocppflow station --print-config`` writes."""

from __future__ import annotations

from typing import Final

from ocppflow.station.station_config import FEATURES, PERSONALITIES

HEAD: Final = """\
# The make-up of a charging station, for `ocppflow station --config FILE`.
# Every key may be left out; its default then counts."""

_FEATURE_LINES = "\n".join(f"  {name:<20} {text}" for name, text in FEATURES.items())

COMMENTS: Final = {
    "StationConfig.model": "What it calls itself in its BootNotification.",
    "StationConfig.vendor": "Who has made it.",
    "StationConfig.serial_number": "At most 25 characters; empty: none is told.",
    "StationConfig.firmware_version": "What it says that it runs.",
    "StationConfig.versions": 'Offered to the CSMS in this order: "2.1", "2.0.1", "1.6".',
    "StationConfig.features": (
        f"What it can do beyond what every station must. Without this key: all of it.\n{_FEATURE_LINES}"
    ),
    "StationConfig.personality": f"{' or '.join(PERSONALITIES)}: the latter says it as badly as stations in the field.",
    "StationConfig.reboot_seconds": "Between going down and being up again.",
    "StationConfig.diary_entries": "Of the diagnostics log, which is a ring in memory: 100 take 12 KB.",
    "StationConfig.key_kind": 'Of the key for TLS with the CSMS, when it makes a new one: "ECDSA" or "RSA".',
    "StationConfig.seed": "All chance in this station comes from here and from its identity.",
    "evses": "An EVSE: it charges one EV at a time. EVSE 1 is the first in this file.",
    "EvseConfig.current": '"AC" or "DC".',
    "EvseConfig.phases": "1, 2 or 3; of no meaning for DC.",
    "EvseConfig.max_amps": "A, per phase; for DC what it can give at all.",
    "EvseConfig.voltage": "V from phase to neutral; for DC the highest.",
    "EvseConfig.max_watts": "W that it can give. Without this key: what amps, phases and voltage make.",
    "EvseConfig.min_amps": "A; an AC EV cannot charge with less (IEC 61851-1).",
    "ConnectorConfig.type": (
        "Such as cType2, sType2, cCCS2: a c has its cable fixed to the station,\n"
        "an s is a socket that locks the EV's own cable."
    ),
    "variables": (
        "Other values, limits or rights for the standard's variables, or variables of your own:\n"
        "  [[variables]]\n"
        '  component = "OCPPCommCtrlr"\n'
        '  variable = "HeartbeatInterval"\n'
        '  value = "60"'
    ),
    "monitors": (
        "Monitors that it has from the start:\n"
        "  [[monitors]]\n"
        '  component = "EVSE"\n'
        '  variable = "Power"\n'
        "  evse = 1\n"
        '  type = "Periodic"\n'
        "  value = 60.0"
    ),
}
"""By class and field, or by table."""
