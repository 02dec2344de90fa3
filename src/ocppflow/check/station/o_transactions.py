"""O02: messages for the display that belong to a transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from ocppflow.check.cases import station_case
from ocppflow.check.charging_steps import transaction_id
from ocppflow.check.display_steps import display_message, message_is_there, no_such_message, show
from ocppflow.check.reusable_states import energy_transfer_started
from ocppflow.check.station.o_messages import session_over
from ocppflow.check.trial import Trial
from ocppflow.messages import v21

_MINUTE: Final = timedelta(seconds=60)


async def _shown_while_charging(trial: Trial, number: int = 0, *, by: str, **more: Any) -> v21.MessageInfoType:
    """A message is set for the transaction that runs, or begins for it."""
    await energy_transfer_started(trial)
    message = display_message(
        trial,
        number,
        text="Welcome 2" if number else "Welcome",
        transaction_id=await transaction_id(trial),
        **more,
    )
    await show(trial, message, by=by)
    return message


@station_case("O02.FR.02", "O02.FR.14")
async def TC_O_06_CS(trial: Trial) -> None:
    """A message is removed when its transaction ends."""
    message = await _shown_while_charging(trial, by="O02.FR.14")
    await session_over(trial)
    await no_such_message(trial, message.id, by="O02.FR.02")


@station_case("O02.FR.01")
async def TC_O_10_CS(trial: Trial) -> None:
    """A message for a transaction that does not exist."""
    message = display_message(trial, transaction_id="UNKNOWN-TRANSACTION-ID")
    await show(trial, message, "UnknownTransaction", by="O02.FR.01")


@station_case("O02.FR.06")
async def TC_O_27_CS(trial: Trial) -> None:
    """A message for a transaction that is shown from a time on."""
    await energy_transfer_started(trial)
    message = await _shown_while_charging(trial, start_date_time=trial.now() + _MINUTE, by="O02.FR.06")
    await trial.wait(_MINUTE.total_seconds())
    await session_over(trial)
    await no_such_message(trial, message.id, by="O02.FR.02")


@station_case("O02.FR.07")
async def TC_O_28_CS(trial: Trial) -> None:
    """A message for a transaction is removed at its end."""
    await energy_transfer_started(trial)
    message = await _shown_while_charging(trial, end_date_time=trial.now() + _MINUTE, by="O02.FR.07")
    await trial.wait(_MINUTE.total_seconds() + trial.settings.tolerance)
    await no_such_message(trial, message.id, by="O02.FR.07")


@station_case("O02.FR.16")
async def TC_O_30_CS(trial: Trial) -> None:
    """Several messages for a transaction are InFront."""
    both = [await _shown_while_charging(trial, number, priority="InFront", by="O02.FR.16") for number in (0, 1)]
    for message in both:
        await message_is_there(trial, message, by="O02.FR.16")
    await session_over(trial)
    for message in both:
        await no_such_message(trial, message.id, by="O02.FR.02")


@station_case("O02.FR.18")
async def TC_O_32_CS(trial: Trial) -> None:
    """A second message for a transaction that is AlwaysFront replaces the first."""
    first = await _shown_while_charging(trial, priority="AlwaysFront", by="O02.FR.18")
    second = await _shown_while_charging(trial, 1, priority="AlwaysFront", by="O02.FR.18")
    await no_such_message(trial, first.id, by="O02.FR.18")
    await message_is_there(trial, second, by="O02.FR.18")
    await session_over(trial)
    await no_such_message(trial, second.id, by="O02.FR.02")
