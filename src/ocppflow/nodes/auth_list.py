"""The auth list of a CSMS node: who may connect, with which password. It is kept in clear, because the contract gives
passwords back to the flow; it goes into no log, status, trace or error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.nodes.auth_memory import AuthMemory
from ocppflow.nodes.command_data import named, station_name
from ocppflow.nodes.contract import BadInput
from ocppflow.transport.passwords import PlainPasswords


class AuthList(PlainPasswords):
    """The list of one node; what a flow changes is kept in ``memory``."""

    def __init__(self, memory: AuthMemory, node: str) -> None:
        super().__init__()
        self._memory = memory
        self._node = node
        self._configured: dict[str, str] = {}

    def configure(self, passwords: dict[str, str]) -> None:
        """The list from the node's credentials."""
        self._configured = passwords
        self.replace(self._memory.in_force(self._node, passwords))

    def change(self, command: str, data: Any) -> None:
        """Carry out ``set_auth_list``, ``set_auth_cs`` or ``remove_auth_cs``. Raises BadInput, having changed
        nothing."""
        try:
            self._change(command, data)
        except ConfigurationError as exc:
            raise BadInput(f"{command}: {exc}; nothing has been changed") from None
        self._memory.changed(self._node, self._configured, self.as_dict())

    def _change(self, command: str, data: Any) -> None:
        if command == "set_auth_list":
            if data is None:
                raise ConfigurationError("msg.payload.data is missing: expected identity: password")
            self.replace(passwords_of(data if isinstance(data, dict) else [], "msg.payload.data"))
        elif command == "set_auth_cs":
            entry = {station_name(data, command): named(data, "password", command)}
            self.set(*passwords_of(entry, "msg.payload.data").popitem())
        elif not self.remove(station_name(data, command)):
            raise ConfigurationError(f"there is no station {station_name(data, command)!r} in the list")


def passwords_of(value: Any, what: str) -> dict[str, str]:
    """A list of identity -> password, as an object or as its JSON. Raises ConfigurationError, which shows no
    password."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value) if value.strip() else {}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ConfigurationError(f"{what} is not JSON: expected an object, identity: password") from None
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{what} is not an object: expected identity: password")
    for identity, password in value.items():
        if not isinstance(identity, str) or not identity:
            raise ConfigurationError(f"{what} has an entry without an identity")
        if not isinstance(password, str) or not password:
            raise ConfigurationError(f"{what}: the password of {identity!r} is not a text with at least one character")
    return dict(value)
