"""CSNode: a charging station in a flow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from ocppflow.endpoint import Connection, Limits
from ocppflow.errors import ConfigurationError, ConnectionRefused
from ocppflow.nodes import msgs_out
from ocppflow.nodes.command_data import backoff_settings, command_name, named, text_or_none
from ocppflow.nodes.configuration import CSSettings
from ocppflow.nodes.contract import ALL, BadInput, CommandMsg, parse
from ocppflow.nodes.node import GOING_AWAY, GOODBYE, SILENCE, Node, Send, SetStatus
from ocppflow.nodes.node_tls import station_tls
from ocppflow.nodes.properties import tls_files
from ocppflow.nodes.states import NodeState
from ocppflow.nodes.unanswered import Unanswered
from ocppflow.plain_text import one_line
from ocppflow.station import ChargingStation, Dial, StationState
from ocppflow.transport.backoff import Backoff
from ocppflow.transport.client import connect
from ocppflow.transport.clock import Clock
from ocppflow.transport.handshake import build_basic
from ocppflow.transport.link import Link

_COMMANDS: Final = {"connect": "connect", "close": "close", "retrybackoff": "retrybackoff", "status": "status"}

_NO_CONNECTION: Final = 1006
"""The code of a connection that ended, or never began, without a close frame (RFC 6455 7.1.5)."""
_MOST_WHY: Final = 100
"""Characters of the reason in a status: it is shown beside the node, on one line of the editor."""


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
        self._last_event = ""
        """The last connection event that the flow got."""
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
        """The role behind the node. It exists once the node has started without a problem."""
        assert self._station is not None  # noqa: S101 - said above
        return self._station

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect in the background, if ``auto_connect``. Nothing is raised: a problem is in ``problem`` and in the
        status."""
        self._enter(NodeState.STARTING, "the node is being started")
        try:
            settings = self._settings = CSSettings.read(self._config)
            self._unanswered = Unanswered(self.clock, settings.timeout)
            self._user = settings.user
            self._station = self._make(settings)
        except ConfigurationError as exc:
            self._unfit(str(exc))
            return
        self._enter(NodeState.WORKING)
        if settings.auto_connect:
            self._status("blue", "dot", "Connecting...")
            self._station.start()
        else:
            self._status("red", "dot", "Closed")

    def _make(self, settings: CSSettings) -> ChargingStation:
        """Raises ConfigurationError, also for an identity or a URL that is missing or that no station may have."""
        secure = settings.address().secure
        station = ChargingStation(
            settings.cb_id,
            settings.url,
            versions=settings.versions,
            ssl=station_tls(settings.tls) if secure else None,
            limits=Limits(call_timeout=settings.timeout, answer_timeout=settings.timeout, silence=SILENCE),
            link_limits=settings.link_limits(GOODBYE),
            policy=settings.validation.policy,
            leniency=settings.leniency,
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
        if self.state is NodeState.CLOSED:
            return
        self._enter(NodeState.CLOSED, "the node is closed")
        self._refuse_the_waiting()
        await self._end_tasks()  # before the station: one of them may be about to connect again
        if self._station is not None:
            await self._station.stop(GOING_AWAY, "going away")
        await self._end_calls()

    def set_credentials(self, credentials: Mapping[str, Any]) -> None:
        """Use a new password from now on: at once if there is no connection, else for the next one."""
        self._password = self._password_of(credentials)
        station = self._station
        trying = (StationState.CONNECTING, StationState.WAITING)
        if self.state is NodeState.WORKING and station is not None and station.state in trying:
            self._spawn(self._start_over())

    async def _start_over(self) -> None:
        async with self._one_at_a_time:
            await self.station.stop()
            self.station.backoff.reset()
            self.station.start()

    def _password_of(self, credentials: Mapping[str, Any]) -> str:
        """The one in the credentials, or in the older format, which kept it in the node."""
        value = credentials.get("csms_pw") or self._config.get("csms_pw")
        return value if isinstance(value, str) else ""

    # --- the connection ------------------------------------------------------------------------------------------

    async def _dial(self) -> Link:
        self._status("blue", "dot", "Connecting...")
        try:
            return await self._network() if self._network is not None else await self._dial_out()
        except ConnectionRefused as exc:
            self._refused(exc)
            raise
        except ConfigurationError as exc:  # the station stops: no further attempt can change it
            self._unfit(str(exc))
            self._tell("OFFLINE", msgs_out.ending(_NO_CONNECTION, one_line(str(exc), _MOST_WHY)))
            raise

    async def _dial_out(self) -> Link:
        station = self.station
        password = self._password.encode() if self._password else None
        headers = None
        if password is not None and self._user != station.identity:  # the older format has a separate user name
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
            leniency=station.leniency,
        )

    def _refused(self, exc: ConnectionRefused) -> None:
        text = exc.reason
        if exc.status is not None:
            text = text.partition("refused: ")[2] or f"HTTP {exc.status}: {text}"
        if exc.status == 401 and not self._password:
            text = "HTTP 401: no password is set"
        self._refusal = text
        self._status("red", "ring", text)

    def _connected(self, station: ChargingStation) -> None:
        self._opened(station.connection)
        self._refusal = ""
        self._status("green", "dot", "Connected...")
        peer = station.connection.peer
        about = {"version": peer.version.value, "remote": peer.address, "securityProfile": peer.security_profile}
        self._tell("ONLINE", about, peer.version.value)

    def _disconnected(self, station: ChargingStation, code: int, reason: str) -> None:
        self._status("red", "dot", "Closed")
        self._tell("OFFLINE", msgs_out.ending(code, reason))

    def _waits(self, station: ChargingStation, attempt: int, delay: float, reason: str) -> None:
        """If the very first attempt fails, the flow is told as well: its lamps and timers depend on it."""
        why = one_line(self._refusal or reason, _MOST_WHY)
        self._refusal = ""
        if self.state is NodeState.WORKING:
            self._status("red", "ring", f"Reconn #{attempt} in {round(delay)} sec: {why}")
        self._tell("OFFLINE", msgs_out.ending(_NO_CONNECTION, why))

    def _tell(self, event: str, about: dict[str, Any], version: str = "") -> None:
        """ONLINE or OFFLINE, once for each change."""
        if self._last_event != event:
            self._last_event = event
            self._emit(ALL, msgs_out.connection(self._own_identity(), event, about, version))

    # --- messages ------------------------------------------------------------------------------------------------

    def _own_identity(self) -> str:
        return self._settings.cb_id if self._settings is not None else ""

    def _connection(self, cb_id: str) -> Connection:
        return self.station.connection

    def _connections(self) -> list[Connection]:
        return [self._station.connection] if self._station is not None and self._station.is_connected else []

    def _connection_of(self, peer: Any) -> Connection:
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
                self.station.backoff.configure(**backoff_settings(command.data))
                return None
            case _:
                return "status", self._described()

    def _may_mend(self, msg: dict[str, Any]) -> bool:
        """``connect`` may bring the identity or the URL that is missing or wrong."""
        if self.state is not NodeState.UNFIT or self._settings is None:
            return False
        try:
            asked = parse(msg, cb_id=self._own_identity())
        except BadInput:
            return False
        return isinstance(asked, CommandMsg) and asked.name.strip().lower() == "connect"

    async def _connect(self, data: Any) -> None:
        cb_id, password, url = (text_or_none(data, name, "connect") for name in ("cbId", "password", "csmsUrl"))
        tls = named(data, "tls", "connect")
        async with self._one_at_a_time:
            settings = self._settings
            assert settings is not None  # noqa: S101 - it has been started
            try:
                wanted = settings.moved(cb_id, url, tls_files(tls))
                await self._move(wanted, self._password if password is None else password)
            except ConfigurationError as exc:
                raise BadInput(f"connect: {exc}") from None

    async def _move(self, wanted: CSSettings, password: str) -> None:
        """Connect with these settings. A connection, or an attempt under way, that has them already is left alone."""
        old = self._station
        moves = old is None or wanted != self._settings
        if not moves and password == self._password and old is not None and _is_on_its_way(old):
            return
        new = self._make(wanted) if moves or old is None else old
        self._password = password
        if self._settings is not None and wanted.cb_id != self._settings.cb_id:
            self._user = wanted.cb_id
        if old is not None:
            await old.stop(1000, "connect")
            new.backoff = old.backoff
        new.backoff.reset()
        self._settings, self._station = wanted, new
        if self.state is NodeState.UNFIT:
            self._enter(NodeState.STARTING, "the node is being started")
            self._enter(NodeState.WORKING)
        self._status("blue", "dot", "Connecting...")
        new.start()

    async def _close(self) -> None:
        async with self._one_at_a_time:
            await self.station.stop(1000, "closed by the flow")
            self._status("red", "dot", "Closed")

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

    def __repr__(self) -> str:
        station = "not made" if self._station is None else self._station.state.value
        return f"<CSNode {self._own_identity()} {self.state.value}, station {station}>"


def _is_on_its_way(station: ChargingStation) -> bool:
    """Whether it is connected or an attempt is under way, rather than a wait for the next."""
    return station.state in (StationState.CONNECTING, StationState.CONNECTED)
