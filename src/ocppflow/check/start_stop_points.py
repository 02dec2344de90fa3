"""TxStartPoint and TxStopPoint as a case needs them, and whether a station can have them so."""

from __future__ import annotations

from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure_if_there, get_variable


async def starts_at(trial: Trial, point: str, *instead: str) -> None:
    """TxStartPoint is just ``point``. Where it cannot be written, it has to contain it, and none of ``instead``, with
    which the transaction would begin earlier. Raises NotForThis if it is otherwise."""
    await _at(trial, "TxStartPoint", point, instead)


async def stops_at(trial: Trial, point: str, *instead: str) -> None:
    """As :func:`starts_at`, for TxStopPoint: none of ``instead``, with which the transaction would end earlier."""
    await _at(trial, "TxStopPoint", point, instead)


async def _at(trial: Trial, variable: str, point: str, instead: tuple[str, ...]) -> None:
    if await configure_if_there(trial, "TxCtrlr", variable, point):
        return
    value = await get_variable(trial, "TxCtrlr", variable) or ""
    members = {item.strip() for item in value.split(",")}
    if point not in members or members & set(instead):
        raise NotForThis(f"{variable} is {value or 'not there'} and cannot be {point}")


async def authorization_needed(trial: Trial) -> None:
    """Tokens are needed, and the CSMS is asked for them, as far as the station lets that be configured."""
    await configure_if_there(trial, "AuthCtrlr", "Enabled", "true")
    await configure_if_there(trial, "AuthCtrlr", "DisableRemoteAuthorization", "false")
