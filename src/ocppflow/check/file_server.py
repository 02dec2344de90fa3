"""FileServer: an HTTP server for a FileShelf, on the event loop of the check."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from ocppflow.check.file_shelf import FileShelf
from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted

log = budgeted("ocppflow.check")

_HEAD: Final = 64 * 1024
"""Bytes of request line and headers."""
_LARGEST: Final = 256 * 2**20
"""Bytes that a station may bring: a log is seldom above some MB."""


class FileServer:
    """Speaks as much HTTP/1.1 as a file transfer needs: GET, HEAD, PUT and POST, one request after another."""

    def __init__(self, shelf: FileShelf, port: int = 0, *, tls: ssl.SSLContext | None = None) -> None:
        self._shelf = shelf
        self._wanted = port
        self._tls = tls
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port in use; known once it listens."""
        if not self._servers:
            raise RuntimeError("the file server does not listen")
        return int(self._servers[0].sockets[0].getsockname()[1])

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "https" if self._tls is not None else "http"

    async def listen(self) -> None:
        """Begin, on all interfaces. Raises ConfigurationError if the port cannot be had."""
        try:
            self._servers.append(await self._listening("0.0.0.0", self._wanted))  # noqa: S104 - stations come from anywhere
        except OSError as exc:
            text = f"the file server cannot listen on port {self._wanted}: {exc.strerror or exc}"
            raise ConfigurationError(text) from None
        with suppress(OSError):  # there may be no IPv6
            self._servers.append(await self._listening("::", self.port))

    async def _listening(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._met, host, port, ssl=self._tls, limit=_HEAD)

    async def close(self) -> None:
        """Stop, whatever is on its way."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as one
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as exc:
            log.info("a file transfer was broken off: %s", exc)
        except asyncio.CancelledError:
            pass  # the server ends
        finally:
            self._tasks.discard(task)
            with suppress(Exception):
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether another may follow."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return False
        first, *lines = head.rstrip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _body(reader, headers)
        path = target.partition("?")[0]
        content = b""
        if method in ("GET", "HEAD"):
            found = await self._shelf.fetch(path, headers)
            status, content = (found, b"") if isinstance(found, int) else (200, found)
        elif method in ("PUT", "POST"):
            status = await self._shelf.bring(method, path, body, headers)
        else:
            status = 405
        lasts = headers.get("connection", "").lower() != "close"
        reason = HTTPStatus(status).phrase
        location = f"Location: {self._shelf.redirects[path]}\r\n" if status == 307 else ""
        writer.write(f"HTTP/1.1 {status} {reason}\r\n{location}Content-Length: {len(content)}\r\n\r\n".encode())
        if method != "HEAD":
            writer.write(content)
        await writer.drain()
        return lasts


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _LARGEST:
        raise ValueError(f"{length} bytes are more than {_LARGEST}")
    return await reader.readexactly(length)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    content = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        if len(content) + size > _LARGEST:
            raise ValueError(f"more than {_LARGEST} bytes")
        content += await reader.readexactly(size)
        await reader.readexactly(2)
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass  # trailers
    return bytes(content)
