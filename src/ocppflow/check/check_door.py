"""CheckDoor: how the CSMS of a case meets a station that comes by TLS: with a good certificate, a bad one, an old
TLS."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from ocppflow.check.authorities import CSMS_ROOT, NEW_CSMS_ROOT, STRANGER, Authorities
from ocppflow.endpoint import KeyPair, ServerTLS

Fault = Literal["unknown", "expired", "other host", "old TLS"]
"""What may be wrong with the door: the certificate's signer, its time, its name, or the version of TLS."""

INVALID_CERTIFICATES: Final[tuple[Fault, ...]] = ("unknown", "expired", "other host")

_DAY: Final = timedelta(days=1)


class CheckDoor(ServerTLS):
    """TLS with certificates of the check's own, for ``hosts``. ``profile`` 3 asks stations for a certificate.

    ``shown``: for each handshake that has begun, what was wrong with the door, "" for nothing. ``talk``: the newest
    handshake, as far as it came.
    """

    def __init__(self, authorities: Authorities, hosts: Sequence[str], profile: int = 2) -> None:
        self._authorities = authorities
        self._hosts = hosts
        self.profile = profile
        self._ca = _client_ca(authorities) if profile == 3 else None
        self.shown: list[Fault | Literal[""]] = []
        self.talk: ssl.SSLObject | None = None
        self.news: Callable[[], object] = lambda: None
        """Told of each handshake that begins."""
        self._faults: list[Fault] = []
        self._made: dict[str, ssl.SSLContext] = {}
        self._signer = CSMS_ROOT
        super().__init__(KeyPair(authorities.server_file(CSMS_ROOT, hosts)), client_ca=self._ca)

    def fail_once(self, fault: Fault) -> None:
        """The next handshake is met like this, those after it as usual."""
        self._faults.append(fault)

    def sign_by(self, authority: str) -> None:
        """From now on the certificate is signed by this one."""
        self._signer = authority

    def as_usual(self) -> None:
        """Good for all, as at the beginning."""
        self._faults.clear()

    def context(self) -> ssl.SSLContext:
        """For the next handshake."""
        fault: Fault | Literal[""] = self._faults.pop(0) if self._faults else ""
        self.shown.append(fault)
        self.news()
        context = self._faulty(fault) if fault else self._good()
        context.sni_callback = self._greeted
        return context

    def _greeted(self, talk: ssl.SSLSocket | ssl.SSLObject, name: str, context: ssl.SSLContext) -> None:
        if isinstance(talk, ssl.SSLObject):
            self.talk = talk

    def _good(self) -> ssl.SSLContext:
        return super().context() if self._signer == CSMS_ROOT else self._context_with(self._signer)

    def _faulty(self, fault: Fault) -> ssl.SSLContext:
        if fault == "unknown":
            return self._context_with(STRANGER)
        if fault == "expired":
            now = datetime.now(UTC)
            return self._context_with(self._signer, fault, start=now - 9 * _DAY, end=now - _DAY)
        if fault == "other host":
            return self._context_with(self._signer, fault, hosts=["elsewhere.example"])
        context = self._context_with(self._signer, fault)
        context.set_ciphers("ALL:@SECLEVEL=0")  # else OpenSSL has nothing as old as that
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # which is the point
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context

    def _context_with(
        self,
        signer: str,
        what: str = "",
        *,
        hosts: Sequence[str] = (),
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> ssl.SSLContext:
        key = f"{signer} {what}"
        if key not in self._made:
            file = self._authorities.server_file(signer, hosts or self._hosts, start=start, end=end)
            self._made[key] = ServerTLS(KeyPair(file), client_ca=self._ca).context()
        return self._made[key]

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def _client_ca(authorities: Authorities) -> Path:
    """Stations' certificates are signed by the first root, or by the one that may replace it."""
    first, second = authorities.root_file(CSMS_ROOT), authorities.root_file(NEW_CSMS_ROOT)
    both = first.with_name("client-ca.pem")
    both.write_text(first.read_text() + second.read_text())
    return both
