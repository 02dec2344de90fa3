"""Stored passwords: hashes, the memory of right ones, and what wrong files say (A00.FR.205)."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocppflow.errors import ConfigurationError
from ocppflow.messages.base import Version
from ocppflow.transport import password_hash, verifier
from ocppflow.transport.asker import Asker, asker
from ocppflow.transport.password_hash import candidates
from ocppflow.transport.passwords import (
    FetchedPasswords,
    HashedPasswords,
    Overloaded,
    PlainPasswords,
    hash_password,
    verify_password,
)


@given(st.binary(max_size=64), st.binary(max_size=64))
@settings(max_examples=30, deadline=None)
def test_a_hash_verifies_its_password_and_no_other(password: bytes, other: bytes) -> None:
    stored = hash_password(password, log_n=2)
    assert verify_password(password, stored)
    # HMAC, inside scrypt, fills its key up with zero bytes.
    assert verify_password(other, stored) == (other.rstrip(b"\0") == password.rstrip(b"\0"))


def test_hashes_are_salted_and_readable() -> None:
    first, second = hash_password("pässword", log_n=4), hash_password("pässword", log_n=4)
    assert first != second
    assert first.startswith("$scrypt$ln=4,r=8,p=1$")
    assert verify_password("pässword".encode(), first)


def test_the_format_is_the_phc_string_of_scrypt() -> None:
    """RFC 7914, 12: scrypt("password", "NaCl", N=1024, r=8, p=16, 64)."""
    derived = "/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA"
    assert verify_password(b"password", f"$scrypt$ln=10,r=8,p=16$TmFDbA${derived}")


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "secret",
        "$2b$12$abc",
        "$scrypt$",
        "$scrypt$ln=x,r=8,p=1$AAAA$AAAA",
        "$scrypt$ln=10,r=8$AAAA$AAAA",
        "$scrypt$ln=30,r=8,p=1$AAAA$" + "A" * 43,
        "$scrypt$ln=10,r=8,p=1$AAAA$AAAA",
        "$scrypt$ln=4,r=8,p=1$é$AAAA",
        5,
    ],
)
def test_what_is_no_hash_is_refused_by_station(stored) -> None:
    with pytest.raises(ConfigurationError, match="station CS1: "):
        HashedPasswords({"CS1": stored})


def test_A00_FR_205_candidates() -> None:
    key = b"\x0a\xff"
    assert candidates(key, Version.V16) == (key, b"0aff", b"0AFF")
    assert candidates(key, Version.V201) == (key,)
    assert candidates(b"x" * 21, Version.V16) == (b"x" * 21,)
    assert candidates(b"", Version.V16) == (b"",)
    assert candidates(b"0aFf" * 6, Version.V16) == (b"0aFf" * 6, b"0aff" * 6, b"0AFF" * 6)
    assert candidates(b"0aFf" * 6, Version.V201) == (b"0aFf" * 6,)


@given(st.binary(min_size=1, max_size=20), st.sampled_from([bytes.lower, bytes.upper, bytes.swapcase, bytes.title]))
async def test_a_hex_key_of_16_matches_in_any_case_and_as_bytes(key: bytes, spelt) -> None:
    for configured in (key.hex(), key.hex().upper(), spelt(key.hex().encode()).decode()):
        store = PlainPasswords({"CS1": configured})
        assert await store.check("CS1", key, Version.V16)
        assert await store.check("CS1", spelt(key.hex().encode()), Version.V16)
        assert not await store.check("CS1", key + b"!", Version.V16)


async def test_in_2x_case_counts() -> None:
    store = PlainPasswords({"CS1": "00ff" * 5})
    assert await store.check("CS1", b"00ff" * 5, Version.V201)
    assert not await store.check("CS1", b"00FF" * 5, Version.V201)


async def test_passwords_may_come_from_an_asynchronous_query(derivations: list[bytes]) -> None:
    table: dict[str, str] = {"CS1": hash_password("right", log_n=2)}

    async def fetch(identity: str) -> str | None:
        await asyncio.sleep(0)
        return table.get(identity)

    store = FetchedPasswords(fetch)
    assert await store.knows("CS1")
    assert not await store.knows("CS2")
    derivations.clear()
    for _ in range(3):
        assert await store.check("CS1", b"right", Version.V201)
    assert derivations == [b"right"]
    assert not await store.check("CS2", b"right", Version.V201)
    table["CS1"] = hash_password("new", log_n=2)
    assert not await store.check("CS1", b"right", Version.V201)
    assert await store.check("CS1", b"new", Version.V201)


async def test_plain_passwords() -> None:
    store = PlainPasswords({"CS1": "right"})
    assert await store.check("CS1", b"right", Version.V201)
    assert not await store.check("CS1", b"wrong", Version.V201)
    assert not await store.check("CS2", b"", Version.V201)
    store.set("CS2", "two")
    assert store.as_dict() == {"CS1": "right", "CS2": "two"}
    assert store.remove("CS1")
    assert not store.remove("CS1")
    assert "CS1" not in store
    store.replace({"CS3": "three"})
    assert (store.get("CS3"), store.get("CS2"), list(store)) == ("three", None, ["CS3"])


@pytest.fixture
def derivations(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    calls: list[bytes] = []
    real = password_hash._scrypt

    def counted(password: bytes, *rest: object) -> bytes:
        calls.append(password)
        return real(password, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(password_hash, "_scrypt", counted)
    return calls


async def test_the_derivation_runs_once_per_station(derivations: list[bytes]) -> None:
    store = HashedPasswords({"CS1": hash_password("right", log_n=2)})
    derivations.clear()
    for _ in range(5):
        assert await store.check("CS1", b"right", Version.V201)
    assert derivations == [b"right"]
    for _ in range(2):
        assert not await store.check("CS1", b"wrong", Version.V201)
    assert derivations == [b"right", b"wrong"]


async def test_a_charger_with_a_wrong_key_in_a_loop_costs_one_derivation(derivations: list[bytes]) -> None:
    store = HashedPasswords({"CS1": hash_password("right", log_n=2)})
    derivations.clear()
    for _ in range(20):
        assert not await store.check("CS1", b"its old key", Version.V201)
        assert not await store.check("XX1", b"its old key", Version.V201)
    assert derivations == [b"its old key"] * 2
    store.set("CS1", hash_password("its old key", log_n=2))
    assert await store.check("CS1", b"its old key", Version.V201)


async def test_only_the_last_few_wrong_passwords_are_remembered(derivations: list[bytes]) -> None:
    store = HashedPasswords({"CS1": hash_password("right", log_n=2)})
    words = [b"wrong %d" % number for number in range(5)]
    for word in words:
        assert not await store.check("CS1", word, Version.V201)
    derivations.clear()
    for word in reversed(words):
        assert not await store.check("CS1", word, Version.V201)
    assert derivations == words[:1]


async def test_of_how_many_identities_wrong_passwords_are_remembered_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verifier, "_WRONG_IDENTITIES", 10)
    store = HashedPasswords()
    for number in range(30):
        assert not await store.check(f"XX{number}", b"any", Version.V201)
    assert len(store._verifier._wrong) == 10


async def test_what_was_found_for_a_key_of_1_6_does_not_hold_in_2x() -> None:
    store = HashedPasswords({"CS1": hash_password("00FF", log_n=2)})
    for _ in range(2):
        assert await store.check("CS1", b"\x00\xff", Version.V16)
        assert not await store.check("CS1", b"\x00\xff", Version.V201)
        assert not await store.check("CS1", b"00ff", Version.V201)
        assert await store.check("CS1", b"00ff", Version.V16)


async def test_the_spelling_that_was_right_last_is_tried_first(derivations: list[bytes]) -> None:
    keys = {f"CS{number}": bytes([0xA0 + number] * 20) for number in range(1, 4)}
    store = HashedPasswords({identity: hash_password(key.hex().upper(), log_n=2) for identity, key in keys.items()})
    counts = []
    for identity, key in keys.items():
        derivations.clear()
        assert await store.check(identity, key, Version.V16)
        counts.append(len(derivations))
    key = bytes(range(0xA0, 0xB4))
    store.set("CS9", hash_password(key.hex().upper(), log_n=2))
    derivations.clear()
    assert await store.check("CS9", key, Version.V16)
    assert derivations[0] == key.hex().upper().encode()
    assert counts[1:] == [1, 1]


async def test_the_same_new_password_many_times_at_once_costs_few_derivations(derivations: list[bytes]) -> None:
    store = HashedPasswords({"CS1": hash_password("right", log_n=2)}, threads=1)
    derivations.clear()
    for word, right in ((b"right", True), (b"wrong", False)):
        results = await asyncio.gather(*(store.check("CS1", word, Version.V201) for _ in range(100)))
        assert set(results) == {right}
        assert derivations.count(word) <= 3


async def test_a_new_password_voids_the_old_one_at_once(derivations: list[bytes]) -> None:
    store = HashedPasswords({"CS1": hash_password("old", log_n=2)})
    assert await store.check("CS1", b"old", Version.V201)
    store.set("CS1", hash_password("new", log_n=2))
    assert not await store.check("CS1", b"old", Version.V201)
    assert await store.check("CS1", b"new", Version.V201)
    assert store.remove("CS1")
    assert not await store.check("CS1", b"new", Version.V201)
    assert "CS1" not in store


async def test_a_password_changed_during_the_check_is_not_remembered() -> None:
    store = HashedPasswords({"CS1": hash_password("old", log_n=2)})
    checking = asyncio.ensure_future(store.check("CS1", b"old", Version.V201))
    await asyncio.sleep(0)
    store.set("CS1", hash_password("new", log_n=2))
    assert await checking
    assert not await store.check("CS1", b"old", Version.V201)


async def test_an_unknown_station_costs_a_derivation_too(derivations: list[bytes]) -> None:
    store = HashedPasswords()
    assert not await store.check("CS1", b"any", Version.V201)
    derivations.clear()
    assert not await store.check("CS2", b"any", Version.V201)
    assert derivations == [b"any"]


async def test_what_waits_too_long_is_refused() -> None:
    store = HashedPasswords({"CS1": hash_password("right", log_n=2)})
    asker.set(Asker("192.0.2.1", patience=1e-9))  # not even a second derivation
    results = await asyncio.gather(
        *(store.check("CS1", b"right", Version.V201) for _ in range(30)), return_exceptions=True
    )
    assert {type(result) for result in results} == {bool, Overloaded}
    assert await store.check("CS1", b"right", Version.V201)


def test_from_toml(tmp_path) -> None:
    file = tmp_path / "auth.toml"
    file.write_text(f'[stations]\nCS1 = "{hash_password("x", log_n=2)}"\n"CS:2" = "{hash_password("y", log_n=2)}"\n')
    assert len(HashedPasswords.from_toml(file)) == 2
    for text, says in [
        ('[stations]\nCS1 = "clear"', "auth.toml: station CS1: not a hash; `ocppflow hash-password`"),
        ("[stations]\nCS1 = 5", "station CS1"),
        ("[other]", r"lacks the table \[stations\]"),
        ("stations = 3", "lacks the table"),
        ("[", "not TOML"),
    ]:
        file.write_text(text)
        with pytest.raises(ConfigurationError, match=says):
            HashedPasswords.from_toml(file)
    with pytest.raises(ConfigurationError, match="No such file"):
        HashedPasswords.from_toml(tmp_path / "missing.toml")
