"""What an answer must look like, whatever was asked, and whether it is the one that was expected.

Written from the standard and independent of what it judges: json and plain comparisons.
"""

from __future__ import annotations

import json
from typing import Any, Final

from ocppflow.messages import Version
from tests.fuzz.items import Answer

_COMMON: Final = {
    "GenericError",
    "InternalError",
    "NotImplemented",
    "NotSupported",
    "PropertyConstraintViolation",
    "ProtocolError",
    "SecurityError",
    "TypeConstraintViolation",
}
_2X: Final = _COMMON | {
    "FormatViolation",
    "MessageTypeNotSupported",
    "OccurrenceConstraintViolation",
    "RpcFrameworkError",
}
CODES: Final = {
    Version.V16: _COMMON | {"FormationViolation", "OccurenceConstraintViolation"},
    Version.V201: _2X,
    Version.V21: _2X,
}
_AS_2X: Final = {
    "FormationViolation": {"FormatViolation", "RpcFrameworkError"},
    "OccurenceConstraintViolation": {"OccurrenceConstraintViolation"},
}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def parse(raw: bytes, version: Version) -> tuple[Answer, str]:
    """An answer, and what is wrong with it (empty: nothing)."""
    try:
        said = json.loads(raw.decode(), parse_constant=_no_constant)
        type_, message_id, *rest = said
    except (ValueError, TypeError) as exc:
        return Answer(0, ""), f"not readable: {exc}"
    answer = Answer(type_, message_id, rest[0] if type_ in (4, 5) and rest else "")
    return answer, _fault(said, version)


def _fault(said: list[Any], version: Version) -> str:
    type_, message_id = said[:2]
    if isinstance(message_id, int) and version is not Version.V16:
        return "its id is a number"
    if type_ == 3:
        return "" if len(said) == 3 and isinstance(said[2], dict) else "a CALLRESULT of the wrong shape"
    if type_ != 4:
        return f"message type {type_} in answer to a call"
    if len(said) != 5:
        return f"a CALLERROR of {len(said)} elements"
    _, _, code, description, details = said
    if code not in CODES[version]:
        return f"{code!r} is not an error code of OCPP {version}"
    if not isinstance(description, str) or len(description) > 255:
        return "its description is not a string of at most 255 characters"
    return "" if isinstance(details, dict) else "its details are not an object"


def is_as_expected(got: Answer, wanted: Answer, version: Version) -> bool:
    """Whether the answer is that one, codes being spelled as the version does (4.3 of Part 4, and OCPP-J 1.6)."""
    if (got.type, got.message_id) != (wanted.type, wanted.message_id):
        return False
    if got.type == 3:
        return True
    if version is Version.V16:
        return wanted.code in _AS_2X.get(got.code, {got.code})
    return got.code == wanted.code
