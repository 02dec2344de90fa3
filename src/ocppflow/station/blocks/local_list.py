"""D, Local Authorization List: tokens that the CSMS has told the station beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from ocppflow.endpoint import Router
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.id_tokens import token_key
from ocppflow.station.blocks.reasons import because
from ocppflow.station.station_store import StoreFailed, unkeepable

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

local_list: Router[CompleteStation] = Router(Role.CS, "local_list")

AREA = "local_list"
VERSION_AREA = "local_list_version"

_COMPONENT = "LocalAuthListCtrlr"

_Entries = dict[str, v21.IdTokenInfoType]
_Changes = Mapping[str, v21.IdTokenInfoType | None]
"""By key of the token what is to be known of it; None: nothing any more."""


class LocalList(Block):
    """The list. It changes by SendLocalList alone (D01.FR.09), and is on the disk before that is answered
    (D01.FR.10)."""

    __slots__ = ("_entries", "_version")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self._version = station.store.load(VERSION_AREA, int).get("version", 0)
        self._entries: _Entries = station.store.load(AREA, v21.IdTokenInfoType) if self._version else {}

    def power_up(self) -> None:
        self._show_size()

    @property
    def enabled(self) -> bool:
        """LocalAuthListCtrlr.Available and .Enabled (D01.FR.13)."""
        model = self.station.device_model
        return model.flag(_COMPONENT, "Available", True) and model.flag(_COMPONENT, "Enabled", False)

    @property
    def version(self) -> int:
        """The version number that the CSMS gave the list; 0 if there is none, or the list is disabled (D02)."""
        return self._version if self.enabled else 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, token: v21.IdTokenType) -> v21.IdTokenInfoType | None:
        """What the list says of a token; None if the token is not in it, or the list is disabled. One whose
        cacheExpiryDateTime has passed has the status Expired, if the station heeds that (C13.FR.05, C13.FR.06)."""
        info = self._entries.get(token_key(token)) if self.enabled else None
        if info is not None and info.status == "Accepted" and self.is_expired(token):
            return msgspec.structs.replace(info, status="Expired")
        return info

    def is_expired(self, token: v21.IdTokenType) -> bool:
        """Whether the list has the token, and its cacheExpiryDateTime has passed and counts."""
        info = self._entries.get(token_key(token))
        if info is None or info.cache_expiry_date_time is UNSET:
            return False
        heeded = self.station.device_model.flag(_COMPONENT, "SupportsExpiryDateTime")
        return heeded and info.cache_expiry_date_time <= self.station.time.now()

    # --- SendLocalList -------------------------------------------------------------------------------------------

    async def update(self, changes: _Changes, version: int, *, full: bool) -> None:
        """Take over a whole new list, or changes. Raises StoreFailed if it cannot be kept; nothing is changed then."""
        before, version_before = self._entries, self._version
        after = {} if full else dict(before)
        for key, info in changes.items():
            if info is None:
                after.pop(key, None)
            else:
                after[key] = info
        self._put(before, after, version)
        self._entries, self._version = after, version
        try:
            await self.station.store.commit()
        except StoreFailed:
            self._put(after, before, version_before)
            self._entries, self._version = before, version_before
            raise
        self._show_size()

    def _put(self, before: _Entries, after: _Entries, version: int) -> None:
        store = self.station.store
        for key in before.keys() - after.keys():
            store.remove(AREA, key)
        for key, info in after.items():
            if before.get(key) is not info:
                store.put(AREA, key, info)
        if version:
            store.put(VERSION_AREA, "version", version)
        else:
            store.remove(VERSION_AREA, "version")

    def refusal(self, request: v21.SendLocalListRequest) -> v21.StatusInfoType | None:
        """Why an update cannot be taken, beside its version; None if it can."""
        if not self.enabled:
            return because("NotEnabled", "LocalAuthListCtrlr.Enabled is false")
        if request.version_number <= 0:
            return because("ValuePositiveOnly", "versionNumber has to be greater than 0 (D01.FR.18)")
        items = [] if request.local_authorization_list is UNSET else request.local_authorization_list
        keys = {token_key(item.id_token) for item in items}
        if len(keys) < len(items):
            return because("InvalidValue", "an idToken occurs more than once (D01.FR.06)")
        for item in items:
            if why := "" if item.id_token_info is UNSET else unkeepable(item.id_token_info):
                return because("InvalidValue", why)
        full = request.update_type == "Full"
        if full and any(item.id_token_info is UNSET for item in items):
            return because("MissingParam", "a full list needs an idTokenInfo for each idToken")
        return self._too_much(request, len(items), keys, full)

    def _too_much(
        self, request: v21.SendLocalListRequest, items: int, keys: set[str], full: bool
    ) -> v21.StatusInfoType | None:
        model = self.station.device_model
        per_message = model.integer(_COMPONENT, "ItemsPerMessage")
        if per_message and items > per_message:
            return because("TooManyElements", f"ItemsPerMessage is {per_message} (D01.FR.11)")
        bytes_per_message = model.integer(_COMPONENT, "BytesPerMessage")
        if bytes_per_message and len(msgspec.json.encode(request)) > bytes_per_message:
            return because("TooLargeElement", f"BytesPerMessage is {bytes_per_message} (D01.FR.11)")
        declared = model.find(_COMPONENT, "Entries")
        most = declared.max_limit if declared is not None else None
        if most is not None and len(keys if full else keys | self._entries.keys()) > most:
            return because("TooManyElements", f"the list takes {most:g} idTokens (D01.FR.12)")
        return None

    def _show_size(self) -> None:
        model = self.station.device_model
        if model.find(_COMPONENT, "Entries") is not None:
            model.set(_COMPONENT, "Entries", len(self._entries))
        if model.find(_COMPONENT, "Storage") is not None:
            size = sum(len(key) + len(msgspec.json.encode(info)) for key, info in self._entries.items())
            model.set(_COMPONENT, "Storage", size)


@local_list.on(v21.SendLocalListRequest)
async def _send_local_list(station: CompleteStation, request: v21.SendLocalListRequest) -> v21.SendLocalListResponse:
    current, full = station.local_list, request.update_type == "Full"
    why = current.refusal(request)
    if why is not None:
        return v21.SendLocalListResponse(status="Failed", status_info=why)
    if not full and request.version_number <= current.version:  # D01.FR.19
        return v21.SendLocalListResponse(status="VersionMismatch")
    items = [] if request.local_authorization_list is UNSET else request.local_authorization_list
    changes = {token_key(item.id_token): _info(item.id_token_info) for item in items}
    try:
        await current.update(changes, request.version_number, full=full)
    except StoreFailed as exc:
        log.error("%s: SendLocalList failed: %s", station.identity, exc)
        why = because("OutOfStorage", "the list cannot be kept")
        return v21.SendLocalListResponse(status="Failed", status_info=why)
    return v21.SendLocalListResponse(status="Accepted")


def _info(info: v21.IdTokenInfoType | UnsetType) -> v21.IdTokenInfoType | None:
    return None if isinstance(info, UnsetType) else info


@local_list.on(v21.GetLocalListVersionRequest)
def _get_local_list_version(
    station: CompleteStation, request: v21.GetLocalListVersionRequest
) -> v21.GetLocalListVersionResponse:
    return v21.GetLocalListVersionResponse(version_number=station.local_list.version)
