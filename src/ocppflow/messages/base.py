"""What all versions share: :class:`Version`, :class:`Role`, the base of all message types, and the table of actions."""

from __future__ import annotations

from enum import StrEnum

from ocppflow.errors import ConfigurationError


class Version(StrEnum):
    """A version of OCPP, as a user writes it: ``"1.6"``, ``"2.0.1"``, ``"2.1"``."""

    V16 = "1.6"
    V201 = "2.0.1"
    V21 = "2.1"

    @property
    def subprotocol(self) -> str:
        """The WebSocket subprotocol, such as ``ocpp2.0.1`` (OCPP-J 2.0.1 Part 4, 3.1.2)."""
        return "ocpp" + self.value

    @classmethod
    def parse(cls, text: str) -> Version:
        """``"2.0.1"`` or ``"ocpp2.0.1"`` to the version. Raises ConfigurationError naming the known ones."""
        try:
            return cls(text.removeprefix("ocpp"))
        except ValueError:
            known = ", ".join(v.value for v in cls)
            raise ConfigurationError(f"unknown OCPP version {text!r}; known: {known}") from None


class Role(StrEnum):
    """A side of a connection."""

    CSMS = "CSMS"
    CS = "CS"

    @property
    def peer(self) -> Role:
        """The other side."""
        return Role.CS if self is Role.CSMS else Role.CSMS
