"""What one role may hear and say in one version, and the decoders for it. Built once per (version, role), filled
lazily: a decoder that nobody needs is never made.

The frame decoders read a whole message, envelope and payload, in one C pass. They accept exactly the sound and valid
frame of their action; whatever they refuse is read again with care, to find out what to answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from ocppflow.errors import InvalidMessage, UnknownAction
from ocppflow.messages import ActionInfo, Role, Version, actions, request_type
from ocppflow.messages.codec import REFUSALS, decode, decoder_for, encode
from ocppflow.rpc import frame as frames
from ocppflow.rpc.frame import MAX_ID, UNREADABLE
from ocppflow.secrecy.discreet_repr import discreet_repr

_Id = Annotated[str, msgspec.Meta(max_length=MAX_ID)]


class RawMessage(msgspec.Struct, frozen=True):
    """A message as an action and its payload's JSON, for those who pass payloads through."""

    __repr__ = discreet_repr

    action: str
    payload: bytes


UNUSUAL: Final = (LookupError, *UNREADABLE)
"""What the readers of usual frames raise for any other."""

_Read: TypeAlias = Callable[[bytes], Any]


class CallReaders(dict[bytes, _Read]):
    """Action as bytes -> reader of the whole CALL, for actions that the peer may send and wants answered."""

    def __init__(self, heard: dict[str, ActionInfo]) -> None:
        super().__init__()
        self._heard = heard

    def __missing__(self, name: bytes) -> _Read:
        action = name.decode("ascii")
        info = self._heard[action]  # KeyError: not to be heard here
        if not info.confirmed:
            raise KeyError(name)
        shape: Any = (Literal[2], _Id, Literal[action], info.request)
        read: _Read = decoder_for(tuple[shape]).decode
        self[name] = read
        return read


class ResultReaders(dict[str, _Read]):
    """Action -> reader of the whole CALLRESULT."""

    def __init__(self, said: dict[str, ActionInfo]) -> None:
        super().__init__()
        self._said = said

    def __missing__(self, action: str) -> _Read:
        shape: Any = (Literal[3], _Id, self._said[action].response)
        read: _Read = decoder_for(tuple[shape]).decode
        self[action] = read
        return read


class _Answers(dict[str, tuple[Any, _Read]]):
    """Action that the peer may call -> the type of our response, and its decoder."""

    def __init__(self, heard: dict[str, ActionInfo]) -> None:
        super().__init__()
        self._heard = heard

    def __missing__(self, action: str) -> tuple[Any, _Read]:
        kind = self._heard[action].response
        answer = self[action] = kind, decoder_for(kind).decode
        return answer


class Dialect:
    """The actions of one version as one role sees them: ``heard`` from the peer, ``said`` by this side."""

    __slots__ = ("_answers", "_by_type", "_results", "call_readers", "heard", "role", "said", "version")

    def __init__(self, version: Version, role: Role) -> None:
        self.version = version
        self.role = role
        table = actions(version)
        self.heard = {name: info for name, info in table.items() if info.sent_by(role.peer)}
        self.said = {name: info for name, info in table.items() if info.sent_by(role)}
        self.call_readers = CallReaders(self.heard)
        self._results = ResultReaders(self.said)
        self._answers = _Answers(self.heard)
        self._by_type = {info.request: info for info in table.values()}

    def read_result(self, data: bytes, action: str) -> tuple[int, str, Any]:
        """Type, id and message of a usual and valid CALLRESULT to ``action``; raises one of :data:`UNUSUAL` for
        anything else."""
        result: tuple[int, str, Any] = self._results[action](data)
        return result

    def to_say(self, action: str) -> ActionInfo:
        """The action if this side may send it. Raises UnknownAction that says who may, or what was meant."""
        info = self.said.get(action)
        if info is None:
            request_type(self.version, action)  # raises with a suggestion if nobody may
            raise UnknownAction(f"{action} is not the {self.role.value}'s to send in OCPP {self.version.value}")
        return info

    def info_of(self, request: object) -> ActionInfo:
        """The action whose request ``request`` is. Raises UnknownAction naming both versions if it is another's."""
        info = self._by_type.get(type(request))  # type: ignore[arg-type]
        if info is None:
            kind = type(request)
            raise UnknownAction(
                f"{kind.__module__.rpartition('.')[2]}.{kind.__qualname__} is not a request of OCPP "
                f"{self.version.value}, which this connection speaks"
            )
        return self.to_say(info.name)

    def request(self, request: Any, validate: bool) -> tuple[str, bytes, ActionInfo | None]:
        """Action, payload and entry in the table of actions (None if unknown) of what this side wants to send: a Struct
        of this version or a RawMessage. Raises UnknownAction or InvalidMessage; without ``validate`` only for what
        cannot be written."""
        if isinstance(request, RawMessage):
            action, payload = request.action, request.payload
            info = self.to_say(action) if validate else self.said.get(action)
        else:
            info = self.info_of(request)
            action, payload = info.name, encode(request, validate=False)
        if validate and info is not None:
            decode(info.request, payload)
        return action, payload, info

    def result(self, message_id: str, action: str, response: Any, validate: bool) -> bytes:
        """The CALLRESULT to the peer's ``action``; the response is its Struct, or the payload's JSON as bytes. Raises
        InvalidMessage; for bytes without ``validate`` it does not look at them."""
        kind, decoder = self._answers[action]
        if type(response) is bytes:
            payload = response
            if not validate:
                return frames.result(message_id, payload)
        elif isinstance(response, kind):
            payload = encode(response, validate=False)
        else:
            raise InvalidMessage(
                f"{action} is answered with {kind.__module__.rpartition('.')[2]}.{kind.__qualname__} "
                f"on this connection, not with {type(response).__name__}"
            )
        try:
            decoder(payload)
        except REFUSALS:
            decode(kind, payload)  # has the last word, and says what is wrong
        return frames.result(message_id, payload)

    def is_known(self, action: str) -> bool:
        """Whether anybody may send ``action`` in this version."""
        return action in self.heard or action in self.said


@cache
def dialect(version: Version, role: Role) -> Dialect:
    """The shared Dialect of ``role`` in ``version``."""
    return Dialect(version, role)
