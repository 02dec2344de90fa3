"""Which names are those of secrets: members of JSON, variables and components (2.x), configuration keys (1.6).

The standard's own secrets are listed in :mod:`ocppflow.secrecy.secret_places`. A vendor's are known by their names
alone, so a name that looks like a secret's is one: to hide too much costs a look into the station, to hide too little
costs a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from ocppflow.secrecy.secret_places import FIELDS

# Each of them holds one of the words that secrecy.blotting looks for before it looks any closer.
_ANYWHERE: Final = (
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "secret",
    "credential",
    "privatekey",
    "accesskey",
    "apikey",
    "authorizationkey",
    "pincode",
    "keycode",
)
_AT_THE_END: Final = ("pwd", "psk", "pin", "token", "tokens", "key")
_WORDS: Final = frozenset({"pin", "psk", "pwd"})
"""What is a secret as a word of its own: ``SIM-PIN-2``, but not ``WebSocketPingInterval``."""

_NOT_AT_THE_END: Final = ("idtoken", "idtokens", "publickey", "unknownkey", "configurationkey")
"""Names of the standard that end like a secret's: the token of a card is shown to every reader, and is personal rather
than secret; a public key is public; ``configurationKey`` and ``unknownKey`` (1.6) hold names and settings."""
_WHOLE: Final = frozenset({"authorization", "proxyauthorization"})
"""HTTP's headers with a password in them."""

_SEPARATORS: Final = re.compile(r"[^a-z0-9]++")
_BETWEEN_WORDS: Final = re.compile(r"[^A-Za-z]++|(?<=[a-z])(?=[A-Z])")
_LONGEST: Final = 128
"""Characters of a name that are looked at. The longest name of the standard has 50; a peer's may have any number."""


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether what bears this name is a secret. Case, and what is neither a letter nor a digit, do not matter."""
    name = name[:_LONGEST]
    plain = _SEPARATORS.sub("", name.lower())
    if any(part in plain for part in _ANYWHERE) or plain in _WHOLE or plain in FIELDS:
        return True
    if plain.endswith(_AT_THE_END) and plain != "key":
        return not plain.endswith(_NOT_AT_THE_END)
    return any(word.lower() in _WORDS for word in _BETWEEN_WORDS.split(name))


NAMING: Final = frozenset(
    {
        "component",
        "field",
        "id",
        "key",
        "messageid",
        "name",
        "option",
        "param",
        "parameter",
        "property",
        "setting",
        "type",
        "variable",
        "variablename",
    }
)
"""Members (in lower case) that say what the others of an object are about: ``variable`` of a SetVariableData, ``key``
of a 1.6 configuration key, ``type`` of an idToken, ``messageId`` of a DataTransfer."""

OPEN: Final = NAMING | frozenset(
    {
        "attributestatus",
        "attributetype",
        "cause",
        "chargingstate",
        "cleared",
        "connectorid",
        "constant",
        "datatype",
        "eventid",
        "eventnotificationtype",
        "evse",
        "instance",
        "maxelements",
        "maxlimit",
        "minlimit",
        "monitor",
        "mutability",
        "persistent",
        "reasoncode",
        "readonly",
        "severity",
        "status",
        "supportsmonitoring",
        "timestamp",
        "transaction",
        "transactionid",
        "trigger",
        "unit",
        "variablemonitoringid",
        "vendorid",
    }
)
"""What is shown of an object that is about a secret. All the rest is hidden: who misspells ``value`` means it."""

OF_A_VPN: Final = frozenset({"server", "user", "group", "password"})
"""What stands beside the ``key`` of a VPN (2.x), which is a secret, while that of a configuration is a name."""


def is_about_a_secret(value: object) -> bool:
    """Whether an object, as plain data, names a secret whose value it holds: ``{"key": "AuthorizationKey", ...}``."""
    if not isinstance(value, dict):
        return False
    return any(str(name).lower() in NAMING and _names_one(each) for name, each in value.items())


def _names_one(value: object) -> bool:
    if isinstance(value, str):
        return is_secret(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_names_one, inner))


def holds_a_secret(name: str, among: Iterable[str], about_a_secret: bool) -> bool:
    """Whether the member ``name`` of an object holds a secret. ``among``: the names of all its members, in lower case.
    ``about_a_secret``: whether the object is, or stands in one that is."""
    lowered = name.lower()
    return (
        is_secret(name)
        or (about_a_secret and lowered not in OPEN)
        or (lowered == "key" and not OF_A_VPN.isdisjoint(among))
    )
