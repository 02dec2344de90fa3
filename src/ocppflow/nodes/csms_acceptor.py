"""Whom a CSMS node lets in."""

from __future__ import annotations

from collections.abc import Callable, Container
from hmac import compare_digest
from typing import Final

from ocppflow.nodes.auth_list import AuthList
from ocppflow.nodes.configuration import CSMSSettings
from ocppflow.transport.handshake import Accept, Acceptor, Handshake, Refuse
from ocppflow.transport.security_policy import SecurityPolicy

RETRY_AFTER: Final = 10
"""Seconds until a station may ask again that has come while the flow was far behind."""


def acceptor(
    settings: CSMSSettings, auths: AuthList, blocked: Container[str], is_overfull: Callable[[], bool]
) -> Acceptor:
    """Lets stations in by the node's security profile and auth list, but none that is ``blocked``, and nobody while
    ``is_overfull()``. All that may change at any time."""
    passwords = auths if settings.profile in (1, 2) else None
    usual = SecurityPolicy({settings.profile}, passwords, hide_identities=settings.hides_identities)

    async def decide(handshake: Handshake) -> Accept | Refuse:
        is_blocked = handshake.identity in blocked
        if is_blocked and not settings.hides_identities:
            return Refuse(403, f"{handshake.identity} is blocked until ws_open")
        if is_overfull():
            wait = {"Retry-After": str(RETRY_AFTER)}
            return Refuse(503, "the flow has fallen behind; try again later", wait, impartial=True)
        if settings.shared is not None and _shows(handshake, settings.shared):
            verdict: Accept | Refuse = Accept(settings.profile)
        else:
            verdict = await usual(handshake)
        # Where identities are hidden, one that is blocked must take the way of all others.
        return Refuse(403, f"{handshake.identity} is blocked until ws_open") if is_blocked else verdict

    return decide


def _shows(handshake: Handshake, shared: tuple[str, str]) -> bool:
    """Whether a station shows the one user name (or its own) and password of a node of the older format."""
    user, password = shared
    right = handshake.password is not None and compare_digest(handshake.password, password.encode())
    return right and handshake.username in (user, handshake.identity)
