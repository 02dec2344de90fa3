"""What the ``data`` of a Command Message holds. Everything here raises BadInput for what makes no sense."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

from ocppflow.nodes.contract import BadInput, CommandMsg
from ocppflow.nodes.values import as_flag, as_number, shown

#: In lower case; old flows spell the last one in three ways, and "Backoff" as well as "BackOff".
_BACKOFF: Final = {
    "retrybackoffwaitminimum": "wait_minimum",
    "retrybackoffrandomrange": "random_range",
    "retrybackoffrepeattimes": "repeat_times",
    "retrybackoffrepeattime": "repeat_times",
    "retrybackoffrepeatetimes": "repeat_times",
}
_MOST_REASON: Final = 123
"""Bytes of a close reason: a control frame holds 125, of which the code takes two (RFC 6455 5.5.1)."""


def command_name(asked: CommandMsg, names: dict[str, str]) -> str:
    """The Command Message meant, whatever its case or alias. ``names``: each spelling in lower case -> the name."""
    name = names.get(asked.name.strip().lower())
    if name is None:
        valid = ", ".join(dict.fromkeys(names))
        hint = "; to refuse a Request set payload.error = {code, description, details}" if asked.ambiguous else ""
        raise BadInput(f"unknown Command Message {shown(asked.name)}; valid: {valid}{hint}", code="UnknownAction")
    return name


def named(data: Any, name: str, about: str) -> Any:
    """A member of the data; None if there is none."""
    if data is None:
        return None
    if not isinstance(data, dict):
        raise BadInput(f"{about}: msg.payload.data must be an object")
    return data.get(name)


def station_name(data: Any, about: str) -> str:
    """The station that the command is about."""
    name = named(data, "name", about)
    if not isinstance(name, str) or not name:
        raise BadInput(f"{about}: msg.payload.data.name is missing: expected the identity of a station")
    return name


def text_or_none(data: Any, name: str, about: str) -> str | None:
    """A text, or None if it is not given."""
    value = named(data, name, about)
    if value is not None and (not isinstance(value, str) or not value):
        raise BadInput(f"{about}: msg.payload.data.{name} must be text with at least one character")
    return value


def close_request(data: Any) -> tuple[str, int, str, bool]:
    """Of ``ws_close``: station, close code, reason, and whether the station is to be kept out."""
    name = station_name(data, "ws_close")
    value = named(data, "code", "ws_close")
    code = as_number(1000 if value is None else value)
    # What an application may send (RFC 6455 7.4).
    if code is None or not (code in (1000, 1001, 1002, 1003, *range(1007, 1015)) or 3000 <= code <= 4999):
        raise BadInput(f"ws_close: {name}: code must be a close code such as 1000, 1001 or 3000 to 4999")
    reason = named(data, "reason", "ws_close") or "closed by the flow"
    if not isinstance(reason, str) or len(reason.encode()) > _MOST_REASON:
        raise BadInput(f"ws_close: {name}: reason must be text of at most {_MOST_REASON} bytes")
    given = named(data, "block", "ws_close")
    block = as_flag(False if given is None else given)
    if block is None:
        raise BadInput(f"ws_close: {name}: block must be true or false")
    return name, int(code), reason, block


def backoff_settings(data: Any) -> dict[str, Any]:
    """Of ``retrybackoff``: what ``Backoff.configure`` takes. Without data nothing is set."""
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise BadInput("retrybackoff: msg.payload.data must be an object with RetryBackOffWaitMinimum, ...")
    settings: dict[str, Any] = {}
    for name, value in data.items():
        known = _BACKOFF.get(name.lower())
        number = as_number(value)
        if known is None:
            valid = "RetryBackOffWaitMinimum, RetryBackOffRandomRange, RetryBackOffRepeatTimes"
            raise BadInput(f"retrybackoff: there is no {shown(name)}; valid: {valid}")
        if number is None or number < 0 or (known == "repeat_times" and not number.is_integer()):
            raise BadInput(f"retrybackoff: {name} is {shown(value)}: expected a number of 0 or more")
        settings[known] = int(number) if known == "repeat_times" else number
    return settings


def made_certificates(data: Any) -> Mapping[str, Any]:
    """Of ``make_certificates``: the certificates asked for."""
    hosts = named(data, "hosts", "make_certificates") or ["localhost", "127.0.0.1"]
    stations = named(data, "stations", "make_certificates") or []
    for name, value in (("hosts", hosts), ("stations", stations)):
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise BadInput(f"make_certificates: msg.payload.data.{name} must be an array of names")
    try:
        # Imported here, because an engine that is set up without network lacks cryptography and must do all else.
        from ocppflow.nodes.certificate_maker import make_certificates
    except ImportError:
        raise BadInput(
            "make_certificates needs the Python package cryptography; install it with: "
            f'"{sys.executable}" -m pip install cryptography'
        ) from None
    try:
        return make_certificates(hosts, stations)
    except ValueError as exc:
        raise BadInput(f"make_certificates: no certificate can hold these names: {exc}") from None
