"""Error codes, and how each version spells them (OCPP-J 1.6 4.2.3 with errata 5.1 and 5.2; 2.0.1 and 2.1 Part 4, 4.3).

Inside ocppflow a code is always spelled as in 2.x; it changes its spelling only at the wire.
"""

from __future__ import annotations

from ocppflow.messages.base import Version

#: The twelve codes of OCPP 2.x.
CODES = frozenset(
    {
        "FormatViolation",
        "GenericError",
        "InternalError",
        "MessageTypeNotSupported",
        "NotImplemented",
        "NotSupported",
        "OccurrenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "RpcFrameworkError",
        "SecurityError",
        "TypeConstraintViolation",
    }
)

#: What 1.6 says for a code that it spells differently or does not have. In 1.6 a
#: FormationViolation covers a call of the wrong structure too, so it is the nearest to RpcFrameworkError.
_TO_16 = {
    "FormatViolation": "FormationViolation",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    "RpcFrameworkError": "FormationViolation",
    "MessageTypeNotSupported": "NotSupported",
}

#: Spellings met on the wire, whatever the version: peers mix them up.
_FROM_WIRE = {
    "FormationViolation": "FormatViolation",
    "OccurenceConstraintViolation": "OccurrenceConstraintViolation",
    "MessageTypeErrorSupported": "MessageTypeNotSupported",  # as 2.0.1 Part 4, 4.4 has it in its text
}


def to_wire(code: str, version: Version) -> str:
    """``code`` (2.x spelling) as ``version`` spells it; a code of the user's own stays as it is."""
    return _TO_16.get(code, code) if version is Version.V16 else code


def from_wire(code: str) -> str:
    """The 2.x spelling of a code that came over the wire; an unknown one stays as it is."""
    return _FROM_WIRE.get(code, code)
