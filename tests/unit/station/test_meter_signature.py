"""The simulated meter's signature: OCMF that others can verify, made only when asked for."""

from __future__ import annotations

import base64
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ocppflow.station.hardware.meter_signature import MeterSignature


def test_J02FR21_a_signature_can_be_verified_with_the_key_that_goes_with_it() -> None:
    signature = MeterSignature("0:CS1-1", 1234.5, 1000.25, is_dc=False)
    word, payload, seal = base64.b64decode(signature.data).decode().split("|")
    assert word == "OCMF"
    assert json.loads(payload)["RD"][0] == {
        "TM": "1970-01-01T00:16:40,250+0000 U",
        "RV": 1234.5,
        "RI": "01-00:01.08.00*FF",
        "RU": "Wh",
        "RT": "AC",
        "ST": "G",
    }
    marker, encoding, kind, printed = base64.b64decode(signature.public_key).decode().split(":")
    assert (marker, encoding, kind) == ("oca", "base16", "asn1")  # J02.FR.23
    key = load_der_public_key(bytes.fromhex(printed))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(bytes.fromhex(json.loads(seal)["SD"]), payload.encode(), ec.ECDSA(hashes.SHA256()))


def test_the_same_meter_signs_the_same_reading_alike_and_another_one_differently() -> None:
    one, same = (MeterSignature("CS1-1", 5.0, 1.0, is_dc=True) for _ in range(2))
    other = MeterSignature("CS1-2", 5.0, 1.0, is_dc=True)
    assert one.data == same.data
    assert one == same
    assert one.data != other.data
    assert one != other
    assert one.public_key != other.public_key
    assert len(one.data) < 2500, "what 2.0.1 takes at most"
