"""All attacks, by name."""

from __future__ import annotations

from tests.attack import (
    door_attacks,
    frame_attacks,
    log_attacks,
    message_attacks,
    runtime_attacks,
    station_attacks,
    tls_attacks,
)
from tests.attack.attack import Attack

_MODULES = (
    message_attacks,
    frame_attacks,
    door_attacks,
    tls_attacks,
    log_attacks,
    station_attacks,
    runtime_attacks,
)
ATTACKS: list[Attack] = [attack for module in _MODULES for attack in module.ATTACKS]


def find(name: str) -> Attack:
    """The attack of that name. Raises KeyError."""
    return {attack.name: attack for attack in ATTACKS}[name]
