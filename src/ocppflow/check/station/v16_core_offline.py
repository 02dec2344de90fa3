"""OCPP 1.6, Core: without a connection, and what waits for it (3.5, 3.7)."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT
from ocppflow.check.steps_16 import (
    V16,
    charging,
    number_of_transaction,
    set_key,
    set_key_if_there,
    started,
    status,
    stopped,
    tag,
)
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.errors import CallError
from ocppflow.messages import v16

_LOCAL = ("Local", ABSENT)


async def _back(trial: Trial) -> int:
    mark = trial.mark()
    await trial.connected(within=trial.settings.reboot_patience)
    return mark


async def _takes_any(trial: Trial) -> None:
    if not await set_key_if_there(trial, "AllowOfflineTxForUnknownId", "true"):
        raise NotForThis("the station takes no unknown tokens while it is offline")


@station_case("1.6/3.7", "1.6/4.9", versions=V16)
async def TC_036_CS(trial: Trial) -> None:
    """The connection is lost in a transaction, which goes on, and its values are told later."""
    seconds = trial.settings.sampled_interval
    await set_key(trial, "MeterValueSampleInterval", str(seconds))
    await charging(trial)
    with trial.offline():
        await trial.wait(3 * seconds)
    mark = await _back(trial)
    where = {"transactionId": number_of_transaction(trial)}
    times = []
    for _ in range(3):
        told = await trial.expect(v16.MeterValuesRequest, where, since=mark, by="1.6/3.7")
        times.append(told.at("meterValue[0].timestamp"))
    trial.check(times == sorted(times), "the values are not in the order of time", by="1.6/3.7")
    trial.check(not [each for each in trial.since(mark) if each.action == "StartTransaction"], "it began anew")


@station_case("1.6/3.5.4", "1.6/3.7", versions=V16)
async def TC_037_1_CS(trial: Trial) -> None:
    """A transaction begins offline, and is told later."""
    await _takes_any(trial)
    with trial.offline():
        await trial.operator.plug(trial.evse, trial.connector)
        await trial.operator.present(trial.evse, trial.token)
        await trial.wait(trial.settings.transaction_seconds)
    reconnected = trial.now()
    await _back(trial)
    begun = await started(trial, within=trial.settings.reboot_patience, by="1.6/3.5.4 1.6/3.7")
    told = begun.message.timestamp
    trial.check(told <= reconnected, "its timestamp is that of the reconnection", at=begun, by="1.6/3.7")
    await status(trial, ("Charging", "SuspendedEV", "SuspendedEVSE"), by="1.6/4.9")


@station_case("1.6/3.5.4", "1.6/errata-3.17", versions=V16)
async def TC_037_3_CS(trial: Trial) -> None:
    """A transaction that began offline with a token that the CSMS does not accept ends."""
    await _takes_any(trial)
    await set_key(trial, "StopTransactionOnInvalidId", "true")
    bench = trial.bench
    trial.answer(
        v16.StartTransactionRequest,
        lambda _: {"idTagInfo": {"status": "Invalid"}, "transactionId": bench.transactions_16},
    )
    bad = trial.settings.id_token(trial.settings.invalid_token)
    with trial.offline():
        await trial.operator.plug(trial.evse, trial.connector)
        await trial.operator.present(trial.evse, bad)
        await trial.wait(trial.settings.transaction_seconds)
    await _back(trial)
    await started(trial, tag(trial, bad), within=trial.settings.reboot_patience, by="1.6/3.5.4")
    await stopped(trial, "DeAuthorized", by="1.6/3.5.4")


@station_case("1.6/3.7", versions=V16)
async def TC_038_CS(trial: Trial) -> None:
    """A transaction ends offline, and that is told later."""
    await charging(trial)
    with trial.offline():
        await trial.operator.present(trial.evse, trial.token)
        await trial.wait(trial.settings.transaction_seconds)
    reconnected = trial.now()
    await _back(trial)
    ended = await stopped(trial, _LOCAL, within=trial.settings.reboot_patience, by="1.6/3.7")
    trial.check(ended.message.timestamp <= reconnected, "its timestamp is later than the end", at=ended, by="1.6/3.7")


@station_case("1.6/3.7", versions=V16)
async def TC_039_CS(trial: Trial) -> None:
    """A whole transaction offline, told in its order."""
    await _takes_any(trial)
    with trial.offline():
        await trial.operator.plug(trial.evse, trial.connector)
        await trial.operator.present(trial.evse, trial.token)
        await trial.wait(trial.settings.transaction_seconds)
        await trial.operator.present(trial.evse, trial.token)
        await trial.wait(1.0)
        await trial.operator.unplug(trial.evse)
    mark = await _back(trial)
    begun = await started(trial, within=trial.settings.reboot_patience, by="1.6/3.7")
    ended = await stopped(trial, _LOCAL, since=mark, by="1.6/3.7")
    trial.check(begun.message.timestamp <= ended.message.timestamp, "it ends before it begins", at=ended, by="1.6/3.7")


@station_case("1.6/3.7.1", "1.6/9.1.31", "1.6/9.1.32", versions=V16)
async def TC16_QUEUE_01_CS(trial: Trial) -> None:
    """A message that the CSMS cannot process is sent again, after a while that grows."""
    wait = trial.settings.retry_interval
    await set_key(trial, "TransactionMessageAttempts", "3")
    await set_key(trial, "TransactionMessageRetryInterval", str(wait))
    await charging(trial)
    trial.answer(v16.StopTransactionRequest, CallError.of("InternalError", "what the case wants"))
    mark = trial.mark()
    await trial.operator.present(trial.evse, trial.token)
    heard = [await stopped(trial, _LOCAL, since=mark, by="1.6/3.7")]
    for number in (1, 2):
        within = number * wait + 2 * trial.settings.tolerance
        heard.append(await stopped(trial, _LOCAL, since=mark, within=within, by="1.6/3.7.1"))
        gap = heard[-1].when - heard[-2].when
        text = f"attempt {number + 1} came after {gap:.1f} s, not {number * wait}"
        trial.check(abs(gap - number * wait) <= trial.settings.tolerance, text, at=heard[-1], by="1.6/3.7.1")
    contents = {repr(sorted(each.payload.items(), key=repr)) for each in heard}
    trial.check(len(contents) == 1, "the attempts differ", at=heard[-1], by="1.6/3.7.1")
    where = {"transactionId": number_of_transaction(trial)}
    await trial.nothing(v16.StopTransactionRequest, where, seconds=3 * wait + trial.settings.tolerance, by="1.6/9.1.31")


@station_case("1.6/4.2", "1.6/4.10", versions=V16)
async def TC_032_1_CS(trial: Trial) -> None:
    """The power is cut in a transaction: it goes on, or is told to have ended."""
    await charging(trial)
    await trial.operator.power_cycle()
    mark = trial.mark()
    patience = trial.settings.reboot_patience
    await trial.expect(v16.BootNotificationRequest, within=patience, by="1.6/4.2")
    ended = await trial.maybe(v16.StopTransactionRequest, within=trial.settings.patience, since=mark)
    if ended is not None:
        ended.must("transactionId", number_of_transaction(trial), by="1.6/4.10")
        ended.must("reason", "PowerLoss", "Reboot", "Other", by="1.6/4.10")
        return
    await status(trial, ("Charging", "SuspendedEV", "SuspendedEVSE", "Preparing"), by="1.6/4.9")
    trial.mark()
    await trial.call(v16.RemoteStopTransactionRequest(transaction_id=number_of_transaction(trial)))
    await stopped(trial, "Remote", by="1.6/4.10")
