"""M, Certificate Management: the station's trusted roots and its own certificates (M03 to M06).

Everything is in the store, the private keys too, in clear, since the station needs them without anybody at hand
(A01.FR.10): whoever may read the store's file is the station. They never leave it over OCPP (A02.FR.05).

The EV's certificate (M01, M02) is not asked for: that takes an EV that speaks ISO 15118.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

import msgspec
from cryptography import x509

from ocppflow.endpoint import Router
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.ocsp_cache import OcspCache
from ocppflow.station.blocks.reasons import because
from ocppflow.station.provisions import Provisions
from ocppflow.station.station_store import StoreFailed
from ocppflow.station.x509_tools import (
    CertificateRefused,
    as_pem,
    check_certificate,
    check_chain,
    hash_data,
    is_authority,
    issued_by,
    read_chain,
    read_one,
    same_hash_data,
)

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

certificates: Router[CompleteStation] = Router(Role.CS, "certificates")

_ROOTS: Final = "roots"
_OWN: Final = "own_certificates"
_CSMS_ROOT: Final[v21.InstallCertificateUseEnumType] = "CSMSRootCertificate"
_OF_ISO15118: Final = ("V2GRootCertificate", "MORootCertificate", "OEMRootCertificate")
_ONLY_21: Final = frozenset({"OEMRootCertificate"})
CLIENT: Final = "ChargingStationCertificate"


class InstalledRoot(msgspec.Struct, frozen=True, kw_only=True):
    """A root that the station trusts. ``fallback``: an old CSMS root that another one has replaced, until a connection
    has shown that it is not needed any more (M05.FR.12, M05.FR.13)."""

    type: v21.InstallCertificateUseEnumType
    pem: str
    hash: v21.CertificateHashDataType
    fallback: bool = False

    @property
    def certificate(self) -> x509.Certificate:
        """Read anew each time: it is seldom needed, and takes much room."""
        return read_one(self.pem)


class OwnCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate of the station's own with its sub-CAs (PEM, its own first) and its private key. ``hashes`` name
    the same certificates, in the same order."""

    use: str
    chain: str
    key: str
    hashes: tuple[v21.CertificateHashDataType, ...]
    valid_from: datetime
    valid_until: datetime

    def __repr__(self) -> str:
        return f"<OwnCertificate {self.use} until {self.valid_until:%Y-%m-%d}>"  # without the key


class CertificatesHeld(NamedTuple):
    """All that a station has, by its key in the store."""

    roots: dict[str, InstalledRoot]
    own: dict[str, OwnCertificate]


class CertificateKeeper(Block):
    """The certificates of one station."""

    __slots__ = ("ocsp", "own", "roots")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.roots: dict[str, InstalledRoot] = station.store.load(_ROOTS, InstalledRoot)
        self.own: dict[str, OwnCertificate] = station.store.load(_OWN, OwnCertificate)
        self.ocsp = OcspCache(station)
        if self.roots or self.own:
            self._counted()

    def power_up(self) -> None:
        if self.station.provisions is not None and not self.roots and not self.own:
            self.provision(self.station.provisions)
            self.station.store.commit()

    def registered(self) -> None:
        self._refresh_ocsp()

    # --- what other blocks ask -----------------------------------------------------------------------------------

    def trusted(self, kind: str, *, fallback: bool = False) -> list[x509.Certificate]:
        """The installed roots of a type; with ``fallback`` the replaced CSMS roots instead."""
        return [each.certificate for each in self.roots.values() if each.type == kind and each.fallback is fallback]

    def trusted_pem(self, kind: str) -> str:
        """The same as PEM text, the replaced ones included; empty if there are none."""
        return "".join(each.pem for each in self.roots.values() if each.type == kind)

    def valid_roots(self, kind: str) -> list[x509.Certificate]:
        """Those of them that are valid now."""
        now = self.station.time.now()
        return [each for each in self.trusted(kind) if each.not_valid_before_utc <= now <= each.not_valid_after_utc]

    def of_use(self, use: str) -> list[OwnCertificate]:
        """The station's own certificates of that use, the newest first (A02.FR.15)."""
        return sorted((each for each in self.own.values() if each.use == use), key=lambda each: each.valid_from)[::-1]

    # --- changes: staged in the store, for the caller to commit ----------------------------------------------------

    def add_root(self, kind: v21.InstallCertificateUseEnumType, certificate: x509.Certificate) -> None:
        """Trust a root; if it is there already, it takes its own place (M05.FR.17). Raises CertificateRefused."""
        issuer = self._issuer(certificate)
        if issuer is None:
            raise CertificateRefused("it is not signed by itself, nor by a root that is installed")
        self._keep_root(InstalledRoot(type=kind, pem=as_pem([certificate]), hash=hash_data(certificate, issuer)))

    def add_own(self, use: str, chain: list[x509.Certificate], root: x509.Certificate, key: str) -> OwnCertificate:
        """Keep a certificate of the station's own, whose ``chain`` leads to ``root``."""
        ordered = _ordered(chain)
        hashes = tuple(hash_data(each, issuer) for each, issuer in zip(ordered, [*ordered[1:], root], strict=True))
        leaf = ordered[0]
        own = OwnCertificate(
            use=use,
            chain=as_pem(ordered),
            key=key,
            hashes=hashes,
            valid_from=leaf.not_valid_before_utc,
            valid_until=leaf.not_valid_after_utc,
        )
        name = _key_of(use, hashes[0])
        self.own[name] = own
        self.station.store.put(_OWN, name, own)
        self._counted()
        return own

    def provision(self, given: Provisions) -> None:
        """Take in what the station was made with; the caller commits. Raises CertificateRefused."""
        now = self.station.time.now()
        given.check(now, self.trusted(_CSMS_ROOT))
        for root in read_chain(given.csms_roots) if given.csms_roots else ():
            self.add_root(_CSMS_ROOT, root)
        for root in read_chain(given.manufacturer_roots) if given.manufacturer_roots else ():
            self.add_root("ManufacturerRootCertificate", root)
        if given.certificate:
            chain = read_chain(given.certificate)
            roots = [*self.trusted(_CSMS_ROOT), *(each for each in chain if issued_by(each, each))]
            self.add_own(CLIENT, chain, check_chain(chain, roots, now), given.key)

    def discard_own(self, own: OwnCertificate) -> None:
        """Forget a certificate of the station's own, and its key."""
        name = _key_of(own.use, own.hashes[0])
        self.own.pop(name, None)
        self.station.store.remove(_OWN, name)
        self._counted()

    def drop_fallback(self) -> bool:
        """Forget replaced CSMS roots, since the new one has worked (M05.FR.13); whether there was one."""
        old = [name for name, each in self.roots.items() if each.fallback]
        for name in old:
            self._remove_root(name)
        return bool(old)

    async def commit(self, before: CertificatesHeld) -> None:
        """Make the changes durable. Raises StoreFailed, and is as ``before`` then."""
        try:
            await self.station.store.commit()
        except StoreFailed:
            self.roots, self.own = before.roots, before.own
            self.station.store.replace(_ROOTS, self.roots)
            self.station.store.replace(_OWN, self.own)
            self._counted()
            raise

    def held(self) -> CertificatesHeld:
        """What there is now, for :meth:`commit`."""
        return CertificatesHeld(dict(self.roots), dict(self.own))

    def has_room(self) -> bool:
        """Whether one more certificate may be installed (M05.FR.06)."""
        declared = self.station.device_model.find("SecurityCtrlr", "CertificateEntries")
        most = declared.max_limit if declared is not None else None
        return most is None or self._count() < most

    def _keep_root(self, root: InstalledRoot) -> None:
        name = _key_of(root.type, root.hash)
        self.roots[name] = root
        self.station.store.put(_ROOTS, name, root)
        self._counted()

    def _remove_root(self, name: str) -> None:
        del self.roots[name]
        self.station.store.remove(_ROOTS, name)
        self._counted()

    def _issuer(self, certificate: x509.Certificate) -> x509.Certificate | None:
        if issued_by(certificate, certificate):
            return certificate
        installed = (each.certificate for each in self.roots.values())
        return next((each for each in installed if issued_by(certificate, each)), None)

    def _count(self) -> int:
        return len(self.roots) + sum(len(each.hashes) for each in self.own.values())

    def _counted(self) -> None:
        self.station.device_model.set("SecurityCtrlr", "CertificateEntries", self._count())

    # --- M05 -----------------------------------------------------------------------------------------------------

    def install(self, kind: v21.InstallCertificateUseEnumType, pem: str) -> None:
        """Check a root and take it in. Raises CertificateRefused."""
        certificate = read_one(pem)
        check_certificate(certificate, self.station.time.now())  # M05.FR.07
        if not is_authority(certificate):
            raise CertificateRefused("it is not one of a certificate authority")
        if kind in _OF_ISO15118 and self.station.device_model.find("ISO15118Ctrlr", "Enabled") is None:
            raise CertificateRefused("this station does not speak ISO 15118")
        pem = as_pem([certificate])
        here = next((each for each in self.roots.values() if (each.type, each.pem) == (kind, pem)), None)
        if here is not None and not here.fallback:
            return  # M05.FR.17: the same takes its own place
        if here is None and not self.has_room():
            raise CertificateRefused("there is no room for more certificates")
        if kind == _CSMS_ROOT and self.station.device_model.flag("SecurityCtrlr", "AdditionalRootCertificateCheck"):
            self._replace_csms_root(certificate)
        self.add_root(kind, certificate)

    def _replace_csms_root(self, certificate: x509.Certificate) -> None:
        """M05.FR.09 to .12: there is one CSMS root, and the one it has replaced."""
        current = {name: each for name, each in self.roots.items() if each.type == _CSMS_ROOT and not each.fallback}
        if current and not any(issued_by(certificate, each.certificate) for each in current.values()):
            raise CertificateRefused("the CSMS root that it would replace has not signed it")
        if current:
            self.drop_fallback()
        for each in current.values():
            self._keep_root(msgspec.structs.replace(each, fallback=True))

    # --- M03, M04 ------------------------------------------------------------------------------------------------

    def listed(self, kinds: list[str], version: Version) -> list[v21.CertificateHashDataChainType]:
        """What is installed of these types; all if there are none (M03.FR.03 to .05)."""
        wanted = set(kinds or get_args(v21.GetCertificateIdUseEnumType))
        if version is Version.V201:
            wanted -= _ONLY_21
        found = [
            v21.CertificateHashDataChainType(certificate_type=each.type, certificate_hash_data=each.hash)
            for each in self.roots.values()
            if each.type in wanted
        ]
        if "V2GCertificateChain" in wanted:
            found += [_as_v2g_chain(each) for each in self.own.values() if each.use != CLIENT]
        return found

    def delete(self, wanted: v21.CertificateHashDataType) -> v21.DeleteCertificateStatusEnumType:
        """Forget what this names (M04)."""
        roots = [name for name, each in self.roots.items() if same_hash_data(each.hash, wanted)]
        own = [each for each in self.own.values() if any(same_hash_data(one, wanted) for one in each.hashes)]
        if any(each.use == CLIENT and same_hash_data(each.hashes[0], wanted) for each in own):
            return "Failed"  # M04.FR.06
        chains = [each for each in own if each.use != CLIENT]
        if not roots and not chains:
            return "NotFound"  # M04.FR.04
        for name in roots:
            self._remove_root(name)
        for chain in chains:  # M04.FR.08: without a sub-CA the rest is of no use
            self.discard_own(chain)
        return "Accepted"

    # --- M06 -----------------------------------------------------------------------------------------------------

    def _refresh_ocsp(self) -> None:
        wait = self.ocsp.refresh([each for each in self.own.values() if each.use != CLIENT])
        if wait is not None:
            self.later("ocsp", wait, self._refresh_ocsp)

    def v2g_changed(self) -> None:
        """A V2G certificate has come: its status is wanted at once (M06.FR.07)."""
        self._refresh_ocsp()


def _key_of(kind: str, data: v21.CertificateHashDataType) -> str:
    return f"{kind} {data.issuer_key_hash[:16]} {data.serial_number}"


def _ordered(chain: list[x509.Certificate]) -> list[x509.Certificate]:
    """The leaf, then each one's issuer: the order in which TLS wants them, whatever the CSMS's was."""
    ordered, left = [chain[0]], list(chain[1:])
    while (issuer := next((each for each in left if issued_by(ordered[-1], each)), None)) is not None:
        left.remove(issuer)
        if issued_by(issuer, issuer):
            break  # a root that came along
        ordered.append(issuer)
    return ordered


def _as_v2g_chain(own: OwnCertificate) -> v21.CertificateHashDataChainType:
    return v21.CertificateHashDataChainType(
        certificate_type="V2GCertificateChain",
        certificate_hash_data=own.hashes[0],
        child_certificate_hash_data=list(own.hashes[1:5]) or msgspec.UNSET,
    )


# --- handlers --------------------------------------------------------------------------------------------------------


@certificates.on(v21.InstallCertificateRequest)
async def _install(station: CompleteStation, request: v21.InstallCertificateRequest) -> v21.InstallCertificateResponse:
    before = station.certificates.held()
    try:
        station.certificates.install(request.certificate_type, request.certificate)
        await station.certificates.commit(before)
    except CertificateRefused as exc:
        log.info("%s: a %s was refused: %s", station.identity, request.certificate_type, exc)
        info = because("InvalidCertificate", str(exc)[:1024])
        return v21.InstallCertificateResponse(status="Rejected", status_info=info)
    except StoreFailed as exc:
        info = because("OutOfStorage", str(exc)[:1024])
        return v21.InstallCertificateResponse(status="Failed", status_info=info)  # M05.FR.03
    station.security.event("ReconfigurationOfSecurityParameters", f"{request.certificate_type} installed")
    return v21.InstallCertificateResponse(status="Accepted")


@certificates.on(v21.GetInstalledCertificateIdsRequest)
def _list(
    station: CompleteStation, request: v21.GetInstalledCertificateIdsRequest
) -> v21.GetInstalledCertificateIdsResponse:
    kinds = request.certificate_type
    found = station.certificates.listed([] if kinds is msgspec.UNSET else list(kinds), station.connection.version)
    if not found:
        return v21.GetInstalledCertificateIdsResponse(status="NotFound")  # M03.FR.02
    return v21.GetInstalledCertificateIdsResponse(status="Accepted", certificate_hash_data_chain=found)


@certificates.on(v21.DeleteCertificateRequest)
async def _delete(station: CompleteStation, request: v21.DeleteCertificateRequest) -> v21.DeleteCertificateResponse:
    before = station.certificates.held()
    status = station.certificates.delete(request.certificate_hash_data)
    if status == "Accepted":
        try:
            await station.certificates.commit(before)
        except StoreFailed as exc:
            info = because("OutOfStorage", str(exc)[:1024])
            return v21.DeleteCertificateResponse(status="Failed", status_info=info)
        station.security.event("ReconfigurationOfSecurityParameters", "a certificate was deleted")
    return v21.DeleteCertificateResponse(status=status)
