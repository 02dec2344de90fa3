"""K01 and K08 in 2.1: schedules whose periods begin a random while later."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ocppflow.check.cases import station_case
from ocppflow.check.charging_steps import composite, limits_are, profile, rate, schedule, set_profile, transaction_id
from ocppflow.check.heard import Answer
from ocppflow.check.reusable_states import authorized, energy_transfer_started, ev_connected_pre_session
from ocppflow.check.station.k_newer import needs, refused_profile
from ocppflow.check.station.o_messages import session_over
from ocppflow.check.trial import Trial
from ocppflow.check.variables import members
from ocppflow.check.visit import transaction_event, visit_of
from ocppflow.messages import Version, v21

_IN_21: Final = (Version.V21,)
_DAY: Final = 86_400
_DELAY: Final = 5_760
_TWO_DAYS: Final = 134_400

_Bounds = tuple[float, float, float]
"""A period: when it begins at the earliest and at the latest, in seconds, and its limit."""


def _daily(trial: Trial, *periods: tuple[int, float]) -> v21.ChargingProfileType:
    delayed = schedule(trial, *periods, start=trial.now(), duration=_DAY, randomized_delay=_DELAY)
    return profile(trial, kind="Recurring", recurrency_kind="Daily", schedules=[delayed])


def _periods(answer: Answer[Any]) -> list[tuple[float, float]]:
    """Start and limit of each period; one that only differs from the one before in something else is left out."""
    found: list[tuple[float, float]] = []
    for period in answer.at("schedule.chargingSchedulePeriod"):
        if not found or found[-1][1] != period.get("limit"):
            found.append((period["startPeriod"], period.get("limit")))
    return found


def _within(trial: Trial, answer: Answer[Any], since: datetime, *wanted: _Bounds, by: str = "K01.FR.92") -> None:
    begin = datetime.fromisoformat(answer.at("schedule.scheduleStart"))
    passed, slack = (begin - since).total_seconds(), trial.settings.tolerance + 1
    told = _periods(answer)
    if len(told) == len(wanted) - 1 and told[0][1] == rate(trial, wanted[1][2]):
        wanted = wanted[1:]  # the first was over when the schedule was asked for
    text = f"the schedule has {len(told)} limits one after another, not {len(wanted)}"
    trial.check(len(told) == len(wanted), text, at=answer, by=by)
    for (start, limit), (first, last, due) in zip(told, wanted, strict=True):
        in_time = max(0.0, first - passed - slack) <= start <= max(0.0, last - passed + slack)
        text = f"a limit begins after {start} s, not {first - passed:.0f} to {last - passed:.0f} s"
        trial.check(in_time, text, at=answer, by=by)
        trial.check(limit == rate(trial, due), f"the limit from {start} s on is {limit:g}", at=answer, by=by)


@station_case("K01.FR.92", "K01.FR.93", versions=_IN_21)
async def TC_K_106_CS(trial: Trial) -> None:
    """Periods begin a random while later, but not twice."""
    await needs(trial, "RandomizedDelay")
    await energy_transfer_started(trial)
    running = await transaction_id(trial)
    since = trial.now()
    await set_profile(trial, _daily(trial, (0, 6.0), (1, 0.0), (28_800, 6.0)), 0)
    day: tuple[_Bounds, ...] = ((0, 0, 6), (1, 1 + _DELAY, 0), (28_800, 28_800 + _DELAY, 6))
    next_day = ((_DAY, _DAY + 1 + _DELAY, 0), (115_200, 115_200 + _DELAY, 6))
    _within(trial, await composite(trial, _TWO_DAYS), since, *day, *next_day)
    own = ((0, 3.0), (9_600, 0.0), (19_200, 2.0))
    delayed = schedule(trial, *own, start=trial.now(), duration=38_400, randomized_delay=_DELAY)
    one = profile(trial, "TxProfile", number=1, transaction_id=running, schedules=[delayed])
    since = trial.now()
    await set_profile(trial, one)
    first = ((0, 0, 3), (9_600, 9_600 + _DELAY, 0), (19_200, 19_200 + _DELAY, 2), (38_400, 38_400, 6))
    answer = await composite(trial, _TWO_DAYS)
    _within(trial, answer, since, *first, *next_day)
    again = await composite(trial, _TWO_DAYS)
    slack = trial.settings.tolerance + 1
    same = all(abs(a[0] - b[0]) <= slack for a, b in zip(_periods(answer), _periods(again), strict=True))
    trial.check(same, "the delays are other ones each time", at=again, by="K01.FR.93")


@station_case("K01.FR.95", versions=_IN_21)
async def TC_K_107_CS(trial: Trial) -> None:
    """A random delay is for profiles of transactions."""
    await needs(trial, "RandomizedDelay")
    more = await members(trial, "SmartChargingCtrlr", "SupportedAdditionalPurposes")
    purposes: tuple[v21.ChargingProfilePurposeEnumType, ...] = (
        "ChargingStationMaxProfile",
        "PriorityCharging",
        "LocalGeneration",
    )
    for number, purpose in enumerate(purposes):
        if number and purpose not in more:
            continue
        one = profile(trial, purpose, number=number, duration=None)
        one.charging_schedule[0].randomized_delay = 900
        await refused_profile(trial, one, 0, "InvalidSchedule", by="K01.FR.95")
        one.charging_schedule[0].randomized_delay = 0
        await set_profile(trial, one, 0, by="K01.FR.95")


async def _started(trial: Trial) -> None:
    """A driver is authorized and an EV connected: the transaction begins. Its limit may be 0 from the first."""
    visit = visit_of(trial)
    await authorized(trial)
    await ev_connected_pre_session(trial)
    while not visit.started or visit.state == "EVConnected":
        await transaction_event(trial, visit, by="E01.FR.07")


@station_case("K01.FR.92", "K01.FR.93", versions=_IN_21)
async def TC_K_108_CS(trial: Trial) -> None:
    """Each transaction has its own random delays."""
    await needs(trial, "RandomizedDelay")
    await set_profile(trial, _daily(trial, (0, 0.0), (28_800, 6.0)), 0)
    starts: list[tuple[datetime, float]] = []
    for last in (False, True):
        await _started(trial)
        answer = await composite(trial, _TWO_DAYS)
        periods = answer.at("schedule.chargingSchedulePeriod")
        trial.check(len(periods) > 1, "the limit does not change", at=answer, by="K01.FR.92")
        starts.append((datetime.fromisoformat(answer.at("schedule.scheduleStart")), periods[1]["startPeriod"]))
        if not last:
            await session_over(trial)
    passed = (starts[1][0] - starts[0][0]).total_seconds()
    same = abs(starts[0][1] - passed - starts[1][1]) <= 1
    trial.check(not same, "the delay is the same in the next transaction", at=answer, by="K01.FR.92")


@station_case("K08.FR.06", versions=_IN_21)
async def TC_K_112_CS(trial: Trial) -> None:
    """Without a transaction there are no random delays."""
    await needs(trial, "RandomizedDelay")
    now = trial.now()
    periods = ((0, 6.0), (3_600, 7.0), (7_200, 8.0))
    await set_profile(
        trial, profile(trial, schedules=[schedule(trial, *periods, start=now, randomized_delay=1_000)]), 0
    )
    limits_are(trial, await composite(trial, 8_000), now, *periods, by="K08.FR.06")
