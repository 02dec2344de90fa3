"""What a station has from its maker or installer, before it first connects (A00.FR.801)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from ocppflow.station.x509_tools import CertificateRefused, belongs, check_chain, issued_by, key_from, read_chain


@dataclass(frozen=True, slots=True)
class Provisions:
    """Trusted roots, and the station's own certificate with its sub-CAs and its private key, all of them PEM text. They
    count for a station whose store has no certificate yet; from then on the CSMS renews and replaces them."""

    csms_roots: str = ""
    manufacturer_roots: str = ""
    """Who signs the certificates that sign firmware (L01.FR.12)."""
    certificate: str = ""
    key: str = field(default="", repr=False)

    def check(self, now: datetime, known: Iterable[x509.Certificate] = ()) -> None:
        """Raises CertificateRefused, saying what a station that has the ``known`` roots could not use."""
        roots = [*known, *(read_chain(self.csms_roots) if self.csms_roots else ())]
        if self.manufacturer_roots:
            read_chain(self.manufacturer_roots)
        if not self.certificate:
            return
        chain = read_chain(self.certificate)
        try:
            key = key_from(self.key)
        except (ValueError, TypeError) as exc:
            raise CertificateRefused(f"the key cannot be read ({exc})") from None
        if not belongs(chain[0], key):
            raise CertificateRefused("the key is another certificate's")
        check_chain(chain, [*roots, *(each for each in chain if issued_by(each, each))], now)
