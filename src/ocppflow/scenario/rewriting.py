"""Rewriting what a recorded station said, so that it is said now: times are moved, ids are those of the new CSMS."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from ocppflow.messages import Version
from ocppflow.messages.json_paths import ABSENT

DATE_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(\.\d{1,12})?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)

_FAR: Final = 400 * 86_400.0
"""Seconds: a time that is farther than this from when it was said means something else, such as never."""

_FROM_CSMS: Final = frozenset({"remoteStartId", "requestId", "reservationId"})
"""Numbers that the CSMS gives, and the station says again."""

IDS: Final = frozenset({*_FROM_CSMS, "transactionId"})
"""Fields whose values differ from one time to the next."""


class Rewriter:
    """``shift``: whole seconds by which times are moved."""

    def __init__(self, version: Version, shift: int) -> None:
        self._version = version
        self._shift = timedelta(seconds=shift)
        self._ids: dict[tuple[str, Any], Any] = {}

    def said(self, payload: dict[str, Any], when: float) -> dict[str, Any]:
        """What the station said at ``when`` (seconds since 1970), as it says it now."""
        made: dict[str, Any] = self._value("", payload, when)
        return made

    def learn(self, recorded: Any, now: Any) -> None:
        """The CSMS gives ids in what it says: where the recording has one, it has another now."""
        if isinstance(recorded, dict) and isinstance(now, dict):
            for name, old in recorded.items():
                new = now.get(name, ABSENT)
                if name in IDS and isinstance(old, int | str) and isinstance(new, int | str):
                    self._ids[name, old] = new
                else:
                    self.learn(old, new)

    def _value(self, name: str, value: Any, when: float) -> Any:
        if isinstance(value, dict):
            return {key: self._value(key, each, when) for key, each in value.items()}
        if isinstance(value, list):
            return [self._value(name, each, when) for each in value]
        if name in IDS and isinstance(value, int | str):
            return self._id(name, value)
        return self._time(value, when) if isinstance(value, str) else value

    def _id(self, name: str, value: int | str) -> int | str:
        known: int | str | None = self._ids.get((name, value))
        if known is None and name == "transactionId" and self._version is not Version.V16:
            known = self._ids[name, value] = str(uuid.uuid4())  # a station makes them up
        return value if known is None else known

    def _time(self, text: str, when: float) -> str:
        match = DATE_TIME.fullmatch(text)
        if match is None:
            return text
        try:
            moment = datetime.fromisoformat(match[1])
            if abs(moment.timestamp() - when) > _FAR:
                return text
            moved = moment + self._shift
        except (ValueError, OverflowError, OSError):
            return text
        return f"{moved.isoformat(sep=match[1][10])}{match[2] or ''}{match[3] or ''}"


class Difference:
    """Where the answer to an action differs from the recorded one."""

    __slots__ = ("action", "count", "new", "old", "path")

    def __init__(self, action: str, path: str, old: Any, new: Any) -> None:
        self.action = action
        self.path = path
        self.old = old
        self.new = new
        self.count = 1

    def same_as(self, other: Difference) -> bool:
        """Whether it is the same, elsewhere."""
        return all(getattr(self, name) == getattr(other, name) for name in ("action", "path", "old", "new"))


def differences(action: str, old: Any, new: Any, path: str = "") -> list[Difference]:
    """By path, where two answers differ. Ids, times and what the trace hides are not compared."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for name in dict.fromkeys([*old, *new]):
            if name not in IDS:
                below = f"{path}.{name}" if path else name
                found += differences(action, old.get(name, ABSENT), new.get(name, ABSENT), below)
        return found
    if isinstance(old, list) and isinstance(new, list):
        pairs = [
            (old[number] if number < len(old) else ABSENT, new[number] if number < len(new) else ABSENT)
            for number in range(max(len(old), len(new)))
        ]
        return [each for number, pair in enumerate(pairs) for each in differences(action, *pair, f"{path}[{number}]")]
    same = old == new and isinstance(old, bool) is isinstance(new, bool)
    if same or old == "***" or (_is_time(old) and _is_time(new)):
        return []
    return [Difference(action, path, old, new)]


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and DATE_TIME.fullmatch(value) is not None
