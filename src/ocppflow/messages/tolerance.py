"""How much of what violates the schema is forgiven: :data:`STRICT`, :data:`TOLERANT`, or :class:`Rules`.

::

    Rules([
        Rule(vendor="Acme*", path="$.chargingStation.serialNumber", forgive=["value"]),
        Rule(action="StatusNotification", path="$.**", forgive=["unknown", "missing"]),
    ])

A valid payload costs no more than its decoding; only an invalid one is examined field by field.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import ClassVar, Generic, Protocol, TypeVar

import msgspec

from ocppflow.errors import ConfigurationError, InvalidMessage
from ocppflow.messages.base import Message
from ocppflow.messages.codec import REFUSALS, decoded, inspect, plain_value
from ocppflow.messages.violation import Violation, violation_of
from ocppflow.secrecy.discreet_repr import discreet_repr

__all__ = ["FORGIVABLE", "STRICT", "TOLERANT", "Checked", "Policy", "Rule", "Rules", "Sender", "Violation", "check"]

MessageT = TypeVar("MessageT", bound=Message)

FORGIVABLE: Mapping[str, str] = {
    "missing": "a required field that is missing",
    "unknown": "a field that the schema does not know",
    "type": "a value of the wrong type, null included",
    "value": "a text that is too long, a number out of range, an unknown enum value, a malformed date-time",
    "count": "a list that is too short or too long",
    "any": "all of these, and characters that JSON does not allow in a string",
}
"""The words of ``Rule.forgive`` and what they mean."""


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a message, as far as it is known. Rules apply by it."""

    identity: str = ""
    vendor: str | None = None
    model: str | None = None


class Policy(Protocol):
    """Decides which violations are forgiven."""

    def forgives(self, violation: Violation, action: str, sender: Sender) -> bool:
        """Whether a message of ``action`` from ``sender`` is accepted in spite of this violation."""
        ...


_GLOB_PART = re.compile(r"\*\*|.", re.DOTALL)


class _Always:
    def __init__(self, name: str, verdict: bool) -> None:
        self._name, self._verdict = name, verdict

    def __repr__(self) -> str:
        return self._name

    def forgives(self, violation: Violation, action: str, sender: Sender) -> bool:
        return self._verdict


STRICT: Policy = _Always("STRICT", False)
"""Nothing is forgiven."""
TOLERANT: Policy = _Always("TOLERANT", True)
"""Every violation is forgiven and reported; only what cannot be read as a JSON object is refused, and what breaks the
schema and is too long to be examined (``messages.walk.EXAMINED``)."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Forgives some violations of some stations.

    ``vendor`` and ``model`` (those of the BootNotification, compared without regard to case), ``identity`` and
    ``action`` are globs. ``path`` is a field path as in the reports; in it ``*`` stands for one name or index, ``**``
    for anything. ``forgive`` names kinds of violations, see :data:`FORGIVABLE`. Raises ConfigurationError for an
    unknown kind, or a path that matches no field.
    """

    vendor: str = "*"
    model: str = "*"
    identity: str = "*"
    action: str = "*"
    path: str = "**"
    forgive: Collection[str] = ("any",)

    KEYS: ClassVar[tuple[str, ...]] = ("vendor", "model", "identity", "action", "path", "forgive")

    def __post_init__(self) -> None:
        words = {self.forgive} if isinstance(self.forgive, str) else set(self.forgive)
        unknown = sorted(map(str, words - FORGIVABLE.keys()))
        if unknown or not words:
            known = ", ".join(FORGIVABLE)
            raise ConfigurationError(f"forgive: {', '.join(unknown) or 'nothing'}; known: {known}")
        if not self.path.startswith(("$", "**")):
            raise ConfigurationError(f"path: {self.path!r} must start with '$' (or '**'), as in $.evse.id")
        msgspec.structs.force_setattr(self, "forgive", frozenset(words))

    def forgives(self, violation: Violation, action: str, sender: Sender) -> bool:
        """Whether all of the rule's patterns match."""
        return (
            _fits(sender.vendor, self.vendor)
            and _fits(sender.model, self.model)
            and self._concerns(violation, action, sender)
        )

    def waits_for(self, violation: Violation, action: str, sender: Sender) -> bool:
        """Whether the rule would forgive this if the sender's vendor or model, not known yet, matched."""
        return (
            (sender.vendor is None or sender.model is None)
            and (sender.vendor is None or _fits(sender.vendor, self.vendor))
            and (sender.model is None or _fits(sender.model, self.model))
            and self._concerns(violation, action, sender)
            and not self.forgives(violation, action, sender)
        )

    def _concerns(self, violation: Violation, action: str, sender: Sender) -> bool:
        return (
            ("any" in self.forgive or violation.kind in self.forgive)
            and (self.action == "*" or fnmatchcase(action, self.action))
            and (self.identity == "*" or fnmatchcase(sender.identity, self.identity))
            and _path_fits(violation.path, self.path)
        )


class Rules:
    """A policy made of rules: a violation is forgiven if one of them forgives it."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)

    def __repr__(self) -> str:
        return f"Rules({list(self.rules)!r})"

    def forgives(self, violation: Violation, action: str, sender: Sender) -> bool:
        """See :class:`Policy`."""
        return any(rule.forgives(violation, action, sender) for rule in self.rules)

    def waits_for(self, violation: Violation, action: str, sender: Sender) -> bool:
        """Whether a rule would forgive this violation if the sender's vendor or model, not known yet, matched.

        Both are in the station's BootNotification; until one has come, a rule that names either cannot apply.
        """
        return any(rule.waits_for(violation, action, sender) for rule in self.rules)

    @classmethod
    def from_data(cls, data: object) -> Rules:
        """Rules from a list of tables, as a TOML or JSON file gives them. Raises ConfigurationError."""
        if not isinstance(data, list):
            raise ConfigurationError(f"rules must be a list of tables, not {type(data).__name__}")
        return cls(_rule(f"rule {number}", row) for number, row in enumerate(data, 1))


def _rule(where: str, row: object) -> Rule:
    if not isinstance(row, Mapping):
        raise ConfigurationError(f"{where} must be a table, not {type(row).__name__}")
    for key, value in row.items():
        if key not in Rule.KEYS:
            raise ConfigurationError(f"{where}: unknown key {key!r}; known: {', '.join(Rule.KEYS)}")
        texts = value if key == "forgive" and isinstance(value, (list, tuple, set, frozenset)) else [value]
        if not all(isinstance(text, str) for text in texts):
            wanted = "text or a list of texts" if key == "forgive" else "text"
            raise ConfigurationError(f"{where}: {key} must be {wanted}, not {value!r}")
    try:
        return Rule(**row)
    except ConfigurationError as exc:
        raise ConfigurationError(f"{where}: {exc}") from None


def _fits(value: str | None, pattern: str) -> bool:
    return pattern == "*" or (value is not None and fnmatchcase(value.lower(), pattern.lower()))


def _path_fits(path: str, glob: str) -> bool:
    """Whether ``glob`` describes a field path.

    All ways to read the wildcards are followed side by side: the path holds names that a peer has chosen, and a match
    that backtracks would let the peer choose how long it takes.
    """
    first, *_, last = glob.split("*") if "*" in glob else (glob, glob)
    if not (path.startswith(first) and path.endswith(last)):
        return False  # the usual case, found without following any wildcards
    if "*" not in glob.removesuffix("**"):
        return glob.endswith("**") or path == glob
    parts = _GLOB_PART.findall(glob)
    ways = _past_wildcards({0}, parts)
    for character in path:
        after = set()
        for at in ways:
            part = parts[at] if at < len(parts) else ""
            if part == "**" or (part == "*" and character not in ".[]"):
                after.add(at)
            elif part == character:
                after.add(at + 1)
        ways = _past_wildcards(after, parts)
        if not ways:
            return False
    return len(parts) in ways


def _past_wildcards(ways: set[int], parts: list[str]) -> set[int]:
    """``ways``, and the places that are reached from them when wildcards stand for nothing."""
    for at in list(ways):
        while at < len(parts) and parts[at] in ("*", "**"):
            at += 1
            ways.add(at)
    return ways


class Checked(msgspec.Struct, Generic[MessageT], frozen=True):
    """A message that was accepted, and what was forgiven. The caller has its bytes, as they came."""

    __repr__ = discreet_repr

    message: MessageT
    """Valid but for ``violations``; :mod:`ocppflow.messages.walk` tells what then stands in its fields."""
    violations: tuple[Violation, ...] = ()


def check(
    kind: type[MessageT],
    raw: bytes | str,
    policy: Policy = STRICT,
    *,
    identity: str = "",
    vendor: str | None = None,
    model: str | None = None,
    action: str = "",
    repairs: tuple[Violation, ...] = (),
) -> Checked[MessageT]:
    """A payload as its Struct, under a policy; ``messages.walk`` tells how an invalid payload becomes a Struct.

    ``vendor`` and ``model`` are those of the last BootNotification; a BootNotification brings its own. ``repairs``
    lists what had to be repaired in the message around the payload before it could be read
    (:func:`ocppflow.messages.repair.repaired`); these violations need to be forgiven, too. Raises InvalidMessage that
    names what is not forgiven, and says if a rule may apply once the station's vendor and model are known.
    """
    refused: Violation | None = None
    if not repairs:
        try:
            return Checked(decoded(kind, raw))
        except REFUSALS as exc:
            refused = violation_of(exc)
    value, more = plain_value(kind, raw)
    sender = _sender(kind, value, Sender(identity=identity, vendor=vendor, model=model))
    action = action or kind.__action__
    try:
        return Checked(*inspect(kind, value, repairs + more, lambda v: policy.forgives(v, action, sender), refused))
    except InvalidMessage as exc:
        if isinstance(policy, Rules) and any(policy.waits_for(v, action, sender) for v in exc.violations):
            text = f"{exc}; a rule may forgive this once the station's vendor and model are known (BootNotification)"
            raise InvalidMessage(text, code=exc.code, path=exc.path, violations=exc.violations) from None
        raise


def _sender(kind: type[Message], value: object, known: Sender) -> Sender:
    """With vendor and model from a BootNotification itself."""
    if kind.__action__ != "BootNotification" or not isinstance(value, dict):
        return known
    station = value.get("chargingStation")
    station = station if isinstance(station, dict) else {}
    vendor = value.get("chargePointVendor", station.get("vendorName"))
    model = value.get("chargePointModel", station.get("model"))
    return Sender(
        identity=known.identity,
        vendor=vendor if isinstance(vendor, str) else known.vendor,
        model=model if isinstance(model, str) else known.model,
    )
