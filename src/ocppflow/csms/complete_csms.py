"""CompleteCSMS: a CSMS with the behaviour of all functional blocks, over a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from ocppflow.csms.blocks.alerting import Alerting
from ocppflow.csms.blocks.authorization import TokenService
from ocppflow.csms.blocks.availability import AvailabilityService
from ocppflow.csms.blocks.certificates import CertificateService
from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.blocks.customer_information import CustomerService
from ocppflow.csms.blocks.data_transfer import DataTransferService
from ocppflow.csms.blocks.device_models import DeviceModelService
from ocppflow.csms.blocks.diagnostics import LogService
from ocppflow.csms.blocks.display import DisplayService
from ocppflow.csms.blocks.durable_queue import DurableQueue
from ocppflow.csms.blocks.file_service import FileService
from ocppflow.csms.blocks.firmware import FirmwareService
from ocppflow.csms.blocks.job_service import JobService
from ocppflow.csms.blocks.load_management import LoadManagement
from ocppflow.csms.blocks.local_list import LocalListService
from ocppflow.csms.blocks.metering import MeteringService
from ocppflow.csms.blocks.monitoring import MonitoringService
from ocppflow.csms.blocks.network_profiles import NetworkProfileService
from ocppflow.csms.blocks.provisioning import ProvisioningService
from ocppflow.csms.blocks.quirks import QuirkService
from ocppflow.csms.blocks.remote_control import RemoteControlService
from ocppflow.csms.blocks.reservation import ReservationService
from ocppflow.csms.blocks.security import SecurityService
from ocppflow.csms.blocks.smart_charging import SmartChargingService
from ocppflow.csms.blocks.station_registry import StationRegistry
from ocppflow.csms.blocks.tariff import TariffService
from ocppflow.csms.blocks.transactions import TransactionService
from ocppflow.csms.csms import CSMS
from ocppflow.csms.csms_config import CSMSConfig
from ocppflow.csms.dialect_16 import HearingCore16, say_16
from ocppflow.csms.newsroom import Newsroom
from ocppflow.csms.station import Station
from ocppflow.errors import ConfigurationError, NotSupported
from ocppflow.messages import Request, Response, Version
from ocppflow.messages.tolerance import TOLERANT
from ocppflow.store import Store

_R = TypeVar("_R", bound=Response)


class CompleteCSMS(CSMS):
    """A CSMS that behaves. Your own handlers go before those of the blocks::

        store = Store.open("data")
        csms = CompleteCSMS(store)

        @csms.on(v21.AuthorizeRequest)                        # for 2.1 and 2.0.1; of 1.6 likewise
        async def authorize(station, request): ...

        async with csms, csms.listen("ws://127.0.0.1:9000/ocpp"):
            ...

    ``store`` has what outlives the process, and is closed with the CSMS. ``without`` names blocks whose handlers are
    left out; what they know is still there to be asked. ``now`` tells the time of day. The other arguments are those
    of CSMS; ``acceptor`` is the security block's own, by what the store says of each station.
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        config: CSMSConfig | None = None,
        without: Iterable[str] = (),
        now: Callable[[], datetime] | None = None,
        **settings: Any,
    ) -> None:
        self.store = store or Store.in_memory()
        self.closes_store = True
        """Whether the store is closed with it; not, where others go on with it."""
        self.config = config or CSMSConfig()
        self._now = now
        settings.setdefault("policy", TOLERANT)
        settings.setdefault("acceptor", self._decide)
        super().__init__(**settings)
        self.newsroom = Newsroom(self)
        self._make_blocks()
        self._include(set(without))
        self.on_connect(self._station_connected)
        self.on_disconnect(self._station_disconnected)
        self.on_refused(self.security.refused)

    def _make_blocks(self) -> None:
        self.registry = StationRegistry(self)
        self.quirks = QuirkService(self)
        self.security = SecurityService(self)
        self.certificates = CertificateService(self)
        self.provisioning = ProvisioningService(self)
        self.network_profiles = NetworkProfileService(self)
        self.device_models = DeviceModelService(self)
        self.monitoring = MonitoringService(self)
        self.tokens = TokenService(self)
        self.local_lists = LocalListService(self)
        self.tariffs = TariffService(self)
        self.books = TransactionService(self)
        self.metering = MeteringService(self)
        self.remote_control = RemoteControlService(self)
        self.availability = AvailabilityService(self)
        self.reservations = ReservationService(self)
        self.smart_charging = SmartChargingService(self)
        self.load = LoadManagement(self)
        self.files = FileService(self)
        self.jobs = JobService(self)
        self.firmware = FirmwareService(self)
        self.logs = LogService(self)
        self.display = DisplayService(self)
        self.customers = CustomerService(self)
        self.data_transfer = DataTransferService(self)
        self.queue = DurableQueue(self)
        self.alerts = Alerting(self)
        self.hearing_core_16 = HearingCore16(self)
        self.blocks: tuple[CSMSBlock, ...] = tuple(v for v in vars(self).values() if isinstance(v, CSMSBlock))

    def _include(self, without: set[str]) -> None:
        names = {block.title for block in self.blocks}
        if unknown := sorted(without - names):
            raise ConfigurationError(f"no such block: {', '.join(unknown)}; there are {', '.join(sorted(names))}")
        for block in self.blocks:
            if block.title not in without:
                self.include(block)

    # --- running -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read from the store what must be known, and begin what goes on by itself. Before the first station."""
        await self.newsroom.start()
        for block in self.blocks:
            await block.start()

    async def close(self) -> None:
        """As CSMS, and let go of the store."""
        await super().close()
        for block in reversed(self.blocks):
            await block.stop()
        await self.newsroom.stop()
        if self.closes_store:
            await self.store.close()

    async def __aenter__(self) -> CompleteCSMS:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _begin_serving(self, url: str, **how: Any) -> None:
        await self.start()
        await super()._begin_serving(url, **how)

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return self._now() if self._now is not None else datetime.now(UTC)

    # --- stations ------------------------------------------------------------------------------------------------

    async def _decide(self, handshake: Any) -> Any:
        return await self.security.decide(handshake)

    async def _station_connected(self, station: Station) -> None:
        await self.registry.load(station)
        self.told_all("connected", station)

    def _station_disconnected(self, station: Station, code: int, reason: str) -> None:
        if station.identity not in self:
            self.told_all("disconnected", station)

    def told_all(self, what: str, *about: Any) -> None:
        """Call a hook of all blocks, such as ``accepted``."""
        for block in self.blocks:
            getattr(block, what)(*about)

    def may_send(self, identity: str) -> bool:
        """Whether the CSMS may send what nobody has asked for: the station is not to be left in peace."""
        quiet = self.registry.is_quiet(identity)
        return not (self.config.is_quiet if quiet is None else quiet)

    # --- calls ---------------------------------------------------------------------------------------------------

    async def call(
        self, identity: str, request: Request[_R], *, timeout: float | None = None, wait: float | None = 0.0
    ) -> _R:
        """As CSMS.call; a 2.1 request may go to a station of any version. Raises UnknownAction as well, for what 1.6
        has no words for."""
        station = await self._reachable(identity, wait)
        if station.version is Version.V16 and request.__version__ is Version.V21:
            return await say_16(self, station, request, timeout)
        return await station.call(request, timeout=timeout)

    async def answer(self, station: Station, request: Request[_R]) -> _R:
        """What the handler of a 2.1 request answers: one of your own, or a block's. ``dialect_16`` asks so for what
        came in 1.6. Raises CallError."""
        found = self.router.found[type(request)]
        if found is None or found.takes_call or found.middleware:
            raise NotSupported(f"{request.__action__} is not supported here")
        answer = found.handler(station, request)
        response: _R = await answer if hasattr(answer, "__await__") else answer
        return response
