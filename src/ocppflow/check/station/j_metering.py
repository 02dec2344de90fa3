"""J01, J02: meter values, on the dot of the clock and sampled in transactions."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, PRESENT, CheckFailed, Finding, Heard
from ocppflow.check.reusable_states import (
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_occupied,
    parking_bay_unoccupied,
    stop_authorized,
)
from ocppflow.check.start_stop_points import starts_at
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure, configure_if_there, get_variable, members
from ocppflow.check.visit import visit_of

_REGISTER = "Energy.Active.Import.Register"
_SLACK = 1.5
"""Seconds by which the distance of two readings may be off."""


def _samples(heard: Heard[Any]) -> list[dict[str, Any]]:
    """All sampled values of a message."""
    return [sample for value in heard.payload.get("meterValue", []) for sample in value.get("sampledValue", [])]


def _measured(samples: Iterable[dict[str, Any]]) -> set[str]:
    return {sample.get("measurand", _REGISTER) for sample in samples}


def _all_measured(trial: Trial, wanted: set[str], messages: list[Heard[Any]], *, by: str) -> None:
    """Each configured measurand is in the messages of one moment, which may be several."""
    found = _measured(sample for heard in messages for sample in _samples(heard))
    missing = {measurand.partition("[")[0] for measurand in wanted} - found
    trial.check(not missing, f"no value of {', '.join(sorted(missing))}", at=messages[-1], by=by)


def _moments(messages: Iterable[Heard[Any]]) -> dict[float, list[Heard[Any]]]:
    """The messages by the time at which was measured, in seconds since 1970."""
    found: dict[float, list[Heard[Any]]] = {}
    for heard in messages:
        for value in heard.payload.get("meterValue", []):
            moment = datetime.fromisoformat(value["timestamp"]).timestamp()
            if heard not in found.setdefault(moment, []):
                found[moment].append(heard)
    return dict(sorted(found.items()))


def _evenly(trial: Trial, moments: list[float], interval: int, at: Heard[Any], *, by: str) -> None:
    for before, after in itertools.pairwise(moments):
        text = f"{after - before:.1f} s lie between two readings, not {interval}"
        trial.check(abs(after - before - interval) <= _SLACK, text, at=at, by=by)


async def _aligned(trial: Trial, *, idle_only: bool | None = None) -> set[str]:
    """Clock-aligned values are configured; the measurands."""
    await configure(trial, "AlignedDataCtrlr", "Interval", str(trial.settings.aligned_interval))
    if idle_only is not None:
        await configure_if_there(trial, "AlignedDataCtrlr", "SendDuringIdle", "true" if idle_only else "false")
    return await members(trial, "AlignedDataCtrlr", "Measurands")


async def _clock_values(trial: Trial, count: int, *, evse: int, by: str) -> list[Heard[Any]]:
    """MeterValues of ``count`` moments for an EVSE, each judged."""
    begin = trial.mark()
    seconds = trial.settings.aligned_interval * (count + 1) + trial.settings.patience

    def look() -> list[Heard[Any]] | None:
        mine = [h for h in trial.bench.inbox[begin:] if h.action == "MeterValues" and h.at("evseId") == evse]
        return mine if len(_moments(mine)) >= count else None

    found = await trial.bench.until(look, seconds)
    trial.check(found is not None, f"no {count} MeterValues of EVSE {evse} within {seconds:g} s", by=by)
    messages = found or []
    for heard in messages:
        heard.taken = True
        heard.must("meterValue[0].sampledValue[0].context", "Sample.Clock", by="J01.FR.03")
    return messages


@station_case("J01.FR.01", "J01.FR.02", "J01.FR.03", "J01.FR.06", "J01.FR.07", "J01.FR.08", "J01.FR.14", "J01.FR.15")
async def TC_J_01_CS(trial: Trial) -> None:
    """Clock-aligned values without a transaction."""
    wanted = await _aligned(trial)
    messages = await _clock_values(trial, 3, evse=trial.evse, by="J01.FR.01")
    moments = _moments(messages)
    for each in moments.values():
        _all_measured(trial, wanted, each, by="J01.FR.02")
    _evenly(trial, list(moments), trial.settings.aligned_interval, messages[-1], by="J01.FR.08")


@station_case("J01.FR.01", "J01.FR.02", "J01.FR.03", "J01.FR.06", "J01.FR.07", "J01.FR.08", "J01.FR.14", "J01.FR.15")
async def TC_J_02_CS(trial: Trial) -> None:
    """Clock-aligned values with a transaction."""
    wanted = await _aligned(trial, idle_only=False)
    await energy_transfer_started(trial)
    begin = trial.mark()
    await trial.wait(3 * trial.settings.aligned_interval + 1)
    inbox = trial.since(begin)
    events = [h for h in inbox if h.action == "TransactionEvent" and h.at("triggerReason") == "MeterValueClock"]
    mine = [h for h in inbox if h.action == "MeterValues" and h.at("evseId") == trial.evse]
    messages = events or mine
    trial.check(messages, "no values came on the dot of the clock", by="J01.FR.14")
    for heard in messages:
        heard.must("meterValue[0].sampledValue[0].context", "Sample.Clock", by="J01.FR.03")
    moments = _moments(messages)
    for each in moments.values():
        _all_measured(trial, wanted, each, by="J01.FR.02")
    _evenly(trial, list(moments), trial.settings.aligned_interval, messages[-1], by="J01.FR.08")


async def _whole_session(trial: Trial, seconds: float) -> Heard[Any]:
    """A session of so long; the TransactionEvent that ended it."""
    await energy_transfer_started(trial)
    visit = visit_of(trial)
    await trial.wait(seconds)
    await stop_authorized(trial)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)
    for heard in trial.bench.inbox:
        told = heard.at("transactionInfo.transactionId")
        if heard.at("eventType") == "Ended" and told == visit.transaction:
            return heard
    raise CheckFailed(Finding(text="no TransactionEvent Ended came", requirements=("E06.FR.11",)))


def _ended_values(trial: Trial, ended: Heard[Any], contexts: set[str], wanted: set[str], interval: int) -> None:
    """What the Ended has measured: these contexts, all measurands, at the interval."""
    by = "E06.FR.11"
    ended.must("meterValue", PRESENT, by=by)
    found = {sample.get("context", "Sample.Periodic") for sample in _samples(ended)}
    trial.check(contexts <= found, f"contexts are {', '.join(sorted(found))}", at=ended, by=by)
    _all_measured(trial, wanted, [ended], by=by)
    main = next(iter(contexts - {"Transaction.End"}))
    moments = [
        datetime.fromisoformat(value["timestamp"]).timestamp()
        for value in ended.payload["meterValue"]
        if any(sample.get("context", "Sample.Periodic") == main for sample in value["sampledValue"])
    ]
    _evenly(trial, sorted(set(moments)), interval, ended, by=by)


async def _aligned_at_end(trial: Trial) -> tuple[set[str], int]:
    interval = trial.settings.aligned_interval
    await configure(trial, "AlignedDataCtrlr", "TxEndedInterval", str(interval))
    await configure_if_there(trial, "AlignedDataCtrlr", "SendDuringIdle", "false")
    return await members(trial, "AlignedDataCtrlr", "TxEndedMeasurands"), interval


_AT_END = ("E06.FR.11", "E06.FR.17", "E07.FR.08", "E07.FR.13", "E08.FR.09", "E09.FR.05", "E10.FR.04", "E12.FR.07")


@station_case(
    *("J01.FR.01", "J01.FR.02", "J01.FR.03", "J01.FR.06", "J01.FR.07", "J01.FR.08", "J01.FR.14", "J01.FR.15"), *_AT_END
)
async def TC_J_03_CS(trial: Trial) -> None:
    """Clock-aligned values at the end of a transaction."""
    wanted, interval = await _aligned_at_end(trial)
    await configure(trial, "SampledDataCtrlr", "TxEndedMeasurands", "")
    ended = await _whole_session(trial, 3 * interval + 1)
    _ended_values(trial, ended, {"Sample.Clock"}, wanted, interval)


@station_case("J01.FR.21")
async def TC_J_04_CS(trial: Trial) -> None:
    """Clock-aligned values at the end of a transaction, signed."""
    wanted, interval = await _aligned_at_end(trial)
    await configure(trial, "AlignedDataCtrlr", "SignReadings", "true")
    ended = await _whole_session(trial, 3 * interval + 1)
    _ended_values(trial, ended, {"Sample.Clock"}, wanted, interval)
    _signed(trial, ended, "Sample.Clock", by="J01.FR.21")


def _signed(trial: Trial, ended: Heard[Any], context: str, *, by: str) -> None:
    signed = [
        sample
        for sample in _samples(ended)
        if "signedMeterValue" in sample and sample.get("context", "Sample.Periodic") == context
    ]
    trial.check(signed, "no value is signed", at=ended, by=by)
    for sample in signed:
        trial.check("publicKey" in sample["signedMeterValue"], "a signed value lacks publicKey", at=ended, by=by)


@station_case()
async def TC_J_06_CS(trial: Trial) -> None:
    """Clock-aligned values only while there is no transaction."""
    if await get_variable(trial, "AlignedDataCtrlr", "SendDuringIdle") is None:
        raise NotForThis("AlignedDataCtrlr.SendDuringIdle is not there")
    wanted = await _aligned(trial, idle_only=True)
    await configure_if_there(trial, "SampledDataCtrlr", "TxUpdatedInterval", "0")
    before = await _clock_values(trial, 1, evse=trial.evse, by="J01.FR.01")
    _all_measured(trial, wanted, before, by="J01.FR.02")
    await energy_transfer_started(trial)
    begin = trial.mark()
    await trial.wait(trial.settings.aligned_interval + 5)
    for heard in trial.since(begin):
        if heard.action == "MeterValues" or heard.at("triggerReason") == "MeterValueClock":
            raise heard.wrong("SendDuringIdle is true, so nothing is sent in a transaction")
    await stop_authorized(trial)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    after = await _clock_values(trial, 1, evse=trial.evse, by="J01.FR.01")
    _all_measured(trial, wanted, after, by="J01.FR.02")


@station_case(
    *("J02.FR.01", "J02.FR.02", "J02.FR.03", "J02.FR.04", "J02.FR.10", "E01.FR.09", "E02.FR.09", "E03.FR.07"),
    *("E04.FR.05", "E05.FR.05"),
)
async def TC_J_07_CS(trial: Trial) -> None:
    """Sampled values at the start of a transaction whose EVSE is known."""
    await starts_at(trial, "EVConnected", "ParkingBayOccupancy")
    wanted = await members(trial, "SampledDataCtrlr", "TxStartedMeasurands")
    await parking_bay_occupied(trial)
    begin = trial.mark()
    await ev_connected_pre_session(trial)
    await energy_transfer_started(trial)
    started = next(h for h in trial.since(begin) if h.at("eventType") == "Started")
    _begins_with(trial, started, wanted)


def _begins_with(trial: Trial, event: Heard[Any], wanted: set[str]) -> None:
    event.must("meterValue", PRESENT, by="E01.FR.09")
    event.must("meterValue[0].sampledValue[0].context", "Transaction.Begin", by="J02.FR.03")
    _all_measured(trial, wanted, [event], by="J02.FR.02")


@station_case(
    *("J02.FR.01", "J02.FR.02", "J02.FR.03", "J02.FR.04", "J02.FR.10", "E01.FR.16", "E01.FR.17", "E03.FR.11"),
    *("E04.FR.11", "E05.FR.08"),
)
async def TC_J_08_CS(trial: Trial) -> None:
    """Sampled values of the beginning, as soon as the EVSE is known."""
    await starts_at(trial, "Authorized")
    wanted = await members(trial, "SampledDataCtrlr", "TxStartedMeasurands")
    begin = trial.mark()
    await energy_transfer_started(trial)
    events = [h for h in trial.since(begin) if h.action == "TransactionEvent" and h.at("evse") is not ABSENT]
    with_values = [h for h in events if any(sample.get("context") == "Transaction.Begin" for sample in _samples(h))]
    trial.check(with_values, "no TransactionEvent has values of the beginning", by="E01.FR.17")
    _all_measured(trial, wanted, with_values[:1], by="J02.FR.02")


@station_case(
    *("J02.FR.01", "J02.FR.02", "J02.FR.03", "J02.FR.04", "J02.FR.10", "J02.FR.11", "J02.FR.14", "E02.FR.10"),
    *("E02.FR.11", "E03.FR.08", "E03.FR.09", "E04.FR.06", "E04.FR.09"),
)
async def TC_J_09_CS(trial: Trial) -> None:
    """Sampled values in a transaction."""
    interval = trial.settings.sampled_interval
    await configure(trial, "SampledDataCtrlr", "TxUpdatedInterval", str(interval))
    wanted = await members(trial, "SampledDataCtrlr", "TxUpdatedMeasurands")
    await energy_transfer_started(trial)
    begin = trial.mark()
    await trial.wait(4 * interval + 1)
    events = [h for h in trial.since(begin) if h.at("triggerReason") == "MeterValuePeriodic"]
    trial.check(len(events) >= 3, f"{len(events)} TransactionEvents with values came, not 4", by="J02.FR.11")
    for event in events:
        event.must("eventType", "Updated", by="J02.FR.11")
        context = event.at("meterValue[0].sampledValue[0].context")
        trial.check(context in (ABSENT, "Sample.Periodic"), f"context is {context}", at=event, by="J02.FR.03")
    moments = _moments(events)
    for each in moments.values():
        _all_measured(trial, wanted, each, by="J02.FR.02")
    _evenly(trial, list(moments), interval, events[-1], by="J02.FR.11")


async def _sampled_at_end(trial: Trial) -> tuple[set[str], int]:
    interval = trial.settings.sampled_interval
    await configure(trial, "SampledDataCtrlr", "TxEndedInterval", str(interval))
    return await members(trial, "SampledDataCtrlr", "TxEndedMeasurands"), interval


@station_case("J02.FR.01", "J02.FR.02", "J02.FR.03", "J02.FR.04", "J02.FR.10", *_AT_END)
async def TC_J_10_CS(trial: Trial) -> None:
    """Sampled values at the end of a transaction."""
    wanted, interval = await _sampled_at_end(trial)
    await configure(trial, "AlignedDataCtrlr", "TxEndedMeasurands", "")
    ended = await _whole_session(trial, 3 * interval + 1)
    _ended_values(trial, ended, {"Sample.Periodic", "Transaction.End"}, wanted, interval)


@station_case("J02.FR.21")
async def TC_J_11_CS(trial: Trial) -> None:
    """Sampled values at the end of a transaction, signed."""
    wanted, interval = await _sampled_at_end(trial)
    await configure(trial, "SampledDataCtrlr", "SignReadings", "true")
    ended = await _whole_session(trial, 3 * interval + 1)
    _ended_values(trial, ended, {"Sample.Periodic", "Transaction.End"}, wanted, interval)
    _signed(trial, ended, "Transaction.End", by="J02.FR.21")
