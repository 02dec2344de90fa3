"""Conditions: under which features a test case applies, as the certification programme writes them:
``C-09.1 & (C-51 | NOT C-09.6)``, ``HFS-8>1``, ``[Smart Charging]``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ocppflow.errors import ConfigurationError

_TOKEN = re.compile(r"\s*(\[[^\]]*\]|NOT\b|[A-Z]+-\d+(?:\.\d+)?(?:>\d+)?|[&|()])")

Claims = Callable[[str], float]
"""How much a station has of a feature or profile: 0 for none, 1 for one that it has, a number where one is counted."""

_SIDE: Final = re.compile(r"CS: (.*?)(?:; CSMS: .*)?$")


def of_station(text: str) -> str:
    """The part of a condition that concerns stations."""
    side = _SIDE.match(text)
    return side[1] if side else text


class Condition:
    """A condition that has been read. Raises ConfigurationError for text that cannot be."""

    def __init__(self, text: str) -> None:
        self.text = of_station(text)
        self._tokens: list[str] = []
        place = 0
        while place < len(self.text):
            match = _TOKEN.match(self.text, place)
            if match is None:
                raise ConfigurationError(f"condition {text!r} cannot be read from {self.text[place:]!r} on")
            self._tokens.append(match[1])
            place = match.end()

    @property
    def features(self) -> list[str]:
        """The features and profiles named in it."""
        return [token for token in self._tokens if token not in ("NOT", "&", "|", "(", ")")]

    def holds(self, claims: Claims) -> bool:
        """Whether it holds for a station. An empty one always does."""
        if not self._tokens:
            return True
        rest = list(reversed(self._tokens))
        value = self._either(rest, claims)
        if rest:
            raise ConfigurationError(f"condition {self.text!r}: {rest[-1]!r} is out of place")
        return value

    def _either(self, rest: list[str], claims: Claims) -> bool:
        value = self._both(rest, claims)
        while rest and rest[-1] == "|":
            rest.pop()
            value = self._both(rest, claims) or value
        return value

    def _both(self, rest: list[str], claims: Claims) -> bool:
        value = self._one(rest, claims)
        while rest and rest[-1] == "&":
            rest.pop()
            value = self._one(rest, claims) and value
        return value

    def _one(self, rest: list[str], claims: Claims) -> bool:
        token = rest.pop() if rest else ""
        if token == "NOT":  # noqa: S105 - a word
            return not self._one(rest, claims)
        if token == "(":  # noqa: S105
            value = self._either(rest, claims)
            if not rest or rest.pop() != ")":
                raise ConfigurationError(f"condition {self.text!r}: a bracket is not closed")
            return value
        if token in ("", "&", "|", ")"):
            raise ConfigurationError(f"condition {self.text!r}: a feature is missing")
        feature, _, least = token.partition(">")
        return claims(feature.strip("[]")) > (float(least) if least else 0)
