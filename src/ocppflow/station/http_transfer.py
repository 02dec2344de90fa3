"""Files over HTTP and HTTPS; see ``transfers.py``."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Callable
from typing import Final
from urllib.parse import urljoin

from ocppflow.endpoint import shown_url
from ocppflow.errors import OCPPError
from ocppflow.station.transfers import (
    CHUNK,
    FileTarget,
    Progress,
    TransferFailed,
    TransferFault,
    TransferJob,
    checked_url,
)

_REDIRECTED: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTIONS: Final = 5
_DENIED: Final = frozenset({401, 403, 407})
_NOT_SUPPORTED: Final = frozenset({405, 501})
_BAD_MESSAGE: Final = frozenset({400, 411, 415, 417, 422, 426, 505})


def download(job: TransferJob, target: FileTarget, take: Callable[[bytes], None], progress: Progress) -> None:
    """GET it, piece by piece. Raises TransferFailed."""

    def body(response: http.client.HTTPResponse) -> None:
        progress.total = response.length
        got = 0
        while data := response.read(CHUNK):
            got += len(data)
            take(data)
        if progress.total is not None and got < progress.total:
            raise TransferFailed(f"{target.shown} was cut off after {got:,} of {progress.total:,} bytes")

    _asked(job, target, "GET", None, {"Accept-Encoding": "identity"}, body)


def upload(job: TransferJob, target: FileTarget, name: str, content: bytes) -> None:
    """PUT it; or POST it, where the server does not let it be PUT (N01.FR.18). Raises TransferFailed."""
    if target.parts.path.endswith("/") or not target.parts.path:  # N01.FR.21
        target = target._replace(parts=target.parts._replace(path=(target.parts.path or "/") + name))
    headers = {"Content-Type": "application/octet-stream"}
    try:
        _asked(job, target, "PUT", content, headers)
    except TransferFailed as exc:
        if exc.fault is not TransferFault.NOT_SUPPORTED:
            raise
        disposition = f'form-data; name="uploadfile"; filename="{name}"'  # N01.FR.19
        _asked(job, target, "POST", content, {**headers, "Content-Disposition": disposition})


def _asked(
    job: TransferJob,
    target: FileTarget,
    method: str,
    content: bytes | None,
    headers: dict[str, str],
    body: Callable[[http.client.HTTPResponse], None] | None = None,
) -> None:
    for _ in range(_MOST_REDIRECTIONS + 1):
        connection = _connection(target)
        try:
            connection.connect()
            job.watch(connection.sock)
            connection.request(method, _path(target), content, {**headers, **_authorization(target)})
            response = connection.getresponse()
            if response.status in _REDIRECTED and method == "GET":  # N01.FR.30: an upload is not
                target = _redirected(target, response)
                continue
            _check(target, method, response)
            if body is not None:
                body(response)
            return
        except OCPPError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as exc:
            job.go_on()  # rather the reason why the socket broke
            raise TransferFailed(f"{method} {target.shown} failed: {exc or type(exc).__name__}") from exc
        finally:
            connection.close()
    raise TransferFailed(f"{target.shown} is redirected too often")


def _connection(target: FileTarget) -> http.client.HTTPConnection:
    if target.parts.scheme.lower() == "https":
        return http.client.HTTPSConnection(target.host, target.port, timeout=target.timeout, context=target.tls())
    return http.client.HTTPConnection(target.host, target.port, timeout=target.timeout)


def _path(target: FileTarget) -> str:
    query = f"?{target.parts.query}" if target.parts.query else ""
    return (target.parts.path or "/") + query


def _authorization(target: FileTarget) -> dict[str, str]:
    if target.user is None:
        return {}
    token = base64.b64encode(f"{target.user}:{target.password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}  # N01.FR.17


def _redirected(target: FileTarget, response: http.client.HTTPResponse) -> FileTarget:
    """Where it goes on. What was secured stays secured, and credentials go to the host alone that they are for."""
    url = urljoin(target.parts.geturl(), response.headers.get("Location", ""))
    parts = checked_url(url)
    scheme, before = parts.scheme.lower(), target.parts.scheme.lower()
    if not scheme.startswith("http") or (before == "https" and scheme != "https"):
        raise TransferFailed(f"{target.shown} points to {shown_url(url)}, which is not as safe")
    same = (scheme, parts.hostname, parts.port) == (before, target.parts.hostname, target.parts.port)
    return target._replace(parts=parts) if same else target._replace(parts=parts, user=None, password="")


def _check(target: FileTarget, method: str, response: http.client.HTTPResponse) -> None:
    status = response.status
    if 200 <= status < 300:
        return
    fault = TransferFault.FAILED
    if status in _DENIED:
        fault = TransferFault.DENIED
    elif status in _NOT_SUPPORTED:
        fault = TransferFault.NOT_SUPPORTED
    elif status in _BAD_MESSAGE:
        fault = TransferFault.BAD_MESSAGE
    raise TransferFailed(f"{method} {target.shown} was refused: HTTP {status}", fault)
