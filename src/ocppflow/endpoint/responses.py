"""What a handler has returned or raised, as the session takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ocppflow.endpoint.incoming_call import LATER, payload_of
from ocppflow.errors import InvalidMessage, OCPPError
from ocppflow.messages import Message, Version
from ocppflow.messages.vocabulary import to_v201

READY: Final = (msgspec.Struct, bytes)
"""The types that a session takes as they are."""


def in_its_words(response: Any) -> Any:
    """A response in 2.1's vocabulary for a 2.0.1 connection; any other stays as it is. Raises InvalidMessage naming
    what 2.0.1 has no word for."""
    if isinstance(response, Message) and response.__version__ is Version.V21:
        return to_v201(response)
    return response


def response_of(action: str, result: Any) -> Any:
    """A handler's result as Session.reply takes it."""
    if isinstance(result, READY):
        return result
    if isinstance(result, Mapping):
        return payload_of(action, result)
    if result is LATER:
        raise InvalidMessage(f"{action}: only a catch-all handler can answer LATER, it alone gets an IncomingCall")
    raise InvalidMessage(
        f"{action}: a handler returns the response, a dict or JSON as bytes, not {type(result).__name__}"
    )


def blame(action: str, exc: BaseException) -> str:
    """What the peer is told of a failed handler: an OCPPError's text is made for reading; any other may hold
    secrets."""
    if isinstance(exc, InvalidMessage):
        return f"the answer made for {action} is not valid: {exc}"
    if isinstance(exc, OCPPError):
        return f"{action}: {exc}"
    return f"{action} could not be processed"
