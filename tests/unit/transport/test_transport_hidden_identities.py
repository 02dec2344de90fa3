"""Where identities are hidden, a known one and an unknown one look alike: in the answer, and in what it costs."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocppflow.messages.base import Version
from ocppflow.transport import password_hash
from ocppflow.transport.asker import Asker, asker
from ocppflow.transport.handshake import Accept, Handshake, Refuse
from ocppflow.transport.link import ClientCertificate
from ocppflow.transport.password_hash import Cost, decoy, hash_password
from ocppflow.transport.passwords import FetchedPasswords, HashedPasswords, Overloaded, PasswordStore, PlainPasswords
from ocppflow.transport.security_policy import SecurityPolicy, hiding_identities

COSTS = [Cost(1, 1, 1), Cost(1, 2, 1), Cost(2, 1, 1), Cost(3, 8, 2)]


@pytest.fixture
def derivations(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[int, int, int]]:
    counted: Counter[tuple[int, int, int]] = Counter()
    real = password_hash._scrypt

    def scrypt(password: bytes, salt: bytes, log_n: int, r: int, p: int, length: int) -> bytes:
        counted[log_n, r, p] += 1
        return real(password, salt, log_n, r, p, length)

    monkeypatch.setattr(password_hash, "_scrypt", scrypt)
    return counted


def _shake(identity: str, password: bytes | None, version: Version = Version.V201, **more) -> Handshake:
    username = identity if password is not None else None
    shake = Handshake(identity, versions=(version,), username=username, password=password, address="192.0.2.1:5")
    return replace(shake, **more)


def _store(kind: str, hashes: dict[str, str]) -> PasswordStore:
    if kind == "hashed":
        return HashedPasswords(hashes)

    async def fetch(identity: str) -> str | None:
        if identity == "Broken":
            raise OSError("the database is gone")
        return hashes.get(identity)

    return FetchedPasswords(fetch)


@given(
    st.lists(st.sampled_from(COSTS), min_size=1, max_size=5),
    st.sampled_from(["hashed", "fetched"]),
    st.sampled_from([Version.V16, Version.V201]),
    st.lists(st.one_of(st.binary(max_size=24), st.sampled_from([b"00ff" * 5, b"AB" * 10])), min_size=1, max_size=4),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_wrong_password_costs_the_same_whether_the_identity_is_known_or_not(
    derivations, costs, kind, version, tried
) -> None:
    hashes = {f"CS{number}": decoy(cost) for number, cost in enumerate(costs)}  # which no password has

    async def attempts() -> list[tuple[object, ...]]:
        policy = SecurityPolicy(passwords=_store(kind, hashes), hide_identities=True)
        for identity in hashes:  # a store that fetches has seen them all
            await policy(_shake(identity, b"first"))
        outcomes: list[tuple[object, ...]] = []
        for identity in [*hashes, "XX0", "XX1"]:
            for password in tried:
                derivations.clear()
                verdict = await policy(_shake(identity, password, version))
                assert isinstance(verdict, Refuse)
                outcomes.append(
                    (identity, password, verdict.status, verdict.reason, verdict.headers, dict(derivations))
                )
        return [(password, *rest) for _, password, *rest in outcomes]

    with asyncio.Runner() as runner:
        outcomes = runner.run(attempts())
    first = outcomes[: len(tried)]
    for start in range(0, len(outcomes), len(tried)):
        assert outcomes[start : start + len(tried)] == first


async def test_a_decoy_costs_what_the_dearest_hash_costs_where_nothing_is_hidden(derivations) -> None:
    store = HashedPasswords({f"CS{number}": decoy(cost) for number, cost in enumerate(COSTS)})
    derivations.clear()
    assert not await store.check("XX1", b"any", Version.V201)
    assert dict(derivations) == {(3, 8, 2): 1}
    store.remove("CS3")
    derivations.clear()
    assert not await store.check("XX2", b"any", Version.V201)
    assert list(derivations) != [(3, 8, 2)]
    derivations.clear()
    assert not await store.check("CS0", b"any", Version.V201)
    assert dict(derivations) == {(1, 1, 1): 1}


async def test_a_damaged_hash_and_a_failing_database_tell_nothing(derivations, caplog) -> None:
    hashes = {"CS1": decoy(COSTS[0]), "Damaged": "$scrypt$ln=x,r=8,p=1$AAAA$AAAA"}
    policy = SecurityPolicy(passwords=_store("fetched", hashes), hide_identities=True)
    answers = []
    for identity in ("CS1", "Unknown", "Damaged", "Broken"):
        derivations.clear()
        answers.append((await policy(_shake(identity, b"wrong")), dict(derivations)))
    told = {(verdict.status, verdict.reason, str(verdict.headers)) for verdict, _ in answers}
    assert len(told) == 1
    assert [cost for _, cost in answers] == [{(1, 1, 1): 1}] * 3 + [{}]  # a database that fails, fails for all
    assert "a damaged $scrypt$ hash" in caplog.text
    assert "the database is gone" in caplog.text
    open_policy = SecurityPolicy(passwords=_store("fetched", hashes))
    with pytest.raises(OSError, match="gone"):
        await open_policy(_shake("Broken", b"wrong"))


async def test_the_right_password_lets_in_at_every_cost() -> None:
    hashes = {f"CS{log_n}": hash_password("right", log_n=log_n) for log_n in (1, 2, 3)}
    policy = SecurityPolicy(passwords=HashedPasswords(hashes), hide_identities=True)
    for _ in range(2):
        for identity in hashes:
            assert await policy(_shake(identity, b"right")) == Accept(1)


def _certificate(name: str) -> ClientCertificate:
    return ClientCertificate(name, "CSO", "00")


@pytest.mark.parametrize("store", ["plain", "hashed", "none"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"password": b"wrong"},
        {"password": None},
        {"password": None, "username": None, "credentials_problem": "the Basic credentials are not base64"},
        {"password": b"right", "username": "another"},
        {"password": b"wrong", "tls": True},
        {"password": None, "tls": True, "certificate": _certificate("another")},
        {"password": None, "tls": True, "certificate": ClientCertificate("CS1", "Another CSO", "00")},
    ],
    ids=lambda wrong: ",".join(wrong),
)
async def test_every_refusal_is_the_same_one(store, wrong) -> None:
    passwords: PasswordStore | None = None
    if store == "plain":
        passwords = PlainPasswords({"CS1": "right"})
    elif store == "hashed":
        passwords = HashedPasswords({"CS1": hash_password("right", log_n=1)})
    policy = SecurityPolicy(
        {1, 2, 3} if passwords else {3}, passwords, lambda identity: identity == "CS1", "CSO", hide_identities=True
    )
    usual = await policy(_shake("XX1", b"x"))
    assert isinstance(usual, Refuse)
    assert usual.status == 401
    for identity in ("CS1", "XX1"):
        verdict = await policy(_shake(identity, **wrong))
        assert isinstance(verdict, Refuse)
        assert (verdict.status, verdict.headers, verdict.reason) == (usual.status, usual.headers, usual.reason)
        assert identity not in verdict.reason


async def test_an_unknown_identity_with_a_certificate_of_its_own_is_not_let_in() -> None:
    policy = SecurityPolicy({3}, known=lambda identity: identity == "CS1", hide_identities=True)
    assert await policy(_shake("CS1", None, tls=True, certificate=_certificate("CS1"))) == Accept(3)
    verdict = await policy(_shake("XX1", None, tls=True, certificate=_certificate("XX1")))
    assert isinstance(verdict, Refuse)
    assert verdict.status == 401
    assert "not a known station" in verdict.private


async def test_the_reason_is_kept_for_the_log() -> None:
    policy = SecurityPolicy(passwords=PlainPasswords({"CS1": "right"}), hide_identities=True)
    verdict = await policy(_shake("CS1", b"wrong"))
    assert isinstance(verdict, Refuse)
    assert verdict.private == "wrong password for CS1"


async def test_overload_is_told_as_such_because_it_has_nothing_to_do_with_the_identity() -> None:
    class Busy:
        async def knows(self, identity: str) -> bool:
            return identity == "CS1"

        async def check(self, identity: str, password: bytes, version: Version) -> bool:
            raise Overloaded("9 passwords wait to be checked")

    policy = SecurityPolicy(passwords=Busy(), hide_identities=True)
    for identity in ("CS1", "XX1"):
        verdict = await policy(_shake(identity, b"any"))
        assert isinstance(verdict, Refuse)
        assert (verdict.status, verdict.reason) == (503, "9 passwords wait to be checked")
        assert int(verdict.headers["Retry-After"]) in range(5, 11)


async def test_any_acceptor_can_be_made_to_hide_identities(caplog) -> None:
    seen: list[Asker] = []
    used = Refuse(503, "CS3 is used by another", {"Retry-After": "60"}, impartial=True)

    async def decide(handshake: Handshake) -> Accept | Refuse:
        seen.append(asker.get())
        match handshake.identity:
            case "CS1":
                return Accept()
            case "CS2":
                return Refuse(403, "CS2 is blocked")
            case "CS3":
                return used
            case _:
                raise LookupError(handshake.identity)

    hidden = hiding_identities(decide)
    assert await hidden(_shake("CS1", b"x")) == Accept()
    blocked, unknown = await hidden(_shake("CS2", b"x")), await hidden(_shake("CS9", b"x"))
    assert isinstance(blocked, Refuse)
    assert isinstance(unknown, Refuse)
    assert replace(blocked, private="") == replace(unknown, private="")
    assert await hidden(_shake("CS3", b"x")) == used
    assert all(each.evenly for each in seen)
    assert "LookupError: CS9" in caplog.text
