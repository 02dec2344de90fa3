"""What a station must not forget: small values by area and key, changed many at a time, all or none.

Whatever belongs together is put between two commits without an ``await`` in between: then it is on the disk together or
not at all, whenever the power goes.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from ocppflow.errors import OCPPError

_T = TypeVar("_T")


class StoreFailed(OCPPError):
    """What had to be kept could not be written: the disk is full, the file is locked, broken or gone. Says which, and
    what to do."""


def unkeepable(value: Any, most: int = 10_000) -> str:
    """Why a store cannot be given ``value``, which a peer has sent; empty if it can. It may not have more than ``most``
    bytes: customData, which is kept too, is of any size. And it must be readable again: OCPP 2.0.1 and 1.6 allow
    numbers that 2.1, whose types are kept, does not."""
    text = msgspec.json.encode(value)
    if len(text) > most:
        return f"it has {len(text)} bytes, and {most} can be kept"
    try:
        msgspec.json.decode(text, type=type(value))
    except msgspec.DecodeError as exc:
        return str(exc)
    return ""


Changes = dict[tuple[str, str], bytes | None]
"""By area and key the new value as JSON; None: there is none any more."""


class StationStore(ABC):
    """One station's part of a store. Values are msgspec's JSON of anything that msgspec takes."""

    __slots__ = ("_staged", "failure", "on_outcome")

    def __init__(self) -> None:
        self._staged: Changes = {}
        self.failure: StoreFailed | None = None
        """Why the last commit failed; None if it did not."""
        self.on_outcome: Callable[[StoreFailed | None], object] | None = None
        """Called when ``failure`` comes, and when it goes."""

    def put(self, area: str, key: str, value: Any) -> None:
        """Keep ``value`` with the next commit. It is encoded now; what happens to it later does not matter. Raises
        ValueError for a key that is not text, such as half of a surrogate pair: it could never be written."""
        key.encode()
        self._staged[area, key] = msgspec.json.encode(value)

    def remove(self, area: str, key: str) -> None:
        """Forget it with the next commit."""
        key.encode()
        self._staged[area, key] = None

    def replace(self, area: str, values: Mapping[str, Any]) -> None:
        """Let the area hold just these with the next commit."""
        for key in self.keys(area) - values.keys():
            self.remove(area, key)
        for key, value in values.items():
            self.put(area, key, value)

    def keys(self, area: str) -> set[str]:
        """What the area holds, with what is staged."""
        kept = set(self._kept(area))
        for (where, key), value in self._staged.items():
            if where == area:
                (kept.discard if value is None else kept.add)(key)
        return kept

    def load(self, area: str, kind: type[_T]) -> dict[str, _T]:
        """What is kept in the area, by key, in the order of the keys; what is staged does not count. A value that does
        not decode is left out, and is left where it is: it is a newer version's, or broken, and the log says so."""
        loaded: dict[str, _T] = {}
        for key, value in sorted(self._kept(area).items()):
            try:
                loaded[key] = msgspec.json.decode(value, type=kind)
            except msgspec.DecodeError as exc:
                self._unreadable(area, key, str(exc))
        return loaded

    def commit(self) -> asyncio.Future[None]:
        """Write what has been put and removed since the last commit, in one transaction. The future is done when it is
        durable; it raises StoreFailed if it cannot be, and the changes then go with the next commit, before what is put
        until then."""
        staged, self._staged = self._staged, {}
        return self._write(staged)

    def discard(self) -> None:
        """Forget what has been put since the last commit: the power went."""
        self._staged = {}

    def _succeeded(self, done: asyncio.Future[None]) -> None:
        """It is durable."""
        if not done.done():
            done.set_result(None)
        if self.failure is not None:
            self.failure = None
            if self.on_outcome is not None:
                self.on_outcome(None)

    def _failed(self, done: asyncio.Future[None], why: StoreFailed) -> None:
        """It is not."""
        if not done.done():
            done.set_exception(why)
            done.exception()  # who waits for it gets it; nobody has to
        is_news = self.failure is None
        self.failure = why
        if is_news and self.on_outcome is not None:
            self.on_outcome(why)

    def __repr__(self) -> str:
        problem = f", failing: {self.failure}" if self.failure is not None else ""
        return f"<{type(self).__name__}, {len(self._staged)} changes wait{problem}>"

    @abstractmethod
    def _kept(self, area: str) -> dict[str, bytes]:
        """What is durable in the area."""

    @abstractmethod
    def _write(self, staged: Changes) -> asyncio.Future[None]:
        """Make it durable, and say by ``_succeeded`` or ``_failed`` what came of it."""

    @abstractmethod
    def _unreadable(self, area: str, key: str, why: str) -> None:
        """Say that a value cannot be read."""

    @abstractmethod
    def close(self) -> None:
        """Nothing is written any more."""


class MemoryStationStore(StationStore):
    """Forgets everything when the process ends; outlives a simulated power cut. ``failing`` (tests) is asked before
    each commit and may raise StoreFailed."""

    __slots__ = ("_areas", "failing")

    def __init__(self) -> None:
        super().__init__()
        self._areas: dict[str, dict[str, bytes]] = {}
        self.failing: Callable[[], None] | None = None

    def _kept(self, area: str) -> dict[str, bytes]:
        return self._areas.get(area, {})

    def _write(self, staged: Changes) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            if self.failing is not None:
                self.failing()
        except StoreFailed as exc:
            self._staged = {**staged, **self._staged}
            self._failed(done, exc)
            return done
        for (area, key), value in staged.items():
            values = self._areas.setdefault(area, {})
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
        self._succeeded(done)
        return done

    def _unreadable(self, area: str, key: str, why: str) -> None:
        raise StoreFailed(f"{area} {key} in memory does not decode: {why}")

    def close(self) -> None:
        pass
