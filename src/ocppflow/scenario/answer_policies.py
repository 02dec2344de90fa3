"""Answer policies: how the station answers on purpose other than it would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ocppflow.endpoint import LATER, IncomingCall, Proceed, sleep
from ocppflow.errors import CallError
from ocppflow.messages.json_paths import put_at
from ocppflow.scenario.neutral_words import MESSAGES
from ocppflow.secrecy.discreet_repr import discreet_repr

if TYPE_CHECKING:
    from ocppflow.station import CompleteStation


class AnswerPolicy(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How one message is answered, or all."""

    __repr__ = discreet_repr

    message: str
    """A neutral name, an action, or ``*`` for all."""
    ignore: bool = False
    """Never answer."""
    error: str = ""
    """Answer with this CALLERROR."""
    override: dict[str, Any] = {}
    """By path: what stands in the answer in place of what would; the schema is not asked."""
    delay: float = 0.0
    """Seconds until the answer goes out."""
    once: bool = False
    """For the next such message only."""

    def concerns(self, call: IncomingCall) -> bool:
        """Whether it is about this message."""
        if self.message == "*":
            return True
        neutral = MESSAGES.get(self.message)
        names = {self.message} if neutral is None else {neutral.action_16, neutral.action_2}
        return call.action in names


class AnswerPolicies:
    """The policies of a station, as middleware; the newest goes first."""

    def __init__(self) -> None:
        self.policies: list[AnswerPolicy] = []

    def set(self, policy: AnswerPolicy) -> None:
        """From now on. One that says nothing else than the message takes back what was said about it."""
        if policy == AnswerPolicy(message=policy.message, once=policy.once):
            self.policies = [each for each in self.policies if each.message != policy.message]
        else:
            self.policies.append(policy)

    async def __call__(self, station: CompleteStation, call: IncomingCall, proceed: Proceed) -> Any:
        policy = next((each for each in reversed(self.policies) if each.concerns(call)), None)
        if policy is None or not call.confirmed:
            return await proceed()
        if policy.once:
            self.policies.remove(policy)
        if policy.ignore:
            return LATER
        if policy.error:
            await _wait(station, policy.delay)
            raise CallError("answered so by the scenario", code=policy.error)
        answer = await proceed()
        await _wait(station, policy.delay)
        if not policy.override:
            return answer
        payload: dict[str, Any] = msgspec.json.decode(
            answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        )
        for path, value in policy.override.items():
            put_at(payload, path, value)
        call.reply(payload, validate=False)
        return LATER


async def _wait(station: CompleteStation, seconds: float) -> None:
    if seconds > 0:
        await sleep(station.clock, seconds)
