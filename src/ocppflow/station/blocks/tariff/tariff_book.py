"""TariffBook: the tariffs that are installed at a station (2.1 I07 to I10)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from ocppflow.log_budget import budgeted
from ocppflow.messages import v21
from ocppflow.station.blocks.id_tokens import same_token
from ocppflow.station.blocks.smart_charging.local_clock import moment
from ocppflow.station.blocks.tariff.tariff_rules import count, has_conditions, wrong_in
from ocppflow.station.device_model import VariableKey

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

AREA: Final = "tariffs"
"""Of the store: DefaultTariff by ``EVSE/tariffId`` (I07.FR.13)."""
CTRLR: Final = "TariffCostCtrlr"

_SEVERITY: Final = 4
"""Of what is told of a tariff that cannot be used: an error, and nothing is broken."""

Fault = tuple[v21.TariffChangeStatusEnumType, str]
"""Why a tariff is not taken: the status, and a word for people."""


class DefaultTariff(msgspec.Struct, frozen=True):
    """A tariff for whoever charges at an EVSE."""

    evse: int
    tariff: v21.TariffType
    since: int
    """When it becomes valid: its validFrom, or when it was installed; milliseconds since 1970. The one with the latest
    counts; what takes the place of a tariff without validFrom does so when it is installed, or later."""


_MOST_DEFAULTS: Final = 10
"""Of an EVSE: the one that counts, and those that will later."""


class TariffInUse(NamedTuple):
    """The tariff of a transaction, and the driver's token."""

    tariff_id: str
    token: str
    kind: v21.TariffKindEnumType


class TariffBook:
    """Default tariffs by EVSE, and those of drivers."""

    __slots__ = ("_central", "_defaults", "_drivers", "_station")

    def __init__(self, station: CompleteStation) -> None:
        self._station = station
        self._defaults: list[DefaultTariff] = list(station.store.load(AREA, DefaultTariff).values())
        self._drivers: list[tuple[v21.IdTokenType, v21.TariffType]] = []
        self._central: list[v21.IdTokenType] = []

    @property
    def is_empty(self) -> bool:
        """Whether there is no tariff at all."""
        return not self._defaults and not self._drivers

    def is_full(self, evse: int) -> bool:
        """Whether there is no room for a further default of this EVSE, or of all."""
        places = [evse] if evse else range(1, len(self._station.config.evses) + 1)
        return any(sum(one.evse == place for one in self._defaults) >= _MOST_DEFAULTS for place in places)

    def fault_in(self, tariff: v21.TariffType) -> Fault | None:
        """Why the station cannot calculate with it (I07.FR.02 to I07.FR.05, I11.FR.02)."""
        model = self._station.device_model
        most = model.integer(CTRLR, "MaxElements", variable_instance="Tariff")
        if most and count(tariff) > most:
            return "TooManyElements", f"a tariff has at most {most} prices"
        if has_conditions(tariff) and not model.flag(CTRLR, "ConditionsSupported", variable_instance="Tariff"):
            return "ConditionNotSupported", "prices cannot depend on conditions"
        wrong = wrong_in(tariff)
        return ("Rejected", wrong) if wrong else None

    def knows(self, tariff_id: str) -> bool:
        """Whether a tariff has this id (I07.FR.04)."""
        every = [one.tariff for one in self._defaults] + [tariff for _, tariff in self._drivers]
        return any(tariff.tariff_id == tariff_id for tariff in every)

    # --- defaults ------------------------------------------------------------------------------------------------

    def install(self, evse: int, tariff: v21.TariffType) -> None:
        """Make it the default of an EVSE, or of all (I07.FR.11, I07.FR.12). It is staged in the store."""
        now = moment(self._station.time.now())
        valid = now if tariff.valid_from is UNSET else moment(tariff.valid_from)
        for number in [evse] if evse else range(1, len(self._station.config.evses) + 1):
            current = self.default(number)
            replaces = current is not None and current.valid_from is UNSET  # whenever that came (I07.FR.20)
            one = DefaultTariff(number, tariff, max(valid, now) if replaces else valid)
            self._defaults.append(one)
            self._station.store.put(AREA, f"{number}/{tariff.tariff_id}", one)
        self.tidy()

    def default(self, evse: int) -> v21.TariffType | None:
        """The default of an EVSE now."""
        now = moment(self._station.time.now())
        valid = [one for one in self._defaults if one.evse == evse and one.since <= now]  # I07.FR.19
        return max(reversed(valid), key=lambda one: one.since).tariff if valid else None  # of equals the newest

    def tidy(self) -> None:
        """Let those go that a later valid one has replaced (I07.FR.20 to I07.FR.23)."""
        for one in list(self._defaults):
            current = self.default(one.evse)
            if current is not None and one.since <= moment(self._station.time.now()) and one.tariff is not current:
                self._remove(one)

    def _remove(self, one: DefaultTariff) -> None:
        self._defaults.remove(one)
        self._station.store.remove(AREA, f"{one.evse}/{one.tariff.tariff_id}")

    def clear(self, ids: list[str] | UnsetType, evse: int) -> list[str]:
        """Remove those that match (I10.FR.01 to I10.FR.05); their ids. Transactions go on with theirs (I10.FR.07)."""
        gone: dict[str, None] = {}
        for one in list(self._defaults):
            if evse in (0, one.evse) and (ids is UNSET or one.tariff.tariff_id in ids):
                gone[one.tariff.tariff_id] = None
                self._remove(one)
        if not evse:
            for token, tariff in list(self._drivers):
                if ids is UNSET or tariff.tariff_id in ids:
                    gone[tariff.tariff_id] = None
                    self._drivers.remove((token, tariff))
        return list(gone)

    def assignments(self, evse: int, in_use: dict[int, TariffInUse]) -> list[v21.TariffAssignmentType]:
        """What there is (I09). ``in_use``: by EVSE, what its transaction has; also a default that has been cleared
        (I10.FR.07)."""
        self.tidy()
        found = []
        defaults: dict[str, tuple[set[int], datetime | UnsetType]] = {}
        for one in self._defaults:
            if evse in (0, one.evse):
                defaults.setdefault(one.tariff.tariff_id, (set(), one.tariff.valid_from))[0].add(one.evse)
        for place, used in in_use.items():
            if evse in (0, place) and used.kind == "DefaultTariff" and used.tariff_id not in defaults:
                defaults[used.tariff_id] = {place}, UNSET
        for number, (where, valid) in defaults.items():
            found.append(
                v21.TariffAssignmentType(
                    tariff_id=number, tariff_kind="DefaultTariff", evse_ids=sorted(where), valid_from=valid
                )
            )
        drivers: dict[str, tuple[list[int], list[str]]] = {}
        for place, used in in_use.items():
            if evse in (0, place) and used.tariff_id not in defaults:
                drivers.setdefault(used.tariff_id, ([], []))[0].append(place)
                drivers[used.tariff_id][1].append(used.token)
        for waiting, tariff in self._drivers:
            if not evse:
                drivers.setdefault(tariff.tariff_id, ([], []))[1].append(waiting.id_token)
        for number, (places, tokens) in drivers.items():
            found.append(
                v21.TariffAssignmentType(
                    tariff_id=number,
                    tariff_kind="DriverTariff",
                    evse_ids=sorted(places) or UNSET,
                    id_tokens=[token for token in dict.fromkeys(tokens) if token] or UNSET,
                )
            )
        return found

    # --- drivers -------------------------------------------------------------------------------------------------

    def take_from_driver(self, token: v21.IdTokenType, tariff: v21.TariffType) -> bool:
        """The CSMS has a tariff for this driver (I08.FR.04); False if that one cannot be used, and the driver therefore
        not be let in (I08.FR.30, HandleFailedTariff)."""
        self.forget_driver(token)
        fault = self.fault_in(tariff)
        if not self._station.tariff.calculates:
            fault = "Rejected", "the station does not calculate costs"
        self.problem("" if fault is None else fault[0])
        most = len(self._station.config.evses)  # who has not begun when so many others have come will not
        if fault is None:
            del self._drivers[:-most]
            self._drivers.append((token, tariff))
            return True
        log.warning("%s: the tariff of a driver cannot be used: %s", self._station.identity, fault[1])
        handling = self._station.device_model.text(CTRLR, "HandleFailedTariff", variable_instance="Tariff")
        if handling == "CentralCost":  # I08.FR.33
            del self._central[:-most]
            self._central.append(token)
        return handling != "Deauthorize"

    def of_driver(self, token: v21.IdTokenType | None) -> v21.TariffType | None:
        """The tariff of a driver."""
        return next((tariff for driver, tariff in self._drivers if same_token(driver, token)), None)

    def is_central(self, token: v21.IdTokenType) -> bool:
        """Whether the CSMS calculates what this driver has to pay."""
        return any(same_token(token, one) for one in self._central)

    def forget_driver(self, token: v21.IdTokenType | None) -> None:
        """It was for one transaction (I08.FR.06)."""
        self._drivers = [one for one in self._drivers if not same_token(one[0], token)]
        self._central = [one for one in self._central if not same_token(one, token)]

    def problem(self, code: str) -> None:
        """Whether a tariff could not be used (I08.FR.30, I08.FR.35, I12.FR.18): ``code`` says why. The CSMS is
        told, unless a monitor of its own does that (I08.FR.31, I08.FR.36)."""
        model, key = self._station.device_model, VariableKey(CTRLR, "Problem")
        if model.find(CTRLR, "Problem") is None:
            return
        before = model.flag(CTRLR, "Problem")
        model.set(CTRLR, "Problem", bool(code))
        active = self._station.monitoring.table.active.values()
        monitored = any(each.key == key and each.type == "Delta" for each in active)
        if (before or code) and not monitored:
            value = "true" if code else "false"
            self._station.monitoring.notify(key, value, _SEVERITY, cleared=not code, tech_code=code)
