"""A JSON text as a tree that knows where in the bytes each value stands, so that one can be replaced and all the rest
stays as it came: spelling, order, duplicate members.

It is less strict than JSON about what stands inside of strings and numbers, because peers are, too; about the structure
it is as strict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

MOST_TOKENS: Final = 50_000
"""Tokens (brackets, commas, colons, strings, numbers) of one text; they take about 25 ms. The longest message of a
station has some thousand."""
MOST_LEVELS: Final = 64
"""Levels of nesting. A message of the standard has ten."""


class Leaf(NamedTuple):
    """A string, a number, true, false or null."""

    start: int
    end: int


class Items(NamedTuple):
    """An array."""

    start: int
    end: int
    items: list[Node]


class Members(NamedTuple):
    """An object; names are the JSON of the string, quotes included."""

    start: int
    end: int
    members: list[tuple[bytes, Node]]


Node: TypeAlias = Leaf | Items | Members

_TOKEN: Final = re.compile(rb'\s*+(?:([{}\[\],:])|("(?:[^"\\]++|\\.|)*+"?+)|([^\s{}\[\],:"]++)|(.)|\Z)', re.DOTALL)
_MARK, _STRING, _SCALAR = 1, 2, 3
_Tokens: TypeAlias = Iterator[re.Match[bytes]]


# A string that is not closed ends the text, so that no structure around it is complete.


class NotATree(Exception):
    """The structure is not JSON's, or there is too much of it."""


class CutOff(NotATree):
    """The structure is JSON's, but for the end."""


def read(data: bytes, start: int = 0) -> Node:
    """The value that begins at ``start``; what stands after it is not looked at. Raises NotATree."""
    tokens = islice(_TOKEN.finditer(data, start), MOST_TOKENS)
    try:
        return _value(tokens, next(tokens), MOST_LEVELS)
    except StopIteration:
        raise CutOff from None


def _value(tokens: _Tokens, token: re.Match[bytes], levels: int) -> Node:
    kind = token.lastindex or 0
    if kind in (_STRING, _SCALAR):
        return Leaf(*token.span(kind))
    if levels and token[1] == b"{":
        return _object(tokens, token.start(1), levels - 1)
    if levels and token[1] == b"[":
        return _array(tokens, token.start(1), levels - 1)
    raise _wrong(token)


def _array(tokens: _Tokens, start: int, levels: int) -> Items:
    items: list[Node] = []
    token = next(tokens)
    while token[1] != b"]":
        if items:
            _must_be(token, b",")
            token = next(tokens)
        items.append(_value(tokens, token, levels))
        token = next(tokens)
    return Items(start, token.end(), items)


def _object(tokens: _Tokens, start: int, levels: int) -> Members:
    members: list[tuple[bytes, Node]] = []
    token = next(tokens)
    while token[1] != b"}":
        if members:
            _must_be(token, b",")
            token = next(tokens)
        name = token[_STRING]
        if name is None:
            raise _wrong(token)
        _must_be(next(tokens), b":")
        members.append((name, _value(tokens, next(tokens), levels)))
        token = next(tokens)
    return Members(start, token.end(), members)


def _must_be(token: re.Match[bytes], mark: bytes) -> None:
    if token[_MARK] != mark:
        raise _wrong(token)


def _wrong(token: re.Match[bytes]) -> NotATree:
    return NotATree() if token.lastindex else CutOff()
