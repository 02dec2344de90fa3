"""The list of secret places is compared with the official schemas of all three versions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from secret_planter import NAMES, Planted, full, planted, schemas, shows

from ocppflow.messages import Version
from ocppflow.secrecy.blotting import _is_suspicious, without_secrets
from ocppflow.secrecy.secret_names import is_secret
from ocppflow.secrecy.secret_places import FIELDS, PLACES, SecretKind

LOOKS_LIKE_ONE = re.compile(
    r"pass|pwd|secret|key|pin|psk|token|cred|auth|code|user|seed|cert|sign|hash|salt|private|url|location|uri", re.I
)

NO_SECRETS = {
    "apnUserName": "a user name is shown beside the password that it needs",
    "certificate": "a certificate is public",
    "certificateChain": "certificates are public",
    "idToken": "without a type it is an answer's own object",
    "idTokens": "they have no type, so they are not known to be PINs: what a card shows to every reader is personal",
    "issuerKeyHash": "the hash of a public key",
    "issuerNameHash": "the hash of a name",
    "key": "1.6: the name of a configuration key",
    "maximumContractCertificateChains": "a number of certificates",
    "postalCode": "an address",
    "priceScheduleSignature": "a signature is public",
    "publicKey": "as its name says",
    "reasonCode": "a code of the standard",
    "securityProfile": "a number",
    "signal": "a number of watts",
    "signature": "a signature is public",
    "signatureId": "a number",
    "signedMeterData": "what is signed is for everybody to check",
    "signingCertificate": "a certificate is public",
    "signingMethod": "an algorithm",
    "techCode": "a vendor's number of a fault",
    "unknownKey": "names of configuration keys",
    "user": "a user name is shown beside the password that it needs",
    "vendorErrorCode": "a vendor's number of a fault",
}
"""Fields that look like a secret and are none, and why."""


def leaves(root: dict[str, Any], schema: dict[str, Any], path: str, within: tuple[str, ...] = ()) -> Iterator[str]:
    """The paths of all fields that hold text or a number of the sender's choice."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        if name not in within:
            yield from leaves(root, root["definitions"][name], path, (*within, name))
    elif schema.get("type") == "array":
        yield from leaves(root, schema["items"], f"{path}[*]", within)
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            if name != "customData":
                yield from leaves(root, inner, f"{path}.{name}", within)
    elif "enum" not in schema and schema.get("type") != "boolean" and schema.get("format") != "date-time":
        yield path


def _all_leaves(version: str) -> Iterator[str]:
    for message, schema in schemas(version).items():
        yield from (path for path in leaves(schema, schema, message) if "." in path)


def _last(path: str) -> str:
    return path.removesuffix("[*]").rpartition(".")[2]


@pytest.mark.parametrize("version", PLACES)
def test_a_field_that_is_named_like_a_secret_is_on_the_list_or_there_is_a_reason(version: str) -> None:
    found = [path for path in _all_leaves(version) if LOOKS_LIKE_ONE.search(_last(path))]
    assert len(found) > 5
    assert [path for path in found if path not in PLACES[version] and _last(path) not in NO_SECRETS] == []


def test_every_reason_is_needed() -> None:
    listed = {path for version in PLACES for path in PLACES[version]}
    found = {_last(path) for version in PLACES for path in _all_leaves(version) if path not in listed}
    assert set(NO_SECRETS) - found == {"idToken"}


@pytest.mark.parametrize("version", PLACES)
def test_every_place_on_the_list_is_in_the_schemas(version: str) -> None:
    assert set(PLACES[version]) - set(_all_leaves(version)) == set()


@pytest.mark.parametrize("version", PLACES)
def test_every_field_that_is_always_a_secret_has_the_name_of_one_and_the_others_do_not(version: str) -> None:
    for path in _all_leaves(version):
        always = PLACES[version].get(path) is SecretKind.FIELD
        assert is_secret(_last(path)) == (always and not path.endswith(".key")), path


def test_there_is_a_list_for_each_version() -> None:
    assert set(PLACES) == set(Version)


@pytest.mark.parametrize(
    "name", [*sorted(FIELDS), *NAMES, "x-passwd", "PRIVATEKEY", "pincode", "proxy-authorization", "PWD"]
)
def test_whatever_is_the_name_of_a_secret_makes_a_frame_be_read(name: str) -> None:
    assert is_secret(name)
    assert _is_suspicious(f'{{"{name}":"x"}}'.lower().encode())


USUAL_NAMES = (
    "HeartbeatInterval WebSocketPingInterval idToken groupIdToken PublicKey key keys unknownKey configurationKey "
    "mapping GetConfigurationMaxKeys SupportedIdTokenTypes Spinner"
)


@pytest.mark.parametrize("name", ["", *USUAL_NAMES.split()])
def test_a_usual_name_is_not_that_of_a_secret(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize("version", PLACES)
def test_what_holds_no_secret_stays_as_it_is(version: str) -> None:
    for message in schemas(version):
        if not any(place.startswith(f"{message}.") for place in PLACES[version]):
            data = json.dumps([2, "1", message, full(version, message)[1]]).encode()
            if b"://" not in data:  # chance has written a URL, and maybe a password into it
                assert without_secrets(data) == data


@pytest.mark.parametrize("version", PLACES)
def test_nothing_but_the_secret_is_hidden(version: str) -> None:
    for each in planted(version):
        shown = json.loads(without_secrets(json.dumps(each.payload).encode()))
        assert not shows(json.dumps(shown))
        assert _differences(each.payload, shown) <= _may_differ(each), str(each)


def _differences(one: Any, other: Any) -> set[str]:
    if isinstance(one, dict):
        keys = set(one) - {"customData"}  # that of an object that is about a secret is hidden, too
        return {name for key in keys for name in _differences(one[key], other[key])} | {
            key for key in keys if not isinstance(one[key], dict | list) and one[key] != other[key]
        }
    if isinstance(one, list):
        return {name for a, b in zip(one, other, strict=True) for name in _differences(a, b)}
    return set()


def _may_differ(each: Planted) -> set[str]:
    """The value, and what else an object that is about a secret may say of it."""
    about = {
        "attributeValue",
        "value",
        "actualValue",
        "techInfo",
        "techCode",
        "valuesList",
        "additionalInfo",
        "additionalIdToken",
    }
    return {_last(each.path), *about, "idToken", "password", "simPin", "apnPassword", "basicAuthPassword", "key"}
