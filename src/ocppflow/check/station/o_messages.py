"""O01 and O06: messages for the display that the CSMS sets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connectors_are, every_connector
from ocppflow.check.display_steps import (
    content,
    display_message,
    message_is_there,
    no_such_message,
    show,
    shown_messages,
)
from ocppflow.check.reusable_states import (
    authorized,
    authorized_local,
    booted,
    change_availability,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_occupied,
    parking_bay_unoccupied,
    stop_authorized,
    unavailable,
)
from ocppflow.check.token_steps import asked_for
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import get_variable, members
from ocppflow.messages import Version, v21

_MINUTE: Final = timedelta(seconds=60)
_PRIORITIES: Final = ("NormalCycle", "InFront", "AlwaysFront")
_FORMATS: Final = ("ASCII", "UTF8", "HTML", "URI")


async def session_over(trial: Trial) -> None:
    """The driver ends the session and leaves."""
    await stop_authorized(trial)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)


async def _missing(trial: Trial, variable: str, all_of_them: Sequence[str]) -> Any:
    """What the station does not support. Raises NotForThis if that is nothing."""
    supported = await members(trial, "DisplayMessageCtrlr", variable)
    missing = [each for each in all_of_them if each not in supported]
    if not supported or not missing:
        raise NotForThis(f"DisplayMessageCtrlr.{variable} has everything")
    return missing[0]


@station_case("O01.FR.12")
async def TC_O_01_CS(trial: Trial) -> None:
    """A message is set."""
    message = display_message(trial)
    await show(trial, message)
    await message_is_there(trial, message, by="O01.FR.12")


@station_case("O06.FR.01")
async def TC_O_12_CS(trial: Trial) -> None:
    """A message replaces the one with its id."""
    await show(trial, display_message(trial))
    await show(trial, display_message(trial, text="Welcome back"), by="O06.FR.01")


@station_case("O01.FR.06")
async def TC_O_13_CS(trial: Trial) -> None:
    """A message that is shown from a time on."""
    message = display_message(trial, start_date_time=trial.now() + _MINUTE)
    await show(trial, message, by="O01.FR.06")
    report, info = await message_is_there(trial, message, by="O01.FR.06")
    trial.check("startDateTime" in info, "startDateTime is not reported", at=report, by="O01.FR.06")
    await trial.wait(_MINUTE.total_seconds())


@station_case("O01.FR.07")
async def TC_O_14_CS(trial: Trial) -> None:
    """A message is removed at its end."""
    message = display_message(trial, end_date_time=trial.now() + _MINUTE)
    await show(trial, message, by="O01.FR.07")
    report, info = await message_is_there(trial, message, by="O01.FR.07")
    trial.check("endDateTime" in info, "endDateTime is not reported", at=report, by="O01.FR.07")
    await trial.wait(_MINUTE.total_seconds() + trial.settings.tolerance)
    await no_such_message(trial, message.id, by="O01.FR.07")


@station_case("O01.FR.08", versions=[Version.V201])
async def TC_O_15_CS(trial: Trial) -> None:
    """A message for a driver who prefers a language."""
    language = trial.settings.display_language
    info = {"status": "Accepted", "language1": language}
    await ev_connected_pre_session(trial)
    trial.answer(v21.AuthorizeRequest, {"idTokenInfo": info})
    await authorized_local(trial)
    await energy_transfer_started(trial)
    await show(trial, display_message(trial, language=language), by="O01.FR.08")


@station_case("O01.FR.18", versions=[Version.V21])
async def TC_O_100_CS(trial: Trial) -> None:
    """A message in a language that the station does not support."""
    extra = content(trial, "Not supported", trial.settings.unsupported_language)
    message = display_message(trial, language=trial.settings.display_language, message_extra=[extra])
    await show(trial, message, "LanguageNotSupported", by="O01.FR.18")


@station_case("C01.FR.08", "O01.FR.08", "O01.FR.09", versions=[Version.V21])
async def TC_O_101_CS(trial: Trial) -> None:
    """A message in several languages, of which the driver prefers one."""
    preferred = trial.settings.second_language
    trial.answer(v21.AuthorizeRequest, {"idTokenInfo": {"status": "Accepted", "language1": preferred}})
    await trial.operator.present(trial.evse, trial.token)
    if not trial.settings.start_button:
        await asked_for(trial, trial.token)
    extra = content(trial, "In the driver's language", preferred)
    message = display_message(trial, language=trial.settings.display_language, message_extra=[extra])
    await show(trial, message, by="O01.FR.08")
    await _nobody_plugs_in(trial)


async def _nobody_plugs_in(trial: Trial) -> None:
    """The driver who has been authorized is waited for in vain (E03.FR.05)."""
    seconds = await get_variable(trial, "TxCtrlr", "EVConnectionTimeOut")
    await trial.wait(float(seconds or 0) + trial.settings.tolerance)


@station_case("O01.FR.01", "O02.FR.03")
async def TC_O_17_CS(trial: Trial) -> None:
    """A priority that the station does not support."""
    priority = await _missing(trial, "SupportedPriorities", _PRIORITIES)
    await show(trial, display_message(trial, priority=priority), "NotSupportedPriority", by="O01.FR.01")


@station_case("O01.FR.03", "O02.FR.05")
async def TC_O_19_CS(trial: Trial) -> None:
    """A format that the station does not support."""
    message = display_message(trial)
    message.message.format = await _missing(trial, "SupportedFormats", _FORMATS)
    await show(trial, message, "NotSupportedMessageFormat", by="O01.FR.03")


@station_case("O01.FR.10")
async def TC_O_20_CS(trial: Trial) -> None:
    """A message is still there after a reboot."""
    message = display_message(trial)
    await show(trial, message)
    await booted(trial)
    await message_is_there(trial, message, by="O01.FR.10")


@station_case("O01.FR.14")
async def TC_O_22_CS(trial: Trial) -> None:
    """Several messages are InFront."""
    first = display_message(trial, priority="InFront")
    second = display_message(trial, 1, text="Welcome 2", priority="InFront")
    for message in (first, second):
        await show(trial, message, by="O01.FR.14")
    for message in (first, second):
        await message_is_there(trial, message, by="O01.FR.14")


@station_case("O01.FR.16")
async def TC_O_24_CS(trial: Trial) -> None:
    """A second message that is AlwaysFront replaces the first."""
    first = display_message(trial, priority="AlwaysFront")
    second = display_message(trial, 1, text="Welcome 2", priority="AlwaysFront")
    for message in (first, second):
        await show(trial, message, by="O01.FR.16")
    await no_such_message(trial, first.id, by="O01.FR.16")
    await message_is_there(trial, second, by="O01.FR.16")


async def _through_a_session(trial: Trial, state: v21.MessageStateEnumType) -> None:
    message = display_message(trial, state=state)
    await show(trial, message)
    await parking_bay_occupied(trial)
    await authorized(trial)
    await ev_connected_pre_session(trial)
    await energy_transfer_started(trial)
    await session_over(trial)
    await message_is_there(trial, message)


@station_case()
async def TC_O_36_CS(trial: Trial) -> None:
    """A message for the state Charging."""
    await _through_a_session(trial, "Charging")


@station_case()
async def TC_O_37_CS(trial: Trial) -> None:
    """A message for the state Idle."""
    await _through_a_session(trial, "Idle")


@station_case()
async def TC_O_38_CS(trial: Trial) -> None:
    """A message for the state Unavailable."""
    message = display_message(trial, state="Unavailable")
    await show(trial, message)
    await unavailable(trial)
    answer = await trial.call(change_availability("Operative"))
    answer.must("status", "Accepted", by="G03.FR.01")
    begin = len(trial.bench.inbox) - len(trial.since())
    await connectors_are(trial, every_connector(trial, "Available"), since=begin, by="G03.FR.04")
    await message_is_there(trial, message)


# --- O03 and O04: which there are --------------------------------------------------------------------------------


@station_case("O03.FR.01", "O03.FR.02", "O03.FR.03", "O03.FR.04", "O03.FR.05")
async def TC_O_02_CS(trial: Trial) -> None:
    """All messages are reported."""
    message = display_message(trial)
    await show(trial, message)
    found = await shown_messages(trial)
    trial.check(any(info.get("id") == message.id for _, info in found), "the message is not reported", by="O03.FR.02")


@station_case("O03.FR.06")
async def TC_O_03_CS(trial: Trial) -> None:
    """All messages are asked for, and there are none."""
    await shown_messages(trial, status="Unknown", by="O03.FR.06")


async def _reported_by(trial: Trial, message: v21.MessageInfoType, *ids: int, **criteria: Any) -> None:
    await show(trial, message)
    found = await shown_messages(trial, *ids, by="O04.FR.03", **criteria)
    trial.check(found, "no message is reported", by="O04.FR.03")
    for report, info in found:
        for name, value in criteria.items():
            trial.check(info.get(name) == value, f"{name} is {info.get(name)}, not {value}", at=report, by="O04.FR.03")
    mine = any(info.get("id") == message.id for _, info in found)
    trial.check(mine, "the message is not reported", at=found[-1][0], by="O04.FR.03")


@station_case("O04.FR.01", "O04.FR.03", "O04.FR.04", "O04.FR.05", "O04.FR.06")
async def TC_O_07_CS(trial: Trial) -> None:
    """A message is reported by its id."""
    message = display_message(trial)
    await _reported_by(trial, message, message.id)


@station_case("O04.FR.01", "O04.FR.03", "O04.FR.04", "O04.FR.05", "O04.FR.06")
async def TC_O_08_CS(trial: Trial) -> None:
    """Messages are reported by priority."""
    await _reported_by(trial, display_message(trial), priority=trial.settings.display_priority)


@station_case("O04.FR.01", "O04.FR.03", "O04.FR.04", "O04.FR.05", "O04.FR.06")
async def TC_O_09_CS(trial: Trial) -> None:
    """Messages are reported by state."""
    await _reported_by(trial, display_message(trial, state="Charging"), state="Charging")


@station_case("O04.FR.02")
async def TC_O_11_CS(trial: Trial) -> None:
    """There is no message with that id."""
    message = display_message(trial)
    await show(trial, message)
    await no_such_message(trial, message.id + 1, by="O04.FR.02")


@station_case("O04.FR.07")
async def TC_O_33_CS(trial: Trial) -> None:
    """A message is asked for by its id, and there are none."""
    await no_such_message(trial, trial.settings.display_message_id, by="O04.FR.07")


@station_case("O04.FR.02")
async def TC_O_34_CS(trial: Trial) -> None:
    """The message with that id is for another state."""
    message = display_message(trial, state="Charging")
    await show(trial, message)
    await no_such_message(trial, message.id, state="Idle", by="O04.FR.02")


@station_case("O04.FR.02")
async def TC_O_35_CS(trial: Trial) -> None:
    """The message with that id has another priority."""
    supported = await members(trial, "DisplayMessageCtrlr", "SupportedPriorities")
    if len(supported) < 2:
        raise NotForThis("the station supports one priority")
    one, other = sorted(supported)[:2]
    message = display_message(trial, priority=msgspec.convert(one, v21.MessagePriorityEnumType))
    await show(trial, message)
    await no_such_message(trial, message.id, priority=other, by="O04.FR.02")


# --- O05: they are cleared ---------------------------------------------------------------------------------------


@station_case("O05.FR.01")
async def TC_O_04_CS(trial: Trial) -> None:
    """A message is cleared."""
    message = display_message(trial)
    await show(trial, message)
    answer = await trial.call(v21.ClearDisplayMessageRequest(id=message.id))
    answer.must("status", "Accepted", by="O05.FR.01")
    await no_such_message(trial, message.id, by="O05.FR.01")


@station_case("O05.FR.02")
async def TC_O_05_CS(trial: Trial) -> None:
    """There is no message with the id that is to be cleared."""
    answer = await trial.call(v21.ClearDisplayMessageRequest(id=trial.settings.display_message_id))
    answer.must("status", "Unknown", by="O05.FR.02")
