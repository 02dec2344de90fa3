"""Steps with charging profiles: how they are made, reported and compared, and what a composite schedule has to say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from ocppflow.check.heard import PRESENT, Answer, Heard
from ocppflow.check.trial import Trial
from ocppflow.check.visit import visit_of
from ocppflow.messages import Message, Version, v21
from ocppflow.messages.vocabulary import to_v201

DURATION: Final = 300
"""Seconds that a schedule lasts where a case leaves it to the tester."""

_NEAR: Final = 0.05
"""A limit may be rounded so far, in A; in W a thousand times."""

_NOTHING_SAID: Final = {
    "numberPhases": 3,
    "operationMode": "ChargingOnly",
    "useLocalTime": False,
    "randomizedDelay": 0,
    "preconditioningRequest": False,
    "evseSleep": False,
    "invalidAfterOfflineDuration": False,
}
"""Fields that mean the same as if they were not there."""


def rate(trial: Trial, amps: float) -> float:
    """A limit in the unit that the tester has chosen: in W it is a thousand times what it is in A, as Part 6 has it."""
    return amps * 1000 if trial.settings.rate_unit == "W" else amps


def schedule(
    trial: Trial,
    *periods: tuple[int, float],
    start: datetime | None = None,
    duration: int | None = None,
    unit: v21.ChargingRateUnitEnumType | None = None,
    **more: Any,
) -> v21.ChargingScheduleType:
    """A schedule of periods: seconds and limit, in A or thousands of W."""
    return v21.ChargingScheduleType(
        id=1,
        charging_rate_unit=unit or trial.settings.rate_unit,
        charging_schedule_period=[
            v21.ChargingSchedulePeriodType(
                start_period=begin, limit=rate(trial, limit), number_phases=trial.settings.phases or UNSET
            )
            for begin, limit in periods
        ],
        start_schedule=UNSET if start is None else start,
        duration=UNSET if duration is None else duration,
        **more,
    )


def profile(
    trial: Trial,
    purpose: v21.ChargingProfilePurposeEnumType = "TxDefaultProfile",
    *periods: tuple[int, float],
    number: int = 0,
    level: int = 0,
    kind: v21.ChargingProfileKindEnumType = "Absolute",
    start: datetime | None = None,
    duration: int | None = DURATION,
    schedules: list[v21.ChargingScheduleType] | None = None,
    **more: Any,
) -> v21.ChargingProfileType:
    """A profile with the tester's id, plus ``number``. Without ``periods`` there is one of 6 A or 6,000 W; a schedule
    that needs a ``start`` begins now."""
    if start is None and kind in ("Absolute", "Recurring"):
        start = trial.now()
    made = schedules or [schedule(trial, *(periods or ((0, 6.0),)), start=start, duration=duration)]
    return v21.ChargingProfileType(
        id=trial.settings.profile_id + number,
        stack_level=level,
        charging_profile_purpose=purpose,
        charging_profile_kind=kind,
        charging_schedule=made,
        **more,
    )


def around(trial: Trial, seconds: float) -> dict[str, Any]:
    """Valid from a bit ago until a bit after ``seconds``: by as much as clocks may differ."""
    slack = timedelta(seconds=trial.settings.tolerance)
    now = trial.now()
    return {"valid_from": now - slack, "valid_to": now + slack + timedelta(seconds=seconds)}


async def set_profile(
    trial: Trial,
    one: v21.ChargingProfileType,
    evse: int | None = None,
    status: str = "Accepted",
    *,
    by: str = "K01.FR.07",
) -> Answer[v21.SetChargingProfileResponse]:
    """SetChargingProfile is answered with ``status``."""
    where = trial.evse if evse is None else evse
    answer = await trial.call(v21.SetChargingProfileRequest(evse_id=where, charging_profile=one))
    answer.must("status", status, by=by)
    return answer


async def transaction_id(trial: Trial) -> str:
    """The id of the transaction at the usual EVSE, which the station has told."""
    told = visit_of(trial).transaction
    trial.check(told, "the station has not told the id of the transaction", by="E01.FR.07")
    return str(told)


# --- reports ---------------------------------------------------------------------------------------------------------

Told = tuple[Heard[v21.ReportChargingProfilesRequest], dict[str, Any]]
"""A profile of a report, and the message in which it came."""


async def get_profiles(
    trial: Trial, evse: int | None = None, status: str = "Accepted", *, by: str = "", **criteria: Any
) -> list[Told]:
    """The profiles that the station reports, with the numbering checked and until all have come (K09.FR.01,
    K09.FR.02)."""
    request_id = trial.request_id()
    answer = await ask_for_profiles(trial, evse, request_id, **criteria)
    answer.must("status", status, by=by or ("K09.FR.03" if status == "NoProfiles" else "K09.FR.02"))
    found: list[Told] = []
    more = status == "Accepted"
    while more:
        report = await trial.expect(v21.ReportChargingProfilesRequest, {"requestId": request_id}, by="K09.FR.01")
        found += [(report, one) for one in report.payload.get("chargingProfile", [])]
        more = report.at("tbc") is True
    return found


async def ask_for_profiles(
    trial: Trial, evse: int | None = None, request_id: int = 0, **criteria: Any
) -> Answer[v21.GetChargingProfilesResponse]:
    """The answer to GetChargingProfiles; what is reported then is not looked at."""
    return await trial.call(
        v21.GetChargingProfilesRequest(
            request_id=request_id or trial.request_id(),
            charging_profile=v21.ChargingProfileCriterionType(**criteria),
            evse_id=UNSET if evse is None else evse,
        )
    )


async def reported_is(
    trial: Trial, one: v21.ChargingProfileType, evse: int | None = None, *, by: str = "K09.FR.02"
) -> None:
    """The station reports this profile by its id, as it was set, for this EVSE."""
    found = await get_profiles(trial, charging_profile_id=[one.id])
    has_profile(trial, found, one, evse, by=by)
    trial.check(len(found) == 1, f"{len(found)} profiles came for one id", at=found[0][0], by=by)


def has_profile(
    trial: Trial, found: Sequence[Told], one: v21.ChargingProfileType, evse: int | None = None, *, by: str = "K09.FR.02"
) -> None:
    """The profile is among those reported, for this EVSE and as it was set."""
    where = trial.evse if evse is None else evse
    mine = [told for told in found if told[1].get("id") == one.id]
    trial.check(mine, f"profile {one.id} is not reported", at=found[-1][0] if found else None, by=by)
    report, payload = mine[0]
    report.must("evseId", where, by=by)
    wrong = _difference(_sent(trial, one), payload, "chargingProfile")
    trial.check(not wrong, wrong, at=report, by=by)


def only_profiles(trial: Trial, found: Sequence[Told], *wanted: v21.ChargingProfileType, by: str = "K09.FR.04") -> None:
    """No other profile is reported than these."""
    ids = {one.id for one in wanted}
    for report, payload in found:
        trial.check(payload.get("id") in ids, f"profile {payload.get('id')} was not asked for", at=report, by=by)


def _sent(trial: Trial, one: v21.ChargingProfileType) -> dict[str, Any]:
    request: Message = v21.SetChargingProfileRequest(evse_id=0, charging_profile=one)
    said = to_v201(request) if trial.version is Version.V201 else request
    sent: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(said))["chargingProfile"]
    return sent


def _difference(sent: Any, told: Any, path: str) -> str:
    """In what a reported value differs from the one that was set; empty if in nothing."""
    if isinstance(sent, dict) and isinstance(told, dict):
        for name, value in sent.items():
            if name not in told:
                if _NOTHING_SAID.get(name, UNSET) != value:
                    return f"{path}.{name} is not reported"
            elif wrong := _difference(value, told[name], f"{path}.{name}"):
                return wrong
        for name in told.keys() - sent.keys() - {"customData", "transactionId"}:
            if _NOTHING_SAID.get(name, UNSET) != told[name]:
                return f"{path}.{name} is reported as {told[name]} and was not set"
        return ""
    if isinstance(sent, list) and isinstance(told, list):
        if len(sent) != len(told):
            return f"{path} has {len(told)} items, not {len(sent)}"
        return next(
            (w for i, pair in enumerate(zip(sent, told, strict=True)) if (w := _difference(*pair, f"{path}[{i}]"))), ""
        )
    same = sent == told or (_moment(sent) is not None and _moment(sent) == _moment(told))
    return "" if same else f"{path} is {told}, not {sent}"


def _moment(value: Any) -> datetime | None:
    """A time, to the second."""
    try:
        return datetime.fromisoformat(value).replace(microsecond=0) if isinstance(value, str) else None
    except ValueError:
        return None


# --- composite schedules ---------------------------------------------------------------------------------------------


async def composite(
    trial: Trial, duration: int, evse: int | None = None, *, by: str = "K08.FR.02"
) -> Answer[v21.GetCompositeScheduleResponse]:
    """The composite schedule of an EVSE, in the tester's unit and for so many seconds from now on."""
    where, unit, now = trial.evse if evse is None else evse, trial.settings.rate_unit, trial.now()
    answer = await trial.call(
        v21.GetCompositeScheduleRequest(evse_id=where, duration=duration, charging_rate_unit=unit)
    )
    answer.must("status", "Accepted", by=by)
    answer.must("schedule.evseId", where, by=by)
    answer.must("schedule.duration", duration, by=by)
    answer.must("schedule.chargingRateUnit", unit, by=by)
    begin = datetime.fromisoformat(answer.must("schedule.scheduleStart", PRESENT, by=by))
    apart = abs((begin - now).total_seconds())
    trial.check(apart <= trial.settings.tolerance, f"scheduleStart is off by {apart:.0f} s", at=answer, by=by)
    starts = [period.get("startPeriod") for period in answer.at("schedule.chargingSchedulePeriod")]
    trial.check(starts[0] == 0, "the first period does not start at 0", at=answer, by="K08.FR.02")
    in_order = all(before < after for before, after in pairwise(starts))
    trial.check(in_order, "the periods are not in the order of their startPeriod", at=answer, by="K08.FR.02")
    return answer


async def no_composite(
    trial: Trial, evse: int, unit: v21.ChargingRateUnitEnumType | UnsetType = UNSET, *, by: str
) -> None:
    """GetCompositeSchedule is rejected, and no schedule is told."""
    answer = await trial.call(
        v21.GetCompositeScheduleRequest(
            evse_id=evse, duration=DURATION, charging_rate_unit=unit or trial.settings.rate_unit
        )
    )
    answer.must("status", "Rejected", by=by)
    trial.check("schedule" not in answer.payload, "a schedule is told all the same", at=answer, by=by)


def limits_are(
    trial: Trial,
    answer: Answer[v21.GetCompositeScheduleResponse],
    since: datetime,
    *wanted: tuple[float, float | None],
    by: str = "K08.FR.02",
) -> None:
    """From so many seconds after ``since`` on, the schedule has such a limit (in A, or thousands of W), until the next
    of these begins; None is not judged. A limit may change as much too early or late as clocks may differ."""
    begin = datetime.fromisoformat(answer.at("schedule.scheduleStart"))
    passed = (begin - since).total_seconds()
    duration = answer.at("schedule.duration")
    steps = [(max(0.0, start - passed), limit) for start, limit in wanted]
    slack = trial.settings.tolerance + 1
    for (start, limit), (end, _) in pairwise([*steps, (inf, None)]):
        first = start + slack if start else 0.0
        last = min(duration, end - slack if end < inf else inf)
        if limit is not None and first < last:
            _limit_between(trial, answer, first, last, rate(trial, limit), by)


def _limit_between(
    trial: Trial, answer: Answer[v21.GetCompositeScheduleResponse], first: float, last: float, limit: float, by: str
) -> None:
    periods = answer.at("schedule.chargingSchedulePeriod")
    ends = [period["startPeriod"] for period in periods[1:]] + [inf]
    for period, end in zip(periods, ends, strict=True):
        if period["startPeriod"] < last and end > first:
            told = period.get("limit", inf)
            near = abs(told - limit) <= rate(trial, _NEAR)
            text = f"the limit from {period['startPeriod']} s on is {told:g}, not {limit:g}"
            trial.check(near, text, at=answer, by=by)
