"""How a station dials its CSMS with the certificates that it keeps (security profiles 2 and 3; A00, A02, M05)."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from ocppflow.endpoint import KeyPair, Link, client_context
from ocppflow.errors import ConnectionRefused
from ocppflow.log_budget import budgeted
from ocppflow.station.blocks.certificates import CLIENT, OwnCertificate
from ocppflow.station.x509_tools import as_pem

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

_CSMS_ROOT = "CSMSRootCertificate"


class Dialler:
    """Dials with what the security profile asks for, and finds out what works.

    A ``ssl`` that the station's user has given is used as it is: its certificates are the user's to look after. Without
    one, the trusted roots are the installed CSMS roots, or the system's if none is installed.
    """

    __slots__ = ("_failures", "_fallback", "_own", "profile", "station")

    def __init__(self, station: CompleteStation) -> None:
        self.station = station
        self.profile: int | None = None
        """The security profile of the last connection that was dialled here; None: there was none."""
        self._own: OwnCertificate | None = None
        self._fallback = False
        self._failures = 0

    async def dial(self) -> Link:
        """One attempt. Raises ConnectionRefused."""
        station = self.station
        secure = station.url[:4].lower() == "wss:"
        if station.ssl is not None or not secure:
            link = await station.dial_with(station.password, station.ssl)
            basic = station.password is not None
            self.profile = (2 if basic else 3) if secure else int(basic)
            return link
        own = self._candidate()
        self._own, self._fallback = own, False
        self.profile = 3 if own is not None else 2
        try:
            return await self._dial(own, fallback=False)
        except ConnectionRefused as exc:
            if exc.tls_fault != "certificate" or not station.certificates.trusted(_CSMS_ROOT, fallback=True):
                raise
            log.info("%s: the new CSMS root does not fit, the old one is tried", station.identity)
        self._fallback = True  # M05.FR.14
        return await self._dial(own, fallback=True)

    async def _dial(self, own: OwnCertificate | None, *, fallback: bool) -> Link:
        roots = as_pem(self.station.certificates.trusted(_CSMS_ROOT, fallback=fallback)) or None
        wildcards = self.station.device_model.flag("SecurityCtrlr", "AllowCSMSTLSWildcards")
        context = _trusting(roots, wildcards) if own is None else _certified(roots, wildcards, own)
        return await self.station.dial_with(self.station.password if own is None else None, context)

    def _candidate(self) -> OwnCertificate | None:
        """The certificate to show: the newest, and after some attempts in vain the one before, in turn (A02.FR.28)."""
        if not self._shows_certificate():
            return None
        held = self.station.certificates.of_use(CLIENT)
        attempts = max(1, self.station.device_model.integer("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", 3))
        return held[self._failures // attempts % len(held)] if held else None

    def _shows_certificate(self) -> bool:
        profile = self.station.network.security_profile
        if profile is None:
            profile = self.station.security.profile
        return profile in (0, 3)  # a new station that has one was made for profile 3

    def profile_of_home(self) -> int:
        """The security profile of the URL that the station was made with, as far as that alone tells."""
        secure = (self.station.home_url or self.station.url)[:4].lower() == "wss:"
        return 2 if secure else int(self.station.password is not None)

    def failed(self) -> None:
        """The attempt was in vain."""
        self._failures += 1

    def worked(self) -> tuple[bool, bool]:
        """There is a connection: forget what it shows not to be needed (A02.FR.10, M05.FR.13), for the caller to
        commit. Whether something was forgotten; whether the newest certificate was."""
        self._failures = 0
        keeper = self.station.certificates
        changed = newest_gone = False
        if self.profile in (2, 3) and self.station.ssl is None and not self._fallback:
            changed = keeper.drop_fallback()
        if self._own is not None:
            held = keeper.of_use(CLIENT)
            newest_gone = bool(held) and held[0] is not self._own
            for each in held:
                if each is not self._own:
                    keeper.discard_own(each)
                    changed = True
        return changed, newest_gone


@lru_cache(maxsize=16)
def _trusting(roots: str | None, wildcards: bool) -> ssl.SSLContext:
    """Stations that trust the same share it: it takes much room."""
    return client_context(roots=roots, wildcards=wildcards)


def _certified(roots: str | None, wildcards: bool, own: OwnCertificate) -> ssl.SSLContext:
    with _as_file(own.chain + own.key) as file:
        return client_context(roots=roots, wildcards=wildcards, certificate=KeyPair(file))


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """A file for ``ssl``, which takes keys from files alone: in memory where the system can do that, else one that only
    this user can read, for a moment."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("ocppflow")
        try:
            os.write(number, text.encode())
            yield f"/proc/self/fd/{number}"
        finally:
            os.close(number)
        return
    number, name = tempfile.mkstemp()
    try:
        with os.fdopen(number, "w") as file:
            file.write(text)
        yield name
    finally:
        os.unlink(name)
