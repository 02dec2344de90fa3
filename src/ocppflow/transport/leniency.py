"""What an opening handshake may lack, if its operator says so. Nothing, by default."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ocppflow.errors import ConfigurationError
from ocppflow.messages.base import Version
from ocppflow.transport.address import identity_fault
from ocppflow.transport.origin import plain_origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Leniency:
    """What is forgiven to a peer whose opening handshake breaks the standard::

        CSMS(leniency=Leniency(version="1.6", identity="LONER", any_username=True))

    The acceptor is asked all the same, and finds in ``Handshake.assumed`` what was forgiven.
    """

    version: Version | str | None = None
    """The version that a station speaks which offers no subprotocol; in a station, that of a CSMS which selects none
    of those offered (OCPP-J 1.6 3.1.2; 2.1 Part 4, 3.1.2)."""

    identity: str | None = None
    """The identity of a station whose URL ends at the route, or has no path at all (2.1 Part 4, 3.1.1).
    All such stations are one to the CSMS: the newest connection wins."""

    any_username: bool = False
    """Let the Basic user name be another than the identity; the password is still the identity's
    (OCPP 2.0.1 Part 2, A00.FR.204)."""

    any_connection_header: bool = False
    """Let a station in whose request lacks ``Connection: Upgrade`` (RFC 6455 4.2.1)."""

    origins: Collection[str] = ()
    """Values of the header Origin that are let in, such as ``https://panel.example`` or ``file://``; ``*`` is all.
    Browsers send it for every web page, and a page must not pose as a station (RFC 6455 10.2)."""

    def __post_init__(self) -> None:
        if self.version is not None:
            object.__setattr__(self, "version", Version.parse(self.version))
        if self.identity is not None and (fault := identity_fault(self.identity)):
            raise ConfigurationError(f"leniency: {fault}")
        origins = (self.origins,) if isinstance(self.origins, str) else self.origins
        object.__setattr__(self, "origins", frozenset(plain_origin(each) for each in origins))
        if "" in self.origins:
            raise ConfigurationError("leniency: an allowed origin is empty; name it, as in https://panel.example")

    @property
    def assumed_version(self) -> Version | None:
        """``version``, read."""
        return Version.parse(self.version) if self.version is not None else None

    def check(self, versions: Iterable[Version]) -> None:
        """Raise ConfigurationError if the version to be assumed is none of ``versions``."""
        known = tuple(versions)
        if self.version is not None and self.version not in known:
            raise ConfigurationError(f"leniency assumes OCPP {self.version}, but only {', '.join(known)} is spoken")


EXACT = Leniency()
"""Nothing is forgiven."""
