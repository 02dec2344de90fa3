"""Where the passwords of stations are kept, and how they are checked (A00.FR.205, .207, .304; OCPP-J 1.6, 6.2.1)."""

from __future__ import annotations

import contextlib
import hmac
import secrets
import tomllib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from ocppflow.errors import ConfigurationError
from ocppflow.messages.base import Version
from ocppflow.transport.derivations import Overloaded as Overloaded
from ocppflow.transport.password_hash import HEX_KEY, Cost, candidates, cost_of
from ocppflow.transport.password_hash import hash_password as hash_password
from ocppflow.transport.password_hash import verify_password as verify_password
from ocppflow.transport.verifier import Verifier

_KINDS = 8  # of hashes, by what they cost, that FetchedPasswords makes decoys of: there are two after a change


class PasswordStore(Protocol):
    """Which stations there are, and what their passwords are: ``CSMS(passwords=...)`` takes any object with these two.

    Both may ask a database. What they raise refuses the station with 500 and goes to the log.
    """

    async def knows(self, identity: str) -> bool:
        """Whether the station is known; one that is not gets 404, unless identities are hidden."""

    async def check(self, identity: str, password: bytes, version: Version) -> bool:
        """Whether ``password`` is the station's.

        Bytes, because the key of OCPP 1.6 need not be text. False for a station that is not known. Raises Overloaded
        when too many are being checked: the station gets 503 and comes again. Where identities are hidden, an answer
        for one that is not known should take as long as a wrong password.
        """


class PlainPasswords:
    """Passwords in clear, in memory: for flows and tests, whose user has to be able to read them back."""

    def __init__(self, passwords: Mapping[str, str] | None = None) -> None:
        self._passwords: dict[str, str] = dict(passwords or {})
        self._secret = secrets.token_bytes(32)
        self._decoy = secrets.token_hex(20)

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
        # An unknown station is compared with something as well, and digests have one length whatever they are of.
        expected = self._passwords.get(identity, self._decoy).encode()
        if version is Version.V16 and HEX_KEY.fullmatch(expected):
            expected = expected.lower()  # a key of hex digits, whose case means nothing; the candidates have both
        right = self._digest(expected)
        matches = [hmac.compare_digest(self._digest(tried), right) for tried in candidates(password, version)]
        return any(matches) and identity in self._passwords

    def _digest(self, password: bytes) -> bytes:
        return hmac.digest(self._secret, password, "sha256")


class FetchedPasswords:
    """Hashes that an async function fetches, by a database query for instance::

        async def fetch(identity: str) -> str | None:
            return await database.fetchval("SELECT hash FROM stations WHERE identity = $1", identity)

        csms = CSMS(passwords=FetchedPasswords(fetch))

    ``fetch`` returns a hash of :func:`hash_password`, or None for a station that is not known.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[str | None]], *, threads: int | None = None) -> None:
        self._fetch = fetch
        self._seen: set[Cost] = set()
        self._verifier = Verifier(lambda: list(self._seen), threads)

    def __repr__(self) -> str:
        return f"<FetchedPasswords by {getattr(self._fetch, '__qualname__', self._fetch)}>"

    async def knows(self, identity: str) -> bool:
        return await self._fetch(identity) is not None

    async def check(self, identity: str, password: bytes, version: Version) -> bool:
        stored = await self._fetch(identity)
        if stored is not None:
            self._see(stored)
        return await self._verifier.check(identity, password, version, stored)

    def _see(self, stored: str) -> None:
        """Decoys should cost what hashes cost, and which there are is seen only as they are fetched."""
        with contextlib.suppress(ConfigurationError):  # which the verifier tells
            self._seen.add(cost_of(stored))
        if len(self._seen) > _KINDS:
            self._seen.remove(min(self._seen, key=lambda cost: cost.work))


class HashedPasswords:
    """Identity -> hash as :func:`hash_password` writes it."""

    def __init__(self, hashes: Mapping[str, str] | None = None, *, threads: int | None = None) -> None:
        self._hashes: dict[str, str] = {}
        self._costs: Counter[Cost] = Counter()
        self._verifier = Verifier(lambda: list(self._costs), threads)
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
            cost = cost_of(stored)
        except ConfigurationError as error:
            raise ConfigurationError(f"station {identity}: {error}") from None
        self.remove(identity)
        self._hashes[identity] = stored
        self._costs[cost] += 1

    def remove(self, identity: str) -> bool:
        """Forget a station; False if it was not known."""
        self._verifier.forget(identity)
        stored = self._hashes.pop(identity, None)
        if stored is None:
            return False
        cost = cost_of(stored)
        self._costs[cost] -= 1
        if not self._costs[cost]:
            del self._costs[cost]
        return True

    async def check(self, identity: str, password: bytes, version: Version) -> bool:
        return await self._verifier.check(identity, password, version, self._hashes.get(identity))
