"""Guard: who may use the control API.

A page in a browser on this machine can send requests to loopback addresses. So without a token only such are let in
whose Host is this machine (or else a name of an attacker's that leads to 127.0.0.1 would do: DNS rebinding), and whose
Origin, if there is one, is the API itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """An ASGI application round another one."""

    def __init__(self, inner: Application, token: str | None) -> None:
        self._inner = inner
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, why = self._judge(scope["headers"])
        if not status:
            await self._inner(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json")]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": msgspec.json.encode({"error": why})})

    def _judge(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str]:
        """The status of a refusal and the reason; 0 if it is let in."""
        given = {name.lower(): value.decode("latin-1") for name, value in headers}
        host = given.get(b"host", "")
        origin = given.get(b"origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "requests from pages of another origin are refused"
        if self._token is not None:
            scheme, _, shown = given.get(b"authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(shown.encode(), self._token.encode()):
                return 401, "show the token: Authorization: Bearer TOKEN"
        elif _name_of(host) not in _LOCAL:
            return 403, "the Host of a request is to be this machine, such as 127.0.0.1 or localhost"
        return 0, ""


def _name_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
