"""The messages of OCPP 1.6, 2.0.1 and 2.1 as types, and who may send which.

``ocppflow.messages.v16``, ``.v201`` and ``.v21`` hold the types; each is imported when it is first needed.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from ocppflow.errors import UnknownAction
from ocppflow.messages.base import ActionInfo, Message, Request, Response, Role, Send, Version

__all__ = [
    "ActionInfo",
    "Message",
    "Request",
    "Response",
    "Role",
    "Send",
    "Version",
    "action_info",
    "actions",
    "request_type",
    "response_type",
]

_MODULES = {Version.V16: "v16", Version.V201: "v201", Version.V21: "v21"}


@cache
def actions(version: Version | str) -> Mapping[str, ActionInfo]:
    """All actions of a version by name: 39 in 1.6 (with the security extension), 64 in 2.0.1, 91 in 2.1.

    Imports that version's module and no other. Raises ConfigurationError for an unknown version.
    """
    module = import_module(f"ocppflow.messages.{_MODULES[Version.parse(version)]}")
    table: Mapping[str, ActionInfo] = module.ACTIONS
    return table


def action_info(version: Version | str, action: str) -> ActionInfo:
    """What the table says about one action. Raises UnknownAction that suggests what may have been meant."""
    found = actions(version).get(action) if isinstance(action, str) else None
    if found is None:
        raise UnknownAction(_unknown(Version.parse(version), action))
    return found


def request_type(version: Version | str, action: str) -> type[Message]:
    """The type of an action's request: a :class:`Request`, or a :class:`Send` if the action is never answered."""
    return action_info(version, action).request


def response_type(version: Version | str, action: str) -> type[Response]:
    """The type of an action's response. Raises UnknownAction also for an action that is never answered."""
    response = action_info(version, action).response
    if response is None:
        raise UnknownAction(f"{action} is never answered (OCPP {Version.parse(version)}), so it has no response")
    return response


def _unknown(version: Version, action: object) -> str:
    if not isinstance(action, str):
        return f"an action must be a string such as 'Heartbeat', not {type(action).__name__}"
    known = actions(version)
    start = f"OCPP {version} has no action {action[:60]!r}"
    bare = action.removesuffix("Request").removesuffix("Response")
    if bare in known:
        return f"{start}; action names do not end in Request or Response: {bare!r}"
    by_case = {name.lower(): name for name in known}.get(bare.lower())
    if by_case:
        return f"{start}; actions are case-sensitive: {by_case!r}"
    elsewhere = [v for v in Version if v is not version and bare in actions(v)]
    if elsewhere:
        return f"{start}; OCPP {' and '.join(elsewhere)} {'has' if len(elsewhere) == 1 else 'have'} it"
    close = difflib.get_close_matches(bare[:60], known, n=1)
    return f"{start}; did you mean {close[0]!r}?" if close else start
