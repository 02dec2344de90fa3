"""The usual acceptor: security profiles 0 to 3 (OCPP 2.0.1 Part 2, A00); and identities that nobody can find out."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace

from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.transport.asker import asker
from ocppflow.transport.handshake import Accept, Acceptor, Handshake, Refuse, unauthorized
from ocppflow.transport.link import ClientCertificate
from ocppflow.transport.passwords import Overloaded, PasswordStore

log = budgeted("ocppflow.transport")

CertificateMatch = Callable[[ClientCertificate, str], bool]

_COME_AGAIN = range(5, 11)  # s, one at random, or those who came together would come again together
_TOLD = "not authorized: check identity, user and password, or certificate"


def common_name_is_identity(certificate: ClientCertificate, identity: str) -> bool:
    """A00.FR.405 where the identity is the serial number: the CN is the identity, letter for letter."""
    return hmac.compare_digest(certificate.common_name.encode(), identity.encode())


@dataclass(frozen=True, slots=True)
class SecurityPolicy:
    """An :data:`~ocppflow.transport.handshake.Acceptor` that lets stations in by security profile.

    ``profiles`` are those allowed: 0 no authentication, 1 Basic, 2 TLS and Basic, 3 TLS and client
    certificate. A station is held to the strongest one that it shows credentials for.

    ``passwords`` is needed for 1 and 2, and says which stations are known; ``known`` says so in its
    place, and for 0 and 3 (None: all are); it may be async. ``organization`` must be the certificate's O (A00.FR.404).
    ``certificate_matches`` decides whether a certificate is the station's own (A00.FR.405). An unknown
    station gets 404 (2.1 Part 4, 3.3), or, if ``hide_identities``, what :func:`hiding_identities` answers everybody.
    """

    profiles: Collection[int] = (1,)
    passwords: PasswordStore | None = None
    known: Callable[[str], bool | Awaitable[bool]] | None = None
    organization: str | None = None
    certificate_matches: CertificateMatch = common_name_is_identity
    hide_identities: bool = False

    def __post_init__(self) -> None:
        if not self.profiles or not set(self.profiles) <= {0, 1, 2, 3}:
            raise ConfigurationError(f"security profiles are 0, 1, 2 and 3, not {list(self.profiles)}")
        if self.passwords is None and set(self.profiles) <= {1, 2}:
            raise ConfigurationError("security profiles 1 and 2 need passwords")

    async def __call__(self, handshake: Handshake) -> Accept | Refuse:
        return await (_hidden(self._last_known, handshake) if self.hide_identities else self._first_known(handshake))

    async def _first_known(self, handshake: Handshake) -> Accept | Refuse:
        if not await self._is_known(handshake.identity):
            return _unknown(handshake)
        return await self._by_profile(handshake)

    async def _last_known(self, handshake: Handshake) -> Accept | Refuse:
        """Asked last, so that an unknown station takes the way of a known one up to there."""
        verdict = await self._by_profile(handshake)
        if isinstance(verdict, Accept) and not await self._is_known(handshake.identity):
            return _unknown(handshake)
        return verdict

    async def _by_profile(self, handshake: Handshake) -> Accept | Refuse:
        if handshake.certificate is not None and 3 in self.profiles:
            return self._by_certificate(handshake, handshake.certificate)
        basic = 2 if handshake.tls else 1
        if basic in self.profiles and self.passwords is not None:
            offers = handshake.password is not None or handshake.credentials_problem
            if offers or 0 not in self.profiles:
                return await self._by_password(handshake, self.passwords, basic)
        if 0 in self.profiles:
            return Accept(0)
        return self._wrong_profile(handshake)

    async def _is_known(self, identity: str) -> bool:
        if self.known is not None:
            known = self.known(identity)
            return known if isinstance(known, bool) else await known
        if self.passwords is None or not {1, 2} & set(self.profiles):
            return True
        return await self.passwords.knows(identity)

    async def _by_password(self, shake: Handshake, passwords: PasswordStore, profile: int) -> Accept | Refuse:
        if shake.credentials_problem:
            return unauthorized(shake.credentials_problem)
        if shake.password is None:
            return unauthorized(f"{shake.identity} sent no password (HTTP Basic authentication)")
        if shake.username != shake.identity and "username" not in shake.assumed:
            # A00.FR.204: the user is the identity.
            return unauthorized(f"the user {shake.username!r:.60} is not the identity {shake.identity!r:.60}")
        try:
            right = await passwords.check(shake.identity, shake.password, shake.version)
        except Overloaded as error:
            return Refuse(503, str(error), {"Retry-After": str(secrets.choice(_COME_AGAIN))}, impartial=True)
        return Accept(profile) if right else unauthorized(f"wrong password for {shake.identity}")

    def _by_certificate(self, shake: Handshake, certificate: ClientCertificate) -> Accept | Refuse:
        if self.organization is not None and certificate.organization != self.organization:
            o, wanted = certificate.organization, self.organization
            return Refuse(403, f"the certificate's O is {o!r:.60}, not {wanted!r} (A00.FR.404)")
        if not self.certificate_matches(certificate, shake.identity):
            cn = certificate.common_name
            return Refuse(403, f"the certificate of {cn!r:.60} is not {shake.identity!r:.60}'s (A00.FR.405)")
        return Accept(3)

    def _wrong_profile(self, handshake: Handshake) -> Refuse:
        wanted = ", ".join(str(profile) for profile in sorted(self.profiles))
        if set(self.profiles) == {3} and handshake.tls:
            return unauthorized(f"{handshake.identity} showed no client certificate (security profile 3)")
        transport = "TLS" if handshake.tls else "no TLS"
        return Refuse(403, f"a connection with {transport} does not meet security profile {wanted}")


def hiding_identities(decide: Acceptor) -> Acceptor:
    """``decide``, but so that nobody can find out which stations there are: whoever is not let in gets one and the same
    401, whatever the reason is, which goes to the log; what ``decide`` raises is such a reason too.

    The checks of HashedPasswords, FetchedPasswords and PlainPasswords then cost the same for a station that is not
    known. A refusal that is :attr:`~ocppflow.transport.handshake.Refuse.impartial` stays what it is: that too many
    passwords wait to be checked (503), or what is told only to a station that has shown who it is.
    """

    async def hidden(handshake: Handshake) -> Accept | Refuse:
        return await _hidden(decide, handshake)

    return hidden


async def _hidden(decide: Acceptor, handshake: Handshake) -> Accept | Refuse:
    asker.set(replace(asker.get(), evenly=True))
    try:
        verdict = await decide(handshake)
    except Exception:
        log.exception("%.60r from %s: the decision on the handshake failed", handshake.identity, handshake.address)
        verdict = Refuse(500, "the server failed to decide; its log says why")
    if isinstance(verdict, Accept) or verdict.impartial:
        return verdict
    return replace(unauthorized(_TOLD), private=verdict.whole_reason, impartial=True)


def _unknown(handshake: Handshake) -> Refuse:
    return Refuse(404, f"{handshake.identity!r} is not a known station")
