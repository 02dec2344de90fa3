"""CSMSNode: the CSMS in a flow."""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final

from ocppflow import Limits
from ocppflow.csms import CSMS, Station
from ocppflow.csms.listeners import Listener
from ocppflow.endpoint import Connection
from ocppflow.errors import ConfigurationError
from ocppflow.nodes import msgs_out
from ocppflow.nodes.auth_list import AuthList, AuthMemory, passwords_of
from ocppflow.nodes.certificate_maker import Certificates, make_certificates
from ocppflow.nodes.configuration import CSMSSettings, as_number
from ocppflow.nodes.contract import ALL, BadInput, CommandMsg, parse
from ocppflow.nodes.node import GOING_AWAY, GOODBYE, SILENCE, Node, Send, SetStatus, command_name, log, named
from ocppflow.nodes.node_tls import server_tls
from ocppflow.nodes.waiting import Unanswered, iso
from ocppflow.trace import TraceFile
from ocppflow.transport.clock import Clock
from ocppflow.transport.handshake import Accept, Acceptor, Handshake, Refuse, RefusedInfo
from ocppflow.transport.security import SecurityPolicy
from ocppflow.transport.settings import ServerLimits

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
"""Command Messages that make a node ready for work, so they are taken although it does not work yet."""


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
        on_auths: Any = None,
    ) -> None:
        super().__init__(send=send, status=status, clock=clock, raw=raw)
        self._config = dict(config)
        self._credentials = dict(credentials or {})
        self._memory = memory or AuthMemory()
        self._node_id = node_id
        self._on_auths = on_auths
        self._auths = AuthList(self._memory, node_id)
        self._blocked: set[str] = set()
        self._settings: CSMSSettings | None = None
        self._csms: CSMS | None = None
        self._listener: Listener | None = None
        self._log_file: TraceFile | None = None
        self._credentials_problem = ""
        self._has_started = False

    @staticmethod
    def fingerprint(config: Mapping[str, Any]) -> Any:
        """Equal for configurations that make equal nodes, whatever else a flow keeps in them."""
        try:
            return CSMSSettings.read(config)
        except ConfigurationError:
            return dict(config)

    @property
    def csms(self) -> CSMS:
        """The role behind the node; known once it has been started without a problem."""
        assert self._csms is not None  # noqa: S101 - said above
        return self._csms

    @property
    def port(self) -> int | None:
        """The port in use; None while it does not listen."""
        return self._listener.port if self._listener is not None and self._listener.is_active else None

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen. What keeps the node from it is in its status and in ``problem``; nothing is raised."""
        self._has_started = True
        self._status("yellow", "ring", "starting")
        self._take_credentials()
        try:
            settings = self._settings = CSMSSettings.read(self._config)
            tls = server_tls(settings.tls, settings.profile) if settings.tls is not None else None
            csms = self._csms = self._make(settings)
            listener = csms.listen(settings.url, tls=tls, limits=ServerLimits(close_timeout=GOODBYE))
            await listener.start()
        except (ConfigurationError, OSError) as exc:
            self._fail(str(exc))
            return
        self._listener = listener
        self.problem = ""
        self._count()

    def _make(self, settings: CSMSSettings) -> CSMS:
        self._unanswered = Unanswered(self.clock, settings.timeout)
        csms = CSMS(
            acceptor=self._acceptor(settings),
            versions=settings.versions,
            limits=Limits(call_timeout=settings.timeout, answer_timeout=settings.timeout, silence=SILENCE),
            policy=settings.policy,
            trace=self._traced if settings.logs else None,
            clock=self.clock,
            grace=0.0,
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
        """Close all connections with 1001 and free the port. ``removed``: the node is gone for good, so what it
        remembers beyond a re-deploy is forgotten."""
        if self._closed:
            return
        self._closed = True
        await self._end_tasks()  # first: one of them may be about to listen anew
        await self._stop("going away")
        self.problem = "the node is closed"
        if removed:
            self._memory.forget(self._node_id)

    async def _stop(self, reason: str) -> None:
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
        """New credentials count from now on; open connections stay."""
        self._credentials = dict(credentials)
        self._take_credentials()
        if not self.problem:
            self._count()

    def _take_credentials(self) -> None:
        self._credentials_problem = ""
        try:
            passwords = passwords_of(self._credentials.get("basic_auths"), "basic_auths")
        except ConfigurationError as exc:
            self._credentials_problem = str(exc)
            passwords = {}
        self._auths.configure(passwords)

    # --- who comes in --------------------------------------------------------------------------------------------

    def _acceptor(self, settings: CSMSSettings) -> Acceptor:
        usual = SecurityPolicy({settings.profile}, self._auths if settings.profile in (1, 2) else None)

        async def decide(handshake: Handshake) -> Accept | Refuse:
            if handshake.identity in self._blocked:
                return Refuse(403, f"{handshake.identity} is blocked until ws_open")
            if settings.shared is not None and _shows(handshake, settings.shared):
                return Accept(settings.profile)
            return await usual(handshake)

        return decide

    def _connected(self, station: Station) -> None:
        self._opened(station)
        self._count()
        self._emit(ALL, msgs_out.connection(station.identity, "ONLINE", _described(station), station.version.value))

    def _disconnected(self, station: Station, code: int, reason: str) -> None:
        self._count()
        about = {"code": code, "reason": reason}
        self._emit(ALL, msgs_out.connection(station.identity, "OFFLINE", about, station.version.value))

    def _refused(self, info: RefusedInfo) -> None:
        about = {"reason": info.reason, "status": info.status, "remote": info.address}
        self._emit(ALL, msgs_out.connection(info.identity, "REFUSED", about))

    def _count(self) -> None:
        settings = self._settings
        if self._closed or self._csms is None or settings is None:
            return
        needs_passwords = settings.profile in (1, 2) and settings.shared is None
        if not len(self._csms) and self._credentials_problem:
            self._status("yellow", "ring", self._credentials_problem)
        elif not len(self._csms) and needs_passwords and not self._auths.as_dict():
            self._status("yellow", "ring", "no passwords set")
        else:
            self._status("green", "ring", f"({len(self._csms)})")

    # --- messages ------------------------------------------------------------------------------------------------

    def _own_identity(self) -> None:
        return None

    def _endpoint(self, cb_id: str) -> Connection:
        return self.csms[cb_id]

    def _endpoints(self) -> list[Connection]:
        return list(self._csms) if self._csms is not None else []

    def _endpoint_of(self, peer: Any) -> Connection:
        station: Station = peer
        return station

    def _command(self, command: CommandMsg) -> Any:
        name = command_name(command, _COMMANDS)
        data = command.data
        match name:
            case "connections":
                return name, {each.identity: _described(each) for each in self.csms}
            case "commands":
                return name, self._waiting.listing()
            case "get_auth_list":
                return "auth_list", self._auths.as_dict()
            case "get_auth_cs":
                return "auth_cs", self._auths.get(_name(data, name)) or "NOT FOUND"
            case "ws_close":
                return self._ws_close(data)
            case "set_tls":
                return self._set_tls(data)
            case "make_certificates":
                return "certificates", _self_made(data)
            case "ws_open":
                self._blocked.discard(_name(data, name))
                return None
            case _:
                self._change_auths(name, data)
                return None

    def _change_auths(self, name: str, data: Any) -> None:
        try:
            if name == "set_auth_list":
                if data is None:
                    raise ConfigurationError("msg.payload.data is missing: expected identity: password")
                self._auths.replace(passwords_of(data if isinstance(data, dict) else [], "msg.payload.data"))
            elif name == "set_auth_cs":
                entry = {_name(data, name): named(data, "password", name)}
                self._auths.set(*passwords_of(entry, "msg.payload.data").popitem())
            elif not self._auths.remove(_name(data, name)):
                raise ConfigurationError(f"there is no station {_name(data, name)!r} in the list")
        except ConfigurationError as exc:
            raise BadInput(f"{name}: {exc}; nothing has been changed") from None
        self._auths.keep()
        self._credentials_problem = ""
        self._count()
        if self._on_auths is not None:
            self._on_auths(self._auths.as_dict())

    def _may_mend(self, msg: dict[str, Any]) -> bool:
        if self._closed or not self._has_started:
            return False
        try:
            asked = parse(msg)
        except BadInput:
            return False
        return isinstance(asked, CommandMsg) and _COMMANDS.get(asked.name.strip().lower()) in _MEND

    async def _set_tls(self, data: Any) -> None:
        """Serve with these certificates from now on. Connections are closed, and stations come back."""
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
        self._config = config
        await self._stop("new certificates")
        await self.start()
        if self.problem:
            raise BadInput(f"set_tls: {self.problem}", code="ConfigurationError")

    async def _ws_close(self, data: Any) -> None:
        name = _name(data, "ws_close")
        code, reason = _close_code(data, name), named(data, "reason", "ws_close") or "closed by the flow"
        block = named(data, "block", "ws_close")
        if not isinstance(reason, str) or len(reason.encode()) > 123:
            raise BadInput(f"ws_close: {name}: reason must be text of at most 123 bytes")
        if block not in (None, True, False):
            raise BadInput(f"ws_close: {name}: block must be true or false")
        station = self.csms.stations.get(name)
        if station is None and not block:
            raise BadInput(f"ws_close: station {name!r} is not connected", code="NotConnected")
        if block:
            self._blocked.add(name)
        if station is not None:
            await station.close(code, reason)


def _name(data: Any, about: str) -> str:
    name = named(data, "name", about)
    if not isinstance(name, str) or not name:
        raise BadInput(f"{about}: msg.payload.data.name is missing: expected the identity of a station")
    return name


def _self_made(data: Any) -> Certificates:
    hosts = named(data, "hosts", "make_certificates") or ["localhost", "127.0.0.1"]
    stations = named(data, "stations", "make_certificates") or []
    for name, value in (("hosts", hosts), ("stations", stations)):
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise BadInput(f"make_certificates: msg.payload.data.{name} must be an array of names")
    try:
        return make_certificates(hosts, stations)
    except ValueError as exc:
        raise BadInput(f"make_certificates: no certificate can hold these names: {exc}") from None


def _close_code(data: Any, name: str) -> int:
    """A close code that an application may send (RFC 6455 7.4)."""
    value = named(data, "code", "ws_close")
    code = as_number(1000 if value is None else value)
    if code is None or not (code in (1000, 1001, 1002, 1003, *range(1007, 1015)) or 3000 <= code <= 4999):
        raise BadInput(f"ws_close: {name}: code must be a close code such as 1000, 1001 or 3000 to 4999")
    return int(code)


def _described(station: Station) -> dict[str, Any]:
    peer = station.peer
    return {
        "since": iso(station.connected_at),
        "version": station.version.value,
        "remote": peer.address,
        "securityProfile": peer.security_profile,
        "lastSeen": iso(station.last_seen),
    }


def _shows(handshake: Handshake, shared: tuple[str, str]) -> bool:
    """Whether a station shows the one user name (or its own) and password of a node of the older format."""
    user, password = shared
    right = handshake.password is not None and compare_digest(handshake.password, password.encode())
    return right and handshake.username in (user, handshake.identity)


def _open(name: str) -> TraceFile | None:
    try:
        return TraceFile(Path(name))
    except OSError as exc:
        log.error("cannot write the log file %s: %s", name, exc.strerror)
        return None
