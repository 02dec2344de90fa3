"""What the tests of the command line share."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ocppflow import CSMS, v16, v21
from ocppflow.trace import TraceRecord

START = 1_700_000_000.0


def record(after: float, event: str, data: str = "", identity: str = "CS1", **more: Any) -> TraceRecord:
    more.setdefault("role", "CSMS")
    more.setdefault("version", "2.0.1")
    return TraceRecord(START + after, identity, event, data=data.encode(), **more)  # type: ignore[arg-type]


SESSION = [
    record(0, "connected", address="127.0.0.1:5"),
    record(0.1, "in", '[2,"b1","BootNotification",{"reason":"PowerUp"}]'),
    record(0.104, "out", '[3,"b1",{"status":"Accepted","interval":300}]', latency=0.004),
    record(0.2, "out", '[2,"r1","Reset",{"type":"Immediate"}]'),
    record(0.3, "in", '[4,"r1","NotSupported","no reset here",{}]', latency=0.1),
    record(0.4, "in", '[2,"h1","Heartbeat",{"now":1}]', note="refused: FormatViolation: $.now"),
    record(0.4, "out", '[4,"h1","FormatViolation","$.now",{}]'),
    record(0.5, "in", "{nonsense", note="RpcFrameworkError"),
    record(0.6, "out", '[2,"g1","GetLog",{}]'),
    record(0.7, "disconnected", note="1006 lost"),
]
OTHER = [
    record(0.05, "connected", identity="CS2", version="2.1"),
    record(0.15, "in", '[6,"s1","NotifyPeriodicEventStream",{"id":1}]', identity="CS2", version="2.1"),
    record(0.65, "refused", identity="CS3", version="", note="HTTP 404: not known"),
]


class Result(NamedTuple):
    code: int
    out: str
    err: str

    def failed_with(self, *parts: str, code: int = 2) -> None:
        """It ended with this code and one line on stderr, which holds all of ``parts``."""
        assert self.code == code, self
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("ocppflow: ")
        assert "Traceback" not in self.err
        for part in parts:
            assert part in self.err


def a_csms(**settings: Any) -> CSMS:
    """A CSMS that accepts a BootNotification and answers a Heartbeat in all versions, and nothing else."""
    csms = CSMS(**settings)

    @csms.on(v16.BootNotificationRequest)
    @csms.on(v21.BootNotificationRequest)
    def boot(station: Any, request: Any) -> Any:
        return {"currentTime": datetime(2026, 1, 1, tzinfo=UTC), "interval": 300, "status": "Accepted"}

    @csms.on(v16.HeartbeatRequest)
    @csms.on(v21.HeartbeatRequest)
    def heartbeat(station: Any, request: Any) -> Any:
        return b'{ "currentTime": "2026-01-01T00:00:00.000Z" }'

    return csms


class Authority:
    """A certificate authority whose files are in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        self.certificate = folder / "ca.pem"
        self.certificate.write_bytes(self._sign(self._name, self._key, authority=True))

    def issue(self, common_name: str) -> tuple[Path, Path]:
        """A certificate and its key, for 127.0.0.1 or a station of this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        files = self._folder / f"{common_name}.pem", self._folder / f"{common_name}.key"
        files[0].write_bytes(self._sign(name, key, authority=False))
        kind = serialization.PrivateFormat.PKCS8
        files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()))
        return files

    def _sign(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> bytes:
        now = datetime.now(UTC)
        local = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(local, critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@contextmanager
def running(*arguments: object, pattern: str) -> Iterator[tuple[subprocess.Popen[str], re.Match[str]]]:
    """``ocppflow csms`` up and listening; the match of ``pattern`` in its log. Killed if it is still there after."""
    command = [sys.executable, "-m", "ocppflow", "csms", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(pattern, line):
                    yield process, found
                    return
            pytest.fail("it ended without listening")
        finally:
            watchdog.cancel()
            process.kill()


def stop(process: subprocess.Popen[str], number: int) -> str:
    """What it has logged since it listens, to its end; the watchdog sees to it that there is one."""
    process.send_signal(number)
    assert process.stderr is not None
    log = process.stderr.read()
    process.wait()
    return log
