"""Certificates: reading, checking, naming by hash; signatures over firmware."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.station.x509_tools import (
    CertificateRefused,
    as_pem,
    belongs,
    check_certificate,
    check_chain,
    common_name,
    hash_data,
    is_authority,
    is_signed,
    issued_by,
    key_from,
    key_pem,
    new_key,
    ocsp_url,
    organization,
    read_chain,
    read_one,
    same_hash_data,
    signing_request,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEYS: dict[str, Any] = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "RSA": rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def certificate(
    name: str,
    key: Any,
    by: tuple[x509.Certificate, Any] | None = None,
    *,
    ca: bool = True,
    longest: int | None = None,
    usage: bool | None = None,
    serial: int = 7,
    start: datetime = NOW - timedelta(days=1),
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = (subject, key) if by is None else (by[0].subject, by[1])
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), serial, start, start + timedelta(days=10))
    builder = builder.add_extension(x509.BasicConstraints(ca, longest), True)
    if usage is not None:
        builder = builder.add_extension(
            x509.KeyUsage(True, False, False, False, False, usage, False, False, False), critical=True
        )
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256())


@pytest.mark.parametrize("kind", KEYS)
def test_hashes_are_those_of_RFC6960(kind: str) -> None:
    key = KEYS[kind]
    root = certificate("root", key, serial=0x0ABC)
    leaf = certificate("leaf", KEYS["P-256"], (root, key), ca=False, serial=2**150)
    for each in (root, leaf):
        data = hash_data(each, root)
        expected = ocsp.OCSPRequestBuilder().add_certificate(each, root, hashes.SHA256()).build()
        assert data.issuer_name_hash == expected.issuer_name_hash.hex()
        assert data.issuer_key_hash == expected.issuer_key_hash.hex()
        assert int(data.serial_number, 16) == expected.serial_number
        assert not data.serial_number.startswith("0")


def test_hash_data_are_compared_as_numbers_are() -> None:
    root = certificate("root", KEYS["P-256"], serial=0xABC)
    one = hash_data(root, root)
    other = hash_data(root, root)
    other.serial_number, other.issuer_key_hash = "00ABC", other.issuer_key_hash.upper()
    assert same_hash_data(one, other)
    other.serial_number = "abd"
    assert not same_hash_data(one, other)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_chain_is_followed_in_whatever_order_its_rest_is(order: tuple[int, ...]) -> None:
    key = KEYS["P-256"]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    root = certificate("root", key)
    first = certificate("first", keys[0], (root, key))
    second = certificate("second", keys[1], (first, keys[0]))
    third = certificate("third", keys[2], (second, keys[1]))
    leaf = certificate("leaf", KEYS["RSA"], (third, keys[2]), ca=False)
    subs = [first, second, third]
    assert check_chain([leaf, *(subs[place] for place in order)], [root], NOW) == root
    with pytest.raises(CertificateRefused, match="no installed root"):
        check_chain([leaf, *(subs[place] for place in order[:2])], [root], NOW)


def test_two_authorities_that_sign_each_other_are_not_followed_for_ever() -> None:
    one, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    first = certificate("first", one, (certificate("second", other), other))
    second = certificate("second", other, (certificate("first", one), one))
    leaf = certificate("leaf", KEYS["P-256"], (first, one), ca=False)
    with pytest.raises(CertificateRefused):
        check_chain([leaf, first, second], [certificate("root", KEYS["RSA"])], NOW)


@pytest.mark.parametrize(("longest", "works"), [(None, True), (1, True), (0, False)])
def test_the_length_of_a_path_is_heeded(longest: int | None, works: bool) -> None:
    key, sub = KEYS["P-256"], KEYS["P-521"]
    root = certificate("root", key, longest=longest)
    middle = certificate("middle", sub, (root, key))
    leaf = certificate("leaf", KEYS["RSA"], (middle, sub), ca=False)
    if works:
        assert check_chain([leaf, middle], [root], NOW) == root
    else:
        with pytest.raises(CertificateRefused):
            check_chain([leaf, middle], [root], NOW)


@pytest.mark.parametrize(
    ("ca", "usage", "may"), [(True, None, True), (True, True, True), (True, False, False), (False, None, False)]
)
def test_who_may_sign(ca: bool, usage: bool | None, may: bool) -> None:
    assert is_authority(certificate("x", KEYS["P-256"], ca=ca, usage=usage)) is may


def test_an_expired_root_is_not_trusted() -> None:
    key = KEYS["P-256"]
    root = certificate("root", key, start=NOW - timedelta(days=20))
    leaf = certificate("leaf", KEYS["RSA"], (root, key), ca=False)
    with pytest.raises(CertificateRefused, match="expired at 2026-05-22"):
        check_chain([leaf], [root], NOW)


def test_A00FR501_A00FR503_weak_keys_are_refused() -> None:
    weak = certificate("weak", ec.generate_private_key(ec.SECP192R1()))
    with pytest.raises(CertificateRefused, match="192 bits"):
        check_certificate(weak, NOW)
    check_certificate(certificate("enough", ec.generate_private_key(ec.SECP224R1())), NOW)


@given(
    st.text()
    | st.binary().map(
        lambda raw: f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(raw).decode()}\n-----END CERTIFICATE-----\n"
    )
)
def test_no_text_makes_reading_fail_in_another_way(text: str) -> None:
    with pytest.raises(CertificateRefused):
        read_chain(text)


def test_one_is_one() -> None:
    root = certificate("root", KEYS["P-256"])
    assert read_one(as_pem([root])) == root
    with pytest.raises(CertificateRefused, match="there are 2 certificates"):
        read_one(as_pem([root, root]))


@pytest.mark.parametrize("kind", ["ECDSA", "RSA"])
def test_A02FR03_a_signing_request_is_for_its_key_and_names(kind: Any) -> None:
    key = new_key(kind)
    request = x509.load_pem_x509_csr(signing_request(key, "CS-1", "operator", "NL", "CPO").encode())
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    assert request.subject.rfc4514_string() == "DC=CPO,CN=CS-1,O=operator,C=NL"
    own = certificate("CS-1", key_from(key_pem(key)))
    assert belongs(own, key)
    assert not belongs(own, new_key("ECDSA"))
    assert (common_name(own), organization(own), ocsp_url(own)) == ("CS-1", "", "")
    assert issued_by(own, own)


def _sign(key: Any, content: bytes, how: str) -> bytes:
    if how == "ECDSA":
        return bytes(key.sign(content, ec.ECDSA(hashes.SHA256())))
    if how == "PSS":
        return bytes(key.sign(content, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()))
    return bytes(key.sign(content, padding.PKCS1v15(), hashes.SHA256()))


SIGNERS = {
    "ECDSA": (certificate("signer", KEYS["P-256"]), KEYS["P-256"]),
    "PSS": (certificate("signer", KEYS["RSA"]), KEYS["RSA"]),
    "PKCS1": (certificate("signer", KEYS["RSA"]), KEYS["RSA"]),
}


@given(st.sampled_from(sorted(SIGNERS)), st.binary(max_size=200), st.binary(max_size=200))
def test_L01FR04_a_signature_is_good_for_what_was_signed_alone(how: str, content: bytes, other: bytes) -> None:
    signer, key = SIGNERS[how]
    signature = base64.b64encode(_sign(key, content, how)).decode()
    wrapped = "\n".join(signature[start : start + 64] for start in range(0, len(signature), 64))
    assert is_signed(signer, signature, hashlib.sha256(content).digest())
    assert is_signed(signer, wrapped, hashlib.sha256(content).digest())
    assert is_signed(signer, signature, hashlib.sha256(other).digest()) is (content == other)


@given(
    st.sampled_from([*KEYS]),
    st.text(max_size=100) | st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode()),
)
def test_L01FR03_no_text_is_taken_for_a_signature(kind: str, text: str) -> None:
    assert not is_signed(certificate("signer", KEYS[kind]), text, bytes(32))
