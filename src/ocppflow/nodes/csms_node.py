"""CSMSNode: the CSMS in a flow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ocppflow.csms import CSMS, Listener, Station, StationMemory
from ocppflow.endpoint import Connection, Limits
from ocppflow.errors import ConfigurationError
from ocppflow.nodes import msgs_out
from ocppflow.nodes.auth_list import AuthList, passwords_of
from ocppflow.nodes.auth_memory import AuthMemory
from ocppflow.nodes.command_data import close_request, command_name, made_certificates, station_name
from ocppflow.nodes.configuration import CSMSSettings
from ocppflow.nodes.contract import ALL, BadInput, CommandMsg, parse
from ocppflow.nodes.csms_acceptor import acceptor
from ocppflow.nodes.node import GOING_AWAY, GOODBYE, SILENCE, Node, Send, SetStatus, log
from ocppflow.nodes.node_tls import server_tls
from ocppflow.nodes.port_problems import passing_problem
from ocppflow.nodes.states import NodeState
from ocppflow.nodes.unanswered import Unanswered
from ocppflow.trace_file import TraceFile
from ocppflow.transport.backoff import Backoff
from ocppflow.transport.clock import Clock, Timer
from ocppflow.transport.handshake import RefusedInfo
from ocppflow.transport.tls import ServerTLS

_COMMANDS: Final = {
    "connections": "connections",
    "commands": "commands",
    "command": "commands",
    "cmds": "commands",
    "get_auth_list": "get_auth_list",
    "set_auth_list": "set_auth_list",
    "get_auth_cs": "get_auth_cs",
    "get_auth_user": "get_auth_cs",
    "set_auth_cs": "set_auth_cs",
    "set_auth_user": "set_auth_cs",
    "remove_auth_cs": "remove_auth_cs",
    "ws_close": "ws_close",
    "ws_open": "ws_open",
    "set_tls": "set_tls",
    "make_certificates": "make_certificates",
}
_MEND: Final = frozenset({"set_tls", "make_certificates", "set_auth_list", "set_auth_cs", "remove_auth_cs"})
"""Command Messages that may make a node work, so they are accepted although it does not work yet."""


class CSMSNode(Node):
    """A CSMS whose messages are msgs. The contract is in docs/nodes.md.

    ::

        node = CSMSNode({"port": 9000, "path": "/ocpp"}, {"basic_auths": {"CS1": "a-long-password-1"}},
                        send=send, status=status)
        await node.start()
        await node.input({"payload": {"cbId": "CS1", "command": "Reset", "data": {"type": "Immediate"}}})
        await node.close()

    ``config`` and ``credentials`` are those of a flow. ``send(port, msg)`` and ``status(fill, shape, text)`` are called
    on the event loop's thread. ``raw``: ``payload.data`` of what is sent is JSON as it came (``msgspec.Raw``) instead
    of plain data. ``node_id`` and ``memory`` keep changes of the auth list over re-deploys; ``on_auths`` hears of them.
    ``stations`` keeps who the stations say they are, so that rules for a vendor hold before its stations boot again.
    ``others`` gives the CSMS nodes of this process, so that one that has the port can be named. While
    ``is_overfull()``, nobody is let in, because whoever reads the output has fallen far behind.
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
        node_id: str = "",
        memory: AuthMemory | None = None,
        stations: StationMemory | None = None,
        on_auths: Callable[[dict[str, str]], object] | None = None,
        others: Callable[[], Iterable[CSMSNode]] = tuple,
        is_overfull: Callable[[], bool] = bool,
    ) -> None:
        super().__init__(send=send, status=status, clock=clock, raw=raw)
        self._config = dict(config)
        self._credentials = dict(credentials or {})
        self._memory = AuthMemory() if memory is None else memory
        self._node_id = node_id
        self._station_memory = stations
        self._on_auths = on_auths
        self._others = others
        self._is_overfull = is_overfull
        self._auths = AuthList(self._memory, node_id)
        self._blocked: set[str] = set()
        self._settings: CSMSSettings | None = None
        self._csms: CSMS | None = None
        self._listener: Listener | None = None
        self._log_file: TraceFile | None = None
        self._credentials_problem = ""
        # A program that is being restarted frees its port within seconds; one that stays may stay for ever.
        self._backoff = Backoff(wait_minimum=1.0, random_range=0.5, repeat_times=5)
        self._next_try: Timer | None = None
        self._blames = ""
        """What the log said last about the port."""
        self._one_at_a_time = asyncio.Lock()
        self._tls: ServerTLS | None = None

    @staticmethod
    def fingerprint(config: Mapping[str, Any]) -> Any:
        """Equal for configurations that make equal nodes, whatever other properties they have."""
        try:
            return CSMSSettings.read(config)
        except ConfigurationError:
            return dict(config)

    @property
    def csms(self) -> CSMS:
        """The role behind the node. It exists once the configuration has been read without a problem."""
        assert self._csms is not None  # noqa: S101 - said above
        return self._csms

    @property
    def port(self) -> int | None:
        """The port in use; None while it does not listen."""
        return self.listener.port if self.listener is not None else None

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen. Nothing is raised: a problem is in ``problem`` and in the status. If the port is taken, the node
        tries again until it is free."""
        self._status("yellow", "ring", "starting")
        self._take_credentials()
        async with self._one_at_a_time:
            await self._start()

    async def _start(self) -> None:
        self._enter(NodeState.STARTING, "the node is being started")
        try:
            settings = self._settings = CSMSSettings.read(self._config)
            tls = self._tls = server_tls(settings.tls, settings.profile) if settings.tls is not None else None
            self._csms = self._make(settings)
            listener = self._csms.listen(settings.url, tls=tls, limits=settings.server_limits(GOODBYE))
        except (ConfigurationError, OSError) as exc:
            self._unfit(str(exc))
            return
        await self._listen(listener, settings)

    async def _listen(self, listener: Listener, settings: CSMSSettings) -> None:
        try:
            await listener.start()
        except (ConfigurationError, OSError) as exc:
            self._has_no_port(settings, exc)
            return
        if self.state is NodeState.CLOSED:  # meanwhile
            await listener.stop()
            return
        self._listener = listener
        self._backoff.reset()
        self._blames = ""
        self._enter(NodeState.WORKING)
        self._count()

    def _has_no_port(self, settings: CSMSSettings, exc: Exception) -> None:
        """Wait for the port, if it may become free."""
        problem = passing_problem(settings, exc, (each for each in self._others() if each is not self))
        if not problem:
            self._unfit(str(exc))
            return
        if problem != self._blames:
            log.error("%s: %s; it tries again until that has changed", self.label, problem)
        self._blames = problem
        self._enter(NodeState.WAITING, problem)
        self._status("red", "ring", f"{problem}; trying again")
        due = self.clock.now() + self._backoff.next()
        self._next_try = self.clock.call_at(due, lambda: self._spawn(self._try_again(settings)))

    @property
    def label(self) -> str:
        """What texts call the node."""
        return f"the CSMS node {self._config['name']!r}" if self._config.get("name") else "a CSMS node without a name"

    @property
    def listener(self) -> Listener | None:
        """What it listens with; None while it does not."""
        return self._listener if self._listener is not None and self._listener.is_active else None

    async def _try_again(self, settings: CSMSSettings) -> None:
        async with self._one_at_a_time:
            if self.state is NodeState.WAITING:
                self._enter(NodeState.STARTING, self.problem)
                limits = settings.server_limits(GOODBYE)
                await self._listen(self.csms.listen(settings.url, tls=self._tls, limits=limits), settings)

    def _make(self, settings: CSMSSettings) -> CSMS:
        self._unanswered = Unanswered(self.clock, settings.timeout)
        csms = CSMS(
            acceptor=acceptor(settings, self._auths, self._blocked, self._is_overfull),
            hide_identities=settings.hides_identities,
            versions=settings.versions,
            limits=Limits(call_timeout=settings.timeout, answer_timeout=settings.timeout, silence=SILENCE),
            policy=settings.validation.policy,
            leniency=settings.leniency,
            trace=self._traced if settings.logs else None,
            clock=self.clock,
            grace=None,
            memory=self._station_memory,
        )
        if settings.log_file:
            self._log_file = _open(settings.log_file)
            if self._log_file is not None:
                csms.add_trace(self._log_file)
        csms.on_any(self._incoming)
        csms.on_connect(self._connected)
        csms.on_disconnect(self._disconnected)
        csms.on_refused(self._refused)
        return csms

    async def close(self, removed: bool = False) -> None:
        """Close all connections with 1001 and free the port. ``removed``: the user has deleted the node, so what it
        remembers beyond a re-deploy is forgotten."""
        if self.state is NodeState.CLOSED:
            return
        self._enter(NodeState.CLOSED, "the node is closed")
        await self._end_tasks()  # first: one of them may be about to listen anew
        await self._stop("going away")
        if removed:
            self._memory.forget(self._node_id)

    async def _stop(self, reason: str) -> None:
        if self._next_try is not None:
            self._next_try.cancel()
            self._next_try = None
        self._refuse_the_waiting()
        if self._listener is not None:
            await self._listener.stop(GOING_AWAY, reason)
            self._listener = None
        if self._csms is not None:
            await self._csms.close()
        await self._end_calls()
        if self._log_file is not None:
            self._log_file.close()
            self._log_file = None

    def set_credentials(self, credentials: Mapping[str, Any]) -> None:
        """Use new credentials from now on; open connections stay."""
        self._credentials = dict(credentials)
        self._take_credentials()
        self._count()

    def _take_credentials(self) -> None:
        self._credentials_problem = ""
        try:
            passwords = passwords_of(self._credentials.get("basic_auths"), "basic_auths")
        except ConfigurationError as exc:
            self._credentials_problem = str(exc)
            passwords = {}
        self._auths.configure(passwords)
        if not self._credentials_problem and self._auths.as_dict() != passwords:
            self._tell_auths()  # a flow has changed them: the runtime's dialog must not show the old ones

    def _tell_auths(self) -> None:
        if self._on_auths is not None:
            self._on_auths(self._auths.as_dict())

    # --- who comes in --------------------------------------------------------------------------------------------

    def _connected(self, station: Station) -> None:
        self._opened(station)
        self._count()
        self._tell(station, "ONLINE", msgs_out.station(station))

    def _disconnected(self, station: Station, code: int, reason: str) -> None:
        self._count()
        self._tell(station, "OFFLINE", msgs_out.ending(code, reason))

    def _tell(self, station: Station, event: str, about: dict[str, Any]) -> None:
        self._emit(ALL, msgs_out.connection(station.identity, event, about, station.version.value))

    def _refused(self, info: RefusedInfo) -> None:
        if info.identity:  # or it names no station, and only the log has it
            self._emit(ALL, msgs_out.refused(info))

    def _count(self) -> None:
        settings = self._settings
        if self.state is not NodeState.WORKING or self._csms is None or settings is None:
            return
        needs_passwords = settings.profile in (1, 2) and settings.shared is None
        lacks = self._credentials_problem or (
            "no passwords set" if needs_passwords and not self._auths.as_dict() else ""
        )
        if lacks and not len(self._csms):
            self._status("yellow", "ring", lacks)
        else:
            self._status("green", "ring", f"({len(self._csms)})")

    # --- messages ------------------------------------------------------------------------------------------------

    def _own_identity(self) -> None:
        return None

    def _connection(self, cb_id: str) -> Connection:
        return self.csms[cb_id]

    def _connections(self) -> list[Connection]:
        return list(self._csms) if self._csms is not None else []

    def _connection_of(self, peer: Any) -> Connection:
        station: Station = peer
        return station

    def _command(self, command: CommandMsg) -> Any:
        name = command_name(command, _COMMANDS)
        data = command.data
        match name:
            case "connections":
                return name, {each.identity: msgs_out.station(each) for each in self.csms}
            case "commands":
                return name, self._waiting.listing()
            case "get_auth_list":
                return "auth_list", self._auths.as_dict()
            case "get_auth_cs":
                return "auth_cs", self._auths.get(station_name(data, name)) or "NOT FOUND"
            case "ws_close":
                return self._ws_close(data)
            case "set_tls":
                return self._set_tls(data)
            case "make_certificates":
                return "certificates", made_certificates(data)
            case "ws_open":
                self._blocked.discard(station_name(data, name))
                return None
            case _:
                self._change_auths(name, data)
                return None

    def _change_auths(self, name: str, data: Any) -> None:
        self._auths.change(name, data)
        self._credentials_problem = ""
        self._count()
        self._tell_auths()

    def _may_mend(self, msg: dict[str, Any]) -> bool:
        if self.state in (NodeState.NEW, NodeState.CLOSED):
            return False
        try:
            asked = parse(msg)
        except BadInput:
            return False
        return isinstance(asked, CommandMsg) and _COMMANDS.get(asked.name.strip().lower()) in _MEND

    async def _set_tls(self, data: Any) -> None:
        """Use these certificates from now on. Connections are closed; the stations reconnect."""
        config = {**self._config, "tls": data}
        try:
            if data is None:
                raise ConfigurationError(
                    "msg.payload.data is missing: expected an object with cert, key, ca, passphrase"
                )
            settings = CSMSSettings.read(config)
            if settings.tls is None:
                raise ConfigurationError(f"security profile {settings.profile} has no certificates")
            server_tls(settings.tls, settings.profile)
        except ConfigurationError as exc:
            raise BadInput(f"set_tls: {exc}; nothing has been changed") from None
        async with self._one_at_a_time:
            self._config = config
            await self._stop("new certificates")
            await self._start()
        if self.problem:
            raise BadInput(f"set_tls: {self.problem}", code="ConfigurationError")

    async def _ws_close(self, data: Any) -> None:
        name, code, reason, block = close_request(data)
        station = self.csms.stations.get(name)
        if station is None and not block:
            raise BadInput(f"ws_close: station {name!r} is not connected", code="NotConnected")
        if block:
            self._blocked.add(name)
        if station is not None:
            await station.close(code, reason)

    def __repr__(self) -> str:
        count = len(self._csms) if self._csms is not None else 0
        name = self._config.get("name") or ""
        return f"<CSMSNode {name!r} {self.state.value}, {count} station{'' if count == 1 else 's'}>"


def _open(name: str) -> TraceFile | None:
    try:
        return TraceFile(Path(name))
    except OSError as exc:
        log.error("cannot write the log file %s: %s", name, exc.strerror)
        return None
