"""The auth list of a CSMS node: who may connect, with which password. It is kept in clear, because the contract gives
passwords back to the flow; it goes into no log, status, trace or error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ocppflow.errors import ConfigurationError
from ocppflow.transport.passwords import PlainPasswords


class AuthMemory:
    """What outlives a re-deploy: for each node the list it was configured with, and the list in force since a flow
    changed it. As long as the configured one stays the same, the flow's changes count; one that the user has edited
    counts from then on."""

    def __init__(self) -> None:
        self._lists: dict[str, tuple[dict[str, str], dict[str, str]]] = {}

    def in_force(self, node: str, configured: dict[str, str]) -> dict[str, str]:
        """The list that the node starts with."""
        before = self._lists.get(node)
        return configured if before is None or before[0] != configured else before[1]

    def changed(self, node: str, configured: dict[str, str], now: dict[str, str]) -> None:
        """A flow has changed the list."""
        self._lists[node] = (configured, now)

    def forget(self, node: str) -> None:
        """The node has been removed."""
        self._lists.pop(node, None)


class AuthList(PlainPasswords):
    """The list of one node; every change is kept in ``memory``."""

    def __init__(self, memory: AuthMemory, node: str) -> None:
        super().__init__()
        self._memory = memory
        self._node = node
        self._configured: dict[str, str] = {}

    def configure(self, passwords: dict[str, str]) -> None:
        """The list from the node's credentials."""
        self._configured = passwords
        self.replace(self._memory.in_force(self._node, passwords))

    def keep(self) -> None:
        """The flow has changed the list."""
        self._memory.changed(self._node, self._configured, self.as_dict())


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
