"""Seeded mutations of valid messages: of their bytes, of their structure, of their envelope."""

from __future__ import annotations

import itertools
import json
from copy import deepcopy
from random import Random
from typing import Any, Final

from ocppflow.messages import Role, Version
from tests.fuzz.corpus import Corpus

_LONGEST: Final = 500_000  # well below the limit of a message, which closes the connection
_TOKENS: Final = [
    *(b"[", b"]", b"{", b"}", b'"', b",", b":", b"\\", b"\\u", b"\\ud800", b"\0", b"\xff", b"\xef\xbb\xbf"),
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e400", b"-0", b"1" * 30, b"[" * 300, b'{"a":' * 50, b" " * 20),
    *(b" " * 3000, b"\t\n" * 1500, b" [" * 1500, b'\\"' * 1500, b"\\" * 3001, b'","' * 1000, b"1" * 5000, b"," * 3000),
    *(b"[2,", b"[3,", b"[4,", b"[6,", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\r\n", b'"customData":{', b"{}"),
]
_VALUES: Final[list[Any]] = [
    *(None, True, False, 0, -1, 1.5, 10**30, 2**63, -(2**63) - 1, 1e308, "", "x", "x" * 1000, "\ud800", "\0"),
    *([], {}, [[]], [None], {"": None}, "2026-02-30T25:61:61Z", "Accepted", "1" * 40, [[[[[[]]]]]] * 3),
    {"vendorId": "x", "anything": [1, {"deep": None}]},
]
_ENVELOPE_TYPES: Final[list[Any]] = [0, 1, 3, 4, 5, 6, 7, 8, 9, -1, 99, "2", None, 2.5, [2], {}]
_ENVELOPE_IDS: Final[list[Any]] = [None, 7, 1.5, True, [], {}, "", "x" * 37, "x" * 500, "\ud800", "\u0000"]


class Mutator:
    """An endless source of messages for a target in one role and version; the same seed, the same messages.

    Every message gets an id of its own, so that its answer can be told, unless the id is what is broken.
    """

    def __init__(self, version: Version, target: Role, seed: int) -> None:
        self._random = Random(seed)
        self._corpus = Corpus(version, target, self._random)
        self._ids = (f"m{seed}-{n}" for n in itertools.count())
        self._kinds = [self._valid, self._bytes, self._bytes, self._structure, self._envelope, self._answer]
        self._weights = [3, 4, 4, 3, 2, 1]

    def batch(self, count: int) -> list[bytes]:
        """The next ``count`` messages."""
        made = [kind() for kind in self._random.choices(self._kinds, self._weights, k=count)]
        return [data if len(data) <= _LONGEST else data[:_LONGEST] for data in made]

    def _request(self) -> tuple[str, str]:
        pool = self._corpus.callable if self._random.random() < 0.8 else self._corpus.requests
        return self._random.choice(pool)

    def _valid(self) -> bytes:
        action, payload = self._request()
        return f'[2,"{next(self._ids)}","{action}",{payload}]'.encode()

    def _answer(self) -> bytes:
        data = f'[3,"{next(self._ids)}",{self._random.choice(self._corpus.responses)}]'.encode()
        return data if self._random.random() < 0.5 else self._mutated(data)

    def _bytes(self) -> bytes:
        return self._mutated(self._valid())

    def _mutated(self, data: bytes) -> bytes:
        random = self._random
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            at = random.randrange(len(data) + 1)
            match random.randrange(6):
                case 0:
                    data = data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
                case 1:
                    data = data[:at] + data[at + random.randrange(1, 12) :]
                case 2:
                    data = data[:at] + random.choice(_TOKENS) + data[at:]
                case 3:
                    data = data[:at]
                case 4:
                    piece = data[at : at + random.randrange(1, 30)]
                    data = data[:at] + piece * random.choice((2, 2, 50)) + data[at:]
                case 5:
                    other = random.randrange(len(data) + 1)
                    data = data[:at] + data[other : other + 8] + data[at + 8 :]
        return data

    def _structure(self) -> bytes:
        action, payload = self._request()
        tree = json.loads(payload)
        for _ in range(self._random.choice((1, 1, 2, 3))):
            tree = self._changed(tree)
        return f'[2,"{next(self._ids)}","{action}",{json.dumps(tree)}]'.encode()

    def _changed(self, tree: Any) -> Any:
        """One node, found by walking down at random, is replaced, dropped, doubled or given company."""
        random = self._random
        if isinstance(tree, dict) and tree and random.random() < 0.85:
            name = random.choice(list(tree))
            match random.randrange(5):
                case 0:
                    del tree[name]
                case 1:
                    tree[name + random.choice("sX ")] = tree[name]
                case _:
                    tree[name] = self._changed(tree[name])
            return tree
        if isinstance(tree, list) and tree and random.random() < 0.7:
            if random.random() < 0.3:
                return tree * random.choice((0, 2, 30))
            at = random.randrange(len(tree))
            tree[at] = self._changed(tree[at])
            return tree
        return deepcopy(random.choice(_VALUES))

    def _envelope(self) -> bytes:
        action, payload = self._request()
        parts: list[Any] = [2, next(self._ids), action, json.loads(payload)]
        random = self._random
        match random.randrange(7):
            case 0:
                parts[0] = random.choice(_ENVELOPE_TYPES)
            case 1:
                parts[1] = random.choice(_ENVELOPE_IDS)
            case 2:
                parts[2] = random.choice([*_VALUES, action.lower(), action + "Request", action + "-Signed"])
            case 3:
                parts[3] = random.choice(_VALUES)
            case 4:
                del parts[random.randrange(4) :]
            case 5:
                parts.insert(random.randrange(5), random.choice(_VALUES))
            case 6:
                random.shuffle(parts)
        return json.dumps(parts).encode()
