"""A payload in one line: the fields that tell most about a message."""

from __future__ import annotations

from typing import Any

import msgspec

from ocppflow.cli.text import one_line

# What tells most about a message, the most telling first; date-times and sizes tell little.
_OUTCOME = ["status", "registrationStatus", "eventType", "attributeStatus", "configurationStatus", "errorCode"]
_WHY = ["triggerReason", "reason", "stopReason", "connectorStatus", "requestedMessage", "type"]
_WHO = ["idTag", "idToken", "transactionId", "remoteStartId", "evseId", "connectorId", "requestId"]
_WHAT = ["meterStart", "meterStop", "component", "variable", "key", "attributeValue", "value", "unit", "unitOfMeasure"]
_MAKE = ["name", "vendorName", "model", "chargePointVendor", "chargePointModel", "vendorId", "messageId", "interval"]
_RANK = {name: rank for rank, name in enumerate([*_OUTCOME, *_WHY, *_WHO, *_WHAT, *_MAKE])}
_DULL = frozenset({"timestamp", "currentTime", "seqNo", "customData"})

_MOST_BYTES = 64 * 1024
"""Larger payloads are not taken apart for the sake of one line."""

_ELEMENTS = 3
"""Of a list, so many elements are looked at: the others have the same fields."""

_decode = msgspec.json.Decoder().decode


def summary(payload: bytes, *, fields: int = 4, limit: int = 72) -> str:
    """The most telling fields of a payload in one line: ``status Accepted, interval 300``; "" for an empty one."""
    if payload == b"{}":
        return ""
    if len(payload) > _MOST_BYTES:
        return f"{len(payload):,} bytes"
    found: dict[str, Any] = {}
    try:
        _collect("", _decode(payload), found)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    names = [name for name in found if name not in _DULL] or list(found)
    names.sort(key=_rank)
    return one_line(", ".join([f"{name} {_value(found[name])}" for name in names[:fields]]), limit)


def _rank(name: str) -> int:
    return _RANK.get(name, len(_RANK))


def _collect(name: str, value: Any, found: dict[str, Any]) -> None:
    """Each field's first value, by the field's name."""
    kind = type(value)
    if kind is dict:
        for key, inner in value.items():
            if key == "name" and name:
                key = name  # a component's name, a variable's
            if type(inner) is dict or type(inner) is list:
                _collect(key, inner, found)
            elif inner is not None and key not in found:
                found[key] = inner
    elif kind is list:
        for inner in value[:_ELEMENTS]:
            _collect(name, inner, found)
    elif value is not None and name not in found:
        found[name] = value


def _value(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
