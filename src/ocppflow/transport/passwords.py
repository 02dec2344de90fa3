"""Station passwords, as they are kept and as they are checked (A00.FR.205, .207, .304; OCPP-J 1.6, 6.2.1).

They are kept as salted scrypt hashes in the PHC string format: ``$scrypt$ln=10,r=8,p=1$<salt>$<hash>``,
base64 without padding. The cost is moderate on purpose (1 MiB, about 3 ms): a station's password is not chosen
by a person but is 16 to 40 random characters, which no cost needs to protect from guessing, while after an
outage 10,000 stations want to be checked within a minute. A hash carries its parameters, so hashes that cost
more may be stored.

The derivation runs in a few threads. Once a password has been found right, a keyed digest of it is
remembered in this process, so a station's reconnect costs microseconds; a changed hash makes the memory
void.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from ocppflow.errors import ConfigurationError
from ocppflow.messages.base import Version

DEFAULT_LOG_N = 10  # 2**10 blocks of 1 KiB: about 3 ms on one core
MAX_PENDING = 4000  # 3 s of work for four threads; who waits longer has given up and comes again

# The AuthorizationKey of OCPP 1.6: at most 20 bytes, configured as hex digits (1.6 Security white paper, A00.FR.205).
_MAX_KEY = 20
_HEX_KEY = re.compile(rb"(?:[0-9A-Fa-f]{2}){1,20}")


class Overloaded(Exception):
    """Too many passwords wait to be checked; the station should come back later."""


class PasswordStore(Protocol):
    """Which stations there are, and what their passwords are: ``CSMS(passwords=...)`` takes any object with these two.

    Both may ask a database. What they raise refuses the station with 500 and goes to the log.
    """

    async def knows(self, identity: str) -> bool:
        """Whether the station is known; one that is not gets 404."""

    async def check(self, identity: str, password: bytes, version: Version) -> bool:
        """Whether ``password`` is the station's.

        Bytes, because the key of OCPP 1.6 need not be text. False for a station that is not known. Raises Overloaded
        when too many are being checked: the station gets 503 and comes again.
        """


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
    """What a password that came over the wire may stand for, as it may have been configured.

    In 1.6 the AuthorizationKey is configured as up to 40 hex digits and sent as up to 20 raw bytes, though many a
    station sends the digits: so the bytes as they came, and as hex digits of either case.
    """
    if version is not Version.V16:
        return (password,)
    digits = [password.hex().encode()] if 0 < len(password) <= _MAX_KEY else []
    if _HEX_KEY.fullmatch(password):
        digits.append(password.lower())
    return tuple(dict.fromkeys((password, *digits, *(each.upper() for each in digits))))


class PlainPasswords:
    """Passwords in clear, in memory: for flows and tests, whose user has to be able to read them back."""

    def __init__(self, passwords: Mapping[str, str] | None = None) -> None:
        self._passwords: dict[str, str] = dict(passwords or {})

    def __repr__(self) -> str:
        return f"<PlainPasswords of {len(self._passwords)}>"

    def __contains__(self, identity: str) -> bool:
        return identity in self._passwords

    async def knows(self, identity: str) -> bool:
        return identity in self

    def __iter__(self) -> Iterator[str]:
        return iter(self._passwords)

    def get(self, identity: str) -> str | None:
        """The password, or None for a station that is not known."""
        return self._passwords.get(identity)

    def set(self, identity: str, password: str) -> None:
        """Set one password."""
        self._passwords[identity] = password

    def remove(self, identity: str) -> bool:
        """Forget a station; False if it was not known."""
        return self._passwords.pop(identity, None) is not None

    def replace(self, passwords: Mapping[str, str]) -> None:
        """Replace the whole list."""
        self._passwords = dict(passwords)

    def as_dict(self) -> dict[str, str]:
        """A copy of the whole list."""
        return dict(self._passwords)

    async def check(self, identity: str, password: bytes, version: Version) -> bool:
        expected = self._passwords.get(identity, "").encode()
        if version is Version.V16 and _HEX_KEY.fullmatch(expected):
            expected = expected.lower()  # a key of hex digits, whose case means nothing; the candidates have both
        matches = [hmac.compare_digest(tried, expected) for tried in candidates(password, version)]
        return any(matches) and identity in self._passwords


class _Verifier:
    """Checks passwords against hashes, in threads, and remembers which were right."""

    def __init__(self, threads: int | None) -> None:
        self._verified: dict[str, bytes] = {}
        self._secret = secrets.token_bytes(32)
        self._threads = threads or min(4, os.cpu_count() or 1)
        self._pool: ThreadPoolExecutor | None = None
        self._pending = 0
        self._decoy = ""

    def forget(self, identity: str) -> None:
        self._verified.pop(identity, None)

    async def check(self, identity: str, password: bytes, version: Version, stored: str | None) -> bool:
        digest = hmac.digest(self._secret, (stored or "").encode() + b"\0" + password, "sha256")
        if stored is not None and hmac.compare_digest(digest, self._verified.get(identity, b"")):
            return True
        tried = candidates(password, version)
        if stored is None:
            # An unknown station costs the same time as a wrong password, and the answer is no.
            self._decoy = self._decoy or hash_password(secrets.token_bytes(20))
            await self._derive(tried, self._decoy)
            return False
        if not await self._derive(tried, stored):
            return False
        self._verified[identity] = digest  # of the hash too: a new hash makes it void
        return True

    async def _derive(self, tried: tuple[bytes, ...], stored: str) -> bool:
        if self._pending >= MAX_PENDING:
            raise Overloaded(f"{self._pending} passwords wait to be checked")
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="ocppflow-passwords")
        self._pending += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, _any_matches, tried, stored)
        finally:
            self._pending -= 1


class FetchedPasswords:
    """Hashes that an async function fetches, by a database query for instance::

        async def fetch(identity: str) -> str | None:
            return await database.fetchval("SELECT hash FROM stations WHERE identity = $1", identity)

        csms = CSMS(passwords=FetchedPasswords(fetch))

    ``fetch`` returns a hash of :func:`hash_password`, or None for a station that is not known.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[str | None]], *, threads: int | None = None) -> None:
        self._fetch = fetch
        self._verifier = _Verifier(threads)

    def __repr__(self) -> str:
        return f"<FetchedPasswords by {getattr(self._fetch, '__qualname__', self._fetch)}>"

    async def knows(self, identity: str) -> bool:
        return await self._fetch(identity) is not None

    async def check(self, identity: str, password: bytes, version: Version) -> bool:
        return await self._verifier.check(identity, password, version, await self._fetch(identity))


class HashedPasswords:
    """Identity -> hash as :func:`hash_password` writes it."""

    def __init__(self, hashes: Mapping[str, str] | None = None, *, threads: int | None = None) -> None:
        self._hashes: dict[str, str] = {}
        self._verifier = _Verifier(threads)
        for identity, stored in (hashes or {}).items():
            self.set(identity, stored)

    def __repr__(self) -> str:
        return f"<HashedPasswords of {len(self._hashes)}>"

    @classmethod
    def from_toml(cls, file: str | Path) -> HashedPasswords:
        """Read ``[stations]`` with lines ``CS1 = "$scrypt$..."``. Raises ConfigurationError that names
        the line's station if it holds a password in clear, or something else than a hash.
        """
        try:
            table = tomllib.loads(Path(file).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file} is not TOML: {error}") from error
        stations = table.get("stations")
        if not isinstance(stations, dict):
            raise ConfigurationError(f'{file} lacks the table [stations] with lines such as CS1 = "$scrypt$..."')
        try:
            return cls(stations)
        except ConfigurationError as error:
            raise ConfigurationError(f"{file}: {error}") from error

    def __contains__(self, identity: str) -> bool:
        return identity in self._hashes

    async def knows(self, identity: str) -> bool:
        return identity in self

    def __len__(self) -> int:
        return len(self._hashes)

    def set(self, identity: str, stored: str) -> None:
        """Set the hash of one station; its old password is void at once (A01.FR.03)."""
        try:
            _parse(stored)
        except ConfigurationError as error:
            raise ConfigurationError(f"station {identity}: {error}") from None
        self._hashes[identity] = stored
        self._verifier.forget(identity)

    def remove(self, identity: str) -> bool:
        """Forget a station; False if it was not known."""
        self._verifier.forget(identity)
        return self._hashes.pop(identity, None) is not None

    async def check(self, identity: str, password: bytes, version: Version) -> bool:
        return await self._verifier.check(identity, password, version, self._hashes.get(identity))


def _any_matches(tried: tuple[bytes, ...], stored: str) -> bool:
    return any(verify_password(password, stored) for password in tried)


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
