"""I: tariffs as data, which of them a transaction has, what it costs, and what its driver is told."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import UNSET, Struct
from sqlalchemy import Connection, Row, Table, delete, select, update

from ocppflow.csms.blocks.authorization import find_token
from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.blocks.tariff_pricing import (
    CostLine,
    Course,
    CourseStep,
    TransactionCost,
    price_course,
    wrong_in_tariff,
)
from ocppflow.csms.books.booked import Booked, BookState
from ocppflow.csms.books.readings import Reading
from ocppflow.errors import ConfigurationError, LocalError, OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import v21
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.store import upsert
from ocppflow.store.station_tables import GROUP_MEMBERS, GROUPS, STATIONS
from ocppflow.store.token_tables import TARIFFS, TOKENS

__all__ = [
    "CostLine", "Course", "CourseStep", "NamedTariff", "NoSuchTariff", "TariffService", "TransactionCost",
    "course_of", "running_total",
]  # fmt: skip

log = budgeted("ocppflow.csms")

_HASHED: Final = 8
_LONGEST_NAME: Final = 60 - _HASHED - 1
"""Characters of a name, so that the tariffId (60) has room for what tells its content."""


class NoSuchTariff(LocalError):
    """There is none of this name; ``listed`` tells those that there are."""


class NamedTariff(Struct, frozen=True):
    """A tariff of the store. The ``tariff_id`` changes with the content (I08.FR.08)."""

    __repr__ = discreet_repr

    name: str
    tariff: v21.TariffType
    is_default: bool
    created_at: datetime
    updated_at: datetime


class TariffService(CSMSBlock):
    """I: tariffs and costs."""

    title = "tariff"

    def hear(self) -> None:
        self._tariffs: dict[str, NamedTariff] = {}
        self._shown: dict[int, tuple[datetime, float]] = {}
        """Of transactions that go on: when the driver was told the running cost, and which."""
        name = self.csms.config.tariffs.zone
        try:
            self.zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigurationError(f"[tariffs] zone: {name!r} is not a time zone such as Europe/Berlin") from None

    async def start(self) -> None:
        """All tariffs are held in memory: there are few."""
        rows = await self.csms.store.read(lambda c: c.execute(select(TARIFFS)).all())
        self._tariffs = {row.name: _named(row) for row in rows}

    # --- tariffs as data -----------------------------------------------------------------------------------------

    def listed(self) -> list[NamedTariff]:
        """All, by name."""
        return sorted(self._tariffs.values(), key=lambda each: each.name)

    def get(self, name: str) -> NamedTariff:
        """One. Raises NoSuchTariff."""
        if (found := self._tariffs.get(name)) is None:
            raise NoSuchTariff(f"there is no tariff {name!r}; there are {', '.join(self._tariffs) or 'none'}")
        return found

    async def add(self, name: str, tariff: v21.TariffType | dict[str, Any], *, is_default: bool = False) -> NamedTariff:
        """A new one. ``tariff`` is a TariffType or its JSON; the tariffId is given here. Raises ConfigurationError for
        a name that is taken, and for what a tariff cannot be, with the path of the field."""
        if name in self._tariffs:
            raise ConfigurationError(f"there is a tariff {name!r} already; change it, or take another name")
        return await self._put(name, tariff, is_default, self.csms.now())

    async def change(self, name: str, tariff: v21.TariffType | dict[str, Any]) -> NamedTariff:
        """Other prices from now on; transactions that are over keep their cost. Raises NoSuchTariff,
        ConfigurationError."""
        held = self.get(name)
        return await self._put(name, tariff, held.is_default, held.created_at)

    async def _put(self, name: str, tariff: Any, is_default: bool, created_at: datetime) -> NamedTariff:
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise ConfigurationError(f"a tariff's name has 1 to {_LONGEST_NAME} characters, not {len(name)}")
        made = NamedTariff(name, _valid(name, tariff), is_default, created_at, self.csms.now())
        row = {
            "name": name,
            "currency": made.tariff.currency,
            "tariff": made.tariff,
            "is_default": is_default,
            "created_at": created_at,
            "updated_at": made.updated_at,
        }

        def write(connection: Connection) -> None:
            if is_default:
                connection.execute(update(TARIFFS).values(is_default=False))
            upsert(connection, TARIFFS, row)

        await self.csms.store.write(write)
        if is_default:
            self._set_default(None)
        self._tariffs[name] = made
        return made

    async def remove(self, name: str) -> None:
        """Whoever had it has the next one that applies. Raises NoSuchTariff."""
        self.get(name)

        def write(connection: Connection) -> None:
            for table in (TOKENS, STATIONS, GROUPS):
                connection.execute(update(table).where(table.c.tariff == name).values(tariff=None))
            connection.execute(delete(TARIFFS).where(TARIFFS.c.name == name))

        await self.csms.store.write(write)
        self._tariffs.pop(name, None)

    async def assign(
        self,
        name: str | None,
        *,
        token: str | None = None,
        station: str | None = None,
        group: str | None = None,
        default: bool = False,
    ) -> None:
        """Let a token (or the group token of many), a station or a group of stations have a tariff, or let it be the
        default; None takes it away. Raises NoSuchTariff, and ConfigurationError for nobody, for more than one, and for
        somebody unknown."""
        if name is not None:
            self.get(name)
        given = [token is not None, station is not None, group is not None, default]
        if sum(given) != 1:
            raise ConfigurationError("a tariff is assigned to one of: token, station, group, default")
        if default:
            await self.csms.store.write(
                lambda c: c.execute(update(TARIFFS).values(is_default=TARIFFS.c.name == (name or ""))) and None
            )
            self._set_default(name)
            return
        wanted: tuple[tuple[str, Table, Any, str | None], ...] = (
            ("token", TOKENS, TOKENS.c.id_token, None if token is None else token.lower()),
            ("station", STATIONS, STATIONS.c.identity, station),
            ("group", GROUPS, GROUPS.c.name, group),
        )
        what, table, column, who = next(each for each in wanted if each[3] is not None)
        statement = update(table).where(column == who).values(tariff=name)
        if not await self.csms.store.write(lambda c: c.execute(statement).rowcount):
            raise ConfigurationError(f"there is no {what} {who!r} to assign a tariff to")

    def _set_default(self, name: str | None) -> None:
        replace = msgspec.structs.replace
        self._tariffs = {each.name: replace(each, is_default=each.name == name) for each in self._tariffs.values()}

    # --- which applies, and what it costs ------------------------------------------------------------------------

    async def tariff_for(
        self, identity: str, evse: int | None, token: str | None, token_type: str | None
    ) -> NamedTariff | None:
        """The tariff of a transaction: the token's, its group's, the station's, that of a group which the EVSE or
        the station is in, the default. One that is not valid yet is passed over."""
        if not self._tariffs:
            return None
        names = await self.csms.store.read(lambda c: list(_names(c, identity, evse, token, token_type)))
        names += [each.name for each in self._tariffs.values() if each.is_default]
        now = self.csms.now()
        found = (self._tariffs[name] for name in names if name in self._tariffs)
        return next((each for each in found if each.tariff.valid_from is UNSET or each.tariff.valid_from <= now), None)

    def price(self, tariff: NamedTariff, course: Course) -> TransactionCost:
        """What a transaction costs, by when energy flowed and the EV was idle."""
        return price_course(tariff.tariff, course, self.zone)

    def transaction_changed(self, booked: Booked) -> None:
        """I02.FR.01: the driver is told the running cost, as often as is configured, where it has changed."""
        if booked.state is not BookState.ACTIVE:
            self._shown.pop(booked.id, None)
            return
        every = self.csms.config.tariffs.running_cost_interval
        if booked.cost is None or not every or booked.version == "1.6" or booked.station not in self.csms:
            return
        now, before = self.csms.now(), self._shown.get(booked.id)
        if before is not None and (before[1] == booked.cost or (now - before[0]).total_seconds() < every):
            return
        if self.csms.may_send(booked.station):
            self._shown[booked.id] = (now, booked.cost)
            told = self._tell_cost(booked.station, booked.transaction_id, booked.cost)
            self.csms.background.add(told, "telling the running cost")

    async def _tell_cost(self, identity: str, transaction_id: str, cost: float) -> None:
        try:
            await self.csms.call(identity, v21.CostUpdatedRequest(total_cost=cost, transaction_id=transaction_id))
        except OCPPError as error:
            log.info("%s: the running cost was not shown: %s", identity, error)

    # --- stations of 2.1 that calculate --------------------------------------------------------------------------

    async def set_default(self, identity: str, name: str, evse: int = 0) -> v21.SetDefaultTariffResponse:
        """I07: install a tariff as the default of an EVSE, or of all (0). Raises NoSuchTariff, and what ``call``
        raises: UnknownAction for a station of another version."""
        request = v21.SetDefaultTariffRequest(evse_id=evse, tariff=self.get(name).tariff)
        return await self.csms.call(identity, request)

    async def change_transaction(
        self, identity: str, transaction_id: str, name: str
    ) -> v21.ChangeTransactionTariffResponse:
        """I11: another tariff for a transaction from now on. Raises as :meth:`set_default`."""
        tariff = msgspec.structs.replace(self.get(name).tariff, valid_from=UNSET)
        request = v21.ChangeTransactionTariffRequest(tariff=tariff, transaction_id=transaction_id)
        return await self.csms.call(identity, request)

    async def installed(self, identity: str, evse: int = 0) -> list[v21.TariffAssignmentType]:
        """I09: which tariffs a station has, by EVSE; none is an empty list. Raises what ``call`` raises."""
        answer = await self.csms.call(identity, v21.GetTariffsRequest(evse_id=evse))
        return [] if answer.tariff_assignments is UNSET else answer.tariff_assignments

    async def clear(
        self, identity: str, tariff_ids: Sequence[str] | None = None, evse: int | None = None
    ) -> list[v21.ClearTariffsResultType]:
        """I10: remove these tariffs, or all, from an EVSE, or from all. Raises what ``call`` raises."""
        request = v21.ClearTariffsRequest(
            tariff_ids=list(tariff_ids) if tariff_ids else UNSET, evse_id=UNSET if evse is None else evse
        )
        return (await self.csms.call(identity, request)).clear_tariffs_result


def running_total(cost: TransactionCost) -> float:
    """For ``totalCost`` (I03.FR.02): with taxes."""
    return float(cost.incl_tax)


def course_of(
    readings: Iterable[Reading],
    states: Iterable[tuple[datetime, str]],
    started_at: datetime,
    ended_at: datetime,
    energy_wh: float,
    *,
    is_over: bool = True,
) -> Course:
    """The course of a transaction from its readings and the charging states that were told (of 2.x; of 1.6 its status).
    The register is scaled so that it rises by ``energy_wh``, what the books say, from start to end."""
    registers = sorted((each.timestamp, each.register_wh) for each in readings if each.register_wh is not None)
    curve, risen = [(started_at, 0.0)], 0.0
    for (_, before), (at, after) in itertools.pairwise(registers):
        risen += max(after - before, 0.0)
        if started_at < at < ended_at:
            curve.append((at, risen))
    factor = energy_wh / risen if risen > 0 else 0.0
    curve = [(at, min(wh * factor, energy_wh)) for at, wh in curve] + [(ended_at, energy_wh)]
    told = sorted((max(at, started_at), state) for at, state in states if at <= ended_at)
    moments = sorted({at for at, _ in curve} | {at for at, _ in told})
    steps, state = [], "Charging" if not told else "Idle"
    for moment in moments:
        state = next((each for at, each in reversed(told) if at <= moment), state)
        idle = state in ("EVConnected", "SuspendedEV", "SuspendedEVSE")
        steps.append(CourseStep(moment, _at(curve, moment), state == "Charging", idle))
    return Course(tuple(steps), is_over=is_over)


def _at(curve: Sequence[tuple[datetime, float]], moment: datetime) -> float:
    for (one, low), (other, high) in itertools.pairwise(curve):
        if one <= moment <= other and other > one:
            return low + (high - low) * ((moment - one) / (other - one))
    return curve[-1][1] if moment >= curve[-1][0] else 0.0


def _named(row: Row[Any]) -> NamedTariff:
    tariff = msgspec.convert(row.tariff, v21.TariffType)
    return NamedTariff(row.name, tariff, row.is_default, row.created_at, row.updated_at)


def _valid(name: str, tariff: v21.TariffType | dict[str, Any]) -> v21.TariffType:
    said = msgspec.to_builtins(tariff) if isinstance(tariff, v21.TariffType) else dict(tariff)
    said["tariffId"] = ""
    content = hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:_HASHED]
    said["tariffId"] = f"{name}-{content}"
    try:
        made = msgspec.json.decode(msgspec.json.encode(said), type=v21.TariffType)
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise ConfigurationError(f"tariff {name!r}: {error}") from None
    if wrong := wrong_in_tariff(made):
        raise ConfigurationError(f"tariff {name!r}: {wrong}")
    return made


def _names(
    connection: Connection, identity: str, evse: int | None, token: str | None, token_type: str | None
) -> Iterable[str]:
    """Names of tariffs in the order in which they apply."""
    if token is not None:
        row = find_token(connection, token, token_type)
        if row is not None:
            of_group = select(TOKENS.c.tariff).where(TOKENS.c.id_token == (row.group_token or "").lower())
            yield from filter(None, (row.tariff, *connection.execute(of_group).scalars()))
    yield from filter(
        None, connection.execute(select(STATIONS.c.tariff).where(STATIONS.c.identity == identity)).scalars()
    )
    of_groups = (
        select(GROUPS.c.tariff)
        .join(GROUP_MEMBERS, GROUP_MEMBERS.c.group_name == GROUPS.c.name)
        .where(GROUP_MEMBERS.c.station == identity, GROUP_MEMBERS.c.evse.in_((0, evse or 0)))
        .order_by(GROUP_MEMBERS.c.evse.desc(), GROUPS.c.name)
    )
    yield from filter(None, connection.execute(of_groups).scalars())
