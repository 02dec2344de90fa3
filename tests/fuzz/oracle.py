"""What may follow on a message, told from its bytes alone by the rules of OCPP-J."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from ocppflow.messages import Version
from tests.fuzz import judge

_TYPE = re.compile(rb"[\xef\xbb\xbf\s\[]*(-?\d+)")


class Finding(NamedTuple):
    """Something that must not be: what, and the messages that brought it about."""

    what: str
    data: tuple[bytes, ...]


def must(data: bytes, version: Version) -> tuple[bool | None, str | None]:
    """Whether ``data`` has to be answered (True), must not be (False), or may be (None), and with which id, if that is
    certain."""
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError):
        # What cannot be read is answered, unless it can be seen not to be a call: then it may be ignored.
        head = _TYPE.match(data)
        return (True if head is None or head[1] == b"2" else None), None
    if not isinstance(value, list) or len(value) < 2:
        kind = value[0] if isinstance(value, list) and value else None
        return (None if type(kind) is int and kind != 2 else True), None
    kind, message_id = value[:2]
    if type(kind) is not int:
        return True, None
    if kind == 2:
        return True, message_id if isinstance(message_id, str) and _is_valid(message_id) else None
    if kind in (3, 4):  # never answered with a CALLERROR (4.2.3)
        return False, None
    if version is Version.V201:  # MessageTypeNotSupported (4.3)
        return True, None
    return False, None


def _is_valid(message_id: str) -> bool:
    return len(message_id) <= 36 and not any("\ud800" <= char <= "\udfff" for char in message_id)


def check(sent: Sequence[bytes], got: Sequence[bytes], version: Version, codes: Counter[str]) -> list[Finding]:
    """Compare what was sent with all that was answered; ``codes`` counts the answers."""
    findings: list[Finding] = []
    certain: dict[str, list[bytes]] = {}
    least = most = 0
    uncertain: list[bytes] = []
    for data in sent:
        verdict, message_id = must(data, version)
        if message_id is not None:
            certain.setdefault(message_id, []).append(data)
        elif verdict is not False:
            least += verdict is True
            most += 1
            uncertain.append(data)
    answered: Counter[Any] = Counter()
    for raw in got:
        answer, fault = judge.parse(raw, version)
        codes[answer.code or f"type {answer.type}"] += 1
        answered[answer.message_id] += 1
        if fault:
            culprits = certain.get(str(answer.message_id), uncertain)
            findings.append(Finding(f"{fault}: {raw[:200]!r}", tuple(culprits)))
    for message_id, culprits in certain.items():
        if answered[message_id] < len(culprits):
            findings.append(Finding(f"no answer to the call {message_id!r}", tuple(culprits)))
        # a call cut in two may be two messages' worth of one id, so more answers than calls count as uncertain ones
        answered[message_id] -= len(culprits)
    rest = +answered
    if not least <= rest.total() <= most:
        what = f"{rest.total()} answers to between {least} and {most} messages whose id is not certain"
        findings.append(Finding(f"{what}: {dict(rest)!r:.300}", tuple(uncertain)))
    return findings
