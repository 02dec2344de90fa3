"""What a station answers to the messages of smart charging."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.errors import NotSupported
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.reasons import because
from ocppflow.station.blocks.smart_charging.composite_schedule import CompositePeriod, composite
from ocppflow.station.blocks.smart_charging.external_limits import SOURCES_201
from ocppflow.station.blocks.smart_charging.installed_profile import InstalledProfile
from ocppflow.station.blocks.smart_charging.local_clock import date_time
from ocppflow.station.blocks.smart_charging.profile_checks import (
    CTRLR,
    ProfileChecks,
    ProfileRefusal,
    same_level,
    wrong_values,
)
from ocppflow.station.blocks.smart_charging.schedule_span import LONGEST
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.blocks.smart_charging.charging_block import SmartCharging
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

smart_charging: Router[CompleteStation] = Router(Role.CS, "smart charging")

PERIODS_PER_REPORT = 500
"""So many periods of schedules go into one ReportChargingProfiles, or one profile if it has more: some 40 KB."""
NOT_CLEARED = ("ChargingStationExternalConstraints", "LocalGeneration")
"""What external systems have set, and a CSMS does not clear (K10.FR.08, K10.FR.09)."""


def block_of(station: CompleteStation) -> SmartCharging:
    """The station's block. Raises NotSupported if it does no smart charging (K01.FR.29)."""
    if not station.smart_charging.enabled:
        raise NotSupported("smart charging is not enabled at this station (SmartChargingCtrlr)")
    return station.smart_charging


# --- SetChargingProfile (K01) ----------------------------------------------------------------------------------------


@smart_charging.on(v21.SetChargingProfileRequest)
async def _set_charging_profile(
    station: CompleteStation, request: v21.SetChargingProfileRequest
) -> v21.SetChargingProfileResponse:
    block = block_of(station)
    one = InstalledProfile(request.evse_id, block.stamped(request.charging_profile))
    replaced = _replaced(block, one)
    refusal = _refusal(block, one, replaced)
    if refusal is None:
        refusal = await _install(block, one, replaced)
    if refusal is not None:
        return v21.SetChargingProfileResponse(status="Rejected", status_info=because(*refusal))
    return v21.SetChargingProfileResponse(status="Accepted")


def _replaced(block: SmartCharging, one: InstalledProfile) -> list[InstalledProfile]:
    """In 1.6, a profile takes the place of those with its purpose and stackLevel (3.13.2), where 2.x refuses it."""
    if block.station.version is not Version.V16:
        return []
    return [other for other in block.book if other.profile.id != one.profile.id and same_level(one, other)]


def _refusal(block: SmartCharging, one: InstalledProfile, replaced: list[InstalledProfile]) -> ProfileRefusal | None:
    checks, profile = ProfileChecks(block.station), one.profile
    if not block.station.config.has_evse(one.evse):  # K01.FR.28
        return ProfileRefusal("UnknownEvse", f"there is no EVSE {one.evse}")
    known = block.book.get(profile.id)
    if known is not None and known.profile.charging_profile_purpose == "ChargingStationExternalConstraints":
        return ProfileRefusal("InvalidProfileId", "the station uses this id itself")  # K01.FR.05
    return (
        _transaction(block, one)
        or checks.of_profile(one.evse, profile)
        or checks.of_place_among(one, [each for each in block.book if each not in replaced])
        or _too_soon(block, profile)
    )


def _transaction(block: SmartCharging, one: InstalledProfile) -> ProfileRefusal | None:
    if one.profile.charging_profile_purpose != "TxProfile":
        return None
    if not one.evse:  # K01.FR.16
        return ProfileRefusal("InvalidProfile", "a TxProfile is for an EVSE, not for the station")
    if one.profile.transaction_id is UNSET:  # K01.FR.03
        return ProfileRefusal("MissingParam", "a TxProfile needs its transactionId")
    transaction = block.transaction_on(one.evse)
    if transaction is None or transaction.id != one.profile.transaction_id:  # K01.FR.09, K01.FR.33
        return ProfileRefusal("TxNotFound", f"there is no such transaction on EVSE {one.evse}")
    return None


def _too_soon(block: SmartCharging, profile: v21.ChargingProfileType) -> ProfileRefusal | None:
    """Spares the memory (K01.FR.56)."""
    seconds = block.station.device_model.integer(CTRLR, "UpdateRateLimit")
    if not seconds:
        return None
    purpose, now = profile.charging_profile_purpose, block.station.clock.now()
    if now < block.told_at.get(purpose, -seconds) + seconds:
        return ProfileRefusal("RateLimitExceeded", f"one {purpose} in {seconds} s")
    block.told_at[purpose] = now
    return None


async def _install(
    block: SmartCharging, one: InstalledProfile, replaced: list[InstalledProfile]
) -> ProfileRefusal | None:
    """Keep it, then let it count. What cannot be kept is refused (K01.FR.27)."""
    book, store = block.book, block.station.store
    before = book.get(one.profile.id)
    for other in replaced:
        book.remove(other.profile.id)
    book.put(one)
    try:
        await store.commit()
    except StoreFailed as exc:
        for other in replaced:
            book.put(other)
        log.error("%s: SetChargingProfile was refused: %s", block.station.identity, exc)
        if before is None:
            book.remove(one.profile.id)
        else:
            book.put(before)
        return ProfileRefusal("OutOfStorage", "the profile cannot be kept over a reboot")
    block.fetch_later(one)
    block.changed()
    return None


# --- GetChargingProfiles (K09) ---------------------------------------------------------------------------------------


@smart_charging.on(v21.GetChargingProfilesRequest)
def _get_charging_profiles(
    station: CompleteStation, request: v21.GetChargingProfilesRequest
) -> v21.GetChargingProfilesResponse:
    wanted = request.charging_profile
    found = block_of(station).book.matching(
        ids=wanted.charging_profile_id,
        evse=request.evse_id,
        purpose=wanted.charging_profile_purpose,
        level=wanted.stack_level,
        sources=wanted.charging_limit_source,
    )
    if station.version is Version.V201:
        found = [_in_201(one) for one in found if _is_in_201(one)]
    if not found:
        return v21.GetChargingProfilesResponse(status="NoProfiles", status_info=because("NotFound"))
    station.respond_then(lambda: _report(station, request.request_id, list(_pages(found))))
    return v21.GetChargingProfilesResponse(status="Accepted")


def _is_in_201(one: InstalledProfile) -> bool:
    return one.profile.charging_profile_purpose not in ("PriorityCharging", "LocalGeneration")


def _in_201(one: InstalledProfile) -> InstalledProfile:
    """In 2.0.1's words: a Dynamic profile is an Absolute one that began when its values came (K11.FR.06)."""
    source, profile = one.source if one.source in SOURCES_201 else "Other", one.profile
    if profile.charging_profile_kind == "Dynamic":
        schedule = msgspec.structs.replace(profile.charging_schedule[0], start_schedule=profile.dyn_update_time)
        profile = msgspec.structs.replace(
            profile,
            charging_profile_kind="Absolute",
            charging_schedule=[schedule],
            dyn_update_time=UNSET,
            dyn_update_interval=UNSET,
        )
    return InstalledProfile(one.evse, profile, source)


def _pages(found: list[InstalledProfile]) -> Iterator[list[InstalledProfile]]:
    """What goes into one report each: profiles of one place and source, and not too many."""
    for _, group in groupby(found, key=lambda one: (one.evse, one.source)):
        page: list[InstalledProfile] = []
        periods = 0
        for one in group:
            length = sum(len(schedule.charging_schedule_period) for schedule in one.profile.charging_schedule)
            if page and periods + length > PERIODS_PER_REPORT:
                yield page
                page, periods = [], 0
            page.append(one)
            periods += length
        yield page


async def _report(station: CompleteStation, request_id: int, pages: list[list[InstalledProfile]]) -> None:
    for number, page in enumerate(pages, 1):
        report = v21.ReportChargingProfilesRequest(
            request_id=request_id,
            charging_limit_source=page[0].source,
            charging_profile=[one.profile for one in page],
            evse_id=page[0].evse,
            tbc=number < len(pages),  # K09.FR.02
        )
        if await station.say(report) is None:
            return


# --- ClearChargingProfile (K10) --------------------------------------------------------------------------------------


@smart_charging.on(v21.ClearChargingProfileRequest)
async def _clear_charging_profile(
    station: CompleteStation, request: v21.ClearChargingProfileRequest
) -> v21.ClearChargingProfileResponse:
    block, wanted = block_of(station), request.charging_profile_criteria
    if request.charging_profile_id is not UNSET:  # K10.FR.03
        found = block.book.matching(ids=(request.charging_profile_id,))
    elif wanted is not UNSET:  # K10.FR.04
        found = block.book.matching(
            evse=wanted.evse_id, purpose=wanted.charging_profile_purpose, level=wanted.stack_level
        )
    else:
        found = block.book.matching()
    found = [one for one in found if one.profile.charging_profile_purpose not in NOT_CLEARED]
    if not found:  # K10.FR.01
        return v21.ClearChargingProfileResponse(status="Unknown", status_info=because("NotFound"))
    for one in found:
        block.book.remove(one.profile.id)
        block.cancel_timer(f"update {one.profile.id}")
    try:
        await station.store.commit()
    except StoreFailed as exc:  # they do not count any more, but come back if the power goes before the next commit
        log.error("%s: cleared charging profiles may be there again after a boot: %s", station.identity, exc)
    block.changed()
    return v21.ClearChargingProfileResponse(status="Accepted")


# --- GetCompositeSchedule (K08) --------------------------------------------------------------------------------------


@smart_charging.on(v21.GetCompositeScheduleRequest)
async def _get_composite_schedule(
    station: CompleteStation, request: v21.GetCompositeScheduleRequest
) -> v21.GetCompositeScheduleResponse:
    block = block_of(station)
    evse = request.evse_id
    units = station.device_model.members(CTRLR, "RateUnit", ("A", "W"))
    if not station.config.has_evse(evse):  # K08.FR.05
        return _no_schedule("UnknownEvse", f"there is no EVSE {evse}")
    if request.charging_rate_unit is not UNSET and request.charging_rate_unit not in units:  # K08.FR.07
        return _no_schedule("UnsupportedRateUnit", f"limits in {request.charging_rate_unit} are not supported")
    if request.duration <= 0:
        return _no_schedule("ValuePositiveOnly", "the duration is not above 0")
    limits, now = block.limits(), block.now()
    supply = limits.evses[evse - 1].supply if evse else limits.supply
    unit = request.charging_rate_unit
    if unit is UNSET:
        unit = "W" if "A" not in units or (supply.is_dc and "W" in units) else "A"
    periods, seconds = await _in_slices(
        composite(
            lambda when: limits.evse(evse, when) if evse else limits.total(when, unit),
            now,
            min(request.duration, LONGEST),
            unit,
            supply.voltage,
        )
    )
    schedule = v21.CompositeScheduleType(
        evse_id=evse,
        duration=seconds,
        schedule_start=date_time(now),
        charging_rate_unit=unit,
        charging_schedule_period=[_period(period, supply.is_dc) for period in periods],
    )
    return v21.GetCompositeScheduleResponse(status="Accepted", schedule=schedule)


async def _in_slices(
    composing: Generator[None, None, tuple[list[CompositePeriod], int]],
) -> tuple[list[CompositePeriod], int]:
    """What comes of it; others have their turn in between."""
    while True:
        try:
            next(composing)
        except StopIteration as end:
            result: tuple[list[CompositePeriod], int] = end.value
            return result
        await asyncio.sleep(0)


def _period(period: CompositePeriod, is_dc: bool) -> v21.ChargingSchedulePeriodType:
    return v21.ChargingSchedulePeriodType(
        start_period=period.start, limit=period.limit, number_phases=UNSET if is_dc else period.phases
    )


def _no_schedule(code: str, text: str) -> v21.GetCompositeScheduleResponse:
    return v21.GetCompositeScheduleResponse(status="Rejected", status_info=because(code, text))


# --- Dynamic profiles (K28) ------------------------------------------------------------------------------------------


@smart_charging.on(v21.UpdateDynamicScheduleRequest)
def _update_dynamic_schedule(
    station: CompleteStation, request: v21.UpdateDynamicScheduleRequest
) -> v21.UpdateDynamicScheduleResponse:
    block = block_of(station)
    one, values = block.book.get(request.charging_profile_id), request.schedule_update
    if one is None:
        return v21.UpdateDynamicScheduleResponse(status="Rejected", status_info=because("NotFound"))
    if one.profile.charging_profile_kind != "Dynamic" or one.source != "CSO":  # K28.FR.11
        return v21.UpdateDynamicScheduleResponse(status="Rejected", status_info=because("InvalidProfile"))
    wrong = wrong_values(values)
    if wrong:
        return v21.UpdateDynamicScheduleResponse(status="Rejected", status_info=because("InvalidSchedule", wrong))
    block.update(one, values)
    return v21.UpdateDynamicScheduleResponse(status="Accepted")


# --- PriorityCharging (K21) ------------------------------------------------------------------------------------------


@smart_charging.on(v21.UsePriorityChargingRequest)
def _use_priority_charging(
    station: CompleteStation, request: v21.UsePriorityChargingRequest
) -> v21.UsePriorityChargingResponse:
    block = block_of(station)
    numbers = range(1, len(station.config.evses) + 1)
    running = (block.transaction_on(number) for number in numbers)
    transaction = next((one for one in running if one is not None and one.id == request.transaction_id), None)
    if transaction is None:  # K21.FR.02
        return v21.UsePriorityChargingResponse(status="Rejected", status_info=because("TxNotFound"))
    if request.activate and not block.has_priority_profile(transaction.evse):  # K21.FR.01
        return v21.UsePriorityChargingResponse(status="NoProfile", status_info=because("NotFound"))
    if block.set_priority(transaction, request.activate):
        station.respond_then(lambda: block.tell_priority(transaction.id, request.activate))
    return v21.UsePriorityChargingResponse(status="Accepted")
