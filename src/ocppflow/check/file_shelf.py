"""FileShelf: the files of a case: firmware that the station fetches, logs that it brings."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from typing import NamedTuple


class Visited(NamedTuple):
    """One request of the station's. ``headers`` in lower case; empty where no HTTP was spoken."""

    method: str
    path: str
    headers: dict[str, str]


class FileShelf:
    """What is at hand, and what was brought, by path. ``visits``: what the station has asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.brought: dict[str, bytes] = {}
        self.refusals: dict[str, int] = {}
        """By path: the HTTP status with which it is refused."""
        self.redirects: dict[str, str] = {}
        """By path: the URL to which it is sent on."""
        self.credentials: dict[str, str] = {}
        """By beginnings of paths: the ``user:password`` that is asked for."""
        self.visits: list[Visited] = []
        self.news: Callable[[], object] = lambda: None
        """Told of each visit."""
        self._gates: dict[str, asyncio.Event] = {}

    def clear(self) -> None:
        """The case is over."""
        for path in list(self._gates):
            self.release(path)
        for kept in (self.files, self.brought, self.refusals, self.redirects, self.credentials):
            kept.clear()
        self.visits.clear()

    def hold(self, path: str) -> None:
        """Whoever asks for this has to wait until it is released."""
        self._gates[path] = asyncio.Event()

    def release(self, path: str) -> None:
        """Let everybody have it."""
        gate = self._gates.pop(path, None)
        if gate is not None:
            gate.set()

    async def fetch(self, path: str, headers: dict[str, str] | None = None) -> bytes | int:
        """The content for a GET, or the HTTP status with which it is refused."""
        self.visits.append(Visited("GET", path, headers or {}))
        self.news()
        await self._opened(path)
        if path in self.refusals:
            return self.refusals[path]
        return self.files.get(path, 404)

    async def bring(self, method: str, path: str, content: bytes, headers: dict[str, str] | None = None) -> int:
        """The HTTP status for a PUT or POST, whose content is kept if it is one of success."""
        self.visits.append(Visited(method, path, headers or {}))
        self.news()
        await self._opened(path)
        refusal = next((status for place, status in self.refusals.items() if path.startswith(place)), None)
        if refusal is None and path in self.redirects:
            refusal = 307
        wanted = next((user for place, user in self.credentials.items() if path.startswith(place)), None)
        if wanted is not None and (headers or {}).get("authorization") != _basic(wanted):
            refusal = 401
        if refusal is not None:
            return refusal
        self.brought[path] = content
        return 201

    async def _opened(self, path: str) -> None:
        gate = next((each for place, each in self._gates.items() if path.startswith(place)), None)
        if gate is not None:
            await gate.wait()


def _basic(user: str) -> str:
    return f"Basic {b64encode(user.encode()).decode()}"
