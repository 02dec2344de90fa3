"""One connection with ``await``, who answers what on it, and what both roles share.

The roles stand on this room: what they need of ``rpc`` and ``transport`` they get from here.
"""

from ocppflow.endpoint.caller import Caller
from ocppflow.endpoint.connection import Connection
from ocppflow.endpoint.connection_state import ConnectionState
from ocppflow.endpoint.hooks import Background, Hooks
from ocppflow.endpoint.incoming_call import LATER, IncomingCall
from ocppflow.endpoint.named_timers import NamedTimers
from ocppflow.endpoint.role import RoleBase
from ocppflow.endpoint.router import CatchAll, Handler, Include, Middleware, On, Proceed, Router
from ocppflow.endpoint.watchdog import Watchdog
from ocppflow.rpc.events import CallAnswered, LateAnswer
from ocppflow.rpc.history import History
from ocppflow.rpc.limits import Limits
from ocppflow.transport.address import listen_address, shown_url, station_address
from ocppflow.transport.backoff import Backoff
from ocppflow.transport.client import connect
from ocppflow.transport.clock import Clock, LoopClock, ManualClock, Timer, settle, sleep
from ocppflow.transport.daemon_threads import DaemonThreads
from ocppflow.transport.deadline import Deadline
from ocppflow.transport.handshake import Accept, Acceptor, Handshake, Refuse, RefusedInfo, unauthorized
from ocppflow.transport.leniency import EXACT, Leniency
from ocppflow.transport.link import ClientCertificate, Link, Peer
from ocppflow.transport.memory import MemoryLink, memory_pair
from ocppflow.transport.passwords import (
    FetchedPasswords,
    HashedPasswords,
    PasswordStore,
    PlainPasswords,
    hash_password,
    verify_password,
)
from ocppflow.transport.ports import Ports, SharedPort
from ocppflow.transport.route import Route
from ocppflow.transport.security_policy import SecurityPolicy, hiding_identities
from ocppflow.transport.server import Server
from ocppflow.transport.settings import LinkLimits, ServerLimits
from ocppflow.transport.tls import KeyPair, ServerTLS, client_context
from ocppflow.transport.virtual_time import StandsStill, VirtualTimeLoop, run_in_virtual_time

__all__ = [
    "EXACT",
    "LATER",
    "Accept",
    "Acceptor",
    "Background",
    "Backoff",
    "CallAnswered",
    "Caller",
    "CatchAll",
    "ClientCertificate",
    "Clock",
    "Connection",
    "ConnectionState",
    "DaemonThreads",
    "Deadline",
    "FetchedPasswords",
    "Handler",
    "Handshake",
    "HashedPasswords",
    "History",
    "Hooks",
    "Include",
    "IncomingCall",
    "KeyPair",
    "LateAnswer",
    "Leniency",
    "Limits",
    "Link",
    "LinkLimits",
    "LoopClock",
    "ManualClock",
    "MemoryLink",
    "Middleware",
    "NamedTimers",
    "On",
    "PasswordStore",
    "Peer",
    "PlainPasswords",
    "Ports",
    "Proceed",
    "Refuse",
    "RefusedInfo",
    "RoleBase",
    "Route",
    "Router",
    "SecurityPolicy",
    "Server",
    "ServerLimits",
    "ServerTLS",
    "SharedPort",
    "StandsStill",
    "Timer",
    "VirtualTimeLoop",
    "Watchdog",
    "client_context",
    "connect",
    "hash_password",
    "hiding_identities",
    "listen_address",
    "memory_pair",
    "run_in_virtual_time",
    "settle",
    "shown_url",
    "sleep",
    "station_address",
    "unauthorized",
    "verify_password",
]
