"""The revocation status of the station's V2G certificates, which an EV wants to see in the TLS handshake (M06)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from ocppflow.messages import v21
from ocppflow.station.x509_tools import ocsp_url, read_chain

if TYPE_CHECKING:
    from ocppflow.station.blocks.certificates import OwnCertificate
    from ocppflow.station.complete_station import CompleteStation

_AREA: Final = "ocsp"
_FRESH: Final = timedelta(days=6, hours=12)
"""A status is asked for anew at least once a week (M06.FR.10); some hours before, for when the CSMS cannot tell."""

_AGAIN: Final = timedelta(hours=1)
"""After the CSMS could not tell (M06.FR.04)."""


class CachedStatus(msgspec.Struct, frozen=True):
    """An OCSP response (base64 of the DER), and when the next one is due."""

    due: datetime
    result: str = ""


class OcspCache:
    """Asks the CSMS, one certificate after the other, and keeps what it says in the store."""

    __slots__ = ("_asking", "_kept", "station")

    def __init__(self, station: CompleteStation) -> None:
        self.station = station
        self._kept: dict[str, CachedStatus] = station.store.load(_AREA, CachedStatus)
        self._asking = False

    def result(self, data: v21.CertificateHashDataType) -> str:
        """The OCSP response for a certificate; empty if none is known."""
        cached = self._kept.get(_name(data))
        return cached.result if cached is not None else ""

    def refresh(self, chains: Iterable[OwnCertificate]) -> float | None:
        """Ask for what is due (M06.FR.06, M06.FR.07); the seconds until the next is due, None if there are none."""
        wanted = [
            (data, url)
            for chain in chains
            for data, certificate in zip(chain.hashes, read_chain(chain.chain), strict=True)
            if (url := ocsp_url(certificate))
        ]
        names = {_name(data) for data, _ in wanted}
        for name in self._kept.keys() - names:
            del self._kept[name]
            self.station.store.remove(_AREA, name)
        if not wanted:
            return None
        now = self.station.time.now()
        due = [(data, url) for data, url in wanted if self._due(data, now) <= now]
        if due and not self._asking:
            self._asking = True
            self.station.work(self._ask(due), "GetCertificateStatus")
        later = [self._due(data, now) for data, _ in wanted if self._due(data, now) > now]
        return min([(each - now).total_seconds() for each in later], default=_AGAIN.total_seconds())

    def _due(self, data: v21.CertificateHashDataType, now: datetime) -> datetime:
        cached = self._kept.get(_name(data))
        return cached.due if cached is not None else now

    async def _ask(self, due: list[tuple[v21.CertificateHashDataType, str]]) -> None:
        try:
            for data, url in due:
                answer = await self.station.say(_request(data, url))
                if answer is None:
                    break  # there is no connection; it is asked for again once there is one
                now = self.station.time.now()
                cached = CachedStatus(now + _AGAIN, self.result(data))
                if answer.status == "Accepted" and answer.ocsp_result is not msgspec.UNSET:
                    cached = CachedStatus(now + _FRESH, answer.ocsp_result)
                self._kept[_name(data)] = cached
                self.station.store.put(_AREA, _name(data), cached)
            self.station.store.commit()
        finally:
            self._asking = False


def _request(data: v21.CertificateHashDataType, url: str) -> v21.GetCertificateStatusRequest:
    return v21.GetCertificateStatusRequest(
        ocsp_request_data=v21.OCSPRequestDataType(
            hash_algorithm=data.hash_algorithm,
            issuer_name_hash=data.issuer_name_hash,
            issuer_key_hash=data.issuer_key_hash,
            serial_number=data.serial_number,
            responder_url=url,
        )
    )


def _name(data: v21.CertificateHashDataType) -> str:
    return f"{data.issuer_key_hash[:16]} {data.serial_number}"
