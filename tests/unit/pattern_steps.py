"""Counts what a regular expression costs: a backtracking matcher, written after Python's own, that counts its steps.

Time would tell the same less surely: this machine is shared, and a pattern that costs the square of its input passes
any time limit as long as the input is short.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

Continue = Callable[[int], int | None]


class TooManySteps(Exception):
    """The pattern took more steps than it was allowed."""


class Stepper:
    """One pattern over one text. Simple repeats are counted a step for each character tried, as the real one does."""

    def __init__(self, pattern: re.Pattern[Any], text: Any, most: int) -> None:
        self._text = text
        self._flags = pattern.flags
        self._most = most
        self.steps = 0
        self._tree = list(re._parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE | _unicode(pattern)))

    def match(self, start: int) -> int | None:
        """The end of a match that begins at ``start``."""
        return self._seq(self._tree, 0, start, lambda end: end)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > self._most:
            raise TooManySteps

    def _char(self, at: int) -> int | None:
        if at >= len(self._text):
            return None
        found = self._text[at]
        return found if isinstance(found, int) else ord(found)

    def _seq(self, nodes: list[Any], index: int, at: int, then: Continue) -> int | None:
        if index == len(nodes):
            return then(at)
        self._step()
        kind, value = str(nodes[index][0]), nodes[index][1]
        rest: Continue = lambda end: self._seq(nodes, index + 1, end, then)  # noqa: E731
        if kind in _ONE:
            return rest(at + 1) if self._fits(kind, value, at) else None
        if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeat(kind, value, at, rest)
        if kind == "SUBPATTERN":
            return self._seq(list(value[3]), 0, at, rest)
        if kind == "ATOMIC_GROUP":
            end = self._seq(list(value), 0, at, lambda found: found)
            return None if end is None else rest(end)
        if kind == "BRANCH":
            for each in value[1]:
                if (end := self._seq(list(each), 0, at, rest)) is not None:
                    return end
            return None
        if kind in ("ASSERT", "ASSERT_NOT"):
            direction, body = value
            start = at if direction > 0 else at - body.getwidth()[0]
            found = self._seq(list(body), 0, start, lambda end: end) if start >= 0 else None
            return rest(at) if (found is not None) is (kind == "ASSERT") else None
        if kind == "AT":
            fits = at == 0 if "BEGINNING" in str(value) else at == len(self._text)
            return rest(at) if fits else None
        raise NotImplementedError(kind)

    def _repeat(self, kind: str, value: Any, at: int, rest: Continue) -> int | None:
        least, most, body = value[0], int(value[1]), list(value[2])
        if len(body) == 1 and str(body[0][0]) in _ONE:
            return self._run(kind, least, most, body[0], at, rest)
        if kind == "POSSESSIVE_REPEAT":
            count = 0
            while count < most:
                end = self._seq(body, 0, at, lambda found: found)
                if end is None or end == at:
                    break
                at, count = end, count + 1
            return rest(at) if count >= least else None

        def more(count: int, here: int) -> int | None:
            self._step()
            if kind == "MIN_REPEAT" and count >= least and (end := rest(here)) is not None:
                return end
            if count < most:
                end = self._seq(body, 0, here, lambda found: more(count + 1, found) if found > here else None)
                if end is not None:
                    return end
            return rest(here) if kind == "MAX_REPEAT" and count >= least else None

        return more(0, at)

    def _run(self, kind: str, least: int, most: int, one: Any, at: int, rest: Continue) -> int | None:
        count = 0
        lazy = kind == "MIN_REPEAT"
        while count < (least if lazy else most) and self._fits(str(one[0]), one[1], at + count):
            self._step()
            count += 1
        if count < least:
            return None
        if kind == "POSSESSIVE_REPEAT":
            return rest(at + count)
        while lazy:
            if (end := rest(at + count)) is not None:
                return end
            self._step()
            if count >= most or not self._fits(str(one[0]), one[1], at + count):
                return None
            count += 1
        while count >= least:
            self._step()
            if (end := rest(at + count)) is not None:
                return end
            count -= 1
        return None

    def _fits(self, kind: str, value: Any, at: int) -> bool:
        char = self._char(at)
        if char is None:
            return False
        if self._flags & re.IGNORECASE and kind in ("LITERAL", "NOT_LITERAL"):
            same = chr(char).lower() == chr(value).lower()
            return same is (kind == "LITERAL")
        if kind == "LITERAL":
            return bool(char == value)
        if kind == "NOT_LITERAL":
            return bool(char != value)
        if kind == "ANY":
            return char != 10 or bool(self._flags & re.DOTALL)
        return _in(value, char)


_ONE = ("LITERAL", "NOT_LITERAL", "ANY", "IN")


def _unicode(pattern: re.Pattern[Any]) -> int:
    return re.UNICODE if isinstance(pattern.pattern, str) and not pattern.flags & re.ASCII else 0


def _in(items: list[Any], char: int) -> bool:
    negated = str(items[0][0]) == "NEGATE"
    return any(_one_of(str(kind), value, char) for kind, value in items[negated:]) is not negated


def _one_of(kind: str, value: Any, char: int) -> bool:
    if kind == "LITERAL":
        return bool(char == value)
    if kind == "RANGE":
        return bool(value[0] <= char <= value[1])
    name = str(value)
    text = chr(char)
    found = {
        "DIGIT": unicodedata.category(text) == "Nd",
        "SPACE": text.isspace(),
        "WORD": text.isalnum() or text == "_",
    }[name.removeprefix("CATEGORY_").removeprefix("NOT_")]
    return found is not ("NOT_" in name)


def possessive_groups_that_may_fail(pattern: re.Pattern[Any]) -> bool:
    """Whether something longer than a character is repeated possessively, and no empty alternative keeps its last
    iteration from failing."""
    tree = re._parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE | _unicode(pattern))
    return any(str(kind) == "POSSESSIVE_REPEAT" and not _never_fails(list(value[2])) for kind, value in _nodes(tree))


def _nodes(tree: Any) -> Iterator[tuple[Any, Any]]:
    """All nodes of a parsed pattern."""
    if isinstance(tree, re._parser.SubPattern):
        for kind, value in tree:
            yield kind, value
            yield from _nodes(value)
    elif isinstance(tree, (tuple, list)):
        for each in tree:
            yield from _nodes(each)


def _never_fails(body: list[Any]) -> bool:
    """A single character may: that is no group, and Python has always done it right."""
    kind, value = str(body[0][0]), body[0][1]
    if len(body) > 1:
        return False
    if kind == "SUBPATTERN":
        return _never_fails(list(value[3]))
    return not len(value[1][-1]) if kind == "BRANCH" else kind in _ONE


def steps(pattern: re.Pattern[Any], text: Any, *, anywhere: bool, most: int) -> int:
    """How many steps ``pattern`` takes over ``text``, matched at its start or, as ``sub`` and ``search`` do, at every
    place. Raises TooManySteps beyond ``most``."""
    deep = sys.getrecursionlimit()
    sys.setrecursionlimit(200_000)  # a step is a Python call here, and a million of blanks is what this is about
    try:
        stepper = Stepper(pattern, text, most)
        at = 0
        while at <= len(text):
            end = stepper.match(at)
            if not anywhere:
                break
            stepper._step()
            at = at + 1 if end is None or end == at else end
        return stepper.steps
    finally:
        sys.setrecursionlimit(deep)
