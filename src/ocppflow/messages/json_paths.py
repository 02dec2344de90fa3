"""Places in a payload, by path in wire names: ``eventData[0].component.name``."""

from __future__ import annotations

import re
from typing import Any, Final

_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()
"""What stands at a path where there is nothing."""


def at(payload: Any, path: str) -> Any:
    """What stands in ``payload`` at ``path``; ABSENT if nothing does."""
    for name, number in _STEP.findall(path):
        if name:
            payload = payload.get(name, ABSENT) if isinstance(payload, dict) else ABSENT
        else:
            payload = payload[int(number)] if isinstance(payload, list) and int(number) < len(payload) else ABSENT
    return payload


def put_at(payload: dict[str, Any], path: str, value: Any) -> None:
    """Let ``value`` stand at ``path``, with the objects and lists on the way to it that are not there. Raises
    ValueError where the payload has something else on the way."""
    steps: list[str | int] = [name or int(number) for name, number in _STEP.findall(path)]
    place: Any = payload
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        made: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, str) and isinstance(place, dict):
            if following is None or step not in place:
                place[step] = made
        elif isinstance(step, int) and isinstance(place, list) and step <= len(place):
            if step == len(place):
                place.append(made)
            elif following is None:
                place[step] = made
        else:
            raise ValueError(f"{path}: there is no place for {step}")
        place = place[step]
