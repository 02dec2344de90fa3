"""TLS for nodes, whose certificates come as file names or as the PEM text that an editor has stored."""

from __future__ import annotations

import ssl
import tempfile
import weakref
from pathlib import Path

from ocppflow.nodes.properties import TLSFiles
from ocppflow.transport.tls import KeyPair, ServerTLS, client_context

_shared: weakref.WeakValueDictionary[tuple[TLSFiles, int], ServerTLS] = weakref.WeakValueDictionary()


def server_tls(files: TLSFiles, profile: int) -> ServerTLS:
    """The TLS side of a CSMS node. Nodes with equal settings get the same object, because those that share a port
    have to. Raises ConfigurationError."""
    known = _shared.get((files, profile))
    if known is None:
        folder = _folder(files)
        known = ServerTLS(_pair(files, folder), client_ca=_file(files.ca, "ca", folder) if profile == 3 else None)
        if folder is not None:
            weakref.finalize(known, folder.cleanup)  # it looks at the files again and again, so they live with it
        _shared[files, profile] = known
    return known


def station_tls(files: TLSFiles | None) -> ssl.SSLContext:
    """The TLS side of a CS node. Raises ConfigurationError."""
    if files is None:
        return client_context()
    folder = _folder(files)
    try:
        context = client_context(
            ca=_file(files.ca, "ca", folder) if files.ca else None,
            certificate=_pair(files, folder) if files.cert else None,
            check_hostname=files.verify,
        )
    finally:
        if folder is not None:
            folder.cleanup()
    if not files.verify:
        context.verify_mode = ssl.CERT_NONE
    return context


def _folder(files: TLSFiles) -> tempfile.TemporaryDirectory[str] | None:
    """OpenSSL reads keys from files alone: a directory that only this user can look into."""
    if any("-----BEGIN" in text for text in (files.cert, files.key, files.ca)):
        return tempfile.TemporaryDirectory(prefix="ocppflow-")
    return None


def _pair(files: TLSFiles, folder: tempfile.TemporaryDirectory[str] | None) -> KeyPair:
    key = _file(files.key, "key", folder) if files.key else None
    return KeyPair(_file(files.cert, "cert", folder), key, files.passphrase or None)


def _file(text: str, name: str, folder: tempfile.TemporaryDirectory[str] | None) -> Path:
    if folder is None or "-----BEGIN" not in text:
        return Path(text)
    file = Path(folder.name) / f"{name}.pem"
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    return file
