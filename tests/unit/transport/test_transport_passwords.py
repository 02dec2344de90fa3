"""Stored passwords: hashes, the memory of right ones, and what wrong files say (A00.FR.205)."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocppflow.errors import ConfigurationError
from ocppflow.messages.base import Version
from ocppflow.transport import passwords
from ocppflow.transport.passwords import (
    FetchedPasswords,
    HashedPasswords,
    Overloaded,
    PlainPasswords,
    candidates,
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
    real = passwords._scrypt

    def counted(password: bytes, *rest: object) -> bytes:
        calls.append(password)
        return real(password, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(passwords, "_scrypt", counted)
    return calls


async def test_the_derivation_runs_once_per_station(derivations: list[bytes]) -> None:
    store = HashedPasswords({"CS1": hash_password("right", log_n=2)})
    derivations.clear()
    for _ in range(5):
        assert await store.check("CS1", b"right", Version.V201)
    assert derivations == [b"right"]
    for _ in range(2):
        assert not await store.check("CS1", b"wrong", Version.V201)
    assert derivations == [b"right", b"wrong", b"wrong"]


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


async def test_too_many_checks_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MAX_PENDING", 2)
    store = HashedPasswords({"CS1": hash_password("right", log_n=2)})
    results = await asyncio.gather(
        *(store.check("CS1", b"right", Version.V201) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [bool, bool, Overloaded]
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
