"""Checks passwords against hashes: what has been found right or wrong is remembered, the rest is derived in turn.

Once a password has been found right, a keyed digest of it is remembered in this process, so a station's reconnect costs
microseconds; so does the same wrong password again, as a charger with a wrong key sends it for days. The digests are of
the hash too: a new hash makes them void.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence

from ocppflow.errors import ConfigurationError
from ocppflow.messages.base import Version
from ocppflow.transport.asker import Asker, asker
from ocppflow.transport.derivations import Derivations, Unit
from ocppflow.transport.password_hash import Cost, cost_of, decoy, spellings, verify_password

_WRONG_EACH = 4  # wrong passwords remembered of one identity: a charger has one, or its old and its new one
_WRONG_IDENTITIES = 10_000  # of so many identities, the latest: 3 MB


class Verifier:
    """The memory and the threads of one password store.

    ``costs`` gives what the hashes of the store cost, for the decoys that unknown stations are checked against.
    """

    def __init__(self, costs: Callable[[], Sequence[Cost]], threads: int | None = None) -> None:
        self._costs = costs
        self._threads = threads
        self._secret = secrets.token_bytes(32)
        self._right: dict[str, tuple[bytes, str]] = {}  # with the spelling that was right
        self._wrong: OrderedDict[int, tuple[bytes, ...]] = OrderedDict()
        self._spelling = ""  # that of the latest password found right: stations of one fleet are alike
        self._decoys: dict[Cost, str] = {}
        self._derivations: Derivations | None = None

    def forget(self, identity: str) -> None:
        """The identity has no password, or another one."""
        self._right.pop(identity, None)

    async def check(self, identity: str, password: bytes, version: Version, stored: str | None) -> bool:
        """Whether ``password`` is the one whose hash is ``stored``, None for a station that is not known.

        Raises Overloaded, and ConfigurationError if ``stored`` is not a hash.
        """
        kind = b"1" if version is Version.V16 else b"2"  # what is right as a key of 1.6 may be wrong in 2.x
        digest = hmac.digest(self._secret, kind + (stored or "").encode() + b"\0" + password, "sha256")[:16]
        known = self.recall(identity, digest)
        if known is not None:
            return known >= 0
        ask = asker.get()
        tried, units, damaged = self._plan(identity, password, version, stored, ask)
        index = await self._in_turn().first_match(
            ask.address, identity, units, patience=ask.patience, memory=_Matter(self, identity, digest, tried)
        )
        if damaged is not None:
            raise damaged
        return index >= 0

    def recall(self, identity: str, digest: bytes) -> int | None:
        """0 for a password known to be right, -1 for one known to be wrong, None if it has to be derived."""
        found = self._right.get(identity)
        if found is not None and hmac.compare_digest(digest, found[0]):
            return 0
        wrong = self._wrong.get(hash(identity))
        return -1 if wrong is not None and digest in wrong else None  # keyed: how long that takes tells nothing

    def remember_right(self, identity: str, digest: bytes, spelling: str) -> None:
        """The password was right, in this spelling."""
        self._spelling = spelling
        self._right[identity] = digest, spelling

    def remember_wrong(self, identity: str, digest: bytes) -> None:
        """The password was wrong."""
        key = hash(identity)  # a number, so that names of any length take no memory
        self._wrong[key] = (*self._wrong.get(key, ())[1 - _WRONG_EACH :], digest)
        self._wrong.move_to_end(key)
        if len(self._wrong) > _WRONG_IDENTITIES:
            self._wrong.popitem(last=False)

    def _plan(
        self, identity: str, password: bytes, version: Version, stored: str | None, ask: Asker
    ) -> tuple[list[str], list[Unit], ConfigurationError | None]:
        """The spellings in the order in which they are derived, all that is derived, and what is wrong with the hash.

        An unknown station costs what a wrong password costs. If both must look alike, and hashes do not cost the same,
        each spelling is derived once at each cost that the store has, whoever it is: against the station's own hash and
        against decoys.
        """
        spelt = spellings(password, version)
        usual = {self._spelling: 1, self._right[identity][1] if identity in self._right else "": 0}
        by_likelihood = sorted(spelt, key=lambda each: usual.get(spelt[each], 2))
        hashes, damaged = self._hashes(stored, evenly=ask.evenly)
        units = [(each, hashed) for hashed in hashes for each in by_likelihood]
        return [spelt[each] for each in by_likelihood], units, damaged

    def _hashes(self, stored: str | None, *, evenly: bool) -> tuple[list[str], ConfigurationError | None]:
        costs = sorted(self._costs() or [Cost()], reverse=True, key=lambda cost: cost.work)
        damaged = None
        if stored is not None:
            try:
                own = cost_of(stored)
            except ConfigurationError as error:
                if not evenly:
                    raise
                damaged = error  # told after the decoys: it must not look different from outside
            else:
                others = [cost for cost in costs if cost != own][: len(costs) - 1] if evenly else []
                return [stored, *map(self._decoy, others)], None
        return [self._decoy(cost) for cost in (costs if evenly else costs[:1])], damaged

    def _decoy(self, cost: Cost) -> str:
        if cost not in self._decoys:
            self._decoys[cost] = decoy(cost)
        return self._decoys[cost]

    def _in_turn(self) -> Derivations:
        derivations = self._derivations
        if derivations is None or derivations.loop is not asyncio.get_running_loop():
            if derivations is not None:
                derivations.close()
            derivations = self._derivations = Derivations(verify_password, self._threads)
        return derivations


class _Matter:
    """What the verifier remembers of one password."""

    __slots__ = ("_digest", "_identity", "_spellings", "_verifier")

    def __init__(self, verifier: Verifier, identity: str, digest: bytes, spellings: Sequence[str]) -> None:
        self._verifier = verifier
        self._identity = identity
        self._digest = digest
        self._spellings = spellings

    def recall(self) -> int | None:
        return self._verifier.recall(self._identity, self._digest)

    def learn(self, index: int) -> None:
        if index < 0:
            self._verifier.remember_wrong(self._identity, self._digest)
        else:
            self._verifier.remember_right(self._identity, self._digest, self._spellings[index])
