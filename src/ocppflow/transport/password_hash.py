"""The hashes of station passwords, and what a password that came over the wire may stand for.

A hash is salted scrypt in the PHC string format: ``$scrypt$ln=10,r=8,p=1$<salt>$<hash>``, base64 without padding. The
cost is moderate on purpose (1 MiB, about 3 ms): a station's password is not chosen by a person but is 16 to 40 random
characters, which no cost needs to protect from guessing, while after an outage 10,000 stations want to be checked
within a minute. A hash carries its parameters, so hashes that cost more may be stored.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

from ocppflow.errors import ConfigurationError
from ocppflow.messages.base import Version

DEFAULT_LOG_N = 10  # 2**10 blocks of 1 KiB: about 3 ms on one core

# The AuthorizationKey of OCPP 1.6: at most 20 bytes, configured as hex digits (1.6 Security white paper, A00.FR.205).
_MAX_KEY = 20
HEX_KEY = re.compile(rb"(?:[0-9A-Fa-f]{2}){1,20}")


class Cost(NamedTuple):
    """What deriving from a password costs: scrypt's parameters (RFC 7914, 2)."""

    log_n: int = DEFAULT_LOG_N
    r: int = 8
    p: int = 1

    @property
    def work(self) -> int:
        """Time is proportional to it."""
        return (1 << self.log_n) * self.r * self.p


def hash_password(password: str | bytes, *, log_n: int = DEFAULT_LOG_N) -> str:
    """A password as a string fit for storing. ``log_n`` is the binary logarithm of scrypt's cost."""
    raw = password.encode() if isinstance(password, str) else password
    salt = secrets.token_bytes(16)
    derived = _scrypt(raw, salt, log_n, 8, 1, 32)
    return f"$scrypt$ln={log_n},r=8,p=1${_encode(salt)}${_encode(derived)}"


def verify_password(password: bytes, stored: str) -> bool:
    """Whether ``password`` is the one that was hashed. Blocks for milliseconds: on an event loop, call it by
    ``asyncio.to_thread``. Raises ConfigurationError if ``stored`` was not made by :func:`hash_password`."""
    log_n, r, p, salt, expected = _parse(stored)
    return hmac.compare_digest(_scrypt(password, salt, log_n, r, p, len(expected)), expected)


def candidates(password: bytes, version: Version) -> tuple[bytes, ...]:
    """What a password that came over the wire may stand for, as it may have been configured: see :func:`spellings`."""
    return tuple(spellings(password, version))


def spellings(password: bytes, version: Version) -> dict[bytes, str]:
    """What a password may stand for, and the name of that spelling.

    In 1.6 the AuthorizationKey is configured as up to 40 hex digits and sent as up to 20 raw bytes, though many a
    station sends the digits: so the bytes as they came, and as hex digits of either case.
    """
    spelt = {password: "as sent"}
    if version is Version.V16:
        digits = {"hex of bytes": password.hex().encode()} if 0 < len(password) <= _MAX_KEY else {}
        if HEX_KEY.fullmatch(password):
            digits["digits"] = password.lower()
        for name, each in digits.items():
            spelt.setdefault(each, name)
        for name, each in digits.items():
            spelt.setdefault(each.upper(), name.upper())
    return spelt


def cost_of(stored: str) -> Cost:
    """What checking a password against ``stored`` costs. Raises ConfigurationError if that is not a hash."""
    return Cost(*_parse(stored)[:3])


def decoy(cost: Cost) -> str:
    """A hash that costs this much and that no password has."""
    salt, derived = secrets.token_bytes(16), secrets.token_bytes(32)
    return f"$scrypt$ln={cost.log_n},r={cost.r},p={cost.p}${_encode(salt)}${_encode(derived)}"


def _scrypt(password: bytes, salt: bytes, log_n: int, r: int, p: int, length: int) -> bytes:
    n = 1 << log_n
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r + 2**20, dklen=length)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _parse(stored: str) -> tuple[int, int, int, bytes, bytes]:
    """log2(n), r, p, salt, hash."""
    parts = stored.split("$") if isinstance(stored, str) else []
    if len(parts) != 5 or parts[0] or parts[1] != "scrypt":
        raise ConfigurationError("not a hash; `ocppflow hash-password` makes one ($scrypt$...) from a password")
    try:
        named = dict(pair.split("=") for pair in parts[2].split(","))
        log_n, r, p = (int(named[name]) for name in ("ln", "r", "p"))
        salt, derived = (base64.b64decode(part + "=" * (-len(part) % 4), validate=True) for part in parts[3:])
    except (KeyError, ValueError, binascii.Error):
        raise ConfigurationError("a damaged $scrypt$ hash") from None
    if not (1 <= log_n <= 20 and 1 <= r <= 32 and 1 <= p <= 16 and len(derived) >= 16):
        raise ConfigurationError("a $scrypt$ hash with parameters out of bounds")
    return log_n, r, p, salt, derived
