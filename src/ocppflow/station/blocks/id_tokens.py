"""Tokens: which are the same, and how one is shown to people."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ocppflow.messages.v21 import IdTokenInfoType, IdTokenType
from ocppflow.plain_text import SHOWN_TEXT, one_line


def token_key(token: IdTokenType) -> str:
    """The same for tokens that are the same: idToken and type count, whatever their case (2.1 C01.FR.25; idToken is a
    case-insensitive identifierString in 2.0.1)."""
    return f"{token.type.casefold()}\x1f{token.id_token.casefold()}"


def same_token(one: IdTokenType | None, other: IdTokenType | None) -> bool:
    """Whether both are one token."""
    return one is not None and other is not None and token_key(one) == token_key(other)


def same_group(one: IdTokenType | None, other: IdTokenType | None) -> bool:
    """Whether both are one group; the type of a group does not matter, since it says nothing (2.1 C09.FR.13)."""
    return one is not None and other is not None and one.id_token.casefold() == other.id_token.casefold() != ""


def group_of(info: IdTokenInfoType | None) -> IdTokenType | None:
    """The group that a token belongs to."""
    return None if info is None or isinstance(info.group_id_token, UnsetType) else info.group_id_token


def shown_token(token: IdTokenType) -> str:
    """For people and logs; a key code is never shown (C04.FR.04)."""
    hidden = token.type.casefold() == "keycode" or not token.id_token
    return f"{token.type} {'(not shown)' if hidden else one_line(token.id_token, SHOWN_TEXT)}"


def without_additions(token: IdTokenType) -> IdTokenType:
    """The token without its additionalInfo, which is not kept (2.1 C10.FR.14)."""
    return IdTokenType(id_token=token.id_token, type=token.type) if token.additional_info is not UNSET else token
