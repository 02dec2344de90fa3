"""SmartCharging: what limits the EVs of one station, now and later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from ocppflow.log_budget import budgeted
from ocppflow.messages import v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.smart_charging.composite_schedule import StationLimits
from ocppflow.station.blocks.smart_charging.evse_offers import EvseOffers
from ocppflow.station.blocks.smart_charging.external_limits import ExternalLimits
from ocppflow.station.blocks.smart_charging.installed_profile import (
    Circumstances,
    EvseSituation,
    InstalledProfile,
    station_limits,
)
from ocppflow.station.blocks.smart_charging.local_clock import LocalClock, moment, station_local_clock
from ocppflow.station.blocks.smart_charging.profile_book import ProfileBook
from ocppflow.station.blocks.smart_charging.profile_checks import CTRLR, ProfileChecks, ProfileRefusal, wrong_values
from ocppflow.station.blocks.smart_charging.wiring import supplies
from ocppflow.station.hardware import Offer
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

AREA = "charging_terms"
"""Of the store: ChargingTerms by transactionId."""


class ChargingTerms(msgspec.Struct):
    """What is remembered of a transaction, over a boot too."""

    ready_at: int | None = None
    """When its EV was connected and authorized (K01.FR.42)."""
    priority: bool = False
    """PriorityCharging is in use."""


class SmartCharging(Block):
    """The installed profiles, and the limits that follow from them."""

    __slots__ = ("_offline_since", "_terms", "book", "external", "offers", "told_at")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.book = ProfileBook(station.store)
        """The installed profiles."""
        self.external = ExternalLimits(self)
        self._terms: dict[str, ChargingTerms] = station.store.load(AREA, ChargingTerms)
        self.offers = EvseOffers(self)
        self._offline_since: int | None = self.now()
        self.told_at: dict[str, float] = {}
        """When a profile of a purpose was last set, where that is limited (K01.FR.56)."""

    # --- what happens to the station -----------------------------------------------------------------------------

    def power_up(self) -> None:
        for one in self.book:
            if one.profile.charging_profile_purpose == "TxProfile" and not self._runs(one.profile.transaction_id):
                self.book.remove(one.profile.id)  # it ended while the power was off (K02.FR.05)
        for transaction_id in [each for each in self._terms if not self._runs(each)]:
            self._forget(transaction_id)
        self.changed()
        for one in self.book:
            self.fetch_later(one)

    def connected(self) -> None:
        self._back_online()

    def registered(self) -> None:
        self.external.registered()

    def time_set(self) -> None:
        jump = round(self.station.time.jump.total_seconds() * 1000)
        for transaction_id, terms in self._terms.items():
            if terms.ready_at is not None:  # what is Relative goes on where it was
                terms.ready_at += jump
                self.station.store.put(AREA, transaction_id, terms)
        if self._offline_since is not None:
            self._offline_since += jump
        self.recompute()

    def disconnected(self) -> None:
        self._offline_since = self.now()
        if any(one.profile.max_offline_duration is not UNSET for one in self.book):
            self.recompute()

    def _back_online(self) -> None:
        since, self._offline_since = self._offline_since, None
        if since is None:
            return
        for one in self.book:
            most, ends = one.profile.max_offline_duration, one.profile.invalid_after_offline_duration is True
            if most is not UNSET and ends and self.now() >= since + most * 1000:  # K01.FR.102
                self.book.remove(one.profile.id)
                log.info("%s: profile %d has ended while offline", self.station.identity, one.profile.id)
        self.changed()

    def transaction_started(self, transaction: Transaction) -> None:
        self.recompute()

    def transaction_ended(self, transaction: Transaction) -> None:
        for one in self.book.matching(purpose="TxProfile"):
            if one.profile.transaction_id == transaction.id:  # K02.FR.05
                self.book.remove(one.profile.id)
        self._forget(transaction.id)
        self.changed()

    def _forget(self, transaction_id: str) -> None:
        if self._terms.pop(transaction_id, None) is not None:
            self.station.store.remove(AREA, transaction_id)

    def changed(self) -> None:
        """The installed profiles have changed (K01.FR.07, K10.FR.05): keep what is staged, and let it count."""
        model = self.station.device_model
        if model.find(CTRLR, "Entries", variable_instance="ChargingProfiles") is not None:
            model.set(CTRLR, "Entries", len(self.book), variable_instance="ChargingProfiles")
        self.station.store.commit()
        self.recompute()

    # --- transactions --------------------------------------------------------------------------------------------

    def _runs(self, transaction_id: str | UnsetType) -> bool:
        return transaction_id in self.station.transactions.running

    def transaction_on(self, evse: int) -> Transaction | None:
        """The transaction on an EVSE."""
        return self.station.transactions.on_evse(evse)

    def terms(self, transaction: Transaction) -> ChargingTerms:
        """What is remembered of it; changes are kept by :meth:`keep_terms`."""
        return self._terms.setdefault(transaction.id, ChargingTerms())

    def keep_terms(self, transaction: Transaction) -> None:
        """Stage them in the store."""
        self.station.store.put(AREA, transaction.id, self._terms[transaction.id])

    def check_start_profile(self, profile: v21.ChargingProfileType, evse: int = 0) -> ProfileRefusal | None:
        """Why a profile that comes with a remote start is refused (K05.FR.05); None if it is not, or if it is to be
        ignored (K05.FR.04). ``evse`` 0: nobody knows yet which."""
        if not self.enabled:
            return None
        if profile.charging_profile_purpose != "TxProfile":  # K05.FR.02
            return ProfileRefusal("InvalidProfile", "a profile that comes with a remote start is a TxProfile")
        known = self.book.get(profile.id)
        if known is not None and known.profile.charging_profile_purpose == "ChargingStationExternalConstraints":
            return ProfileRefusal("InvalidProfileId", "the station uses this id itself")
        return ProfileChecks(self.station).of_profile(evse, profile)

    def attach(self, transaction: Transaction, profile: v21.ChargingProfileType) -> None:
        """Let the profile of a remote start apply to the transaction that came of it (K05.FR.03). It is staged: keep it
        with the transaction, by one commit."""
        if not self.enabled:
            return
        own = msgspec.structs.replace(profile, transaction_id=transaction.id)
        one = InstalledProfile(transaction.evse, self.stamped(own))
        self.book.put(one)
        self.fetch_later(one)
        self.recompute()

    @property
    def enabled(self) -> bool:
        """Whether the station does smart charging at all."""
        model = self.station.device_model
        return model.flag(CTRLR, "Available", True) and model.flag(CTRLR, "Enabled", True)

    # --- limits --------------------------------------------------------------------------------------------------

    def now(self) -> int:
        """The time of day in milliseconds since 1970."""
        return moment(self.station.time.now())

    def limits(self) -> StationLimits:
        """The limits as they are known now, to be asked for any moment."""
        config, now = self.station.config, self.now()
        station, evses = supplies(config)
        profiles = list(self.book) if self.enabled else []
        local = any(one.profile.charging_schedule[0].use_local_time is True for one in profiles)
        around = Circumstances(
            supply=station,
            evses=[(supply, self._situation(number, now)) for number, supply in enumerate(evses, 1)],
            local=station_local_clock(self.station.device_model) if local else LocalClock(),
            now=now,
            offline_since=self._offline_since,
            delays=self._delays,
        )
        return station_limits(profiles, around)

    def _situation(self, evse: int, now: int) -> EvseSituation:
        transaction = self.transaction_on(evse)
        if transaction is None:
            return EvseSituation(ready_at=now)
        terms = self._terms.get(transaction.id, ChargingTerms())
        soc = None
        if self.station.hardware is not None and self.limits_by_soc:
            soc = self.station.hardware.evses[evse - 1].read().soc
        ready_at = now if terms.ready_at is None else terms.ready_at
        return EvseSituation(transaction.id, ready_at, terms.priority, soc)

    @property
    def limits_by_soc(self) -> bool:
        """Whether a limit depends on the state of charge (K01.FR.100)."""
        return any(one.profile.charging_schedule[0].limit_at_soc is not UNSET for one in self.book)

    def _delays(self, one: InstalledProfile, situation: EvseSituation) -> Sequence[int]:
        """The same for one profile and transaction, whenever it is asked (K01.FR.93); none without (K08.FR.06)."""
        if situation.transaction_id is None:
            return ()
        schedule = one.profile.charging_schedule[0]
        most = 0 if schedule.randomized_delay is UNSET else schedule.randomized_delay
        seed = f"{self.station.config.seed} {self.station.identity} {situation.transaction_id} {one.profile.id}"
        chance = Random(seed)  # noqa: S311 - it spreads load, and hides nothing
        return [chance.randint(0, most) for _ in schedule.charging_schedule_period]

    def limit(self, evse: int, at: datetime | None = None) -> Offer:
        """What an EVSE may draw at a moment: now, its share of what the station may draw; at another moment, what the
        profiles allow if no other one draws anything."""
        now = self.now()
        when = now if at is None else moment(at)
        if when == now:
            self._note_ready(now)
            self.offers.recompute(asks=evse)
            if (offer := self.offers.made_to(evse)) is not None:
                return offer
        rate, _ = self.limits().evse(evse, when)
        return self.offers.offer(evse, rate)

    def paused(self, evse: int) -> bool:
        """Whether the EV gets nothing now because of a limit."""
        offer = self.offers.made_to(evse)
        return offer is not None and not offer.amps

    def offer_changed(self, evse: int, before: Offer, after: Offer) -> None:
        """The hardware has been told another offer: let the CSMS know of a rate that has changed (K11.FR.04,
        K13.FR.03, SC.02). Pausing and going on is told with the charging state."""
        transaction = self.transaction_on(evse)
        if transaction is None or transaction.charging_state != "Charging" or not (before.watts and after.watts):
            return
        if self.is_significant(before.watts, after.watts):
            self.station.transactions.touch(transaction, "ChargingRateChanged")

    def is_significant(self, before: float, after: float) -> bool:
        """Whether a limit has changed by more than LimitChangeSignificance (SC.03)."""
        percent = self.station.device_model.decimal(CTRLR, "LimitChangeSignificance")
        return before != after and abs(after - before) > before * percent / 100

    def recompute(self, evse: int = 0) -> None:
        """Offer each EVSE what it may have now, and look again when that changes. ``evse``: where something happened;
        since EVSEs share what the station may draw, all are looked at."""
        if self.station.hardware is None:
            return
        self._note_ready(self.now())
        self.offers.recompute()

    def _note_ready(self, now: int) -> None:
        for number in range(1, len(self.station.config.evses) + 1):
            session = self.station.transactions.sessions[number]
            transaction = session.transaction
            if transaction is None or not (session.authorized and session.ev):  # K01.FR.42
                continue
            terms = self.terms(transaction)
            if terms.ready_at is None:
                terms.ready_at = now
                self.keep_terms(transaction)
                self.station.store.commit()

    # --- PriorityCharging (K21, K22) -----------------------------------------------------------------------------

    def has_priority_profile(self, evse: int) -> bool:
        """Whether there is a PriorityCharging profile for this EVSE."""
        return any(one.evse in (0, evse) for one in self.book.matching(purpose="PriorityCharging"))

    def set_priority(self, transaction: Transaction, on: bool) -> bool:
        """Use PriorityCharging for a transaction, or not any more; whether that is new."""
        terms = self.terms(transaction)
        if terms.priority == on:
            return False
        terms.priority = on
        self.keep_terms(transaction)
        self.changed()
        return True

    async def tell_priority(self, transaction_id: str, on: bool) -> None:
        """Let the CSMS know (K21.FR.05, K21.FR.08, K22.FR.03)."""
        await self.station.say(v21.NotifyPriorityChargingRequest(transaction_id=transaction_id, activated=on))

    def ask_for_priority(self, evse: int, on: bool = True) -> bool:
        """The EV driver asks for it at the station, or does not want it any more (K22); False: it cannot be had."""
        transaction = self.transaction_on(evse)
        if transaction is None or not self.enabled or (on and not self.has_priority_profile(evse)):  # K22.FR.01
            return False
        if self.set_priority(transaction, on):
            self.station.work(self.tell_priority(transaction.id, on), "NotifyPriorityCharging")
        return True

    # --- Dynamic profiles (K28) ----------------------------------------------------------------------------------

    def stamped(self, profile: v21.ChargingProfileType) -> v21.ChargingProfileType:
        """A Dynamic profile with the time at which its values came (K28.FR.05)."""
        if profile.charging_profile_kind != "Dynamic" or profile.dyn_update_time is not UNSET:
            return profile
        return msgspec.structs.replace(profile, dyn_update_time=self.station.time.now())

    def fetch_later(self, one: InstalledProfile) -> None:
        """Ask for new values of a Dynamic profile when it is time (K28.FR.10); no longer if it is not one."""
        name = f"update {one.profile.id}"
        interval = one.profile.dyn_update_interval
        if one.profile.charging_profile_kind != "Dynamic" or interval is UNSET or interval <= 0:
            self.cancel_timer(name)
            return
        self.later(name, interval, lambda: self.station.work(self._fetch(one.profile.id), "PullDynamicScheduleUpdate"))

    async def _fetch(self, profile_id: int) -> None:
        answer = await self.station.say(v21.PullDynamicScheduleUpdateRequest(charging_profile_id=profile_id))
        one = self.book.get(profile_id)
        if one is None:
            return
        values = UNSET if answer is None or answer.status != "Accepted" else answer.schedule_update
        if values is UNSET:
            self.fetch_later(one)
        elif wrong := wrong_values(values):
            log.warning("%s: new values for profile %d are left out: %s", self.station.identity, profile_id, wrong)
            self.fetch_later(one)
        else:
            self.update(one, values)  # K28.FR.08

    def update(self, one: InstalledProfile, values: v21.ChargingScheduleUpdateType) -> None:
        """Give a Dynamic profile new values (K28.FR.06, K28.FR.09)."""
        schedule = one.profile.charging_schedule[0]
        new = {
            name: value for name in ("limit", "limit_l2", "limit_l3") if (value := getattr(values, name)) is not UNSET
        }
        period = msgspec.structs.replace(schedule.charging_schedule_period[0], **new)
        schedule = msgspec.structs.replace(schedule, charging_schedule_period=[period])
        profile = msgspec.structs.replace(
            one.profile, charging_schedule=[schedule], dyn_update_time=self.station.time.now()
        )
        one = msgspec.structs.replace(one, profile=profile)
        self.book.put(one)
        self.fetch_later(one)
        self.changed()
