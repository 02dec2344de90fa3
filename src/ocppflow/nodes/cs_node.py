"""CSNode: a charging station in a flow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ocppflow import Limits
from ocppflow.endpoint import Connection
from ocppflow.errors import ConfigurationError, ConnectionRefused
from ocppflow.nodes import msgs_out
from ocppflow.nodes.configuration import CSSettings, as_number, csms_url, tls_files
from ocppflow.nodes.contract import ALL, BadInput, CommandMsg, shown
from ocppflow.nodes.node import GOING_AWAY, GOODBYE, SILENCE, Node, Send, SetStatus, command_name, named
from ocppflow.nodes.node_tls import station_tls
from ocppflow.nodes.waiting import Unanswered
from ocppflow.station import ChargingStation, Dial
from ocppflow.transport.backoff import Backoff
from ocppflow.transport.client import connect
from ocppflow.transport.clock import Clock
from ocppflow.transport.handshake import build_basic
from ocppflow.transport.link import Link
from ocppflow.transport.settings import LinkLimits

_COMMANDS: Final = {"connect": "connect", "close": "close", "retrybackoff": "retrybackoff", "status": "status"}

#: In lower case; old flows spell the last one in three ways, and "Backoff" as well as "BackOff".
_BACKOFF: Final = {
    "retrybackoffwaitminimum": "wait_minimum",
    "retrybackoffrandomrange": "random_range",
    "retrybackoffrepeattimes": "repeat_times",
    "retrybackoffrepeattime": "repeat_times",
    "retrybackoffrepeatetimes": "repeat_times",
}


class CSNode(Node):
    """A charging station whose messages are msgs. The contract is in docs/nodes.md.

    ::

        node = CSNode({"cbId": "CS1", "csms": {"url": "ws://127.0.0.1:9000/ocpp"}}, {"csms_pw": "a-long-password-1"},
                      send=send, status=status)
        await node.start()
        await node.input({"payload": {"command": "Heartbeat"}})
        await node.close()

    ``config`` and ``credentials`` are those of a flow, with the ``target-csms`` node in place of its id. ``dial``
    replaces the network. For the rest see ``CSMSNode``.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        credentials: Mapping[str, Any] | None = None,
        *,
        send: Send,
        status: SetStatus,
        clock: Clock | None = None,
        raw: bool = False,
        dial: Dial | None = None,
    ) -> None:
        super().__init__(send=send, status=status, clock=clock, raw=raw)
        self._config = dict(config)
        self._password = self._password_of(credentials or {})
        self._network = dial
        self._settings: CSSettings | None = None
        self._station: ChargingStation | None = None
        self._user = ""
        self._refusal = ""
        self._one_at_a_time = asyncio.Lock()

    @staticmethod
    def fingerprint(config: Mapping[str, Any]) -> Any:
        """See ``CSMSNode.fingerprint``."""
        try:
            return CSSettings.read(config), config.get("csms_pw")
        except ConfigurationError:
            return dict(config)

    @property
    def station(self) -> ChargingStation:
        """The role behind the node; known once it has been started without a problem."""
        assert self._station is not None  # noqa: S101 - said above
        return self._station

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect in the background, if ``auto_connect``. What keeps the node from it is in its status and in
        ``problem``; nothing is raised."""
        try:
            settings = self._settings = CSSettings.read(self._config)
            self._station = self._make(settings, settings.cb_id, settings.url)
        except ConfigurationError as exc:
            self._fail(str(exc))
            return
        self._user = settings.user
        self._unanswered = Unanswered(self.clock, settings.timeout)
        self.problem = ""
        if settings.auto_connect:
            self._status("blue", "dot", "Connecting...")
            self._station.start()
        else:
            self._status("red", "dot", "Closed")

    def _make(self, settings: CSSettings, cb_id: str, url: str) -> ChargingStation:
        secure = url.startswith("wss:")
        station = ChargingStation(
            cb_id,
            url,
            versions=settings.versions,
            ssl=station_tls(settings.tls) if secure else None,
            limits=Limits(call_timeout=settings.timeout, answer_timeout=settings.timeout, silence=SILENCE),
            link_limits=LinkLimits(ping_interval=settings.ping_interval, close_timeout=GOODBYE),
            policy=settings.policy,
            backoff=Backoff(settings.wait_minimum, settings.random_range, settings.repeat_times),
            trace=self._traced if settings.logs else None,
            clock=self.clock,
            dial=self._dial,
        )
        station.on_any(self._incoming)
        station.on_connect(self._connected)
        station.on_disconnect(self._disconnected)
        station.on_retry(self._waits)
        return station

    async def close(self, removed: bool = False) -> None:
        """Close the connection with 1001 and stay away."""
        if self._closed:
            return
        self._closed = True
        self._refuse_the_waiting()
        await self._end_tasks()  # before the station: one of them may be about to connect again
        if self._station is not None:
            await self._station.stop(GOING_AWAY, "going away")
        await self._end_calls()
        self.problem = "the node is closed"

    def set_credentials(self, credentials: Mapping[str, Any]) -> None:
        """A new password counts from now on: at once if there is no connection, else for the next one."""
        self._password = self._password_of(credentials)
        station = self._station
        if station is not None and not self._closed and station.is_running and not station.is_connected:
            self._spawn(self._start_over())

    async def _start_over(self) -> None:
        async with self._one_at_a_time:
            await self.station.stop()
            self.station.backoff.reset()
            self.station.start()

    def _password_of(self, credentials: Mapping[str, Any]) -> str:
        """That of the credentials, or of the older format, which kept it in the node."""
        value = credentials.get("csms_pw") or self._config.get("csms_pw")
        return value if isinstance(value, str) else ""

    # --- the connection ------------------------------------------------------------------------------------------

    async def _dial(self) -> Link:
        self._status("blue", "dot", "Connecting...")
        try:
            link = await self._network() if self._network is not None else await self._dial_out()
        except ConnectionRefused as exc:
            self._refused(exc)
            raise
        except ConfigurationError as exc:  # an identity or a URL that only the handshake's rules forbid
            self._refused(exc)
            raise ConnectionRefused(str(exc)) from None
        return link

    async def _dial_out(self) -> Link:
        station = self.station
        password = self._password.encode() if self._password else None
        headers = None
        if password is not None and self._user != station.identity:  # the older format has a user name of its own
            headers = {"Authorization": build_basic(self._user, password)}
            password = None
        return await connect(
            station.url,
            station.identity,
            versions=station.versions,
            password=password,
            ssl=station.ssl,
            limits=station.link_limits,
            clock=station.clock,
            headers=headers,
        )

    def _refused(self, exc: ConnectionRefused | ConfigurationError) -> None:
        status = getattr(exc, "status", None)
        self._refusal = f" (HTTP {status})" if status is not None else ""
        text = str(exc)
        if status is not None:
            text = text.partition("refused: ")[2] or f"HTTP {status}: {text}"
        if status == 401 and not self._password:
            text = f"HTTP {status}: no password is set"
        self._status("red", "ring", text)

    def _connected(self, station: ChargingStation) -> None:
        self._opened(station.connection)
        self._refusal = ""
        self._status("green", "dot", "Connected...")
        peer = station.connection.peer
        about = {"version": peer.version.value, "remote": peer.address, "securityProfile": peer.security_profile}
        self._emit(ALL, msgs_out.connection(station.identity, "ONLINE", about, peer.version.value))

    def _disconnected(self, station: ChargingStation, code: int, reason: str) -> None:
        self._status("red", "dot", "Closed")
        self._emit(ALL, msgs_out.connection(station.identity, "OFFLINE", {"code": code, "reason": reason}))

    def _waits(self, station: ChargingStation, attempt: int, delay: float, reason: str) -> None:
        self._status("red", "ring", f"Reconn #{attempt} in {round(delay)} sec{self._refusal}")
        self._refusal = ""

    # --- messages ------------------------------------------------------------------------------------------------

    def _own_identity(self) -> str:
        return self.station.identity

    def _endpoint(self, cb_id: str) -> Connection:
        return self.station.connection

    def _endpoints(self) -> list[Connection]:
        return [self._station.connection] if self._station is not None and self._station.is_connected else []

    def _endpoint_of(self, peer: Any) -> Connection:
        station: ChargingStation = peer
        return station.connection

    def _sent(self, what: str, command: str) -> None:
        self._status("green", "dot", f"{what} out: {command}")

    def _command(self, command: CommandMsg) -> Any:
        match command_name(command, _COMMANDS):
            case "connect":
                return self._connect(command.data)
            case "close":
                return self._close()
            case "retrybackoff":
                return self._retry_backoff(command.data)
            case _:
                return "status", self._described()

    async def _connect(self, data: Any) -> None:
        cb_id, password, url = (named(data, name, "connect") for name in ("cbId", "password", "csmsUrl"))
        for name, value in (("cbId", cb_id), ("password", password)):
            if value is not None and (not isinstance(value, str) or not value):
                raise BadInput(f"connect: msg.payload.data.{name} must be text with at least one character")
        async with self._one_at_a_time:
            await self._move(cb_id or self.station.identity, url, password, named(data, "tls", "connect"))

    async def _move(self, cb_id: str, url: str | None, password: str | None, tls: Any) -> None:
        station, settings = self.station, self._settings
        assert settings is not None  # noqa: S101 - there is a station
        try:
            new_url = station.url if url is None else csms_url(url, "connect: msg.payload.data.csmsUrl")
            settings = msgspec.structs.replace(settings, tls=tls_files(tls) or settings.tls)
            moves = (cb_id, new_url) != (station.identity, station.url) or tls is not None
            new = self._make(settings, cb_id, new_url) if moves else station
        except ConfigurationError as exc:
            raise BadInput(str(exc)) from None
        if password is not None:
            self._password = password
        self._settings = settings
        await station.stop(1000, "connect")
        if cb_id != station.identity:
            self._user = cb_id
        new.backoff = station.backoff
        new.backoff.reset()
        self._station = new
        self._status("blue", "dot", "Connecting...")
        new.start()

    async def _close(self) -> None:
        async with self._one_at_a_time:
            await self.station.stop(1000, "closed by the flow")
            self._status("red", "dot", "Closed")

    def _retry_backoff(self, data: Any) -> None:
        if not isinstance(data, dict) or not data:
            raise BadInput("retrybackoff: msg.payload.data must be an object with RetryBackOffWaitMinimum, ...")
        settings: dict[str, float] = {}
        for name, value in data.items():
            known = _BACKOFF.get(name.lower())
            number = as_number(value)
            if known is None:
                valid = "RetryBackOffWaitMinimum, RetryBackOffRandomRange, RetryBackOffRepeatTimes"
                raise BadInput(f"retrybackoff: there is no {shown(name)}; valid: {valid}")
            if number is None or number < 0 or (known == "repeat_times" and not number.is_integer()):
                raise BadInput(f"retrybackoff: {name} is {shown(value)}: expected a number of 0 or more")
            settings[known] = number
        repeat = settings.pop("repeat_times", None)
        self.station.backoff.configure(**settings, repeat_times=None if repeat is None else int(repeat))

    def _described(self) -> dict[str, Any]:
        station = self.station
        due = station.next_attempt_at
        return {
            "connected": station.is_connected,
            "version": station.version.value if station.version is not None else None,
            "url": station.url,
            "attempts": station.backoff.attempts,
            "nextAttemptIn": None if due is None else round(max(0.0, due - self.clock.now()), 1),
        }
