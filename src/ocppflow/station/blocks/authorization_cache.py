"""The Authorization Cache (C10): what the CSMS last said of the tokens that have been presented."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from ocppflow.log_budget import budgeted
from ocppflow.messages import Version
from ocppflow.messages.v21 import IdTokenInfoType, IdTokenType
from ocppflow.station.blocks.id_tokens import token_key, without_additions
from ocppflow.station.station_store import StoreFailed, unkeepable

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

AREA = "authorization_cache"

_NEVER: Final = frozenset({"noauthorization", "central"})
"""Types that are not cached (C02.FR.03, C03.FR.02, C05.FR.02)."""

_COMPONENT = "AuthCacheCtrlr"


class CacheEntry(msgspec.Struct, omit_defaults=True):
    """What is kept of one token."""

    info: IdTokenInfoType
    updated_at: datetime
    used_at: datetime
    uses: int = 0
    serial: int = 0
    """Which was first."""
    size: int = 0
    """Bytes in the store."""


_Rank = Callable[[CacheEntry], tuple[object, ...]]

_FIRST_TO_GO: Final[dict[str, _Rank]] = {
    "LRU": lambda entry: (entry.used_at, entry.serial),
    "LFU": lambda entry: (entry.uses, entry.used_at, entry.serial),
    "FIFO": lambda entry: (entry.serial,),
    "CUSTOM": lambda entry: (entry.info.status == "Accepted", entry.used_at, entry.serial),  # C10.FR.07
}
"""By AuthCacheCtrlr.Policy; the smallest goes first. CUSTOM lets those go first that are not Accepted."""


class AuthorizationCache:
    """It is read from the store when it is first needed. Tokens are kept as hashes (C10.FR.12). It is bounded by
    AuthCacheCtrlr.Storage (C10.FR.07). A use is written with the next commit, whatever that is for: it decides on
    nothing but who goes first."""

    __slots__ = ("_entries", "_serial", "_station")

    def __init__(self, station: CompleteStation) -> None:
        self._station = station
        self._entries: dict[str, CacheEntry] | None = None
        self._serial = 0

    @property
    def enabled(self) -> bool:
        """AuthCacheCtrlr.Available and .Enabled (C10.FR.11)."""
        model = self._station.device_model
        return model.flag(_COMPONENT, "Available", True) and model.flag(_COMPONENT, "Enabled", False)

    def __len__(self) -> int:
        return len(self._all())

    def find(self, token: IdTokenType) -> IdTokenInfoType | None:
        """What is known of a token; None if nothing, or no longer, or the cache is disabled."""
        key = _hash(token)
        entry = self._all().get(key) if self.enabled else None
        if entry is None:
            return None
        if self._expired(entry):  # C10.FR.10
            self._drop(key)
            self._store_soon()
            return None
        entry.used_at = self._station.time.now()
        entry.uses += 1
        self._station.store.put(AREA, key, entry)
        return entry.info

    def learn(self, token: IdTokenType, info: IdTokenInfoType) -> None:
        """Keep what the CSMS has said (C10.FR.01, C10.FR.04, C10.FR.05)."""
        if not self.enabled or token.type.casefold() in _NEVER:
            return
        key, now = _hash(token), self._station.time.now()
        before = self._all().get(key)
        if (info.cache_expiry_date_time is not UNSET and info.cache_expiry_date_time <= now) or unkeepable(info):
            if before is not None:  # not to be kept at all, such as prepaid tokens (2.1 C10.FR.10, C17.FR.01)
                self._drop(key)
                self._store_soon()
            return
        self._serial += before is None
        serial = self._serial if before is None else before.serial
        uses = 1 if before is None else before.uses
        entry = CacheEntry(info=_kept(info), updated_at=now, used_at=now, uses=uses, serial=serial)
        entry.size = len(msgspec.json.encode(entry)) + len(key)
        self._all()[key] = entry
        self._make_room(key)
        if key in self._all():
            self._station.store.put(AREA, key, entry)
        self._store_soon()

    def held(self, token: IdTokenType) -> CacheEntry | None:
        """What is kept of a token, enabled or not, expired or not; it does not count as a use (N09)."""
        return self._all().get(_hash(token))

    def forget(self, token: IdTokenType) -> None:
        """Keep nothing of a token, from the next commit on (N10)."""
        self._drop(_hash(token))
        self._show_size()

    async def clear(self) -> None:
        """Forget all (C11). Raises StoreFailed; nothing is forgotten then."""
        before, self._entries = self._all(), {}
        self._station.store.replace(AREA, {})
        try:
            await self._station.store.commit()
        except StoreFailed:
            self._entries = {**before, **self._entries}
            self._station.store.replace(AREA, self._entries)
            raise
        self._show_size()

    def _all(self) -> dict[str, CacheEntry]:
        if self._entries is None:
            self._entries = self._station.store.load(AREA, CacheEntry)
            self._serial = max((entry.serial for entry in self._entries.values()), default=0)
        return self._entries

    def _expired(self, entry: CacheEntry) -> bool:
        now = self._station.time.now()
        if entry.info.cache_expiry_date_time is not UNSET:
            return entry.info.cache_expiry_date_time <= now  # C10.FR.13
        life = self._station.device_model.integer(_COMPONENT, "LifeTime")
        # C10.FR.08: since it was last used; 2.1 C10.FR.10: since it was last updated
        since = entry.updated_at if self._station.version is Version.V21 else max(entry.updated_at, entry.used_at)
        return life > 0 and (now - since).total_seconds() > life

    def _make_room(self, newest: str) -> None:
        declared = self._station.device_model.find(_COMPONENT, "Storage")
        most = declared.max_limit if declared is not None else None
        entries = self._all()
        used = sum(entry.size for entry in entries.values())
        if most is None or used <= most:
            return
        for key in [key for key, entry in entries.items() if self._expired(entry)]:
            used -= self._drop(key)
        policy = self._station.device_model.text(_COMPONENT, "Policy", "CUSTOM")
        rank = _FIRST_TO_GO.get(policy, _FIRST_TO_GO["CUSTOM"])
        others = (key for key in entries if key != newest)
        for key in sorted(others, key=lambda each: rank(entries[each])):
            if used <= most:
                return
            used -= self._drop(key)
        if used > most:
            self._drop(newest)

    def _drop(self, key: str) -> int:
        entry = self._all().pop(key, None)
        self._station.store.remove(AREA, key)
        return entry.size if entry is not None else 0

    def _store_soon(self) -> None:
        self._show_size()
        self._station.store.commit().add_done_callback(self._stored)

    def _stored(self, written: asyncio.Future[None]) -> None:
        if not written.cancelled() and (exc := written.exception()) is not None:
            log.warning("%s: the authorization cache cannot be kept: %s", self._station.identity, exc)

    def _show_size(self) -> None:
        if self._station.device_model.find(_COMPONENT, "Storage") is not None:
            size = sum(entry.size for entry in self._all().values())
            self._station.device_model.set(_COMPONENT, "Storage", size)


def _hash(token: IdTokenType) -> str:
    return sha256(token_key(token).encode()).hexdigest()[:32]


def _kept(info: IdTokenInfoType) -> IdTokenInfoType:
    if info.group_id_token is UNSET:
        return info
    return msgspec.structs.replace(info, group_id_token=without_additions(info.group_id_token))
