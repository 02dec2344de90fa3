"""P: data transfer, with hooks by vendor and message."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import UNSET, UnsetType

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.messages import v21

if TYPE_CHECKING:
    from ocppflow.csms.complete_csms import CompleteCSMS

TransferHook = Callable[[Station, v21.DataTransferRequest], Any]
"""``hook(station, request)``, plain or ``async``: returns a DataTransferResponse, or what its ``data`` is to be (None:
none), which is Accepted."""

_HookT = TypeVar("_HookT", bound=TransferHook)


class DataTransferService(CSMSBlock):
    """P: data transfer, with hooks by vendor and message.

    ::

        @csms.data_transfer.hook("org.example", "price")
        async def price(station, request): return {"cents": 39}
    """

    title = "data_transfer"

    def __init__(self, csms: CompleteCSMS) -> None:
        self._hooks: dict[tuple[str, str | None], TransferHook] = {}
        super().__init__(csms)

    def hear(self) -> None:
        self.on(v21.DataTransferRequest)(self.transfer)

    def hook(self, vendor: str, message: str | None = None) -> Callable[[_HookT], _HookT]:
        """Decorator: answer what stations send with this ``vendor`` and ``message`` id; without ``message``, whatever
        of the vendor's has no hook of its own."""

        def register(hook: _HookT) -> _HookT:
            self._hooks[vendor, message] = hook
            return hook

        return register

    async def transfer(self, station: Station, request: v21.DataTransferRequest) -> v21.DataTransferResponse:
        """P02.FR.06: an unknown vendor is UnknownVendorId; P02.FR.07: of a known one, an unknown message is
        UnknownMessageId."""
        message = None if isinstance(request.message_id, UnsetType) else request.message_id
        hook = self._hooks.get((request.vendor_id, message)) or self._hooks.get((request.vendor_id, None))
        if hook is None:
            knows_vendor = any(vendor == request.vendor_id for vendor, _ in self._hooks)
            return v21.DataTransferResponse(status="UnknownMessageId" if knows_vendor else "UnknownVendorId")
        answer = hook(station, request)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, v21.DataTransferResponse):
            return answer
        return v21.DataTransferResponse(status="Accepted", data=UNSET if answer is None else answer)

    async def send(
        self, identity: str, vendor: str, message: str | None = None, data: Any = None
    ) -> v21.DataTransferResponse:
        """P01: say something to a station that the standard has no words for. Raises what ``csms.call`` raises."""
        request = v21.DataTransferRequest(
            vendor_id=vendor,
            message_id=UNSET if message is None else message,
            data=UNSET if data is None else data,
        )
        return await self.csms.call(identity, request)
