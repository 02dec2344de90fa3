"""What the wire tests talk with: a recording handler, a raw HTTP and WebSocket peer, a certificate authority."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from websockets.frames import Frame, Opcode

from ocppflow.messages.base import Version
from ocppflow.transport.clock import Clock
from ocppflow.transport.handshake import Accept, Acceptor, Handshake, Refuse, RefusedInfo
from ocppflow.transport.link import Link
from ocppflow.transport.route import Route
from ocppflow.transport.server import Server
from ocppflow.transport.settings import ServerLimits
from ocppflow.transport.tls import KeyPair, ServerTLS

PATIENCE = 5.0  # seconds after which a test that waits has failed


class Recorder:
    """A LinkHandler that keeps what comes: text as bytes, binary as a bytearray, the end as (code, reason)."""

    def __init__(self, link: Link, *, echo: bool = False) -> None:
        self.link = link
        self.echo = echo
        self.queue: asyncio.Queue[bytes | bytearray | tuple[int, str]] = asyncio.Queue()
        link.attach(self)

    def received(self, data: bytes) -> None:
        self.queue.put_nowait(data)
        if self.echo:
            self.link.send(data)

    def received_binary(self, data: bytes) -> None:
        self.queue.put_nowait(bytearray(data))

    def closed(self, code: int, reason: str) -> None:
        self.queue.put_nowait((code, reason))

    async def next(self) -> bytes | bytearray | tuple[int, str]:
        return await asyncio.wait_for(self.queue.get(), PATIENCE)


async def let_in(handshake: Handshake) -> Accept | Refuse:
    return Accept()


class Site:
    """A server with one route at /ocpp whose every event can be awaited."""

    def __init__(
        self,
        *,
        acceptor: Acceptor = let_in,
        versions: tuple[Version, ...] = tuple(Version),
        limits: ServerLimits | None = None,
        tls: ServerTLS | None = None,
        clock: Clock | None = None,
        echo: bool = True,
        check_identity: bool = True,
        on_link: Callable[[Link], None] | None = None,
    ) -> None:
        self.refusals: asyncio.Queue[RefusedInfo] = asyncio.Queue()
        self.handlers: asyncio.Queue[Recorder] = asyncio.Queue()
        self.server = Server(limits=limits, tls=tls, clock=clock, on_refused=self.refusals.put_nowait)
        self.peers: list[RawPeer] = []
        self._echo = echo
        self.route = Route(acceptor, on_link or self._on_link, versions, check_identity)
        self.server.add_route("/ocpp", self.route)

    def _on_link(self, link: Link) -> None:
        self.handlers.put_nowait(Recorder(link, echo=self._echo))

    @property
    def url(self) -> str:
        return self.server.url + "/ocpp"

    async def handler(self) -> Recorder:
        return await asyncio.wait_for(self.handlers.get(), PATIENCE)

    async def refused(self) -> RefusedInfo:
        return await asyncio.wait_for(self.refusals.get(), PATIENCE)

    async def raw(self, tls: ssl.SSLContext | None = None) -> RawPeer:
        name = "localhost" if tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, ssl=tls, server_hostname=name)
        peer = RawPeer(reader, writer)
        self.peers.append(peer)
        return peer

    async def close(self) -> None:
        for peer in self.peers:
            await peer.close()
        await asyncio.wait_for(self.server.close(), PATIENCE)


class RawPeer:
    """A client that sends whatever a test wants, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def ask(self, path: str = "/ocpp/CS1", subprotocol: str | None = "ocpp2.0.1", **headers: str | None) -> None:
        """Send an opening handshake; a header given as None is left out."""
        fields: dict[str, str | None] = {
            "Host": "localhost",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": subprotocol,
        }
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
        self.send("\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode("latin-1"))

    async def answer(self) -> tuple[int, dict[str, str], str]:
        """Status, headers with lower-case names, body."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode("latin-1")
        status_line, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await asyncio.wait_for(self.reader.readexactly(int(headers.get("content-length", 0))), PATIENCE)
        return int(status_line.split()[1]), headers, body.decode()

    async def asked(self, path: str = "/ocpp/CS1", subprotocol: str | None = "ocpp2.0.1", **headers: str | None):
        self.ask(path, subprotocol, **headers)
        return await self.answer()

    def frame(self, opcode: int, data: bytes, *, fin: bool = True) -> None:
        self.send(Frame(Opcode(opcode), data, fin).serialize(mask=True))

    async def next_frame(self) -> Frame:
        """The next frame that the server sends."""

        async def read(count: int) -> bytes:
            return await asyncio.wait_for(self.reader.readexactly(count), PATIENCE)

        first, second = await read(2)
        assert second < 0x80, "a server does not mask"
        length = second if second < 126 else int.from_bytes(await read(2 if second == 126 else 8))
        return Frame(Opcode(first & 0x0F), await read(length), first > 0x7F, bool(first & 0x40))

    async def at_end(self) -> bool:
        """Whether the server ends the stream, once all that it sent has been read."""
        try:
            await asyncio.wait_for(self.reader.read(), PATIENCE)
        except ConnectionError:
            return True
        return self.reader.at_eof()

    async def close(self) -> None:
        self.writer.transport.abort()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await asyncio.wait_for(self.writer.wait_closed(), PATIENCE)


class Authority:
    """Makes certificates, as a CSO's PKI would."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.root = folder / "root.pem"
        certificate = self._certificate(self._name, self._key, ca=True)
        self.root.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        common_name: str,
        *,
        organization: str = "CSO",
        kind: str = "ecdsa",
        host: str | None = None,
        tag: str = "",
        until: datetime.datetime | None = None,
    ) -> KeyPair:
        key = (
            ec.generate_private_key(ec.SECP256R1())
            if kind == "ecdsa"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        stem = self.folder / f"{common_name}-{kind}{tag}"
        files = KeyPair(stem.with_suffix(".crt"), stem.with_suffix(".key"))
        certificate = self._certificate(name, key, host=host, until=until)
        Path(files.certificate).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        Path(files.key or "").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def server(self, kind: str = "ecdsa", tag: str = "") -> KeyPair:
        return self.issue("localhost", kind=kind, host="localhost", tag=tag)

    def _certificate(
        self, name: x509.Name, key, *, host: str | None = None, ca: bool = False, until: datetime.datetime | None = None
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(until or now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if host is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())
