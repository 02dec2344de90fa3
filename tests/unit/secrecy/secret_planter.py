"""Puts a marker where a secret stands: into each place of each version's messages, written in every way there is."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ocppflow.secrecy.secret_places import PLACES, SecretKind

sys.path.append(str(Path(__file__).parent.parent / "messages"))
from schema_instances import Maker, Schema, schemas

MARK = "918273645546372819"
"""Digits, so that it can stand where a number is expected."""

NAMES = ("BasicAuthPassword", "authorizationKEY", "WiFi_PSK", "SharedSecret", "SIM-PIN", "VendorApiToken")


def _seen_as() -> tuple[str, ...]:
    """The marker as it may stand in an output: plain, escaped, in base64 at any offset."""
    encoded = [base64.urlsafe_b64encode(b"-" * n + MARK.encode()).decode()[4:-4] for n in range(3)]
    return (MARK, MARK[:9], MARK[9:], "".join(f"\\u{ord(c):04x}" for c in MARK), *encoded)


SEEN_AS = _seen_as()


def shows(text: str) -> bool:
    """Whether the marker can be seen in it."""
    return any(each in text for each in SEEN_AS)


class Planted(NamedTuple):
    """A message with the marker in one place."""

    version: str
    message: str
    path: str
    payload: dict[str, Any]

    @property
    def action(self) -> str:
        return self.message.removesuffix("Request").removesuffix("Response")

    @property
    def is_request(self) -> bool:
        return self.message.endswith("Request")

    def __str__(self) -> str:
        return f"{self.version} {self.message}.{self.path}"


def full(version: str, message: str) -> tuple[Schema, dict[str, Any]]:
    """A message's schema, and an instance with all optional fields."""
    schema = schemas(version)[message]
    return schema, Maker(schema, Random(message), full=True).valid(schema)


def planted(version: str) -> Iterator[Planted]:
    """Each place once, under one name of a secret after another."""
    for number, (place, kind) in enumerate(sorted(PLACES[version].items())):
        message, _, path = place.partition(".")
        payload = full(version, message)[1]
        _plant(payload, path, kind, NAMES[number % len(NAMES)])
        yield Planted(version, message, path, payload)


def _plant(payload: Any, path: str, kind: SecretKind, name: str) -> None:
    holders = [payload]
    holder = payload
    steps = path.replace("[*]", ".0").split(".")
    for step in steps[:-1]:
        holder = holder[int(step) if step.isdecimal() else step]
        holders.append(holder)
    key: Any = int(steps[-1]) if steps[-1].isdecimal() else steps[-1]
    value: Any = int(MARK) if isinstance(holder[key], int) else MARK
    if kind is SecretKind.URL:
        value = f"ftp://user:{MARK}@host.example/x"
    elif kind is SecretKind.TEXT:
        value = json.dumps({"settings": [{"name": "wifiPassword", "value": MARK}]})
    elif kind is SecretKind.PIN:
        holder["type"] = "KeyCode"
    elif kind is SecretKind.VALUE:
        named = next(each for each in reversed(holders) if isinstance(each, dict) and {"key", "variable"} & set(each))
        if "key" in named:
            named["key"] = name
        else:
            named["variable"]["name"] = name
    holder[key] = value


# --- ways to write a frame ------------------------------------------------------------------------------------------


def _frame(each: Planted, payload: str) -> str:
    return f'[2,"1",{json.dumps(each.action)},{payload}]' if each.is_request else f'[3,"1",{payload}]'


def _with(each: Planted, change: Callable[[Any], Any]) -> str:
    """The frame, with every value that holds the marker changed."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [changed(inner) for inner in value]
        return change(value) if MARK in str(value) else value

    return _frame(each, json.dumps(changed(each.payload)))


def _escaped(text: str) -> str:
    """All letters and digits in strings as escapes."""
    out, inside = [], False
    for at, c in enumerate(text):
        if c == '"' and text[at - 1] != "\\":
            inside = not inside
        plain = not inside or not c.isalnum() or not c.isascii() or "\\" in text[max(0, at - 5) : at]
        out.append(c if plain else f"\\u{ord(c):04x}")
    return "".join(out)


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _reversed(inner) for name, inner in reversed(value.items())}
    return [_reversed(inner) for inner in value] if isinstance(value, list) else value


def _signed(each: Planted, *, by_several: bool = False) -> str:
    """As JWS has it (RFC 7515 7.2): flattened, which is what the standard shows, or general."""
    plain = base64.urlsafe_b64encode(json.dumps(each.payload).encode()).rstrip(b"=").decode()
    signature: dict[str, Any] = {"protected": "e30", "signature": "c2ln"}
    payload = json.dumps({"payload": plain} | ({"signatures": [signature]} if by_several else signature))
    return _frame(each._replace(message=f"{each.action}-SignedRequest") if each.is_request else each, payload)


def _doubled(each: Planted) -> str:
    payload = json.dumps(each.payload)
    return _frame(each, f"{payload[:-1]}, {payload[1:]}")


def _error(each: Planted, description: str, details: Any) -> str:
    return json.dumps([4, "1", "PropertyConstraintViolation", description, details])


def frames(each: Planted) -> Iterator[tuple[str, bytes]]:
    """What it is, and the frame."""
    plain = _frame(each, json.dumps(each.payload))
    yield "plain", plain.encode()
    yield "without blanks", _frame(each, json.dumps(each.payload, separators=(",", ":"))).encode()
    yield "in another order", _frame(each, json.dumps(_reversed(each.payload))).encode()
    yield "escaped", _frame(each, _escaped(json.dumps(each.payload))).encode()
    yield "too long", _with(each, lambda value: str(value).replace(MARK, MARK * 200)).encode()
    yield "an array", _with(each, lambda value: [value]).encode()
    yield "an object", _with(each, lambda value: {"password": value}).encode()
    yield "twice", _doubled(each).encode()
    yield "signed", _signed(each).encode()
    yield "signed by several", _signed(each, by_several=True).encode()
    yield "cut", plain[:-1].encode()
    yield "cut at the marker", plain[: plain.rindex(MARK) + len(MARK)].encode()
    yield "a bracket too many", (plain + "]").encode()
    yield "a bracket too few", plain.replace("]", "", 1).encode()
    yield "a control character", plain.replace(MARK, MARK + "\x01", 1).encode()
    yield "bytes that are not UTF-8", plain.replace(MARK, MARK + "\xff", 1).encode("latin-1", "replace")
    yield "without outer brackets", plain[1:-1].encode()
    yield "with an unknown action", plain.replace(each.action, "X" + each.action, 1).encode()
    yield "with text around it", f"hello {plain} bye".encode()
    yield "quotes of another kind", plain.replace('"', "'").encode()
    yield "quoted in an error's details", _error(each, "no", {"request": each.payload}).encode()
    quoted = json.dumps(each.payload)
    yield "quoted in an error's text", _error(each, f"cannot use {quoted}", {}).encode()
    yield "quoted in part in an error's text", _error(each, f"cannot use {quoted[:-2]}...", {}).encode()
    custom = {**each.payload, "customData": {"vendorId": "V", "wifi": {"passphrase": MARK}}}
    yield "in customData", _frame(each, json.dumps(custom)).encode()
