"""Bench: the CSMS of the test cases, with one station on it. It keeps what comes in the order of coming."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from ocppflow.check.check_door import CheckDoor
from ocppflow.check.check_settings import CheckSettings
from ocppflow.check.heard import Finding, Heard
from ocppflow.check.usual_answers import usual_answer
from ocppflow.check.workshop import Workshop, own_address
from ocppflow.csms import CSMS, Station
from ocppflow.endpoint import (
    LATER,
    Accept,
    Clock,
    Handshake,
    IncomingCall,
    Limits,
    Link,
    PlainPasswords,
    Refuse,
    SecurityPolicy,
    memory_pair,
)
from ocppflow.errors import CallError, ConnectionRefused
from ocppflow.messages import Version
from ocppflow.messages.tolerance import TOLERANT
from ocppflow.trace import TraceRecord

_T = TypeVar("_T")

SILENCE = LATER
"""An answer that never comes."""

_SILENT = 86_400.0
"""Seconds after which silence ends with a CALLERROR: longer than any case waits."""

Reply = Any
"""What to answer: a response as a Struct (2.1's vocabulary serves 2.0.1), a dict in wire names, a CallError, SILENCE,
or a function of the Heard, plain or async, that returns one of these (None: the usual answer; not of an async one)."""


class Bench:
    """A CSMS for one station and one version.

    ``inbox`` has every request of the station's, ``records`` the whole conversation for pictures, ``findings`` what
    broke the schema; none is ever emptied, so that a case knows its part by where it begins. ``admits`` says whether a
    connection is accepted now; ``attempts`` are the clock's times of all connections tried, ``arrivals`` of those that
    were let in.
    """

    def __init__(
        self,
        identity: str | None,
        version: Version | str,
        settings: CheckSettings | None = None,
        *,
        password: str | None = None,
        clock: Clock | None = None,
        start_time: datetime | None = None,
        workshop: Workshop | None = None,
        door: CheckDoor | None = None,
    ) -> None:
        self.identity = identity or ""
        self.version = Version.parse(version)
        self.settings = settings or CheckSettings()
        self.inbox: list[Heard[Any]] = []
        self.records: list[TraceRecord] = []
        self.findings: list[Finding] = []
        self.admits = True
        self.attempts: list[float] = []
        self.arrivals: list[float] = []
        self.asked: list[tuple[Handshake, str]] = []
        """All who came as far as HTTP over the network, let in or not, and what was wrong with the door then."""
        self.handshake: Handshake | None = None
        """The one by which the station is in."""
        self.replies: dict[str, list[tuple[Reply, bool]]] = {}
        """By action: what to answer, and whether it is for one message only; the newest goes first."""
        self.running: dict[str, int] = {}
        """Transactions that have begun and not ended, with their EVSE (0: not told)."""
        self.transactions_16 = 0
        """The transactionId that was given last to a station of 1.6."""
        self.last_request_id = 0
        self.workshop = workshop or Workshop()
        """Files and certificates for the cases."""
        self.workshop.shelf.news = self.news
        self.door = door
        """The TLS of the listener, if it has certificates of the check's own."""
        if door is not None:
            door.news = self.news
        self.password = password
        """What the station has to show, if it shows no certificate; None: nothing."""
        self._waiting: list[asyncio.Future[None]] = []
        self.csms = self._made(clock)
        self._start = start_time or datetime.now(UTC)
        self._clock_start: float | None = None

    def _made(self, clock: Clock | None) -> CSMS:
        csms = CSMS(
            acceptor=self._accept,
            versions=[self.version],
            policy=TOLERANT,
            limits=Limits(answer_timeout=_SILENT),
            clock=clock,
            grace=1.0,
        )
        csms.on_any(self._answer)
        csms.on_connect(self._connected)
        csms.on_disconnect(lambda *_: self.news())
        csms.add_trace(self._record)
        return csms

    @property
    def clock(self) -> Clock:
        """The clock by which everything is waited for."""
        return self.csms.clock

    def now(self) -> datetime:
        """The time of day that the station is told, by the bench's clock."""
        if self._clock_start is None:
            self._clock_start = self.clock.now()
        return self._start + timedelta(seconds=self.clock.now() - self._clock_start)

    @property
    def station(self) -> Station | None:
        """The station, if it is connected."""
        return self.csms.stations.get(self.identity)

    @property
    def security_profile(self) -> int:
        """The security profile of the newest connection; 0 if it has shown nothing."""
        if self.handshake is None:
            return 0
        if self.handshake.tls:
            return 3 if self.handshake.certificate is not None else 2
        return int(self.handshake.password is not None)

    def own_host(self) -> str:
        """How the station finds this machine. Raises ConfigurationError."""
        return self.settings.host or own_address(self.station.peer.address if self.station is not None else "")

    async def upgrade(self, profile: int) -> str:
        """Listen besides, for a station that goes over to security profile 2 or 3; the URL. What is wrong with the
        door is said there from now on. Raises ConfigurationError."""
        host = self.own_host()
        self.door = CheckDoor(self.workshop.authorities, [host.strip("[]")], profile)
        self.door.news = self.news
        listener = await self.csms.listen(f"wss://0.0.0.0:{self.settings.second_port}/ocpp", tls=self.door).start()
        return f"wss://{host}:{listener.port}/ocpp"

    # --- connections ---------------------------------------------------------------------------------------------

    async def _accept(self, handshake: Handshake) -> Accept | Refuse:
        if self.identity and handshake.identity != self.identity:
            return Refuse(404, f"the station under test is {self.identity}")
        self.attempts.append(self.clock.now())
        self.asked.append((handshake, self.door.shown[-1] if self.door is not None and self.door.shown else ""))
        self.news()
        if not self.admits:
            return Refuse(503, "the test case does not let the station in now")
        verdict = await self._policy(handshake)(handshake)
        if isinstance(verdict, Accept):
            self.handshake = handshake
        return verdict

    def _policy(self, handshake: Handshake) -> SecurityPolicy:
        """Whoever shows a certificate that TLS has verified is let in by it: whose it is, the cases ask."""
        if handshake.certificate is not None:
            return SecurityPolicy({3}, certificate_matches=lambda *_: True)
        if self.password is None:
            return SecurityPolicy({0})
        return SecurityPolicy({2 if handshake.tls else 1}, PlainPasswords({handshake.identity: self.password}))

    async def dialled(self, identity: str, versions: Iterable[Version]) -> Link:
        """The station's end of a connection in memory. Raises ConnectionRefused as a listener would."""
        self.identity = self.identity or identity
        self.attempts.append(self.clock.now())
        self.news()
        if not self.admits:
            raise ConnectionRefused("HTTP 503: the test case does not let the station in now")
        if self.version not in versions:
            raise ConnectionRefused(f"the station does not offer OCPP {self.version}")
        theirs, ours = memory_pair(identity, self.version, clock=self.clock)
        self.csms.accept(ours)
        return theirs

    def _connected(self, station: Station) -> None:
        self.identity = self.identity or station.identity
        self.arrivals.append(self.clock.now())
        self.news()

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        if self.station is not None:
            self.station.retire(1001, "closed by the test case")

    # --- what comes ----------------------------------------------------------------------------------------------

    def _record(self, record: TraceRecord) -> None:
        if record.event == "in" and record.note.startswith("refused:"):
            self.findings.append(Finding(text=record.note.removeprefix("refused: ")))
        self.records.append(msgspec.structs.replace(record, time=self.now().timestamp()))

    def _answer(self, station: Station, call: IncomingCall) -> Any:
        heard: Heard[Any] = Heard(call)
        self.inbox.append(heard)
        self.complain(heard.action, heard.message_id, heard.violations)
        self._keep_account(heard)
        self.news()
        answer = self._reply_to(heard)
        if isinstance(answer, CallError):
            raise answer
        return answer

    def complain(self, action: str, message_id: str, violations: Iterable[Any], what: str = "") -> None:
        """Violations of the schema are findings, whatever the scenario thinks of the message."""
        for violation in violations:
            text = f"{action}{what} breaks the schema of OCPP {self.version}: {violation}"
            self.findings.append(Finding(text=text, action=action, message_id=message_id))

    def _reply_to(self, heard: Heard[Any]) -> Any:
        replies = self.replies.get(heard.action, [])
        for entry in reversed(replies):
            reply, once = entry
            answer = reply(heard) if callable(reply) else reply
            if answer is not None:
                if once:
                    replies.remove(entry)
                return answer
        return self.usual(heard)

    def usual(self, heard: Heard[Any]) -> dict[str, Any]:
        """What is answered where a scenario says nothing."""
        answer = usual_answer(heard, self.version, self.now(), self.settings.heartbeat_interval)
        return answer | {"transactionId": self.transactions_16} if heard.action == "StartTransaction" else answer

    def _keep_account(self, heard: Heard[Any]) -> None:
        if heard.action == "StartTransaction":
            self.transactions_16 += 1
            self.running[str(self.transactions_16)] = 0
        elif heard.action == "StopTransaction":
            self.running.pop(str(heard.at("transactionId")), None)
        if heard.action == "TransactionEvent":
            transaction, evse = heard.at("transactionInfo.transactionId"), heard.at("evse.id")
            if heard.at("eventType") == "Ended":
                self.running.pop(transaction, None)
            else:
                evse = evse if isinstance(evse, int) else self.running.get(transaction, 0)
                self.running[transaction] = evse

    # --- waiting -------------------------------------------------------------------------------------------------

    def news(self) -> None:
        """Something has happened: whoever waits looks again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, look: Callable[[], _T | None], seconds: float) -> _T | None:
        """What ``look`` finds, asked at once and at all that happens; None after ``seconds`` of the clock."""
        end = self.clock.now() + seconds
        while (found := look()) is None:
            if self.clock.now() >= end:
                return None
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            timer = self.clock.call_at(end, lambda f=future: None if f.done() else f.set_result(None))  # type: ignore[misc]
            try:
                await future
            finally:
                timer.cancel()
        return found

    async def close(self) -> None:
        """Let the station go."""
        await self.csms.close()
        await self.workshop.close()


__all__ = ["SILENCE", "Bench", "Reply"]
