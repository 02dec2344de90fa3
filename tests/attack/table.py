"""All attacks, by name."""

from __future__ import annotations

from tests.attack import door_attacks, frame_attacks, log_attacks, message_attacks, tls_attacks
from tests.attack.attack import Attack

ATTACKS: list[Attack] = [
    *message_attacks.ATTACKS,
    *frame_attacks.ATTACKS,
    *door_attacks.ATTACKS,
    *tls_attacks.ATTACKS,
    *log_attacks.ATTACKS,
]


def find(name: str) -> Attack:
    """The attack of that name. Raises KeyError."""
    return {attack.name: attack for attack in ATTACKS}[name]
