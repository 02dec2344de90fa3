"""How a station gets a new certificate: it asks for a signature, waits, asks again, checks what comes (A02, A03)."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from cryptography import x509

from ocppflow.log_budget import budgeted
from ocppflow.messages import Version, v21
from ocppflow.station.blocks.certificates import CLIENT
from ocppflow.station.x509_tools import (
    CertificateRefused,
    belongs,
    check_chain,
    common_name,
    hash_data,
    key_from,
    key_pem,
    new_key,
    organization,
    read_chain,
    signing_request,
)

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

_AREA: Final = "signing"
_MANY: Final = 2**31 - 1

Use = Literal["ChargingStationCertificate", "V2GCertificate", "V2G20Certificate"]


class SigningRequest(msgspec.Struct, kw_only=True):
    """A signing request whose certificate has not come yet. It outlives a boot, or its key would be lost."""

    use: Use
    csr: str
    key: str
    number: int
    """The requestId of 2.1 (A02.FR.24)."""
    sent: int = 0
    """How often the CSMS has accepted it."""
    over: bool = False
    """It is not sent again (A02.FR.19, A02.FR.20)."""


class Renewal:
    """The signing requests of one station."""

    __slots__ = ("pending", "station")

    def __init__(self, station: CompleteStation) -> None:
        self.station = station
        self.pending: dict[str, SigningRequest] = station.store.load(_AREA, SigningRequest)

    def is_due(self, use: Use) -> bool:
        """Whether nothing was asked for already."""
        return use not in self.pending

    async def begin(self, use: Use) -> None:
        """Make a key and ask the CSMS to have its certificate signed (A02.FR.02, A02.FR.03)."""
        kind = self.station.config.key_kind if use == CLIENT else "ECDSA"  # ISO 15118-2 knows nothing else
        key = new_key(kind) if kind == "ECDSA" else await asyncio.to_thread(new_key, kind)
        name, owner, country, domain = self._names(use)
        request = SigningRequest(
            use=use,
            csr=signing_request(key, name, owner, country, domain),
            key=key_pem(key),
            number=random.SystemRandom().randrange(1, _MANY),
        )
        self.pending[use] = request
        self._keep(request)
        await self.station.store.commit()
        await self.send(request)

    async def send(self, request: SigningRequest) -> None:
        """Send it, and wait for the certificate as long as the CSMS wants (A02.FR.17, A02.FR.18)."""
        if self.pending.get(request.use) is not request or request.over:
            return
        answer = await self.station.say(self._message(request))
        if self.pending.get(request.use) is not request:
            return  # the certificate was here before the answer was looked at
        if answer is None:
            self._later(request, 0)  # it was not sent, or not answered
        elif answer.status == "Accepted":
            self._later(request, request.sent)
            request.sent += 1
            request.over = (
                request.sent > self.station.device_model.integer("SecurityCtrlr", "CertSigningRepeatTimes") + 1
            )
            self._keep(request)
            self.station.store.commit()
        else:
            log.warning("%s: the CSMS does not have a %s signed", self.station.identity, request.use)
            self.end(request.use)
            self.station.store.commit()

    def resume(self) -> None:
        """After a boot, or once there is a connection: go on waiting for what has not come."""
        for request in self.pending.values():
            if request.sent == 0:
                self.station.work(self.send(request), "SignCertificate")
            elif not request.over:
                self._later(request, request.sent - 1)

    def _later(self, request: SigningRequest, doublings: int) -> None:
        """The first wait is CertSigningWaitMinimum, doubled each time; after CertSigningRepeatTimes there is an end."""
        least = self.station.device_model.integer("SecurityCtrlr", "CertSigningWaitMinimum", 30)
        if doublings <= self.station.device_model.integer("SecurityCtrlr", "CertSigningRepeatTimes"):
            send = self.station.work
            wait = least * 2.0**doublings
            self.station.security.later(
                f"sign {request.use}", wait, lambda: send(self.send(request), "SignCertificate")
            )

    def _message(self, request: SigningRequest) -> v21.SignCertificateRequest:
        message = v21.SignCertificateRequest(csr=request.csr, certificate_type=request.use)
        if self.station.version is Version.V21:
            message.request_id = request.number
            roots = self.station.certificates.valid_roots("V2GRootCertificate") if request.use != CLIENT else []
            if roots:
                message.hash_root_certificate = hash_data(roots[0], roots[0])  # A02.FR.27
        return message

    def _names(self, use: Use) -> tuple[str, str, str, str]:
        """CN, O, C and DC (A00.FR.509, A00.FR.511; A02, 2.4 of SignV2GCertificate)."""
        model = self.station.device_model
        if use == CLIENT:
            return self.common_name(use), model.text("SecurityCtrlr", "OrganizationName"), "", ""
        owner, country = model.text("ISO15118Ctrlr", "OrganizationName"), model.text("ISO15118Ctrlr", "CountryName")
        return self.common_name(use), owner, country, "CPO"

    def common_name(self, use: Use) -> str:
        """The CN of such a certificate: the station's serial number, or the SECC's id."""
        if use != CLIENT:
            return self.station.device_model.text("ISO15118Ctrlr", "SeccId") or self.station.identity
        return self.station.config.serial_number or self.station.identity

    def put_back(self, request: SigningRequest) -> None:
        """It has not ended after all."""
        self.pending[request.use] = request
        self._keep(request)

    def _keep(self, request: SigningRequest) -> None:
        self.station.store.put(_AREA, request.use, request)

    def end(self, use: str) -> None:
        """Forget the request, and its key; the caller commits."""
        self.pending.pop(use, None)
        self.station.store.remove(_AREA, use)
        self.station.security.cancel_timer(f"sign {use}")

    def give_up(self, use: str) -> None:
        """What came was not valid: wait no longer, and do not ask again before the CSMS wants it (A02.FR.20)."""
        request = self.pending.get(use)
        if request is not None:
            request.over = True
            self._keep(request)
            self.station.security.cancel_timer(f"sign {use}")

    # --- what comes ----------------------------------------------------------------------------------------------

    def requested(self, message: v21.CertificateSignedRequest) -> SigningRequest | None:
        """The request that this answers; None if there is none (A02.FR.26)."""
        if message.request_id is not msgspec.UNSET:
            found = (each for each in self.pending.values() if each.number == message.request_id)
            return next(found, None)
        use = CLIENT if message.certificate_type is msgspec.UNSET else message.certificate_type
        return self.pending.get(use)

    def is_too_long(self, pem: str) -> bool:
        """Whether a chain is longer than the station takes (A02.FR.16)."""
        most = self.station.device_model.integer("SecurityCtrlr", "MaxCertificateChainSize")
        return bool(most) and len(pem) > most

    def check(self, request: SigningRequest, pem: str) -> tuple[list[x509.Certificate], x509.Certificate]:
        """The chain that has come, and the root it leads to (A02.FR.06). Raises CertificateRefused."""
        chain = read_chain(pem)
        if not belongs(chain[0], key_from(request.key)):
            raise CertificateRefused("it is not for the key that was sent")
        if (name := common_name(chain[0])) != self.common_name(request.use):
            raise CertificateRefused(f"its CN is {name!r}, not {self.common_name(request.use)!r}")  # A00.FR.511
        owner = self._names(request.use)[1]
        if owner and organization(chain[0]) != owner:
            raise CertificateRefused(f"its O is {organization(chain[0])!r}, not {owner!r}")  # A00.FR.509
        kind = "CSMSRootCertificate" if request.use == CLIENT else "V2GRootCertificate"
        roots = self.station.certificates.trusted(kind)
        return chain, check_chain(chain, roots, self.station.time.now())
