"""Tariff: what a driver is told of prices and costs, and what the station calculates itself."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from ocppflow.log_budget import budgeted
from ocppflow.messages import Request, Response, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.display import ShownMessage
from ocppflow.station.blocks.tariff.tariff_book import TariffBook
from ocppflow.station.blocks.tariff.transaction_costs import TransactionCosts
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.blocks.authorization import TokenVerdict
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

CTRLR: Final = "TariffCostCtrlr"
_STAYS = 60.0
"""Seconds for which the final cost is shown, and the price to somebody who does not begin."""

Texts = tuple[v21.MessageContentType, list[v21.MessageContentType]]
"""A text, and the same in other languages."""


class Tariff(Block):
    """Prices and costs on the display, the installed tariffs, and the costs of transactions by them."""

    __slots__ = ("_ended", "_personal", "book", "costs")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.book = TariffBook(station)
        """The installed tariffs (2.1)."""
        self.costs = TransactionCosts(self)
        """What transactions cost by them."""
        self._personal: dict[int, tuple[v21.IdTokenType, Texts | None]] = {}  # by EVSE, 0: not known yet
        self._ended: dict[str, int] = {}  # EVSEs of transactions whose last answer is to come

    @property
    def calculates(self) -> bool:
        """Whether the station calculates costs itself (2.1)."""
        return all(self._flag("Available", each) and self._flag("Enabled", each) for each in ("Tariff", "Cost"))

    @property
    def shows_costs(self) -> bool:
        """Whether the CSMS may tell costs."""
        return self._flag("Available", "Cost")

    def _flag(self, variable: str, instance: str) -> bool:
        return self.station.device_model.flag(CTRLR, variable, variable_instance=instance)

    # --- what happens --------------------------------------------------------------------------------------------

    def ready(self) -> None:
        self.costs.ready()

    def time_set(self) -> None:
        self.costs.time_set()

    def admits(self, token: v21.IdTokenType, response: v21.AuthorizeResponse) -> bool:
        """Take the tariff that the CSMS has for a driver; False: nothing can be sold to this one (I08.FR.31)."""
        if response.tariff is UNSET or response.id_token_info.status != "Accepted":
            return True
        return self.book.take_from_driver(token, response.tariff)

    def token_judged(self, evse: int, token: v21.IdTokenType, verdict: TokenVerdict) -> None:
        if not verdict.accepted:
            return
        message = UNSET if verdict.info is None else verdict.info.personal_message
        self._personal[evse] = token, None if message is UNSET else (message, [])
        self._show_price(evse)
        self.later(f"price {evse}", _STAYS, lambda: self._forget_price(evse))

    def transaction_started(self, transaction: Transaction) -> None:
        evse = transaction.evse
        self._say(f"cost {evse}", None)
        if 0 in self._personal and evse and evse not in self._personal:
            self._personal[evse] = self._personal.pop(0)
            self._say("price 0", None)
        self.cancel_timer(f"price {evse}")
        if transaction.token is not None:
            self._show_price(evse)
        self.costs.look_again()

    def transaction_ended(self, transaction: Transaction) -> None:
        evse = transaction.evse
        self._forget_price(evse)
        self._say(f"cost {evse}", None)
        self.costs.ended(transaction)
        if not self.station.authorization.online:  # I05.FR.02
            self._show_final(evse, self._configured("TotalCostFallbackMessage"))
        elif len(self._ended) < 2 * len(self.station.config.evses):
            self._ended[transaction.id] = evse

    def answered(self, request: Request[Any], response: Response) -> None:
        if not isinstance(request, v21.TransactionEventRequest) or not isinstance(
            response, v21.TransactionEventResponse
        ):
            return
        number = request.transaction_info.transaction_id
        transaction = self.station.transactions.running.get(number)
        if request.event_type == "Ended":
            self._settled(self._ended.pop(number, 0), response)
        if transaction is None:
            return
        if response.total_cost is not UNSET:  # I02.FR.04
            self.show_cost(transaction, float(response.total_cost))
        info, updated = response.id_token_info, response.updated_personal_message
        more = [] if response.updated_personal_message_extra is UNSET else response.updated_personal_message_extra
        if updated is UNSET and info is not UNSET:
            updated, more = info.personal_message, []
        if updated is not UNSET and transaction.token is not None:  # I06.FR.03
            self._personal[transaction.evse] = transaction.token, (updated, more)
            self._show_price(transaction.evse)

    def _settled(self, evse: int, response: v21.TransactionEventResponse) -> None:
        """The last answer of a transaction has come (I03.FR.03), unless the driver has gone (I03.FR.05)."""
        gone = "ParkingBayOccupancy" in self.station.device_model.members("TxCtrlr", "TxStopPoint")
        if evse and response.total_cost is not UNSET and not gone:
            self._show_final(evse, f"Total: {self._money(float(response.total_cost))}")

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_cost(self, transaction: Transaction, total: float) -> None:
        """Show what a transaction costs so far (I02.FR.03)."""
        self._say(f"cost {transaction.evse}", ShownMessage(f"So far: {self._money(total)}"))

    def _show_price(self, evse: int) -> None:
        """The driver's own price (I01.FR.03), that of the tariff in use (I07.FR.14), or what is said instead
        (I04.FR.01)."""
        _, personal = self._personal.get(evse, (None, None))
        texts = personal or self.costs.description(evse)
        if texts is not None:
            self._say(f"price {evse}", self.station.display.choose(*texts, evse))
            return
        text = "" if self.station.authorization.online else self._configured("OfflineTariffFallbackMessage")
        text = text or self._configured("TariffFallbackMessage")
        self._say(f"price {evse}", ShownMessage(text) if text else None)

    def _forget_price(self, evse: int) -> None:
        self._personal.pop(evse, None)
        self._say(f"price {evse}", None)

    def _show_final(self, evse: int, text: str) -> None:
        self._say(f"cost {evse}", ShownMessage(text) if text else None)
        self.later(f"final {evse}", _STAYS, lambda: self._say(f"cost {evse}", None))

    def _say(self, what: str, message: ShownMessage | None) -> None:
        if what.startswith("cost"):
            self.cancel_timer(what.replace("cost", "final"))
        self.station.display.say(what, message)

    def _configured(self, variable: str) -> str:
        """A text that the CSMS has set, in the language of the station if there are several (2.1)."""
        model = self.station.device_model
        language = model.text("DisplayMessageCtrlr", "Language")
        return model.text(CTRLR, variable, variable_instance=language) or model.text(CTRLR, variable)

    def _money(self, amount: float) -> str:
        return f"{amount:.2f} {self.station.device_model.text(CTRLR, 'Currency')}".rstrip()

    # --- timers of the costs -------------------------------------------------------------------------------------

    def wake_at(self, seconds: float) -> None:
        """Look at the costs again in so many seconds; ``inf``: no more."""
        if seconds == inf:
            self.cancel_timer("costs")
        else:
            self.later("costs", seconds, self.costs.look_again)
