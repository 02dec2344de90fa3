"""Signed messages (OCPP-J 2.x Part 4, chapter 7): the receiver takes the plain message out and goes on with that.

The signature is not checked here: a secure connection makes that optional (7.2), and which key signs is between the
parties (7.4). Whoever wants to check it finds the whole JWS in the trace.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from ocppflow.messages import Version
from ocppflow.rpc.frame import UNREADABLE
from ocppflow.secrecy.discreet_repr import discreet_repr

_SUFFIX: Final = "-Signed"


class _FlattenedJWS(msgspec.Struct):
    """RFC 7515, 7.2.2. Members that are not understood are ignored."""

    __repr__ = discreet_repr

    payload: str
    signature: str


_decoder = msgspec.json.Decoder(_FlattenedJWS)


def unwrap_call(action: str, payload: bytes, version: Version) -> tuple[str, bytes | None]:
    """The plain action and payload of a signed call or SEND; any other comes back as it is. The payload is None if it
    should be a JWS and is none."""
    if version is Version.V16 or not action.endswith(_SUFFIX):
        return action, payload
    return action.removesuffix(_SUFFIX), _plain(payload)


def unwrap_result(payload: bytes, version: Version) -> bytes:
    """The plain payload of a signed response, which nothing but its shape tells from another."""
    if version is Version.V16 or b'"signature"' not in payload:
        return payload
    plain = _plain(payload)
    return payload if plain is None else plain


def _plain(payload: bytes) -> bytes | None:
    try:
        text = _decoder.decode(payload).payload
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (*UNREADABLE, binascii.Error, ValueError):
        return None
