"""C, Authorization: whether somebody may charge: by local list, cache, CSMS, or the rules for being offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec
from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.errors import CallTimeout, ConnectionLost, NotConnected, OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, v21
from ocppflow.station.blocks.authorization_cache import AuthorizationCache
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.id_tokens import group_of, same_group, same_token, shown_token
from ocppflow.station.blocks.reasons import because
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

authorization: Router[CompleteStation] = Router(Role.CS, "authorization")

By = Literal["csms", "list", "cache", "offline", "none"]

_UNASKED: Final = frozenset({"noauthorization", "central"})
"""Types of which the CSMS is not asked: a start button, and what came from the CSMS itself (C02, C03.FR.01)."""

_LONGEST_WAIT = 300.0
"""Seconds for which key codes are not taken after wrong ones (C04.FR.06): a guesser tries 288 a day at most."""


class TokenVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What has been decided on a token."""

    accepted: bool
    """The token is good, here and now. One of the master pass group is good too, but starts nothing (C16.FR.03): ask
    :meth:`Authorization.is_master_pass` first."""
    status: v21.AuthorizationStatusEnumType
    """Why not, to be shown; Accepted with ``accepted`` False: not at this EVSE (C01.FR.21)."""
    by: By
    """Who has decided: the CSMS, the local list, the cache, a rule for being offline, or nobody had to."""
    info: v21.IdTokenInfoType | None = None
    group: v21.IdTokenType | None = None
    response: v21.AuthorizeResponse | None = None
    """The CSMS's, if it was asked: it may have a tariff (2.1)."""

    @property
    def only(self) -> tuple[int, ...]:
        """The EVSEs at which the token may charge (C01.FR.20); empty: all."""
        return () if self.info is None or self.info.evse_id is UNSET else tuple(self.info.evse_id)

    def allows(self, evse: int) -> bool:
        """Whether the token may charge at ``evse``."""
        return not self.only or evse in self.only


_NOBODY_HAD_TO: Final = TokenVerdict(accepted=True, status="Accepted", by="none")
_UNKNOWN: Final = TokenVerdict(accepted=False, status="Unknown", by="none")


class Authorization(Block):
    """Decides on tokens. What the CSMS says of one is kept in ``cache``."""

    __slots__ = ("_codes_from", "_wrong_codes", "cache")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.cache = AuthorizationCache(station)
        self._wrong_codes = 0
        self._codes_from = 0.0  # clock time from which key codes are taken again

    # --- what others ask -----------------------------------------------------------------------------------------

    async def authorize(self, token: v21.IdTokenType, evse: int = 0) -> TokenVerdict:
        """Whether ``token`` may charge, at ``evse`` if that is known already. The order is that of C12 to C15: what is
        known locally if that may be used, the CSMS, and offline the rules for it."""
        if not self._flag("Enabled", True) or token.type.casefold() in _UNASKED:
            return _NOBODY_HAD_TO
        code = token.type.casefold() == "keycode"
        if code and self.station.clock.now() < self._codes_from:
            verdict = TokenVerdict(accepted=False, status="NotAtThisTime", by="none")
        else:
            verdict = _at(evse, await self._decide(token))
            if code:
                self._count_code(verdict)
        self.station.told_all("token_judged", evse, token, verdict)
        outcome = "is accepted" if verdict.accepted else f"is refused: {verdict.status}"
        log.info("%s: %s %s (%s)", self.station.identity, shown_token(token), outcome, verdict.by)
        return verdict

    def local(self, token: v21.IdTokenType) -> TokenVerdict | None:
        """What the local list or else the cache says of a token (C13.FR.01); None if neither knows it. A valid one of
        the same group ends an authorization without asking the CSMS (C01.FR.03, C09.FR.07)."""
        info, by = self.station.local_list.find(token), "list"
        if info is None:
            info, by = self.cache.find(token), "cache"
        return None if info is None else _verdict(info, "list" if by == "list" else "cache")

    def learn(self, token: v21.IdTokenType, info: v21.IdTokenInfoType) -> None:
        """What a response of the CSMS's says of a token (C10.FR.04, C10.FR.05)."""
        self.cache.learn(token, info)

    def is_master_pass(self, token: v21.IdTokenType, group: v21.IdTokenType | None) -> bool:
        """Whether the token belongs to the group that may stop any transaction and start none (C16)."""
        wanted = self.station.device_model.text("AuthCtrlr", "MasterPassGroupId")
        return bool(wanted) and group is not None and group.id_token.casefold() == wanted.casefold()

    same_token = staticmethod(same_token)
    same_group = staticmethod(same_group)

    @property
    def online(self) -> bool:
        """Whether the CSMS can be asked."""
        return self.station.is_connected and self.station.provisioning.may_send

    # --- the decision --------------------------------------------------------------------------------------------

    async def _decide(self, token: v21.IdTokenType) -> TokenVerdict:
        if not self.online:
            return self._offline(token)
        remote = not self._flag("DisableRemoteAuthorization")
        if self._flag("LocalPreAuthorize") or not remote:
            known = self.local(token)
            if known is not None and (known.accepted or not remote or not self._asks_again(token, known)):
                return known  # C12.FR.02, C14.FR.02, C14.FR.04
        return await self._ask(token) if remote else _UNKNOWN

    def _asks_again(self, token: v21.IdTokenType, known: TokenVerdict) -> bool:
        """Whether the CSMS is asked of a token that is not Accepted locally (C10.FR.03, C12.FR.05, C14.FR.03)."""
        if known.by == "list":
            expired = self.station.local_list.is_expired(token)  # as if it was not in the list (C14.FR.05)
            return expired or not self._flag("DisablePostAuthorize", component="LocalAuthListCtrlr")
        return not self._flag("DisablePostAuthorize", component="AuthCacheCtrlr")

    def _offline(self, token: v21.IdTokenType) -> TokenVerdict:
        known = self.local(token)
        if known is None:
            if not self._flag("OfflineTxForUnknownIdEnabled"):
                return _UNKNOWN
            return TokenVerdict(accepted=True, status="Accepted", by="offline")  # C13.FR.04, C15.FR.08
        if known.accepted and not self._flag("LocalAuthorizeOffline"):
            return msgspec.structs.replace(known, accepted=False, status="NotAtThisTime")
        return known  # C13.FR.02, C13.FR.05

    async def _ask(self, token: v21.IdTokenType) -> TokenVerdict:
        most = self.station.device_model.integer("AuthCtrlr", "AdditionalInfoItemsPerMessage")
        if most and token.additional_info is not UNSET and len(token.additional_info) > most:
            token = msgspec.structs.replace(token, additional_info=token.additional_info[:most])
        try:
            response = await self.station.call(v21.AuthorizeRequest(id_token=token))
        except (NotConnected, ConnectionLost, CallTimeout) as exc:  # the driver stands there: as if it was offline
            log.warning("%s: there was no answer to Authorize: %s", self.station.identity, exc)
            return self._offline(token)
        except OCPPError as exc:
            log.warning("%s: Authorize failed: %s", self.station.identity, exc)
            return TokenVerdict(accepted=False, status="Invalid", by="csms")
        self.learn(token, response.id_token_info)
        verdict = _verdict(response.id_token_info, "csms")
        if not self.station.tariff.admits(token, response):
            verdict = msgspec.structs.replace(verdict, accepted=False, status="Invalid")
        return msgspec.structs.replace(verdict, response=response)

    def _count_code(self, verdict: TokenVerdict) -> None:
        """Key codes can be guessed: after a wrong one they are taken again only after a while (C04.FR.06)."""
        if verdict.accepted:
            self._wrong_codes = 0
            return
        self._wrong_codes += 1
        if self._wrong_codes > 1:  # everybody mistypes once
            wait = min(_LONGEST_WAIT, 5.0 * 2.0 ** min(self._wrong_codes - 2, 10))
            self._codes_from = self.station.clock.now() + wait

    def _flag(self, variable: str, default: bool = False, *, component: str = "AuthCtrlr") -> bool:
        return self.station.device_model.flag(component, variable, default)


def _verdict(info: v21.IdTokenInfoType, by: By) -> TokenVerdict:
    return TokenVerdict(accepted=info.status == "Accepted", status=info.status, by=by, info=info, group=group_of(info))


def _at(evse: int, verdict: TokenVerdict) -> TokenVerdict:
    """The verdict for one EVSE (C01.FR.21)."""
    if not evse or not verdict.accepted or verdict.allows(evse):
        return verdict
    return msgspec.structs.replace(verdict, accepted=False, status="NotAtThisLocation")


@authorization.on(v21.ClearCacheRequest)
async def _clear_cache(station: CompleteStation, request: v21.ClearCacheRequest) -> v21.ClearCacheResponse:
    cache = station.authorization.cache
    if not cache.enabled:  # C11.FR.04
        return v21.ClearCacheResponse(status="Rejected", status_info=because("NotEnabled"))
    try:
        await cache.clear()
    except StoreFailed as exc:  # C11.FR.05
        log.error("%s: the authorization cache could not be cleared: %s", station.identity, exc)
        return v21.ClearCacheResponse(status="Rejected", status_info=because("InternalError"))
    return v21.ClearCacheResponse(status="Accepted")
