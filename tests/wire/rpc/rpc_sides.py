"""Both roles in all versions, each with an action that it hears and one that it says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from ocppflow.messages import Role, Version, v16, v21, v201
from ocppflow.rpc.events import Event
from ocppflow.rpc.session import Session

MODULES: dict[Version, Any] = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
TIME = {"currentTime": "2026-01-01T00:00:00Z"}
ACCEPTED = {"status": "Accepted"}


@dataclass
class Side:
    """A Session and the plain JSON that goes in and comes out of it."""

    version: Version
    role: Role
    settings: dict[str, Any] = field(default_factory=dict)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.session = Session(self.version, self.role, identity="CS1", **self.settings)
        self.events: list[Event] = []
        if self.role is Role.CSMS:
            self.heard, self.response, self.said, self.answer = "Heartbeat", TIME, "ClearCache", ACCEPTED
        else:
            self.heard, self.response, self.said, self.answer = "ClearCache", ACCEPTED, "Heartbeat", TIME

    def message(self, name: str, **fields: Any) -> Any:
        return getattr(MODULES[self.version], name)(**fields)

    def request(self) -> Any:
        """A request that this side may send."""
        return self.message(f"{self.said}Request")

    def hear(self, message: Any) -> list[Any]:
        """Receive ``message`` (bytes as they are, anything else as JSON); what is sent because of it."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.events = self.session.receive(data, self.now)
        return self.sent()

    def sent(self) -> list[Any]:
        return [json.loads(data) for data, _ in self.session.data_to_send()]

    def reply(self, message_id: str, response: Any) -> list[Any]:
        self.session.reply(message_id, json.dumps(response).encode())
        return self.sent()

    def call(self, **options: Any) -> str:
        return self.session.call(self.request(), self.now, **options)

    @property
    def event(self) -> Event:
        """The last thing that was heard."""
        return self.events[-1]

    def code(self, in_2x: str) -> str:
        """An error code as this version spells it."""
        old = {
            "FormatViolation": "FormationViolation",
            "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
            "RpcFrameworkError": "FormationViolation",
            "MessageTypeNotSupported": "NotSupported",
        }
        return old.get(in_2x, in_2x) if self.version is Version.V16 else in_2x


SIDES = [(version, role) for version in Version for role in Role]
every_side = pytest.mark.parametrize(
    "side",
    [pytest.param(each, id=f"{each[1].value}-{each[0].value}") for each in SIDES],
    indirect=True,
)


def sides(*, versions: tuple[Version, ...] = tuple(Version), roles: tuple[Role, ...] = tuple(Role)) -> Any:
    chosen = [(version, role) for version, role in SIDES if version in versions and role in roles]
    return pytest.mark.parametrize(
        "side", [pytest.param(each, id=f"{each[1].value}-{each[0].value}") for each in chosen], indirect=True
    )


V2 = (Version.V201, Version.V21)
