"""C: tokens, and what they may."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import UNSET, Struct
from sqlalchemy import Connection, Row, delete, func, select, update

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.errors import ConfigurationError, LocalError
from ocppflow.messages import v21
from ocppflow.messages.v21 import IdTokenInfoType, IdTokenType
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.store import station_tables, token_tables, transaction_tables
from ocppflow.store.struct_rows import struct_of
from ocppflow.store.upsert import insert_new

_TOKENS = token_tables.TOKENS
_MEMBERS = station_tables.GROUP_MEMBERS
_TRANSACTIONS = transaction_tables.TRANSACTIONS

_STATUSES: Final = frozenset({"Accepted", "Blocked", "Expired", "Invalid", "NoCredit", "NotAtThisTime"})
"""What a token may be set to; the others follow from where and when it is presented."""


class NoSuchToken(LocalError):
    """The store knows no such token."""


class TokenExists(LocalError):
    """There is such a token already."""


class KnownToken(Struct, kw_only=True):
    """What the store says of a token."""

    __repr__ = discreet_repr

    shown_as: str
    """As it was written when it was made; tokens are compared without case (C01.FR.25)."""
    type: str = ""
    """As the standard names it, such as ISO14443; empty: whatever the station calls it, as in 1.6."""
    status: str = "Accepted"
    """Accepted, Blocked, Expired, Invalid, NoCredit, NotAtThisTime"""
    group_token: str | None = None
    """The group that it belongs to: each of it may stop what another one has started (C09)."""
    group_type: str | None = None
    expires_at: datetime | None = None
    language: str | None = None
    second_language: str | None = None
    message: Any = None
    """Shown to the driver: ``{"format": "UTF8", "content": ...}``."""
    priority: int | None = None
    """-9 to 9 (K03.FR.06)"""
    station_groups: list[str] | None = None
    """Where it may charge; None: everywhere."""
    tariff: str | None = None
    max_active: int | None = None
    """Transactions at once; None: as many as it likes."""
    note: str = ""


_FIELDS: Final = KnownToken.__struct_fields__


class TokenService(CSMSBlock):
    """C: tokens, and what they may."""

    title = "authorization"

    def hear(self) -> None:
        self.on(v21.AuthorizeRequest)(self.authorize)

    async def authorize(self, station: Station, request: v21.AuthorizeRequest) -> v21.AuthorizeResponse:
        """C01 to C06. A contract certificate cannot be checked here, so what rests on one is not accepted (C07)."""
        if request.certificate is not UNSET or request.iso15118_certificate_hash_data is not UNSET:
            return v21.AuthorizeResponse(
                id_token_info=IdTokenInfoType(status="Invalid"), certificate_status="NoCertificateAvailable"
            )
        return v21.AuthorizeResponse(id_token_info=await self.judge(request.id_token, station.identity))

    async def judge(
        self, token: IdTokenType, identity: str, evse: int | None = None, *, starts: bool = False
    ) -> IdTokenInfoType:
        """What a token may at a station. ``starts``: a transaction is about to start with it."""
        if token.type == "NoAuthorization":  # C02.FR.01: there is nobody to be judged
            return IdTokenInfoType(status="Accepted")

        def look(connection: Connection) -> IdTokenInfoType:
            row = find_token(connection, token.id_token, token.type)
            if row is None:
                return IdTokenInfoType(status=self.csms.config.tokens.unknown)
            return self._info(row, self._status(connection, row, identity, evse, starts))

        return await self.csms.store.read(look)

    def _status(
        self, connection: Connection, row: Row[Any], identity: str, evse: int | None, starts: bool
    ) -> v21.AuthorizationStatusEnumType:
        """The first reason why not, the gravest first."""
        status: v21.AuthorizationStatusEnumType = row.status
        if status != "Accepted":
            return status
        if row.expires_at is not None and row.expires_at <= self.csms.now():
            return "Expired"
        if row.station_groups is not None and not _is_within(connection, row.station_groups, identity, evse):
            return "NotAtThisLocation"
        if starts and row.max_active is not None and _active(connection, row) >= row.max_active:
            return "ConcurrentTx"
        return "Accepted"

    def _info(self, row: Row[Any], status: v21.AuthorizationStatusEnumType) -> IdTokenInfoType:
        info = IdTokenInfoType(status=status)
        seconds = self.csms.config.tokens.cache_seconds
        ends = [row.expires_at] if row.expires_at is not None else []
        if seconds:
            ends.append(self.csms.now() + timedelta(seconds=seconds))
        if ends:
            info.cache_expiry_date_time = min(ends)
        if row.group_token is not None:
            info.group_id_token = IdTokenType(id_token=row.group_token, type=row.group_type or "Central")
        if row.priority is not None:
            info.charging_priority = row.priority
        if row.language is not None:
            info.language1 = row.language
            if row.second_language is not None:
                info.language2 = row.second_language
        if row.message is not None:
            info.personal_message = v21.MessageContentType(format=row.message["format"], content=row.message["content"])
        return info

    # --- by hand -------------------------------------------------------------------------------------------------

    async def add(self, token: str, **settings: Any) -> KnownToken:
        """Make a token known; ``settings`` are attributes of KnownToken. Raises TokenExists, and ConfigurationError for
        what makes no sense."""
        if not 1 <= len(token) <= 255:
            raise ConfigurationError(f"a token has 1 to 255 characters, not {len(token)}")
        now = self.csms.now()
        kind = settings.pop("type", "")
        row = {"id_token": token.lower(), "type": kind, "shown_as": token, "created_at": now, "updated_at": now}
        row |= _checked(settings)
        if not await self.csms.store.write(lambda c: insert_new(c, _TOKENS, row)):
            raise TokenExists(f"token {token!r} is there already")
        return await self.get(token, kind)

    async def get(self, token: str, kind: str = "") -> KnownToken:
        """A token. Raises NoSuchToken."""
        row = await self.csms.store.read(lambda c: c.execute(select(_TOKENS).where(*_is(token, kind))).first())
        if row is None:
            raise NoSuchToken(f"there is no token {token!r}; add it first")
        return struct_of(KnownToken, row)

    async def change(self, token: str, kind: str = "", **settings: Any) -> KnownToken:
        """Change attributes of a token. Raises NoSuchToken, and ConfigurationError for what makes no sense."""
        values = {**_checked(settings), "updated_at": self.csms.now()}
        changing = update(_TOKENS).where(*_is(token, kind)).values(values)
        if not await self.csms.store.write(lambda c: c.execute(changing).rowcount):
            raise NoSuchToken(f"there is no token {token!r}; add it first")
        return await self.get(token, kind)

    async def remove(self, token: str, kind: str = "") -> None:
        """Forget a token. Raises NoSuchToken."""
        if not await self.csms.store.write(lambda c: c.execute(delete(_TOKENS).where(*_is(token, kind))).rowcount):
            raise NoSuchToken(f"there is no token {token!r}")

    async def all(self, after: str = "", count: int = 1000) -> list[KnownToken]:
        """Tokens in the order of their ids, those behind ``after``."""
        query = select(_TOKENS).where(_TOKENS.c.id_token > after.lower()).order_by(_TOKENS.c.id_token, _TOKENS.c.type)
        return [
            struct_of(KnownToken, row)
            for row in await self.csms.store.read(lambda c: c.execute(query.limit(count)).all())
        ]


def _is(token: str, kind: str) -> tuple[Any, ...]:
    return _TOKENS.c.id_token == token.lower(), _TOKENS.c.type == kind


def find_token(connection: Connection, token: str, kind: str | None) -> Row[Any] | None:
    """The token of just this type, else the one of any type; where the type is not known, whichever there is."""
    query = select(_TOKENS).where(_TOKENS.c.id_token == token.lower())
    if kind is not None:
        query = query.where(_TOKENS.c.type.in_((kind, "")))
    return connection.execute(query.order_by(_TOKENS.c.type.desc())).first()


def _is_within(connection: Connection, groups: list[str], identity: str, evse: int | None) -> bool:
    """Whether the station, or the EVSE, is a member of one of the groups. Where it is not known yet at which EVSE, any
    of the station's will do."""
    query = select(func.count()).where(_MEMBERS.c.group_name.in_(groups), _MEMBERS.c.station == identity)
    if evse is not None:
        query = query.where(_MEMBERS.c.evse.in_((0, evse)))
    return bool(connection.execute(query).scalar())


def _active(connection: Connection, row: Row[Any]) -> int:
    """Transactions that go on with the token."""
    query = select(func.count()).where(
        func.lower(_TRANSACTIONS.c.token) == row.id_token, _TRANSACTIONS.c.state == "active"
    )
    return connection.execute(query).scalar() or 0


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    """Raises ConfigurationError."""
    if unknown := sorted(settings.keys() - (set(_FIELDS) - {"shown_as", "type"})):
        raise ConfigurationError(f"{', '.join(unknown)} cannot be set of a token")
    if settings.get("status", "Accepted") not in _STATUSES:
        raise ConfigurationError(f"a token is {', '.join(sorted(_STATUSES))}, not {settings['status']!r}")
    if not -9 <= (settings.get("priority") or 0) <= 9:
        raise ConfigurationError(f"priorities are -9 to 9, not {settings['priority']}")
    message = settings.get("message")
    if message is not None and not {"format", "content"} <= message.keys():
        raise ConfigurationError('a message is {"format": "UTF8", "content": "..."}')
    return settings
