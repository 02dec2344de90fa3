"""What the flags of ``ocppflow csms`` change in the app: its policy, its limits, and its leniency."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ocppflow.cli.failure import Failure
from ocppflow.errors import ConfigurationError

if TYPE_CHECKING:
    from ocppflow.csms import CSMS
    from ocppflow.endpoint import ServerLimits
    from ocppflow.messages.tolerance import Policy

_KINDS = {"int": int, "float": float, "bool": bool}  # of ServerLimits' fields, as their annotations name them
POLICIES = ("strict", "tolerant")


def read_policy(name: str | None, rules: Path | None) -> Policy | None:
    """The policy that ``--policy`` or ``--rules`` asks for; None for the app's own."""
    if name is not None and rules is not None:
        raise Failure("--policy and --rules contradict each other: rules are a policy of their own")
    if rules is not None:
        from ocppflow.messages.rules_file import read_rules

        try:
            return read_rules(rules)
        except ConfigurationError as error:
            raise Failure(f"--rules {error}") from None
    if name is None:
        return None
    if name.lower() not in POLICIES:
        raise Failure(f"--policy {name}: it is one of {', '.join(POLICIES)}; for anything between, use --rules FILE")
    from ocppflow.messages.tolerance import STRICT, TOLERANT

    return TOLERANT if name.lower() == "tolerant" else STRICT


def set_leniency(
    server: CSMS,
    version: str | None,
    identity: str | None,
    any_username: bool,
    any_connection_header: bool,
    origins: Sequence[str] | None,
) -> None:
    """Add to what the app forgives at the door. Raises ConfigurationError for a version that is not spoken."""
    given: dict[str, Any] = {
        "version": version,
        "identity": identity,
        "any_username": any_username,
        "any_connection_header": any_connection_header,
        "origins": [*server.leniency.origins, *origins] if origins else None,
    }
    server.leniency = dataclasses.replace(server.leniency, **{name: value for name, value in given.items() if value})
    server.leniency.check(server.versions)


def set_limits(server: CSMS, texts: Sequence[str], ping_interval: float | None) -> ServerLimits | None:
    """Put ``--limits`` into the app, and return those of the port; None if none of them was named."""
    from ocppflow.endpoint import Limits, ServerLimits

    calls = {field.name: field.type for field in msgspec.structs.fields(Limits)}
    port = {field.name: _KINDS[str(field.type)] for field in dataclasses.fields(ServerLimits)}
    values = _values(texts, calls | port | {"grace": float})
    if ping_interval is not None:
        values["ping_interval"] = ping_interval
    of_calls = {name: value for name, value in values.items() if name in calls}
    of_port = {name: value for name, value in values.items() if name in port}
    server.grace = values.get("grace", server.grace)
    try:
        if of_calls:
            server.limits = msgspec.structs.replace(server.limits, **of_calls)
        return ServerLimits(**of_port) if of_port else None
    except ConfigurationError as error:
        raise Failure(f"--limits: {error}") from None


def _values(texts: Sequence[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """``NAME=VALUE`` each; several may stand in one text, parted by commas."""
    values: dict[str, Any] = {}
    for part in [part.strip() for text in texts for part in text.split(",") if part.strip()]:
        name, equals, value = (piece.strip() for piece in part.partition("="))
        name = name.replace("-", "_")
        if not equals:
            raise Failure(f"--limits {part}: a limit is NAME=VALUE, as in call_timeout=60")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"the limits are {', '.join(known)}"
            raise Failure(f"--limits {part}: there is no limit {name!r}; {hint}")
        values[name] = _value(part, value, known[name])
    return values


def _value(part: str, text: str, kind: type) -> Any:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise Failure(f"--limits {part}: it is true or false")
        return text.lower() == "true"
    try:
        number = kind(text)
        if not 0 <= number < float("inf"):
            raise ValueError
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise Failure(f"--limits {part}: it is {what}, 0 or more") from None
    return number
