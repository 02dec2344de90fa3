"""A, Security: the password, the station's certificate, security events, security profiles (A01 to A05)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.errors import ConnectionRefused
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.certificate_renewal import Renewal, SigningRequest, Use
from ocppflow.station.blocks.certificates import CLIENT
from ocppflow.station.blocks.reasons import because
from ocppflow.station.blocks.security_log import NOT_CRITICAL, SecurityLog, SecurityLogEntry
from ocppflow.station.device_model import Refusal, VariableKey, checked, on_change
from ocppflow.station.station_store import StoreFailed
from ocppflow.station.station_tls import Dialler
from ocppflow.station.x509_tools import CertificateRefused

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

security: Router[CompleteStation] = Router(Role.CS, "security")

_MONTH: Final = timedelta(days=30)
"""Before a certificate expires, a new one is asked for (A03.FR.02)."""

_TLS_EVENTS: Final = {
    "certificate": "InvalidCsmsCertificate",  # A00.FR.310, A00.FR.413
    "version": "InvalidTLSVersion",  # A00.FR.316, A00.FR.419
    "ciphers": "InvalidTLSCipherSuite",  # A00.FR.323, A00.FR.426
}
_NOT_LET_IN: Final = (401, 403)
_HEXADECIMAL: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}")
_SHORTEST_PASSWORD: Final = 16
_LONGEST_PASSWORD: Final[dict[Version | None, int]] = {Version.V16: 40, Version.V201: 40, Version.V21: 64}
_NONSENSE: Final = 60.0
"""Seconds in which messages that are not valid count as one event, so that they cannot fill the log."""

_INFO: Final = 255
"""Characters of techInfo."""


class Security(Block):
    """What one station does for its security."""

    __slots__ = ("_asked", "_nonsense_after", "_told_of", "dialler", "log", "renewal")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.log = SecurityLog(station.store)
        self.renewal = Renewal(station)
        self.dialler = Dialler(station)
        self._nonsense_after = 0.0
        self._told_of = ""  # the event for why there is no connection: repeated attempts give one (A00.FR.316)
        self._asked: set[str] = set()  # renewals that the station has begun by itself in this boot

    def power_up(self) -> None:
        password = self.station.device_model.text("SecurityCtrlr", "BasicAuthPassword")
        if password:
            self.station.password = _as_sent(self.station, password)  # it outlives the boot (A01.FR.01)
        reason = self.station.boot_reason
        started = "StartupOfTheDevice" if reason == "PowerUp" else "ResetOrReboot"
        self.event(started, f"boot reason {reason}")

    # --- A04 -----------------------------------------------------------------------------------------------------

    def event(self, kind: str, info: str = "") -> None:
        """Something of the standard's list of security events, or a vendor's, has happened: it goes into the security
        log (A04.FR.04), and if it is critical to the CSMS, however long that takes (A04.FR.01, A04.FR.02)."""
        now, info = self.station.time.now(), info[:_INFO]
        self.log.add(SecurityLogEntry(now, kind, info))
        if kind in NOT_CRITICAL:
            self.station.store.commit()
        else:
            message = v21.SecurityEventNotificationRequest(type=kind, timestamp=now, tech_info=info or UNSET)
            self.station.message_queue.put(message)

    def nonsense(self, what: str) -> None:
        """The CSMS has said something that is not a valid message. Of many, a minute is told of once."""
        now = self.station.clock.now()
        if now >= self._nonsense_after:
            self._nonsense_after = now + _NONSENSE
            self.event("InvalidMessages", what)

    def clear_log(self) -> None:
        """Forget the security log, and say so."""
        self.log.clear()
        self.event("SecurityLogWasCleared")

    def set_time(self, now: datetime) -> None:
        """The CSMS says what time it is."""
        before = self.station.time.now()
        self.station.time.set(now)
        moved = abs((self.station.time.now() - before).total_seconds())
        if moved > self.station.device_model.integer("ClockCtrlr", "TimeAdjustmentReportingThreshold", 20):
            self.event("SettingSystemTime", f"by {moved:.0f} s")

    # --- the connection ------------------------------------------------------------------------------------------

    @property
    def profile(self) -> int:
        """The security profile in use; 0 as long as there was no connection."""
        return self.station.device_model.integer("SecurityCtrlr", "SecurityProfile")

    def refused(self, refusal: ConnectionRefused) -> None:
        """An attempt to connect was in vain."""
        self.dialler.failed()
        kind = _TLS_EVENTS.get(refusal.tls_fault, "")
        if not kind and refusal.status in _NOT_LET_IN:
            kind = "FailedToAuthenticateAtCsms"
        if kind and kind != self._told_of:
            self._told_of = kind
            self.event(kind, refusal.reason)

    def connected(self) -> None:
        self._told_of = ""
        changed, newest_gone = self.dialler.worked()
        if newest_gone:
            self.event("DiscardedRenewedClientCertificate", "the one before works")  # A02.FR.29
        profile = self.dialler.profile
        if profile is not None and profile != self.profile:
            self.station.device_model.set("SecurityCtrlr", "SecurityProfile", profile)  # A05.FR.06
            self.event("ReconfigurationOfSecurityParameters", f"the security profile is {profile}")
        elif changed:
            self.station.store.commit()

    def time_set(self) -> None:
        if self.station.provisioning.may_send:
            self._watch_expiry()

    def registered(self) -> None:
        self.renewal.resume()
        self._watch_expiry()

    def reconnect(self, why: str) -> None:
        """Connect anew with other credentials, once the message at hand is answered."""
        self.station.after_answer(lambda: self.station.work(self.station.reconnect_now(why), "reconnecting"))

    # --- A05 -----------------------------------------------------------------------------------------------------

    def is_downgrade(self, profile: int) -> bool:
        """Whether a security profile may not be taken, since it is lower than the one in use (B09.FR.04, A05.FR.08 to
        A05.FR.10)."""
        allowed = self.station.device_model.flag("SecurityCtrlr", "AllowSecurityProfileDowngrade")
        return profile < self.profile and not (allowed and (self.profile, profile) == (3, 2))

    def is_below_home(self, profile: int) -> bool:
        """Whether the connection that the station was made with has a lower security profile than this one."""
        return self.dialler.profile_of_home() < profile

    def obstacle(self, profile: int) -> str:
        """Why the station cannot go over to this security profile; empty if it can."""
        if self.is_downgrade(profile):
            return f"security profile {profile} is lower than {self.profile}, which is in use"
        if profile > self.profile:
            keeper, now = self.station.certificates, self.station.time.now()
            if profile >= 2 and not keeper.valid_roots("CSMSRootCertificate"):
                return "no valid CSMSRootCertificate is installed"  # A05.FR.02
            if profile == 3 and not any(each.valid_from <= now <= each.valid_until for each in keeper.of_use(CLIENT)):
                return "no valid ChargingStationCertificate is installed"  # A05.FR.03
        return ""

    # --- A02, A03 ------------------------------------------------------------------------------------------------

    def can_renew(self, use: Use) -> bool:
        """Whether the station gets itself certificates of that use."""
        if use == CLIENT:
            return self.station.ssl is None  # else its certificates are its user's
        return self.station.device_model.flag("ISO15118Ctrlr", "V2GCertificateInstallationEnabled")

    def begin_renewal(self, use: Use = "ChargingStationCertificate") -> None:
        """Make a new key, and ask the CSMS for its certificate."""
        self.station.work(self.renewal.begin(use), "SignCertificate")

    def _watch_expiry(self) -> None:
        """Ask for a new certificate a month before one expires (A03.FR.02)."""
        now = self.station.time.now()
        waits = []
        for use in {each.use for each in self.station.certificates.own.values()}:
            due = self.station.certificates.of_use(use)[0].valid_until - _MONTH
            if due > now:
                waits.append((due - now).total_seconds())
            elif use not in self._asked and self.renewal.is_due(_use(use)) and self.can_renew(_use(use)):
                self._asked.add(use)
                self.begin_renewal(_use(use))
        if waits:
            self.later("expiry", min(waits), self._watch_expiry)

    async def take(self, request: SigningRequest, pem: str) -> None:
        """Check a certificate that was asked for, and keep it. Raises CertificateRefused or StoreFailed."""
        keeper = self.station.certificates
        chain, root = self.renewal.check(request, pem)
        before = keeper.held()
        new = keeper.add_own(request.use, chain, root, request.key)
        older = [each for each in keeper.of_use(request.use) if each is not new]
        for each in older[1:] if self._uses(request.use) else older:  # one is left, until the new one has worked
            keeper.discard_own(each)
        self.renewal.end(request.use)
        try:
            await keeper.commit(before)
        except StoreFailed:
            self.renewal.put_back(request)
            raise
        self._asked.discard(request.use)
        self.event("ReconfigurationOfSecurityParameters", f"{request.use} renewed")

    def _uses(self, use: str) -> bool:
        return use == CLIENT and self.profile == 3

    def use_new(self, use: str) -> None:
        """Go over to a certificate that has come (A02.FR.08)."""
        if self._uses(use):
            self.reconnect("new certificate")
        elif use != CLIENT:
            self.station.certificates.v2g_changed()
        self._watch_expiry()


def _use(text: str) -> Use:
    return cast(Use, text)  # what the store has was written as one


# --- handlers and reactions ------------------------------------------------------------------------------------------


@security.on(v21.CertificateSignedRequest)
async def _signed(station: CompleteStation, message: v21.CertificateSignedRequest) -> v21.CertificateSignedResponse:
    renewal = station.security.renewal
    request = renewal.requested(message)
    if request is None:
        info = because("NotFound", "no such certificate was asked for")
        return v21.CertificateSignedResponse(status="Rejected", status_info=info)
    if renewal.is_too_long(message.certificate_chain):
        return v21.CertificateSignedResponse(status="Rejected", status_info=because("TooLargeElement"))
    try:
        await station.security.take(request, message.certificate_chain)
    except CertificateRefused as exc:
        renewal.give_up(request.use)
        station.security.event("InvalidChargingStationCertificate", str(exc))  # A02.FR.07
        info = because("InvalidCertificate", str(exc)[:1024])
        return v21.CertificateSignedResponse(status="Rejected", status_info=info)
    except StoreFailed as exc:
        info = because("OutOfStorage", str(exc)[:1024])
        return v21.CertificateSignedResponse(status="Rejected", status_info=info)
    station.security.use_new(request.use)
    return v21.CertificateSignedResponse(status="Accepted")


def _as_sent(station: CompleteStation, value: str) -> str | bytes:
    """A password as it goes into the request: 1.6 has it as hexadecimal digits of 16 to 20 bytes (security whitepaper,
    A00.FR.205)."""
    version = station.version or station.versions[0]
    if version is Version.V16 and _HEXADECIMAL.fullmatch(value):
        return bytes.fromhex(value)
    return value


@checked("SecurityCtrlr", "BasicAuthPassword")
def _is_password(station: CompleteStation, key: VariableKey, value: str) -> Refusal | None:
    """A00.FR.205: 16 to 40 characters in 2.0.1, to 64 in 2.1; which ones, a passwordString leaves open."""
    most = _LONGEST_PASSWORD.get(station.version, 40)
    if _SHORTEST_PASSWORD <= len(value) <= most and value.isprintable():
        return None
    text = f"a password has {_SHORTEST_PASSWORD} to {most} characters that can be printed"
    return Refusal("InvalidValue", text)


@on_change("SecurityCtrlr", "BasicAuthPassword")
def _new_password(station: CompleteStation, key: VariableKey, value: str) -> None:
    station.password = _as_sent(station, value)
    station.security.event("ReconfigurationOfSecurityParameters", "BasicAuthPassword changed")  # A01.FR.11, A01.FR.12
    if station.security.profile != 3:
        station.security.reconnect("new password")
