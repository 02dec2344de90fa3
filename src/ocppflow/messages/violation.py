"""What is wrong with a message: :class:`Violation`, and how msgspec's errors become one.

Codes are spelled as in OCPP 2.x. OCPP-J Part 4, 4.3 defines them only loosely, so this is how they are used here:

==============================  ======================================================================================
FormatViolation                 the payload does not have the syntax of the action: it is not JSON, not an object, or it
                                has a field that the schema does not know (the other codes speak of payloads that are
                                "syntactically correct"; ProtocolError is for the frame around it)
OccurrenceConstraintViolation   a required field is missing; a list is too short or too long
PropertyConstraintViolation     right type, forbidden value: too long, out of range, not in the enum, not a date-time
TypeConstraintViolation         wrong type: a number where text is asked for, null
==============================  ======================================================================================
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from ocppflow.secrecy.blotting import text_without_secrets, without_secrets
from ocppflow.secrecy.secret_texts import STARS

SHOWN = 60
"""How many characters of a value an error text shows, so that it stays one readable line."""
_LOOKED_AT = 10 * SHOWN
"""How many characters of a text are searched for secrets before it is cut: a URL that is cut within its password does
not look like one with a password."""


PRESENT = "to be present"
"""What is expected of a required field that is missing."""
ABSENT = "no such field"
"""What is expected of a field that the schema does not know."""

_KINDS = {
    "TypeConstraintViolation": "type",
    "PropertyConstraintViolation": "value",
    "OccurrenceConstraintViolation": "count",
}


class Violation(msgspec.Struct, frozen=True):
    """One breach of the schema.

    ``path`` is the field in JSON-path form with wire names (``$.chargingStation.serialNumber``), ``expected`` what the
    schema asks for, ``got`` the value that came as JSON, shortened, and ``code`` the error code of OCPP 2.x.
    """

    path: str
    expected: str
    got: str
    code: str

    @property
    def kind(self) -> str:
        """What a rule calls it: ``missing``, ``unknown``, ``type``, ``value`` or ``count``; ``syntax`` for the rest."""
        if self.expected == PRESENT:
            return "missing"
        if self.expected == ABSENT:
            return "unknown"
        return _KINDS.get(self.code, "syntax")

    def __str__(self) -> str:
        if self.expected == PRESENT:
            return f"{self.path}: is missing"
        if self.expected == ABSENT:
            return f"{self.path}: there is no such field (it holds {self.got})"
        return f"{self.path}: expected {self.expected}, got {self.got}"

    def below(self, prefix: str) -> Violation:
        """The same, with ``prefix`` put before its path."""
        return Violation(prefix + self.path, self.expected, self.got, self.code)


def hidden(value: object, expected: str) -> str:
    """What is shown in place of a secret: of a text that is too long, the length."""
    if value is None or isinstance(value, bool):
        return shorten(value)
    too_long = isinstance(value, str) and expected.startswith("at most")
    return f"{STARS} ({len(value)} characters)" if too_long else STARS  # type: ignore[arg-type]


def shorten(value: object) -> str:
    """A value as JSON of at most about 60 characters, whatever it is, without the secrets that may be in it."""
    if isinstance(value, str):
        text = json.dumps(text_without_secrets(value[:_LOOKED_AT])[: SHOWN + 1], ensure_ascii=False)
        note = f" ({len(value)} characters)" if len(value) > SHOWN else ""
    elif isinstance(value, (dict, list)) and len(value) > SHOWN:
        return f"an {'object' if isinstance(value, dict) else 'array'} of {len(value)}"
    else:
        text, note = _as_json(value)[: SHOWN + 1], ""
    # A lone surrogate cannot be encoded as UTF-8, and control characters have no place in a one-line text.
    text = "".join(c if c.isprintable() else "\\u%04x" % ord(c) for c in text)  # noqa: UP031
    return (text if len(text) <= SHOWN else text[: SHOWN - 1] + "…") + note


def _as_json(value: object) -> str:
    try:
        return without_secrets(msgspec.json.encode(value)).decode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, ValueError):
        return f"a Python {type(value).__name__}"


# How msgspec's texts begin (tests/unit/messages/test_messages_violation.py pins them); the first match counts.
_CODES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), code)
    for pattern, code in (
        (r"Object missing required field", "OccurrenceConstraintViolation"),
        (r"Object contains unknown field", "FormatViolation"),
        (r"Expected `(array|object)` of length", "OccurrenceConstraintViolation"),
        (r"Expected `\w+` (of length|>|<|matching|with a timezone|that's a multiple)", "PropertyConstraintViolation"),
        (r"Invalid (enum value|RFC3339)", "PropertyConstraintViolation"),
        (r"Number out of range", "PropertyConstraintViolation"),
        (r"Integer value out of range", "PropertyConstraintViolation"),
        (r"Expected `", "TypeConstraintViolation"),
    )
)
_PATH = re.compile(r" - at `(?P<path>[^`]*)`$")
_FIELD = re.compile(r"^Object (?:missing required|contains unknown) field `(?P<field>.*)`$", re.DOTALL)
_GOT = re.compile(r"^Expected (?P<expected>.*), got (?P<got>.*)$", re.DOTALL)


def violation_of(exc: BaseException) -> Violation:
    """What msgspec (or Python, for bad UTF-8 and deep nesting) says is wrong, as a Violation.

    msgspec gives text only and stops at the first fault. ``codec.violations`` finds them all, with the values.
    """
    if isinstance(exc, RecursionError):
        return Violation("$", "fewer levels of nesting", "too many", "FormatViolation")
    if isinstance(exc, UnicodeError):
        return Violation("$", "UTF-8 text", "invalid bytes", "FormatViolation")
    if not isinstance(exc, msgspec.ValidationError):
        return Violation(
            "$",
            "valid JSON",
            "a syntax error (" + str(exc).removeprefix("JSON is malformed: ") + ")",
            "FormatViolation",
        )
    text = str(exc)
    found = _PATH.search(text)
    path = found["path"] if found else "$"
    broken = getattr(exc.__cause__, "violations", None)
    if broken:
        first: Violation = broken[0]
        return first.below(path)
    return _parsed(text[: found.start()] if found else text, path)


def _parsed(text: str, path: str) -> Violation:
    code = next((code for pattern, code in _CODES if pattern.match(text)), "FormatViolation")
    if path == "$" and text.startswith("Expected `object`, got"):
        code = "FormatViolation"
    field = _FIELD.match(text)
    if field:
        missing = text.startswith("Object missing")
        return Violation(
            f"{path}.{field['field'][:SHOWN]}",
            PRESENT if missing else ABSENT,
            "nothing" if missing else "something",
            code,
        )
    if text.endswith("out of range"):
        return Violation(path, "a number of usual size", "one out of range", code)
    got = _GOT.match(text)
    if got:
        return Violation(path, got["expected"].replace("`", ""), got["got"].replace("`", ""), code)
    if text.startswith("Invalid enum value "):
        return Violation(path, "one of the enum's values", shorten(text[len("Invalid enum value ") :].strip("'")), code)
    return Violation(path, text.replace("`", "").removeprefix("Expected "), "something else", code)


def path_key(path: str, key: Any) -> str:
    """``path`` with a member appended; a name that is not an identifier is quoted and shortened."""
    text = str(key)
    return f"{path}.{text}" if text.isidentifier() and len(text) <= SHOWN else f"{path}[{shorten(text)}]"
