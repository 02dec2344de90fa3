"""M03, M04, M05: roots are installed, listed and deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from ocppflow.check.authorities import CSMS_ROOT, MANUFACTURER_ROOT, NEW_CSMS_ROOT, OTHER_CSMS_ROOT, STRANGER
from ocppflow.check.authority import CheckAuthority, hash_of
from ocppflow.check.cases import station_case
from ocppflow.check.certificate_states import holds, listed, must_hold, renewed
from ocppflow.check.firmware_course import root_installed
from ocppflow.check.trial import NotForThis, NotPossible, Trial
from ocppflow.check.variables import configure_if_there, get_variable
from ocppflow.messages import v21

_CSMS: Final = "CSMSRootCertificate"
_MANUFACTURER: Final = "ManufacturerRootCertificate"
_ADDITIONAL_CHECK = ("SecurityCtrlr", "AdditionalRootCertificateCheck")


async def _checks_more(trial: Trial) -> bool:
    return await get_variable(trial, *_ADDITIONAL_CHECK) == "true"


async def _no_additional_check(trial: Trial) -> None:
    """For cases that are not for stations which want a new root signed by the old one."""
    await configure_if_there(trial, *_ADDITIONAL_CHECK, "false")
    if await _checks_more(trial):
        raise NotForThis("for a station that takes a CSMS root whoever has signed it")


async def _csms_root(trial: Trial) -> tuple[CheckAuthority, CheckAuthority]:
    """The CSMS root that is installed, and who has signed it: a new one, signed by the old one where that is needed."""
    authorities = trial.bench.workshop.authorities
    if await _checks_more(trial):
        old, new = authorities[CSMS_ROOT], authorities[NEW_CSMS_ROOT]
        if not holds(await listed(trial, _CSMS), _CSMS, old):
            raise NotPossible("the station checks who has signed a new CSMS root, and the old one is not this tool's")
        await root_installed(trial, _CSMS, new, old)
        return new, old
    root = authorities[OTHER_CSMS_ROOT]
    await root_installed(trial, _CSMS, root)
    return root, root


async def _manufacturer_root(trial: Trial) -> CheckAuthority:
    root = trial.bench.workshop.authorities[MANUFACTURER_ROOT]
    await root_installed(trial, _MANUFACTURER, root)
    return root


@station_case("M05.FR.01", "M05.FR.02")
async def TC_M_01_CS(trial: Trial) -> None:
    """A CSMS root is installed."""
    root, issuer = await _csms_root(trial)
    must_hold(trial, await listed(trial, _CSMS), _CSMS, root, issuer)


@station_case("M05.FR.01", "M05.FR.02")
async def TC_M_02_CS(trial: Trial) -> None:
    """A manufacturer's root is installed."""
    root = await _manufacturer_root(trial)
    must_hold(trial, await listed(trial, _MANUFACTURER), _MANUFACTURER, root)


@station_case("M05.FR.01", "M05.FR.07")
async def TC_M_07_CS(trial: Trial) -> None:
    """A root that has expired is refused."""
    await _no_additional_check(trial)
    old = CheckAuthority("ocppflow check expired", start=datetime.now(UTC) - timedelta(days=5000))
    answer = await trial.call(v21.InstallCertificateRequest(certificate_type=_CSMS, certificate=old.pem))
    answer.must("status", "Rejected", by="M05.FR.07")
    must_hold(trial, await listed(trial, _CSMS), _CSMS, old, there=False, by="M05.FR.07")


@station_case("M05.FR.10", "M05.FR.11")
async def TC_M_09_CS(trial: Trial) -> None:
    """A CSMS root that the old one has not signed is refused."""
    authorities = trial.bench.workshop.authorities
    stranger = authorities[STRANGER]
    if not await listed(trial, _CSMS):
        await root_installed(trial, _CSMS, authorities[CSMS_ROOT])
    await configure_if_there(trial, *_ADDITIONAL_CHECK, "true")
    if not await _checks_more(trial):
        raise NotForThis("for a station that wants a new CSMS root signed by the old one")
    before = await listed(trial, _CSMS)
    trial.check(before, "no CSMS root is installed, so there is none that could sign a new one", by="M05.FR.10")
    answer = await trial.call(v21.InstallCertificateRequest(certificate_type=_CSMS, certificate=stranger.pem))
    answer.must("status", "Rejected", by="M05.FR.10 M05.FR.11")
    after = await listed(trial, _CSMS)
    must_hold(trial, after, _CSMS, stranger, there=False, by="M05.FR.11")
    trial.check(after == before, "other CSMS roots are listed than before", by="M05.FR.11")


@station_case("M03.FR.01", "M03.FR.03", "M03.FR.04")
async def TC_M_12_CS(trial: Trial) -> None:
    """CSMS roots are listed."""
    root, issuer = await _csms_root(trial)
    must_hold(trial, await listed(trial, _CSMS), _CSMS, root, issuer)


@station_case("M03.FR.01", "M03.FR.03", "M03.FR.04")
async def TC_M_13_CS(trial: Trial) -> None:
    """Manufacturer's roots are listed."""
    root = await _manufacturer_root(trial)
    must_hold(trial, await listed(trial, _MANUFACTURER), _MANUFACTURER, root)


@station_case("M03.FR.01", "M03.FR.03", "M03.FR.04")
async def TC_M_17_CS(trial: Trial) -> None:
    """Roots of two types are listed."""
    root, issuer = await _csms_root(trial)
    manufacturer = await _manufacturer_root(trial)
    entries = await listed(trial, _CSMS, _MANUFACTURER)
    must_hold(trial, entries, _CSMS, root, issuer)
    must_hold(trial, entries, _MANUFACTURER, manufacturer)


@station_case("M03.FR.01", "M03.FR.03", "M03.FR.04")
async def TC_M_18_CS(trial: Trial) -> None:
    """Roots of all types are listed."""
    root, issuer = await _csms_root(trial)
    manufacturer = await _manufacturer_root(trial)
    entries = await listed(trial)
    must_hold(trial, entries, _CSMS, root, issuer)
    must_hold(trial, entries, _MANUFACTURER, manufacturer)


@station_case("M03.FR.01", "M03.FR.02")
async def TC_M_19_CS(trial: Trial) -> None:
    """There is no certificate of the type."""
    for entry in await listed(trial, "MORootCertificate"):
        data = msgspec.convert(entry["certificateHashData"], v21.CertificateHashDataType)
        await trial.call(v21.DeleteCertificateRequest(certificate_hash_data=data))
    answer = await trial.call(v21.GetInstalledCertificateIdsRequest(certificate_type=["MORootCertificate"]))
    answer.must("status", "NotFound", by="M03.FR.02")


@station_case("M04.FR.01", "M04.FR.02")
async def TC_M_20_CS(trial: Trial) -> None:
    """A root is deleted."""
    root, issuer = await _csms_root(trial)
    trial.afterwards.clear()  # it is deleted here
    must_hold(trial, await listed(trial, _CSMS), _CSMS, root, issuer)
    data = hash_of(root.certificate, issuer.certificate)
    answer = await trial.call(v21.DeleteCertificateRequest(certificate_hash_data=data))
    answer.must("status", "Accepted", by="M04.FR.02")
    must_hold(trial, await listed(trial, _CSMS), _CSMS, root, issuer, there=False, by="M04.FR.02")


@station_case("M04.FR.01", "M04.FR.04")
async def TC_M_22_CS(trial: Trial) -> None:
    """There is no certificate to be deleted."""
    await listed(trial, _CSMS)
    unknown = CheckAuthority("ocppflow check unknown")
    data = hash_of(unknown.certificate, unknown.certificate)
    answer = await trial.call(v21.DeleteCertificateRequest(certificate_hash_data=data))
    answer.must("status", "NotFound", by="M04.FR.04")


@station_case("M04.FR.01", "M04.FR.06")
async def TC_M_23_CS(trial: Trial) -> None:
    """The station's own certificate is not deleted."""
    root = trial.bench.workshop.authorities[CSMS_ROOT]
    if not holds(await listed(trial, _CSMS), _CSMS, root):
        await root_installed(trial, _CSMS, root)
    certificate = await renewed(trial, root)
    await listed(trial)
    data = hash_of(certificate, root.certificate)
    answer = await trial.call(v21.DeleteCertificateRequest(certificate_hash_data=data))
    answer.must("status", "NotFound", "Failed", by="M04.FR.06")
