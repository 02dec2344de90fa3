"""Authorities: all that sign for the check, kept in a folder or only as long as it runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ocppflow.check.authority import CheckAuthority, private_key_pem
from ocppflow.errors import ConfigurationError

CSMS_ROOT: Final = "csms-root"
NEW_CSMS_ROOT: Final = "csms-root-2"
"""Signed by the first, so that it may replace it (M05.FR.10)."""
OTHER_CSMS_ROOT: Final = "csms-root-other"
MANUFACTURER_ROOT: Final = "manufacturer-root"
STRANGER: Final = "stranger"
"""One that no station is told of."""

_SIGNED_BY: Final = {NEW_CSMS_ROOT: CSMS_ROOT}


class Authorities:
    """The authorities by name, each made when it is first asked for. With a ``folder`` they are kept there, as
    ``NAME.pem`` and ``NAME.key``, and one that is there already is used: a station that trusts ``csms-root.pem`` does
    so in the next run as well.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._known: dict[str, CheckAuthority] = {}
        self._files = 0

    def __getitem__(self, name: str) -> CheckAuthority:
        """Raises ConfigurationError if the folder's files make no sense, or cannot be written."""
        if name not in self._known:
            self._known[name] = self._found(name)
        return self._known[name]

    def _found(self, name: str) -> CheckAuthority:
        if self.folder is None:
            return self._made(name)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        try:
            if certificate.exists():
                return CheckAuthority.read(certificate.read_text(), key.read_text())
            made = self._made(name)
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_private(key, private_key_pem(made.key))
            certificate.write_text(made.pem)
        except OSError as exc:
            raise ConfigurationError(f"{exc.filename or certificate}: {exc.strerror or exc}") from None
        except ValueError as exc:
            raise ConfigurationError(f"{certificate}, with {key.name}, is not an authority: {exc}") from None
        return made

    def _made(self, name: str) -> CheckAuthority:
        by = _SIGNED_BY.get(name)
        return CheckAuthority(f"ocppflow check {name}", self[by] if by else None)

    def server_file(self, by: str, hosts: Sequence[str], **about: Any) -> Path:
        """A PEM file with a server's certificate for ``hosts`` and its key. Raises ConfigurationError without a
        folder."""
        if self.folder is None:
            raise ConfigurationError("TLS needs a folder for certificates")
        certificate, key = self[by].issue(hosts[0], hosts=hosts, **about)
        self._files += 1
        file = self.folder / f"server-{self._files}.pem"
        file.unlink(missing_ok=True)
        _write_private(file, certificate + key)
        return file

    def root_file(self, name: str) -> Path:
        """The PEM file of an authority's certificate. Raises ConfigurationError without a folder."""
        if self.folder is None:
            raise ConfigurationError("TLS needs a folder for certificates")
        assert self[name]  # noqa: S101 - it is written when it is made
        return self.folder / f"{name}.pem"


def _write_private(file: Path, text: str) -> None:
    """For the eyes of this user alone."""
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "w") as out:
        out.write(text)
