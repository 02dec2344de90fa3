"""A payload in one line: its most telling fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from ocppflow.plain_text import one_line

# The most telling fields first; date-times and counters say little.
_OUTCOME = ["status", "registrationStatus", "eventType", "attributeStatus", "configurationStatus", "errorCode"]
_WHY = ["triggerReason", "reason", "stopReason", "connectorStatus", "requestedMessage", "type"]
_WHO = ["idTag", "idToken", "transactionId", "remoteStartId", "evseId", "connectorId", "requestId"]
_WHAT = ["meterStart", "meterStop", "component", "variable", "key", "attributeValue", "value", "unit", "unitOfMeasure"]
_MAKE = ["name", "vendorName", "model", "chargePointVendor", "chargePointModel", "vendorId", "messageId", "interval"]
_RANK = {name: rank for rank, name in enumerate([*_OUTCOME, *_WHY, *_WHO, *_WHAT, *_MAKE])}
_DULL = frozenset({"timestamp", "currentTime", "seqNo", "customData"})

_MOST_BYTES = 64 * 1024
"""Larger payloads are not parsed for the sake of one line."""

_ELEMENTS = 3
"""The elements of a list that are looked at; the others have the same fields."""

_decode = msgspec.json.Decoder().decode


def summary(payload: bytes, *, fields: int = 4, limit: int = 72) -> str:
    """The most telling fields of a payload in one line: ``status Accepted, interval 300``; "" for an empty one. With
    the default ``limit``, most log lines fit a terminal of 132 columns."""
    if payload == b"{}":
        return ""
    if len(payload) > _MOST_BYTES:
        return f"{len(payload):,} bytes"
    try:
        found = _telling(_decode(payload), fields)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    names = sorted(found.keys() & _RANK.keys(), key=_RANK.__getitem__)
    if len(names) < fields:
        names += [name for name in found if name not in _RANK and name not in _DULL]
    return one_line(", ".join([f"{name} {_value(found[name])}" for name in (names or list(found))[:fields]]), limit)


def _telling(payload: Any, enough: int) -> dict[str, Any]:
    """The first value of each field by the field's name, level by level, until ``enough`` telling ones
    are found: fields further up say more, and a log makes many lines."""
    found: dict[str, Any] = {}
    told = 0
    levels = [("", payload)]
    for name, value in levels:
        if type(value) is dict:
            inner: Iterable[tuple[str, Any]] = value.items()
        else:
            inner = [(name, each) for each in value[:_ELEMENTS]] if type(value) is list else [(name, value)]
        for key, each in inner:
            if key == "name" and name:
                key = name  # a component's name, a variable's
            if type(each) is dict or type(each) is list:
                levels.append((key, each))
            elif each is not None and key not in found:
                found[key] = each
                told += key in _RANK
        if told >= enough:
            break
    return found


def _value(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
