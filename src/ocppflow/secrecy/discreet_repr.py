"""The ``repr`` of Structs that hold messages: as msgspec makes it, but for secrets."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET, Struct, structs

from ocppflow.secrecy.blotting import text_without_secrets, without_secrets
from ocppflow.secrecy.secret_names import NAMING, holds_a_secret, is_about_a_secret
from ocppflow.secrecy.secret_texts import STARS


def discreet_repr(self: Any) -> str:
    """To be a Struct's ``__repr__``: fields that hold secrets show ``***``, bytes and texts go without theirs. Fields
    whose names do not tell are named in the class, in ``SECRET_FIELDS``."""
    return _struct(self, False)


@cache
def _fields(kind: type[Struct]) -> tuple[tuple[str, str, Any], ...]:
    return tuple((each.name, each.encode_name, each.default) for each in structs.fields(kind))


def _struct(value: Any, about: bool) -> str:
    kind: type[Struct] = type(value)
    fields = _fields(kind)
    among = [wire.lower() for _, wire, _ in fields]
    about = about or is_about_a_secret(
        {wire: _plain(getattr(value, name, UNSET)) for name, wire, _ in fields if wire.lower() in NAMING}
        | {wire: None for _, wire, _ in fields if wire.lower() not in NAMING}
    )
    shown = []
    for name, wire, default in fields:
        held = getattr(value, name, UNSET)
        if held is UNSET or (kind.__struct_config__.repr_omit_defaults and held == default):
            continue
        hides = holds_a_secret(wire, among, about) or name in getattr(kind, "SECRET_FIELDS", ())
        shown.append(f"{name}={_hidden(held) if hides else _value(held, about and wire.lower() not in NAMING)}")
    return f"{kind.__name__}({', '.join(shown)})"


def _hidden(value: Any) -> str:
    """In an object that is about a secret, inner ones show what is none."""
    if isinstance(value, Struct):
        return _struct(value, True)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_hidden, value))}]"
    return repr(value) if value is None or isinstance(value, bool) else repr(STARS)


def _value(value: Any, about: bool) -> str:
    if isinstance(value, Struct) and type(value).__repr__ is discreet_repr:
        return _struct(value, about)
    if isinstance(value, list | tuple):
        left, right = "[]" if isinstance(value, list) else "()"
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return f"{left}{', '.join(_value(each, about) for each in value)}{comma}{right}"
    if isinstance(value, bytes):
        return repr(without_secrets(value))
    if isinstance(value, str):
        return repr(text_without_secrets(value))
    return repr(_blotted(value)) if isinstance(value, dict | msgspec.Raw) else repr(value)


def _blotted(value: Any) -> Any:
    """Plain data, such as customData, without secrets."""
    try:
        return msgspec.json.decode(without_secrets(msgspec.json.encode(value)))
    except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, ValueError):
        return f"a Python {type(value).__name__}"


def _plain(value: Any) -> Any:
    return structs.asdict(value) if isinstance(value, Struct) else value
