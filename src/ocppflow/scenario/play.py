"""Play: a station that a scenario leads through its steps, and what it hears on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ocppflow.errors import ConfigurationError, ConnectionRefused, OCPPError
from ocppflow.messages import Version
from ocppflow.messages.json_paths import ABSENT
from ocppflow.scenario.answer_policies import AnswerPolicies, AnswerPolicy
from ocppflow.scenario.conditions import STATION_CONDITIONS, Place
from ocppflow.scenario.exchanges import Exchange, ExchangeLog
from ocppflow.scenario.neutral_words import MESSAGES, NeutralMessage, values_in
from ocppflow.scenario.step_checks import VARIABLE, sender
from ocppflow.scenario.steps import PATIENCE
from ocppflow.scenario.wanted import in_words, suits
from ocppflow.station import CompleteStation
from ocppflow.station.line_faults import FaultInjector, FaultPlan, inject
from ocppflow.station.station_commands import parse_command

StationMaker = Callable[[], CompleteStation]
Asker = Callable[[str, str, Mapping[str, Any]], Awaitable[bool]]
"""``ask(name, sentence, variables)``: whether it has been done."""

_CORE: Final = frozenset(
    {"Authorize", "BootNotification", "Heartbeat", "MeterValues", "StartTransaction", "StatusNotification"}
    | {"StopTransaction", "TransactionEvent"}
)
"""What every CSMS has to answer; of the rest it may say that it does not support it."""

_UNSUPPORTED: Final = frozenset({"NotImplemented", "NotSupported"})


class ScenarioFailed(OCPPError):
    """The CSMS did not do what the scenario wants."""


class ScenarioBroken(OCPPError):
    """The scenario could not be played."""


class Play:
    """What a scenario in Python gets, and what the steps of one in TOML call.

    ``station``: the CompleteStation; ``variables``: by name; ``exchanges`` of the ``log``: all that was said. Every
    method raises ScenarioFailed if the CSMS is to blame, and ScenarioBroken if the scenario, or its surroundings, are.
    """

    def __init__(
        self,
        make: StationMaker,
        variables: Mapping[str, Any] = {},
        ask: Asker | None = None,
        faults: FaultPlan = FaultPlan(),  # noqa: B008 - it is frozen
    ) -> None:
        self._make = make
        self._ask = ask
        self._plan = faults
        self.faults: FaultInjector | None = None
        """What goes wrong on the line on purpose, if anything does."""
        self.policies = AnswerPolicies()
        self.station = make()
        self.log = ExchangeLog(lambda: self.station.clock, lambda: self.station.time.now().timestamp())
        self._equip()
        self.variables: dict[str, Any] = {"identity": self.station.identity, "version": "", **variables}
        self.omitted: list[str] = []
        """What could not be judged."""
        self._mark = 0
        self._acting = False
        self._judged = 0
        self._wanted_errors: set[int] = set()

    @property
    def version(self) -> Version:
        """The version of the connection, or of the last one. Raises ScenarioBroken if there was none yet."""
        if not self.variables["version"]:
            raise ScenarioBroken("the station has not been connected yet, so that the version is not known")
        return Version.parse(self.variables["version"])

    def _equip(self) -> None:
        if self._plan != FaultPlan():
            self.faults = inject(self.station, self._plan)
        self.station.add_trace(self.log)
        self.station.middleware(self.policies)
        self.station.on_connect(self._connected)

    def _connected(self, station: CompleteStation) -> None:
        self.variables["version"] = station.version.value if station.version is not None else ""

    def _act(self) -> None:
        """Something is about to be done: what is expected from now on comes after the first of such acts."""
        self.judge()
        if not self._acting:
            self._mark = len(self.log.exchanges)
        self._acting = True

    # --- what is done --------------------------------------------------------------------------------------------

    async def begin(self, how: str = "registered") -> None:
        """Bring the station to where a scenario begins."""
        if how == "stopped":
            await self.station.offline()
            self.station.start()
            return
        try:
            await self.station.connect()
        except ConnectionRefused as exc:
            raise ScenarioBroken(f"the station cannot connect: {exc}") from None
        if how == "registered" and await self._until("registered", None, Place(), PATIENCE) is None:
            said = self.station.provisioning.registration.value
            raise ScenarioFailed(f"the CSMS has not accepted the station within {PATIENCE:g} s; it has said {said}")

    async def do(self, words: str) -> str:
        """A command of ``ocppflow station``."""
        self._act()
        try:
            return await parse_command(words).run(self.station)
        except OCPPError as exc:
            raise ScenarioBroken(f"{words}: {exc}") from None

    async def replace(self) -> None:
        """Put a new station in the place of this one: it has the identity, and remembers nothing."""
        self._act()
        await self.station.stop()
        self.station.power_down()
        self.station = self._make()
        self._equip()
        self.station.start()

    async def set(self, name: str, value: str | float) -> None:
        """Give ``Component.Variable(instance)`` of the station a value."""
        self._act()
        match = VARIABLE.fullmatch(name)
        try:
            if match is None:
                raise ConfigurationError("Component.Variable is wanted")
            self.station.device_model.set(match[1], match[2], value, variable_instance=match[3] or "")
        except OCPPError as exc:
            raise ScenarioBroken(f"{name}: {exc}") from None

    def answer(self, message: str, **how: Any) -> None:
        """Answer a message otherwise from now on: see AnswerPolicy."""
        self._act()
        self.policies.set(AnswerPolicy(message=message, **how))

    async def ask(self, sentence: str, name: str = "") -> None:
        """Have something done at the CSMS."""
        self._act()
        if self._ask is None or not await self._ask(name, sentence, self.variables):
            raise ScenarioBroken(f"nobody did this at the CSMS: {sentence}")

    async def call(
        self,
        action: str,
        data: Mapping[str, Any] = {},
        *,
        must: Mapping[str, Any] = {},
        error: str = "",
        capture: Mapping[str, str] = {},
        within: float = PATIENCE,
    ) -> Exchange:
        """Send a message, and judge its answer; ``error``: the CALLERROR that it must get, or ``*``."""
        self._act()
        start = len(self.log.exchanges)
        call = self.station.call_raw(action, data, timeout=within, validate=False)
        try:
            await call
        except OCPPError as exc:
            failure = str(exc)
        else:
            failure = ""
        made = [each for each in self.log.exchanges[start:] if each.by == "station" and each.action == action]
        if not made:
            raise ScenarioBroken(f"{action} was not sent: {failure}")
        exchange = made[0]
        if not exchange.is_over:
            raise ScenarioFailed(f"{action} was not answered within {within:g} s")
        self._judge_outcome(exchange, action, error)
        self._judge_fields(exchange, "", {f"answer.{path}": wanted for path, wanted in must.items()})
        self._capture(exchange, "", {name: f"answer.{path}" for name, path in capture.items()})
        return exchange

    # --- what has to come ----------------------------------------------------------------------------------------

    async def expect(
        self,
        message: str,
        where: Mapping[str, Any] = {},
        *,
        must: Mapping[str, Any] = {},
        error: str = "",
        capture: Mapping[str, str] = {},
        by: str = "",
        within: float = PATIENCE,
    ) -> Exchange:
        """A message that has come since the last act, or comes; see the step."""
        self._acting = False
        came: list[Exchange] = []

        def look() -> Exchange | None:
            if not error:
                self.judge()  # what is wrong already is not waited for
            came[:] = [each for each in self._of_kind(message, by) if not each.taken]
            return next((each for each in came if self._fits(each, message, where) and each.is_over), None)

        exchange = await self.log.until(look, within)
        if exchange is None:
            raise ScenarioFailed(self._missing(message, where, came, within))
        exchange.taken = True
        self._judge_outcome(exchange, message, error)
        self._judge_fields(exchange, message, must)
        self._capture(exchange, message, capture)
        return exchange

    async def never(self, message: str, where: Mapping[str, Any] = {}, *, during: float, by: str = "") -> None:
        """A message that must not come, nor have come since the last act."""
        self._acting = False

        def look() -> Exchange | None:
            return next((each for each in self._of_kind(message, by) if self._fits(each, message, where)), None)

        exchange = await self.log.until(look, during)
        self.judge()
        if exchange is not None:
            raise ScenarioFailed(f"{message} came, and must not: {in_words(exchange.request)}")

    async def wait_for(
        self, condition: str, be: Any = None, *, evse: int = 1, connector: int = 1, within: float = PATIENCE
    ) -> None:
        """Something that comes about at the station: see STATION_CONDITIONS."""
        self._acting = False
        if await self._until(condition, be, Place(evse, connector), within) is not None:
            return
        known = STATION_CONDITIONS[condition]
        if not known.judged:
            raise ScenarioFailed(f"after {within:g} s it is not so that {known.meaning}")
        value = known.read(self.station, Place(evse, connector)) if self.station.is_up else ABSENT
        raise ScenarioFailed(f"{condition} is {in_words(value)} after {within:g} s, not {in_words(be)}")

    async def _until(self, condition: str, be: Any, place: Place, within: float) -> bool | None:
        known = STATION_CONDITIONS[condition]
        evses = self.station.config.evses
        if not 0 < place.evse <= len(evses) or not 0 < place.connector <= len(evses[place.evse - 1].connectors):
            raise ScenarioBroken(f"there is no EVSE {place.evse} with a connector {place.connector}")

        def look() -> bool | None:
            self.judge()
            if not self.station.is_up:
                return None
            value = known.read(self.station, place)
            return True if suits(value, True if not known.judged else be) else None

        return await self.log.until(look, within, glances=True)

    # --- judging -------------------------------------------------------------------------------------------------

    def _of_kind(self, message: str, by: str) -> list[Exchange]:
        """What came since the last act, in the order of coming."""
        neutral = MESSAGES.get(message)
        found = []
        for exchange in self.log.exchanges[self._mark :]:
            if exchange.by != sender(exchange.action, exchange.version, by):
                continue
            if neutral is None:
                is_meant = exchange.action == message
            else:
                form = neutral.form(exchange.action, exchange.version)
                is_meant = form is not None and _is_meant(form, exchange)
            if is_meant:
                found.append(exchange)
        return found

    def _value(self, exchange: Exchange, message: str, field: str) -> tuple[Any, bool]:
        """What a field holds, and whether this version has it at all."""
        neutral = MESSAGES.get(message)
        form = neutral.form(exchange.action, exchange.version) if neutral is not None else None
        path = form.path(field, exchange.version) if form is not None else None
        if path == "":
            return ABSENT, False
        return exchange.at(field if path is None else path), True

    def _faults(self, exchange: Exchange, message: str, wanted: Mapping[str, Any]) -> list[str]:
        faults = []
        for field, value in wanted.items():
            found, exists = self._value(exchange, message, field)
            if not exists:
                text = f"{message}.{field} cannot be judged in OCPP {exchange.version}, which has no such field"
                if text not in self.omitted:
                    self.omitted.append(text)
            elif not suits(found, values_in(exchange.version, message, field, value)):
                faults.append(f"{field} is {in_words(found)}, not {in_words(value)}")
        return faults

    def _fits(self, exchange: Exchange, message: str, where: Mapping[str, Any]) -> bool:
        if self._is_lost(exchange):
            return False  # it is said again
        return not self._faults(exchange, message, where)

    def _is_lost(self, exchange: Exchange) -> bool:
        """Whether it never came to the CSMS as it was said, or nothing came of it because the connection was lost."""
        spoilt = self.faults is not None and exchange.message_id in self.faults.spoilt
        return spoilt or exchange.error.startswith("no answer before")

    def _missing(self, message: str, where: Mapping[str, Any], came: list[Exchange], within: float) -> str:
        for exchange in came:
            if self._fits(exchange, message, where):
                return f"{_named(message, exchange)} was not answered within {within:g} s"
        if came:
            faults = "; ".join(self._faults(came[-1], message, where)) or came[-1].error
            return f"no such {message} came within {within:g} s; of the last one {faults}"
        return f"no {message} came within {within:g} s"

    def _judge_outcome(self, exchange: Exchange, message: str, error: str) -> None:
        self._wanted_errors.add(id(exchange))
        if error:
            if not exchange.error or (error != "*" and exchange.error != error):
                wanted = "a CALLERROR" if error == "*" else f"CALLERROR {error}"
                raise ScenarioFailed(f"{_named(message, exchange)} got {exchange.error or 'an answer'}, not {wanted}")
        elif exchange.error:
            raise ScenarioFailed(_refusal(exchange, message))

    def _judge_fields(self, exchange: Exchange, message: str, must: Mapping[str, Any]) -> None:
        if faults := self._faults(exchange, message, must):
            raise ScenarioFailed(f"{_named(message, exchange)}: {'; '.join(faults)}")

    def _capture(self, exchange: Exchange, message: str, capture: Mapping[str, str]) -> None:
        for name, field in capture.items():
            value, _ = self._value(exchange, message, field)
            if value is ABSENT:
                raise ScenarioFailed(f"{_named(message, exchange)} has no {field}")
            self.variables[name] = value

    def judge(self) -> None:
        """What no step asks for: each message has to be answered with a result that keeps to the schema, unless a step
        wanted an error; and what the CSMS sends has to keep to it."""
        for exchange in self.log.exchanges[self._judged :]:
            if exchange.by != "station" or not exchange.error or id(exchange) in self._wanted_errors:
                continue
            if not self._is_lost(exchange) and (exchange.action in _CORE or exchange.error not in _UNSUPPORTED):
                raise ScenarioFailed(_refusal(exchange, exchange.action))
        open_from = [number for number, each in enumerate(self.log.exchanges) if not each.is_over]
        self._judged = min(open_from, default=len(self.log.exchanges))
        for action, text in self.log.complaints:
            if self.faults is not None and not text.startswith("refused: "):
                continue  # such as a second answer to what was said twice
            raise ScenarioFailed(f"what the CSMS said{f' to {action}' if action else ''} is wrong: {text}")

    async def finish(self) -> None:
        """Wait for the answers that are due, and judge them."""
        self._acting = False

        def look() -> bool | None:
            due = [
                each
                for each in self.log.exchanges
                if each.by == "station" and not each.is_over and not self._is_lost(each)
            ]
            return None if due and self.station.is_connected else True

        if await self.log.until(look, PATIENCE) is None:
            self.judge()
            first = next(each.action for each in self.log.exchanges if each.by == "station" and not each.is_over)
            raise ScenarioFailed(f"{first} was not answered within {PATIENCE:g} s")
        self.judge()

    async def close(self) -> None:
        """Let the station go."""
        await self.station.close()


def _is_meant(neutral: NeutralMessage, exchange: Exchange) -> bool:
    if exchange.version is Version.V16:
        return all(exchange.at(path) is not ABSENT for path in neutral.also_16)
    return all(exchange.at(path) == value for path, value in neutral.where_2.items())


def _named(message: str, exchange: Exchange) -> str:
    """As the scenario calls it, and as the wire does."""
    return exchange.action if message in ("", exchange.action) else f"{message} ({exchange.action})"


def _refusal(exchange: Exchange, message: str) -> str:
    if exchange.error.startswith("refused: "):
        return f"the answer to {_named(message, exchange)} is wrong: {exchange.error.removeprefix('refused: ')}"
    why = f": {exchange.why}" if exchange.why else ""
    return f"the CSMS answered {_named(message, exchange)} with CALLERROR {exchange.error}{why}"
