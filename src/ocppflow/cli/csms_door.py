"""Who is let in by ``ocppflow csms``: the app's and the flags' passwords and certificates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ocppflow.cli.failure import Failure

if TYPE_CHECKING:
    from ocppflow.csms import CSMS
    from ocppflow.endpoint import ServerTLS


class Door(NamedTuple):
    """Who is let in: the security profiles of OCPP 2.0.1 Part 2, A00, and how they are checked, for people."""

    profiles: str
    how: str


def read_tls(cert: Path | None, key: Path | None, client_ca: Path | None, *, passwords: bool) -> ServerTLS | None:
    """What TLS needs; None without a certificate. Where stations have passwords, certificates are not required."""
    if cert is None:
        return None
    from ocppflow.endpoint import KeyPair, ServerTLS

    return ServerTLS(KeyPair(cert, key), client_ca=client_ca, client_certificate_required=not passwords)


def open_door(server: CSMS, auth: Path | None, no_auth: bool, *, tls: bool, certificates: bool) -> Door:
    """Put the flags' passwords into the app. Raises Failure if flags and app contradict each other."""
    if auth is not None and no_auth:
        raise Failure("--auth and --no-auth contradict each other")
    if server.decides_itself:
        if auth is not None or no_auth:
            raise Failure("the app has an acceptor of its own, so --auth and --no-auth would change nothing")
        return Door("as the app decides", "the app's own acceptor")
    if no_auth and certificates:
        raise Failure("--no-auth and --client-ca contradict each other")
    if no_auth and server.passwords is not None:
        raise Failure("the app has passwords; --no-auth would ignore them: remove one of the two")
    if auth is not None:
        from ocppflow.endpoint import HashedPasswords

        server.passwords = HashedPasswords.from_toml(auth)
    if server.passwords is None and not certificates and not no_auth:
        raise Failure("say who is let in: --auth FILE.toml, or --no-auth for everybody (the app has no passwords)")
    source = f"passwords of {auth}" if auth is not None else "the app's passwords"
    if certificates:
        both = server.passwords is not None
        return Door("2 and 3" if both else "3", f"client certificates{', or ' + source if both else ''}")
    if server.passwords is not None:
        return Door("2" if tls else "1", source)
    return Door("0, over TLS" if tls else "0", "every station is let in without a password")
