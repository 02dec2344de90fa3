"""Frames, texts and values without the secrets in them.

Most messages hold no secret. That is found out by looking for a few words; only a message with one of them is read.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from itertools import zip_longest
from typing import Final

import msgspec

from ocppflow.secrecy.json_tree import CutOff, Items, Leaf, Members, Node, NotATree, read
from ocppflow.secrecy.secret_names import NAMING, OF_A_VPN, OPEN, is_secret
from ocppflow.secrecy.secret_texts import STARS, passwords_of_urls, prose_without_secrets, speaks_of_a_secret

_STARS: Final = b'"***"'
_encode = msgspec.json.Encoder().encode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)

USUAL: Final = frozenset({"Heartbeat", "MeterValues", "TransactionEvent"})
"""Most of what a station sends."""

_LONGEST_TEXT: Final = 16_384
_MOST_TREES: Final = 20
"""Characters of a text that may hold a secret, and pieces of JSON in it; a longer text is hidden whole, and so is what
follows the last piece. A character costs about 0.2 us, a piece 10 us, and a message may have a million."""

_SHORTEST: Final = 6
"""Characters of a secret that is recognised where nothing says that it is one."""

_LEVELS: Final = 4
"""JSON within a string within JSON within a string: as deep as anybody has been seen to nest it, and one more."""

_HEAD: Final = re.compile(
    rb'\s*+\[?+\s*+(?:3\s*+,\s*+"[^"\\]{0,64}+"|[2456]\s*+,\s*+"[^"\\]{0,64}+"(?>(?:\s*+,\s*+"[\w-]{0,64}+")?))\s*+,'
)
"""What is certainly no secret at the beginning of a frame: kind, id, and the action or the code of an error."""


def without_secrets(data: bytes) -> bytes:
    """A frame, or a part of one, without secrets: in the place of each stands ``***``, and all the rest is as it came.

    A frame that may hold a secret and is not JSON, or too long to be read, is shown up to its payload.
    """
    return _blotted(data, _LEVELS) if _is_suspicious(data.lower()) else data


def usual_without_secrets(data: bytes) -> bytes:
    """As :func:`without_secrets`, for a frame that is valid, of an action of :data:`USUAL`, and whose idToken is not a
    secret: its members are the standard's, and hold none, so that only customData is looked for."""
    return without_secrets(data) if b"customData" in data or b"\\" in data else data


def faulty_without_secrets(data: bytes) -> bytes:
    """As :func:`without_secrets`, for a frame that may have been cut before the name that makes a secret of a value."""
    shown = without_secrets(data)
    if shown is data and (b"alue" in data or b"oken" in data) and _is_cut(data):
        return _up_to_the_payload(data)
    return shown


def secrets_of(data: bytes) -> tuple[str, ...]:
    """The secrets of a frame: what an answer to it may quote."""
    if not _is_suspicious(data.lower()):
        return ()
    try:
        return _Blotter(data, _LEVELS).secrets()
    except NotATree:
        return ()


def without_these(data: bytes, secrets: tuple[str, ...]) -> bytes:
    """A frame without certain secrets, wherever they stand in it."""
    for secret in secrets:
        data = data.replace(_encode(secret)[1:-1], STARS.encode())
    return data


def text_without_secrets(text: str) -> str:
    """A text that a peer or a user wrote without the secrets in it: see :mod:`ocppflow.secrecy.secret_texts`."""
    return _text(text, _LEVELS)


def traceback_without_secrets(text: str) -> str:
    """A traceback without the secrets in the texts of exceptions."""
    lines = text.split("\n")
    return "\n".join([line if line.startswith('  File "') else text_without_secrets(line) for line in lines])


def _is_suspicious(lowered: bytes) -> bool:
    """Whether there may be a secret: one that a name tells of, or one in a URL."""
    return b"://" in lowered or _may_name_one(lowered)


def _may_name_one(lowered: bytes) -> bool:
    """Whether a name may tell of a secret. A backslash is rare, and may spell any letter of a name."""
    return (
        b"\\" in lowered
        or b"pass" in lowered
        or b"key" in lowered
        or b"cre" in lowered
        or b"pin" in lowered
        or b"psk" in lowered
        or b"pwd" in lowered
        or b'"payload"' in lowered
        or b'authorization"' in lowered
        or b"authorization:" in lowered
        or (b"token" in lowered and lowered.count(b"token") != lowered.count(b"idtoken"))
    )


def _blotted(data: bytes, levels: int) -> bytes:
    try:
        return _Blotter(data, levels).result()
    except NotATree:
        pass
    try:  # a frame that lacks its outer brackets, which is forgiven
        return _Blotter(b"[" + data + b"]", levels).result()[1:-1]
    except NotATree:
        return _up_to_the_payload(data)


def _up_to_the_payload(data: bytes) -> bytes:
    head = _HEAD.match(data)
    start = 0 if head is None else head.end()
    hidden = b"*** (%d bytes, not shown)" % (len(data) - start)
    return data[:start] + (b" " if start else b"") + hidden


def _is_cut(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except _UNREADABLE:
        pass
    else:
        return False
    try:
        read(data)
    except CutOff:
        return True
    except NotATree:
        pass
    return False


class _Blotter:
    """One JSON text, and the places in it that are replaced."""

    def __init__(self, data: bytes, levels: int, sealed: bool = False) -> None:
        self._data = data
        self._levels = levels
        self._replaced: list[tuple[int, int, bytes]] = []
        bom = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        whole = read(data, bom)
        if data[whole.end :].strip(b"\0 \t\r\n") or (isinstance(whole, Leaf) and not data.rstrip().endswith(b'"')):
            raise NotATree
        self._about = False
        if isinstance(whole, Items) and len(whole.items) > 3 and self._is(whole.items[0], b"4", b"5"):
            self._error(whole.items[3:])
        else:
            self._node(whole, "", sealed)

    def result(self) -> bytes:
        """The text without its secrets; the very same if there are none."""
        if not self._replaced:
            return self._data
        parts: list[bytes] = []
        done = 0
        for start, end, new in sorted(self._replaced):
            parts += (self._data[done:start], new)
            done = end
        return b"".join((*parts, self._data[done:]))

    def secrets(self) -> tuple[str, ...]:
        """What the text's secrets are; what is shorter than a password is left out, for it may stand anywhere."""
        found: set[str] = set()
        for start, end, new in self._replaced:
            text = _plain(self._data[start:end]) if self._data[start] == 34 else self._data[start:end].decode()
            inner = [text] if new == _STARS else secrets_of(text.encode("utf-8", "replace")) or passwords_of_urls(text)
            found.update(inner)
        return tuple(each for each in found if len(each) >= _SHORTEST)

    def _is(self, node: Node, *values: bytes) -> bool:
        return self._data[node.start : node.end] in values

    def _error(self, parts: list[Node]) -> None:
        """The description and the details of a CALLERROR: where one of them speaks of a secret, the others may quote
        it."""
        self._about = any(map(self._speaks, parts))
        for number, part in enumerate(parts):
            self._node(part, "", self._about and number > 0)

    def _speaks(self, node: Node) -> bool:
        if isinstance(node, Leaf):
            return speaks_of_a_secret(self._plain(node))
        if isinstance(node, Items):
            return any(map(self._speaks, node.items))
        return any(is_secret(_name(name)) or self._speaks(value) for name, value in node.members)

    def _node(self, node: Node, name: str, sealed: bool) -> None:
        """``name``: of the member that it is; ``sealed``: whether it stands in an object that is about a secret."""
        if isinstance(node, Members):
            self._members(node, name, sealed)
        elif isinstance(node, Items):
            for item in node.items:
                self._node(item, name, sealed)
        elif sealed:
            self._hide(node)
        elif self._data[node.start] == 34:  # a quotation mark
            self._string(node)

    def _members(self, node: Members, name: str, sealed: bool) -> None:
        members = [(_name(raw), value) for raw, value in node.members]
        names = {each for each, _ in members}
        of_a_vpn = name == "vpn" or not OF_A_VPN.isdisjoint(names)
        sealed = sealed or any(each in NAMING and self._names_a_secret(value) for each, value in members)
        signed = "payload" in names and not names.isdisjoint(("signature", "signatures"))
        for each, value in members:
            if is_secret(each) or (each == "key" and of_a_vpn):
                self._hide(value)
            elif sealed and each not in OPEN:
                self._node(value, each, True)
            elif signed and each == "payload" and isinstance(value, Leaf):
                self._jws(value)
            else:
                self._node(value, each, sealed and each not in NAMING and not isinstance(value, Leaf))

    def _names_a_secret(self, node: Node) -> bool:
        if isinstance(node, Leaf):
            return self._data[node.start] == 34 and is_secret(self._plain(node))
        inner = node.items if isinstance(node, Items) else [value for _, value in node.members]
        return any(self._names_a_secret(each) for each in inner)

    def _plain(self, leaf: Leaf) -> str:
        return _plain(self._data[leaf.start : leaf.end])

    def _hide(self, node: Node) -> None:
        if self._data[node.start : node.end] not in _EMPTY:
            self._replaced.append((node.start, node.end, _STARS))

    def _string(self, leaf: Leaf) -> None:
        raw = self._data[leaf.start : leaf.end]
        if self._about or _LOOSE.search(raw):
            text = self._plain(leaf)
            shown = _text(text, self._levels - 1, self._about)
            if shown != text:
                self._replaced.append((leaf.start, leaf.end, _encode(shown)))

    def _jws(self, leaf: Leaf) -> None:
        """A signed message: the plain one is inside (OCPP-J 2.x Part 4, chapter 7)."""
        text = self._plain(leaf)
        try:
            inner = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            self._hide(leaf)
            return
        if _is_suspicious(inner.lower()) and (shown := _blotted(inner, self._levels - 1)) != inner:
            self._replaced.append((leaf.start, leaf.end, _encode(urlsafe_b64encode(shown).rstrip(b"=").decode())))


_LOOSE: Final = re.compile(rb"[ :=\\]")
"""What a string has that holds more than a name: a text, a URL, JSON."""
_JSON: Final = re.compile(rb"\{|\[(?=\s*+[\[{\"'])")
"""Where JSON, or what was meant to be, begins in a text."""

_EMPTY: Final = frozenset({b"null", b"true", b"false", b'""', b"{}", b"[]"})
"""What holds no secret wherever it stands."""


def _name(raw: bytes) -> str:
    return _plain(raw).lower()


def _plain(raw: bytes) -> str:
    """A string of JSON as text; one that is at fault as well as can be."""
    if b"\\" in raw:
        try:
            return msgspec.json.decode(raw, type=str)
        except _UNREADABLE:
            pass
    return raw[1:-1].decode("utf-8", "replace")


def _text(text: str, levels: int, about: bool = False) -> str:
    data = text.encode("utf-8", "replace")
    if not about and not _may_name_one(data.lower()):
        return prose_without_secrets(text, False) if "://" in text else text
    if levels <= 0:
        return STARS
    most = _MOST_TREES if len(data) <= _LONGEST_TEXT else 1
    pieces: list[str] = []
    trees: list[bytes] = []
    at = 0
    try:
        while (found := _JSON.search(data, at)) is not None:
            if len(trees) == most:
                raise NotATree
            tree = read(data, found.start())
            pieces.append(data[at : tree.start].decode())
            trees.append(data[tree.start : tree.end])
            at = tree.end
        pieces.append(data[at:].decode())
    except NotATree:
        pieces.append(data[at : found.start() if found else None].decode())
        trees.append(b"")
    if sum(map(len, pieces)) > _LONGEST_TEXT:
        return STARS
    about = about or any(map(speaks_of_a_secret, pieces))
    shown = [prose_without_secrets(piece, about) for piece in pieces]
    inner = [_Blotter(tree, levels, about).result().decode() if tree else STARS for tree in trees]
    return "".join(part for pair in zip_longest(shown, inner, fillvalue="") for part in pair)
