"""The lines between the engine and a flow runtime: newline-delimited JSON objects, distinguished by ``op``.
docs/engine-protocol.md describes the protocol."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ocppflow.nodes.contract import Msg
from ocppflow.secrecy.discreet_repr import discreet_repr

PROTOCOL: Final = 1
MAX_LINE: Final = 8 * 2**20
"""Bytes of a line that the engine accepts, eight times the largest message by default; a longer one is skipped."""


class RuntimeLine(msgspec.Struct):
    """A line from the runtime; docs/engine-protocol.md says which members an op has. Its ``ref`` is on the answer."""

    __repr__ = discreet_repr

    op: str
    node: Any = None
    ref: Raw | UnsetType = UNSET
    msg: dict[str, Raw] | UnsetType = UNSET
    type: Any = None
    config: Any = None
    credentials: Any = None
    nodes: Any = None
    protocol: Any = None
    log: Any = None
    removed: Any = None
    park: Any = None
    stateDir: Any = None  # noqa: N815 - the protocol's name


class RuntimeMsg(dict[str, Any]):
    """A msg from the runtime. Its members are JSON (``Raw``) until a node replaces them, so the members that are no
    longer Raw are those that have changed."""

    __slots__ = ("ref",)

    def __init__(self, members: dict[str, Raw], ref: Raw | UnsetType) -> None:
        super().__init__(members)
        self.ref = ref

    def changes(self) -> Msg:
        """The members that the node has replaced; the whole msg if the runtime gave no ``ref`` to find its own by."""
        if self.ref is UNSET:
            return self
        return {name: value for name, value in self.items() if type(value) is not Raw}


class OutputLine(msgspec.Struct, tag_field="op", tag="output"):
    """A msg that a node sends."""

    __repr__ = discreet_repr

    node: str
    port: int
    msg: Msg
    ref: Raw | UnsetType = UNSET


class DoneLine(msgspec.Struct, tag_field="op", tag="done"):
    """An input is done."""

    __repr__ = discreet_repr

    node: str
    ref: Raw


class StatusLine(msgspec.Struct, tag_field="op", tag="status"):
    """A node's status."""

    __repr__ = discreet_repr

    node: str
    fill: str
    shape: str
    text: str


class ErrorLine(msgspec.Struct, tag_field="op", tag="error", omit_defaults=True):
    """An input, or a line, that could not be used."""

    __repr__ = discreet_repr

    code: str
    text: str
    node: str | UnsetType = UNSET
    ref: Raw | UnsetType = UNSET


encode: Final = msgspec.json.Encoder().encode
decode_line: Final = msgspec.json.Decoder(RuntimeLine).decode
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def encoded(line: Any) -> bytes:
    """A line as it is written, without its newline."""
    data = encode(line)
    # JSON that passes through may be laid out over several lines; inside strings a newline is always escaped.
    return data.replace(b"\n", b" ") if b"\n" in data else data
