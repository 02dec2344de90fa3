"""TLS of real stations at the door of a server."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from field_cases import CASES

from ocppflow.transport.handshake import Accept, Handshake, Refuse, RefusedInfo
from ocppflow.transport.route import Route
from ocppflow.transport.server import Server
from ocppflow.transport.tls import KeyPair, ServerTLS

PATIENCE = 5.0  # seconds after which a test that waits has failed


@pytest.fixture
def pair(tmp_path: Path) -> KeyPair:
    """A self-signed certificate with its key, in one file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = tmp_path / "both.pem"
    file.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(encoding)
        + key.private_bytes(encoding, form, serialization.NoEncryption())
    )
    return KeyPair(file)


async def _let_in(handshake: Handshake) -> Accept | Refuse:
    return Accept()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_fc14_it_is_clear_why_an_old_tls_is_refused(pair: KeyPair, version: ssl.TLSVersion) -> None:
    assert "TLS 1.0 or 1.1 only" in CASES["FC14"]["handshake"][0]
    refused: asyncio.Queue[RefusedInfo] = asyncio.Queue()
    server = Server({"/ocpp": Route(_let_in, print)}, tls=ServerTLS(pair), on_refused=refused.put_nowait)
    await server.listen("127.0.0.1")
    station = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    station.check_hostname, station.verify_mode = False, ssl.CERT_NONE
    station.minimum_version = station.maximum_version = version
    station.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", server.port, ssl=station)
    info = await asyncio.wait_for(refused.get(), PATIENCE)
    assert info.reason == "TLS failed: the peer speaks only TLS older than 1.2 (A00.FR.313)"
    await server.close()
