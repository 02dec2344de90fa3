"""MeterSignature: a simulated meter signs its register, when somebody wants to see that."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of secp256r1."""


class MeterSignature:
    """What ``SignedReading`` has, made when it is asked for: most readings are never shown to anybody, and a signature
    costs as much as all else of a message. ``serial``: whose key; ``register``: Wh; ``at``: seconds of the meter's own
    clock; ``is_dc``.

    The format is OCMF 1.0, which names its own algorithm; the key's is that of the Open Charge Alliance's white paper
    on signed meter values (3.2.2). The same reading gives the same signature (RFC 6979).
    """

    __slots__ = ("_data", "_serial", "at", "is_dc", "register")

    signing_method = ""
    encoding_method = "OCMF"

    def __init__(self, serial: str, register: float, at: float, *, is_dc: bool) -> None:
        self._serial = serial
        self.register = register
        self.at = at
        self.is_dc = is_dc
        self._data = ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MeterSignature):
            return NotImplemented
        return (self._serial, self.register, self.at) == (other._serial, other.register, other.at)

    def __hash__(self) -> int:
        return hash((self._serial, self.register, self.at))

    @property
    def data(self) -> str:
        """Base64 of the signed reading."""
        if not self._data:
            payload = json.dumps(self._payload(), separators=(",", ":"))
            signature = _key(self._serial).sign(payload.encode(), ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
            seal = json.dumps({"SA": "ECDSA-secp256r1-SHA256", "SD": signature.hex()}, separators=(",", ":"))
            self._data = base64.b64encode(f"OCMF|{payload}|{seal}".encode()).decode()
        return self._data

    @property
    def public_key(self) -> str:
        """Base64 of the key as it would be printed on the meter."""
        der = _key(self._serial).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(f"oca:base16:asn1:{der.hex()}".encode()).decode()

    def _payload(self) -> dict[str, object]:
        moment = datetime.fromtimestamp(self.at, UTC)
        time = f"{moment:%Y-%m-%dT%H:%M:%S},{moment.microsecond // 1000:03}+0000 U"  # a clock that nobody has set
        reading = {
            "TM": time,
            "RV": round(self.register, 3),
            "RI": "01-00:01.08.00*FF",
            "RU": "Wh",
            "RT": "DC" if self.is_dc else "AC",
            "ST": "G",
        }
        return {"FV": "1.0", "GI": "ocppflow", "MS": self._serial, "PG": f"F{round(self.at * 1000)}", "RD": [reading]}


@lru_cache(maxsize=64)
def _key(serial: str) -> ec.EllipticCurvePrivateKey:
    """A meter's key: from its serial number, so that it is the same at every start."""
    number = int.from_bytes(hashlib.sha512(serial.encode()).digest(), "big") % (_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())
