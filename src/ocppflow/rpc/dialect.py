"""What one role may hear and say in one version, and the decoders for it. Built once per (version, role), filled
lazily:
a decoder that nobody needs is never made.

The frame decoders read a whole message, envelope and payload, in one C pass. They accept exactly the sound and valid
frame of their action; whatever they refuse is read again with care, to find out what to answer.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

import msgspec

from ocppflow.errors import UnknownAction
from ocppflow.messages import ActionInfo, Role, Version, actions, request_type
from ocppflow.messages.codec import decoder_for
from ocppflow.rpc.frame import MAX_ID

_Id = Annotated[str, msgspec.Meta(max_length=MAX_ID)]


class CallDecoders(dict[bytes, "tuple[str, msgspec.json.Decoder[Any]]"]):
    """Action as bytes -> (action, decoder of the whole CALL), for actions that the peer may send and expects an
    answer to."""

    def __init__(self, heard: dict[str, ActionInfo]) -> None:
        super().__init__()
        self._heard = heard

    def __missing__(self, name: bytes) -> tuple[str, msgspec.json.Decoder[Any]]:
        action = name.decode("ascii")
        info = self._heard[action]  # KeyError: not to be heard here
        if not info.confirmed:
            raise KeyError(name)
        shape: Any = (Literal[2], _Id, Literal[action], info.request)  # type: ignore[valid-type]
        entry = (action, decoder_for(tuple[shape]))
        self[name] = entry
        return entry


class ResultDecoders(dict[str, "msgspec.json.Decoder[Any]"]):
    """Action -> decoder of the whole CALLRESULT."""

    def __init__(self, said: dict[str, ActionInfo]) -> None:
        super().__init__()
        self._said = said

    def __missing__(self, action: str) -> msgspec.json.Decoder[Any]:
        shape: Any = (Literal[3], _Id, self._said[action].response)
        decoder = decoder_for(tuple[shape])
        self[action] = decoder
        return decoder


class Dialect:
    """The actions of one version as one role sees them: ``heard`` from the peer, ``said`` by this side."""

    __slots__ = ("_by_type", "calls", "heard", "results", "role", "said", "version")

    def __init__(self, version: Version, role: Role) -> None:
        self.version = version
        self.role = role
        table = actions(version)
        self.heard = {name: info for name, info in table.items() if info.sent_by(role.peer)}
        self.said = {name: info for name, info in table.items() if info.sent_by(role)}
        self.calls = CallDecoders(self.heard)
        self.results = ResultDecoders(self.said)
        self._by_type = {info.request: info for info in table.values()}

    def to_say(self, action: str) -> ActionInfo:
        """The action if this side may send it. Raises UnknownAction that says who may, or what was meant."""
        info = self.said.get(action)
        if info is None:
            request_type(self.version, action)  # raises with a suggestion if nobody may
            raise UnknownAction(f"{action} is not the {self.role.value}'s to send in OCPP {self.version.value}")
        return info

    def info_of(self, request: object) -> ActionInfo:
        """The action whose request ``request`` is. Raises UnknownAction naming both versions if it is another
        version's."""
        info = self._by_type.get(type(request))  # type: ignore[arg-type]
        if info is None:
            kind = type(request)
            raise UnknownAction(
                f"{kind.__module__.rpartition('.')[2]}.{kind.__qualname__} is no request of OCPP {self.version.value}, "
                "which this connection speaks"
            )
        return self.to_say(info.name)

    def is_known(self, action: str) -> bool:
        """Whether anybody may send ``action`` in this version."""
        return action in self.heard or action in self.said


@cache
def dialect(version: Version, role: Role) -> Dialect:
    """The shared Dialect of ``role`` in ``version``."""
    return Dialect(version, role)
