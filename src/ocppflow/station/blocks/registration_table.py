"""How the registration of a station follows from what the CSMS answers (B01 to B03, B10.FR.10), as a table."""

from __future__ import annotations

from enum import Enum
from typing import Final


class RegistrationState(Enum):
    """What the CSMS has said to the BootNotification of this boot."""

    NONE = "none"
    PENDING = "Pending"
    REJECTED = "Rejected"
    ACCEPTED = "Accepted"

    @property
    def may_send(self) -> bool:
        """Whether messages other than BootNotification may go out unasked (B01.FR.08, B02.FR.02, B03.FR.02)."""
        return self is RegistrationState.ACCEPTED

    @property
    def may_answer(self) -> bool:
        """Whether what the CSMS has asked for by TriggerMessage, GetBaseReport or GetReport may go out (B02.FR.02)."""
        return self in (RegistrationState.ACCEPTED, RegistrationState.PENDING)


class RegistrationEvent(Enum):
    """What a registration follows from. Without a proper answer nothing changes, and so that is not among these."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"
    SWITCHED = "switched"
    """Connected with another network connection profile, where perhaps nobody knows the station."""


_ANSWERED: Final = {
    RegistrationEvent.ACCEPTED: RegistrationState.ACCEPTED,
    RegistrationEvent.PENDING: RegistrationState.PENDING,
    RegistrationEvent.REJECTED: RegistrationState.REJECTED,
    RegistrationEvent.SWITCHED: RegistrationState.NONE,
}

NEXT_REGISTRATION: Final = {
    RegistrationState.NONE: _ANSWERED,
    RegistrationState.PENDING: _ANSWERED,
    RegistrationState.REJECTED: _ANSWERED,
    RegistrationState.ACCEPTED: {RegistrationEvent.SWITCHED: RegistrationState.NONE},
}
"""A station that is accepted sends no BootNotification (F06.FR.17), so that no answer can come then."""
