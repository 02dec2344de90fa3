"""O, Display messages: what the CSMS wants to be shown, and what is shown now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.errors import NotSupported
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.reasons import because
from ocppflow.station.station_store import StoreFailed, unkeepable

if TYPE_CHECKING:
    from ocppflow.station.blocks.authorization import TokenVerdict
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.transaction import Transaction

log = budgeted("ocppflow.station")

display: Router[CompleteStation] = Router(Role.CS, "display")

CTRLR: Final = "DisplayMessageCtrlr"
AREA = "display_messages"
"""Of the store: MessageInfoType by id (O01.FR.10)."""
MESSAGES_PER_REPORT = 10
"""A message may have 1024 characters in five languages."""
FALLBACK = "en"
"""The language if there is none that the driver prefers (O01.FR.09)."""


class ShownMessage(NamedTuple):
    """Something on the display."""

    text: str
    """What stands there; of the formats URI and QRCODE the address."""
    format: v21.MessageFormatEnumType = "UTF8"
    language: str = ""
    id: int | None = None
    """The CSMS's id of it; None: the station's own."""


class Display(Block):
    """The messages of the CSMS, beside which the station has its own (the price, the cost)."""

    __slots__ = ("_own", "languages", "messages")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        kept = station.store.load(AREA, v21.MessageInfoType).values()
        self.messages: dict[int, v21.MessageInfoType] = {message.id: message for message in kept}
        """What the CSMS has set, by id."""
        self._own: dict[str, ShownMessage] = {}
        self.languages: dict[int, tuple[str, ...]] = {}
        """What the driver at an EVSE prefers; 0: the one who was there last."""

    @property
    def enabled(self) -> bool:
        """Whether the CSMS may have something displayed."""
        model = self.station.device_model
        return model.flag(CTRLR, "Available", True) and model.flag(CTRLR, "Enabled", True)

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def shown(self) -> list[ShownMessage]:
        """What the display shows now: one message, or several that take turns. One that is AlwaysFront stands alone
        (O01.FR.15), those that are InFront leave no room for the others (O01.FR.13, O01.FR.14), and those of the normal
        cycle take turns with the station's own (O01.FR.12)."""
        due = [message for message in self.messages.values() if self._is_due(message)] if self.enabled else []
        for priority in ("AlwaysFront", "InFront"):
            front = [message for message in due if message.priority == priority]
            if front:
                return [self._worded(message) for message in front]
        return [*self._own.values(), *(self._worded(message) for message in due)]

    def say(self, what: str, message: ShownMessage | None) -> None:
        """Show a message of the station's own under this name, in the place of the one before; None: no longer."""
        self._own.pop(what, None)
        if message is not None:
            self._own[what] = message

    def choose(self, first: v21.MessageContentType, more: list[v21.MessageContentType], evse: int = 0) -> ShownMessage:
        """The version in the language that the driver at ``evse`` prefers (O01.FR.08, O01.FR.09)."""
        preferred = self.languages.get(evse) or self.languages.get(0, ())
        own = self.station.device_model.text(CTRLR, "Language")
        for language in (*preferred, own, FALLBACK):
            for content in (first, *more):
                if language and content.language is not UNSET and _speaks(content.language, language):
                    return _shown(content)
        return _shown(first)

    def _worded(self, message: v21.MessageInfoType) -> ShownMessage:
        more = [] if message.message_extra is UNSET else message.message_extra
        return self.choose(message.message, more, self._place(message))._replace(id=message.id)

    def _place(self, message: v21.MessageInfoType) -> int:
        """The EVSE that it is about; 0: all."""
        if message.transaction_id is not UNSET:
            transaction = self.station.transactions.running.get(message.transaction_id)
            return 0 if transaction is None else transaction.evse
        if message.display is not UNSET and message.display.evse is not UNSET:
            return message.display.evse.id
        return 0

    def _is_due(self, message: v21.MessageInfoType) -> bool:
        if message.start_date_time is not UNSET and self.station.time.now() < message.start_date_time:  # O01.FR.06
            return False
        return message.state is UNSET or message.state in self._states(self._place(message))

    def _states(self, place: int) -> set[v21.MessageStateEnumType]:
        """The states in which the station is: those of its EVSEs, or of one."""
        numbers = range(1, len(self.station.config.evses) + 1)
        return {self._state(number) for number in numbers if place in (0, number)}

    def _state(self, evse: int) -> v21.MessageStateEnumType:
        if self.station.availability.is_faulted(evse):
            return "Faulted"
        transaction = self.station.transactions.on_evse(evse)
        if transaction is None:
            return "Idle" if self.station.availability.operative(evse) else "Unavailable"
        suspended = transaction.charging_state in ("SuspendedEV", "SuspendedEVSE")
        supported = self.station.device_model.members(CTRLR, "SupportedStates")
        return "Suspended" if suspended and "Suspended" in supported else "Charging"

    # --- what becomes of the messages ----------------------------------------------------------------------------

    def power_up(self) -> None:
        running = self.station.transactions.running
        for message in list(self.messages.values()):
            if message.transaction_id is not UNSET and message.transaction_id not in running:
                self.remove(message.id)
        self.changed()

    def time_set(self) -> None:
        self._remove_old()

    def token_judged(self, evse: int, token: v21.IdTokenType, verdict: TokenVerdict) -> None:
        info = verdict.info
        if info is not None and verdict.accepted:
            each = (language for language in (info.language1, info.language2) if language is not UNSET)
            self.languages[0] = self.languages[evse] = tuple(each)

    def transaction_ended(self, transaction: Transaction) -> None:
        self.languages.pop(transaction.evse, None)
        self.languages.pop(0, None)
        gone = [message.id for message in self.messages.values() if message.transaction_id == transaction.id]
        for number in gone:  # O02.FR.02
            self.remove(number)
        if gone:
            self.changed()

    def put(self, message: v21.MessageInfoType) -> list[v21.MessageInfoType]:
        """Take a message, in the place of the one with its id (O06.FR.01) and, if it is AlwaysFront, of another such
        (O01.FR.16, O02.FR.18). It is staged. Returns those that had to go."""
        old = self.replaced_by(message)
        for one in old:
            self.remove(one.id)
        self.messages[message.id] = message
        self.station.store.put(AREA, str(message.id), message)
        return old

    def replaced_by(self, message: v21.MessageInfoType) -> list[v21.MessageInfoType]:
        """Those that have to go for it."""
        front = message.priority == "AlwaysFront"
        known = self.messages.values()
        return [one for one in known if one.id == message.id or (front and one.priority == "AlwaysFront")]

    def remove(self, number: int) -> None:
        """Let a message go. It is staged."""
        if self.messages.pop(number, None) is not None:
            self.station.store.remove(AREA, str(number))

    def changed(self) -> None:
        """Keep what is staged, and look when the next message has to go."""
        model = self.station.device_model
        if model.find(CTRLR, "DisplayMessages") is not None:
            model.set(CTRLR, "DisplayMessages", len(self.messages))
        self.station.store.commit()
        ends = [one.end_date_time for one in self.messages.values() if one.end_date_time is not UNSET]
        if not ends:
            self.cancel_timer("ends")
            return
        wait = (min(ends) - self.station.time.now()).total_seconds()
        self.later("ends", wait + 0.001, self._remove_old)

    def _remove_old(self) -> None:
        now = self.station.time.now()
        for message in list(self.messages.values()):
            if message.end_date_time is not UNSET and message.end_date_time <= now:  # O01.FR.07
                self.remove(message.id)
        self.changed()


def _speaks(tag: str, language: str) -> bool:
    """Whether a text in ``tag`` is one for who prefers ``language``: en-US for en, and en for en-US."""
    tag, language = tag.casefold(), language.casefold()
    return tag == language or tag.partition("-")[0] == language or tag == language.partition("-")[0]


def _shown(content: v21.MessageContentType) -> ShownMessage:
    return ShownMessage(content.content, content.format, "" if content.language is UNSET else content.language)


def _block(station: CompleteStation) -> Display:
    if not station.display.enabled:
        raise NotSupported("the station has no display for messages, or it is not enabled (DisplayMessageCtrlr)")
    return station.display


@display.on(v21.SetDisplayMessageRequest)
async def _set_display_message(
    station: CompleteStation, request: v21.SetDisplayMessageRequest
) -> v21.SetDisplayMessageResponse:
    block, message = _block(station), request.message
    status, why = _refusal(station, block, message)
    if status != "Accepted":
        return v21.SetDisplayMessageResponse(status=status, status_info=because(*why) if why else UNSET)
    old = block.put(message)
    try:
        await station.store.commit()
    except StoreFailed as exc:
        log.error("%s: SetDisplayMessage was refused: %s", station.identity, exc)
        block.remove(message.id)
        for one in old:
            block.put(one)
        why = ("OutOfStorage", "the message cannot be kept over a reboot")
        return v21.SetDisplayMessageResponse(status="Rejected", status_info=because(*why))
    block.changed()
    return v21.SetDisplayMessageResponse(status="Accepted")


def _refusal(
    station: CompleteStation, block: Display, message: v21.MessageInfoType
) -> tuple[v21.DisplayMessageStatusEnumType, tuple[str, str] | None]:
    model = station.device_model
    contents = [message.message, *([] if message.message_extra is UNSET else message.message_extra)]
    if message.priority not in model.members(CTRLR, "SupportedPriorities", (message.priority,)):  # O01.FR.01
        return "NotSupportedPriority", None
    if message.state is not UNSET and message.state not in model.members(CTRLR, "SupportedStates", (message.state,)):
        return "NotSupportedState", None  # O01.FR.02
    formats = model.members(CTRLR, "SupportedFormats", ("ASCII", "UTF8"))
    if any(content.format not in formats for content in contents):  # O01.FR.03
        return "NotSupportedMessageFormat", None
    if message.transaction_id is not UNSET and message.transaction_id not in station.transactions.running:
        return "UnknownTransaction", None  # O02.FR.01
    place = 0 if message.display is UNSET or message.display.evse is UNSET else message.display.evse.id
    if not station.config.has_evse(place):
        return "Rejected", ("UnknownEvse", f"there is no EVSE {place}")
    if fault := unkeepable(message, 50_000):
        return "Rejected", ("InvalidValue", fault)
    declared = model.find(CTRLR, "Language")
    if declared is None and message.message_extra is not UNSET:  # O01.FR.19
        return "Rejected", ("UnsupportedParam", "messageExtra is not supported")
    if declared is not None and station.version is Version.V21:  # O01.FR.18
        tags = [content.language for content in contents if content.language is not UNSET]
        if not all(any(_speaks(tag, known) for known in declared.values_list) for tag in tags):
            return "LanguageNotSupported", None
    return ("Accepted", None) if _has_room(block, message) else ("Rejected", ("OutOfStorage", "there is no room"))


def _has_room(block: Display, message: v21.MessageInfoType) -> bool:
    """O01.FR.11."""
    declared = block.station.device_model.find(CTRLR, "DisplayMessages")
    most = None if declared is None else declared.max_limit
    return most is None or len(block.messages) - len(block.replaced_by(message)) < most


@display.on(v21.GetDisplayMessagesRequest)
def _get_display_messages(
    station: CompleteStation, request: v21.GetDisplayMessagesRequest
) -> v21.GetDisplayMessagesResponse:
    found = [
        message
        for _, message in sorted(_block(station).messages.items())
        if (request.id is UNSET or message.id in request.id)
        and (request.priority is UNSET or message.priority == request.priority)
        and (request.state is UNSET or message.state == request.state)
    ]
    if not found:  # O03.FR.06, O04.FR.02
        return v21.GetDisplayMessagesResponse(status="Unknown", status_info=because("NotFound"))
    if station.version is Version.V201:
        found = [msgspec.structs.replace(message, message_extra=UNSET) for message in found]
    station.respond_then(lambda: _report(station, request.request_id, list(_pages(found))))
    return v21.GetDisplayMessagesResponse(status="Accepted")


def _pages(found: list[v21.MessageInfoType]) -> Iterator[list[v21.MessageInfoType]]:
    for start in range(0, len(found), MESSAGES_PER_REPORT):
        yield found[start : start + MESSAGES_PER_REPORT]


async def _report(station: CompleteStation, request_id: int, pages: list[list[v21.MessageInfoType]]) -> None:
    for number, page in enumerate(pages, 1):
        more = number < len(pages)  # O03.FR.04
        report = v21.NotifyDisplayMessagesRequest(request_id=request_id, message_info=page, tbc=more)
        if await station.say(report) is None:
            return


@display.on(v21.ClearDisplayMessageRequest)
def _clear_display_message(
    station: CompleteStation, request: v21.ClearDisplayMessageRequest
) -> v21.ClearDisplayMessageResponse:
    block = _block(station)
    if request.id not in block.messages:  # O05.FR.02
        return v21.ClearDisplayMessageResponse(status="Unknown")
    block.remove(request.id)
    block.changed()
    return v21.ClearDisplayMessageResponse(status="Accepted")
