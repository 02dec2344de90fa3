"""Steps with display messages: how they are made, and what the station reports of them."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ocppflow.check.heard import Answer, Heard
from ocppflow.check.trial import Trial
from ocppflow.messages import v21

Told = tuple[Heard[v21.NotifyDisplayMessagesRequest], dict[str, Any]]
"""A message of a report, and the OCPP message in which it came."""


def content(trial: Trial, text: str, language: str = "") -> v21.MessageContentType:
    """A text, in the format that the tester has chosen."""
    return v21.MessageContentType(
        format=trial.settings.display_format, content=text, language=language if language else UNSET
    )


def display_message(
    trial: Trial, number: int = 0, *, text: str = "Welcome", language: str = "", **more: Any
) -> v21.MessageInfoType:
    """A message with the tester's id, plus ``number``, and the usual priority."""
    priority = more.pop("priority", trial.settings.display_priority)
    return v21.MessageInfoType(
        id=trial.settings.display_message_id + number, priority=priority, message=content(trial, text, language), **more
    )


async def show(
    trial: Trial, message: v21.MessageInfoType, status: str = "Accepted", *, by: str = "O01.FR.12"
) -> Answer[v21.SetDisplayMessageResponse]:
    """SetDisplayMessage is answered with ``status``."""
    answer = await trial.call(v21.SetDisplayMessageRequest(message=message))
    answer.must("status", status, by=by)
    return answer


async def shown_messages(
    trial: Trial, *ids: int, status: str = "Accepted", by: str = "O03.FR.02", **criteria: Any
) -> list[Told]:
    """The messages that the station reports, until all have come; those with ``ids``, or all."""
    request_id = trial.request_id()
    answer = await trial.call(
        v21.GetDisplayMessagesRequest(request_id=request_id, id=list(ids) if ids else UNSET, **criteria)
    )
    answer.must("status", status, by=by)
    found: list[Told] = []
    more = status == "Accepted"
    while more:
        report = await trial.expect(v21.NotifyDisplayMessagesRequest, {"requestId": request_id}, by=by)
        found += [(report, info) for info in report.payload.get("messageInfo", [])]
        more = report.at("tbc") is True
    return found


async def no_such_message(trial: Trial, number: int, *, by: str, **criteria: Any) -> None:
    """The station has no message with this id."""
    await shown_messages(trial, number, status="Unknown", by=by, **criteria)


async def message_is_there(trial: Trial, message: v21.MessageInfoType, *, by: str = "O03.FR.02") -> Told:
    """The station reports this message by its id, as it was set; returns it."""
    found = await shown_messages(trial, message.id, by=by)
    return has_message(trial, found, message, by=by)


def has_message(trial: Trial, found: list[Told], message: v21.MessageInfoType, *, by: str = "O03.FR.02") -> Told:
    """The message is among those reported, as it was set; returns it."""
    mine = [told for told in found if told[1].get("id") == message.id]
    trial.check(mine, f"message {message.id} is not reported", at=found[-1][0] if found else None, by=by)
    report, info = mine[0]
    told_content = info.get("message", {})
    wanted = {
        "priority": (info.get("priority"), message.priority),
        "format": (told_content.get("format"), message.message.format),
        "content": (told_content.get("content"), message.message.content),
        "state": (info.get("state", UNSET), message.state),
        "transactionId": (info.get("transactionId", UNSET), message.transaction_id),
    }
    for name, (told, due) in wanted.items():
        trial.check(told == due, f"{name} of message {message.id} is {told}, not {due}", at=report, by=by)
    return report, info
