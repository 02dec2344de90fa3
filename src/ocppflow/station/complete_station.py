"""CompleteStation: a ChargingStation that behaves, over simulated or real hardware."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import msgspec

from ocppflow.endpoint import CallAnswered, Link, On, Router
from ocppflow.errors import ConfigurationError, ConnectionRefused, NotConnected, OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Message, Request, Response, Role, Version, v21
from ocppflow.station.awkward_words import awkward
from ocppflow.station.blocks.authorization import Authorization, authorization
from ocppflow.station.blocks.availability import Availability, availability
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.certificates import CertificateKeeper, certificates
from ocppflow.station.blocks.customer_information import customer_information
from ocppflow.station.blocks.data_transfer import data_transfer
from ocppflow.station.blocks.device_reports import device_reports
from ocppflow.station.blocks.diagnostics import Diagnostics, diagnostics
from ocppflow.station.blocks.display import Display, display
from ocppflow.station.blocks.firmware import Firmware, firmware
from ocppflow.station.blocks.local_list import LocalList, local_list
from ocppflow.station.blocks.metering import Metering
from ocppflow.station.blocks.monitoring import Monitoring, monitoring
from ocppflow.station.blocks.network_profiles import Network
from ocppflow.station.blocks.provisioning import Provisioning, provisioning
from ocppflow.station.blocks.remote_control import RemoteControl, remote_control
from ocppflow.station.blocks.report_desk import ReportDesk
from ocppflow.station.blocks.reservation import Reservations, reservation
from ocppflow.station.blocks.resetting import Resetting
from ocppflow.station.blocks.security import Security, security
from ocppflow.station.blocks.smart_charging import SmartCharging, smart_charging
from ocppflow.station.blocks.tariff import Tariff, tariff
from ocppflow.station.blocks.transactions import Transactions, transactions
from ocppflow.station.blocks.triggering import triggering
from ocppflow.station.blocks.variable_access import variable_access
from ocppflow.station.charging_station import ChargingStation
from ocppflow.station.device_model import DeviceModel, declarations
from ocppflow.station.dialect_16 import REFUSALS, Dialect16, dialect_16, has_words, say_16
from ocppflow.station.diary import Diary
from ocppflow.station.features import left_out
from ocppflow.station.hands import Hands
from ocppflow.station.hardware import Hardware, SimulatedHardware
from ocppflow.station.hardware_link import HardwareLink
from ocppflow.station.installer import SIMULATED, Installer
from ocppflow.station.message_queue import MessageQueue
from ocppflow.station.powered_station import PoweredStation
from ocppflow.station.provisions import Provisions
from ocppflow.station.station_config import StationConfig
from ocppflow.station.station_snapshot import StationSnapshot, snapshot
from ocppflow.station.station_store import MemoryStationStore, StationStore
from ocppflow.station.store_watch import StoreWatch
from ocppflow.station.transfers import NETWORK, Transfer
from ocppflow.station.wall_time import WallTime

log = budgeted("ocppflow.station")

_R = TypeVar("_R", bound=Response)

BEHAVIOUR: Final[Router[CompleteStation]] = Router(Role.CS, "a complete station")
"""What a complete station answers by itself: the blocks, in the order of the standard."""

for _block in (
    security,
    provisioning,
    variable_access,
    device_reports,
    authorization,
    local_list,
    transactions,
    remote_control,
    triggering,
    availability,
    reservation,
    firmware,
    certificates,
    diagnostics,
    smart_charging,
    display,
    dialect_16,
    monitoring,
    customer_information,
    data_transfer,
    tariff,
):
    BEHAVIOUR.include(_block)


class _IncludeEither(Protocol):
    def __call__(
        self,
        block: Router[CompleteStation] | Router[ChargingStation],
        *,
        only: Iterable[str] | None = None,
        without: Iterable[str] = (),
    ) -> None: ...


class CompleteStation(Hands, PoweredStation):
    """A station with everything behind it: it boots, authorizes, charges, keeps what must not be lost, and answers
    what its ``config`` says it can do. A handler of yours goes before a built-in one::

        async with CompleteStation("CS1", "ws://127.0.0.1:9000/ocpp", password="a-long-password-1") as station:
            await station.plug(1)

    ``hardware``: a simulated one by default. ``store``: what outlives a boot; by default it does not outlive the
    process. ``start_time``: the time of day before a CSMS has told it. ``transfer`` fetches firmware and brings logs,
    over the network by default; ``installer`` installs firmware. ``provisions``: certificates that it was made with.
    Further settings are those of ChargingStation.
    """

    __slots__ = (
        "_accepted",
        "_blocks",
        "authorization",
        "availability",
        "backoff_is_given",
        "certificates",
        "device_model",
        "diagnostics",
        "dialect_16",
        "diary",
        "display",
        "firmware",
        "hardware",
        "home_url",
        "installer",
        "local_list",
        "message_queue",
        "metering",
        "monitoring",
        "network",
        "provisioning",
        "provisions",
        "remote_control",
        "report_desk",
        "reservations",
        "resetting",
        "said_at",
        "security",
        "smart_charging",
        "tariff",
        "time",
        "transactions",
        "transfer",
    )

    if TYPE_CHECKING:  # handlers and blocks of a ChargingStation serve it too, and also those that need all of this
        on: On[CompleteStation]
        include: _IncludeEither

    def __init__(
        self,
        identity: str,
        url: str,
        *,
        config: StationConfig | None = None,
        hardware: Hardware | None = None,
        store: StationStore | None = None,
        start_time: datetime | None = None,
        transfer: Transfer | None = None,
        installer: Installer | None = None,
        provisions: Provisions | None = None,
        **settings: Any,
    ) -> None:
        self.config = config or StationConfig()
        settings.setdefault("versions", self.config.versions)
        super().__init__(identity, url, **settings)
        if set(self.versions) != set(self.config.versions):  # which variables it has follows from what it speaks
            self.config = msgspec.structs.replace(self.config, versions=tuple(self.versions))
        self.home_url = ""
        """The CSMS's URL that it was made with, while ``url`` is another network profile's."""
        self.backoff_is_given = settings.get("backoff") is not None
        self.said_at = 0.0
        """Clock time of the last message to the CSMS."""
        self.hardware: Hardware | None = hardware or SimulatedHardware(self.config, identity)
        self.store: StationStore = store or MemoryStationStore()
        self.time = WallTime(lambda: self.clock, start_time)
        self.time.on_set = lambda: self.told_all("time_set")
        self.transfer: Transfer = transfer or NETWORK
        self.installer: Installer = installer or SIMULATED
        self.provisions = provisions
        self.diary = Diary(self.time, self.config.diary_entries, self._heard_nonsense)
        self.add_trace(self.diary)
        self._blocks: tuple[Block, ...] = ()
        self._accepted: asyncio.Future[None] | None = None
        """Made when somebody waits for the registration."""
        without = left_out(self.config.features, BEHAVIOUR.actions)
        self.include(BEHAVIOUR, without=without)
        if without and Version.V16 in self.versions:  # which has answers for what a station does not have
            self.include(dialect_16, only=without & REFUSALS)
        self.on_connect(lambda _: self.told_all("connected"))
        self.on_disconnect(lambda *_: self.told_all("disconnected"))

    def snapshot(self) -> StationSnapshot:
        """All that is to be seen of the station now: its connection, EVSEs, meters, transactions, queue."""
        return snapshot(self)

    async def registered(self) -> None:
        """Return as soon as the CSMS has accepted the station and messages may be sent; at once where that is so.
        However long that takes: ``asyncio.timeout`` bounds it. Raises NotConnected if the station is closed first."""
        if self.is_connected and self.is_up and self.provisioning.may_send:
            return
        if self._accepted is None:
            self._accepted = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._accepted)

    async def close(self) -> None:
        await super().close()
        accepted, self._accepted = self._accepted, None
        if accepted is not None:
            accepted.set_exception(NotConnected(f"{self.identity} was closed before the CSMS had accepted it"))
            accepted.exception()  # who waits gets it; nobody has to

    # --- power ---------------------------------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        return bool(self._blocks)

    @property
    def can_keep(self) -> bool:
        """Whether the store could be written the last time; as long as not, no transaction may begin."""
        return self.store.failure is None

    def _boot(self) -> None:
        self.diary.note(f"booting: {self.boot_reason}")
        self.device_model = DeviceModel(self, declarations(self.config), self.store)
        self._make_blocks()
        self._blocks = self._in_order()
        self.told_all("power_up")
        if self.hardware is not None:
            self.hardware.start(HardwareLink(self), self.clock, self.store)
        self.told_all("ready")

    def _make_blocks(self) -> None:
        self.network = Network(self)
        self.provisioning = Provisioning(self)
        self.resetting = Resetting(self)
        self.message_queue = MessageQueue(self)
        self.certificates = CertificateKeeper(self)
        self.security = Security(self)
        self.local_list = LocalList(self)
        self.authorization = Authorization(self)
        self.metering = Metering(self)
        self.transactions = Transactions(self)
        self.firmware = Firmware(self)
        self.availability = Availability(self)
        self.diagnostics = Diagnostics(self)
        self.smart_charging = SmartCharging(self)
        self.reservations = Reservations(self)
        self.remote_control = RemoteControl(self)
        self.display = Display(self)
        self.dialect_16 = Dialect16(self)
        self.report_desk = ReportDesk(self)
        self.monitoring = Monitoring(self)
        self.tariff = Tariff(self)

    def _in_order(self) -> tuple[Block, ...]:
        """The blocks in the order in which they are told of what happens."""
        return (
            StoreWatch(self),
            self.network,
            self.provisioning,
            self.resetting,
            self.message_queue,
            self.certificates,
            self.security,
            self.local_list,
            self.authorization,
            self.metering,
            self.transactions,
            self.firmware,
            self.availability,
            self.diagnostics,
            self.smart_charging,
            self.reservations,
            self.remote_control,
            self.display,
            self.dialect_16,
            self.report_desk,
            self.monitoring,
            self.tariff,
        )

    def _shut_down(self) -> None:
        blocks, self._blocks = self._blocks, ()
        for block in reversed(blocks):
            block.power_down()
        self.store.discard()
        if blocks and self.hardware is not None:
            self.hardware.stop()  # a meter keeps its register, whatever comes

    def told_all(self, what: str, *about: Any) -> None:
        """Call a hook of all blocks, such as ``transaction_started``."""
        for block in self._blocks:
            getattr(block, what)(*about)

    def announce_registered(self) -> None:
        """Let all blocks know that the CSMS has accepted the station, and then whoever waits for that."""
        self.told_all("registered")
        accepted, self._accepted = self._accepted, None
        if accepted is not None:
            accepted.set_result(None)

    def _heard_nonsense(self, what: str) -> None:
        if self.is_up:
            self.security.nonsense(what)

    async def _dial_out(self) -> Link:
        return await self.security.dialler.dial()

    async def _attempt(self) -> asyncio.Future[str]:
        self.network.prepare()
        try:
            return await super()._attempt()
        except ConnectionRefused as exc:
            self.security.refused(exc)
            self._refused()
            raise
        except ConfigurationError as exc:
            self._refused()
            if not self.network.has_others:
                raise
            raise ConnectionRefused(str(exc)) from None  # another profile may be better

    def _refused(self) -> None:
        if self.network.failed() and self._keeper is not None:
            self._at_once = True  # what waits is the next attempt with the same profile

    def _begin(self, request: Any, timeout: float | None, *how: Any) -> tuple[str, asyncio.Future[CallAnswered]]:
        if timeout is None and self.is_up:
            wait = self.device_model.integer("OCPPCommCtrlr", "MessageTimeout", variable_instance="Default")
            timeout = float(wait) if wait else None
        self.said_at = self.clock.now()
        return super()._begin(request, timeout, *how)

    # --- saying things -------------------------------------------------------------------------------------------

    async def call(self, request: Request[_R], **how: Any) -> _R:
        """As in ChargingStation; a 2.1 request may go over a connection of any version. Raises UnknownAction as well,
        for what 1.6 has no words for."""
        if self.version is Version.V16 and request.__version__ is Version.V21:
            return await say_16(self, request, how.get("timeout"))
        return await super().call(request, **how)

    async def _call(self, request: Any, timeout: float | None, message_id: str | None, validate: bool) -> CallAnswered:
        if self.config.personality == "awkward" and isinstance(request, Message):
            payload = awkward(request, f"{self.config.seed}:{self.identity}")
            if payload is not None:
                return await self.call_raw(
                    request.__action__, payload, timeout=timeout, message_id=message_id, validate=False
                )
        return await super()._call(request, timeout, message_id, validate)

    async def say(self, request: Request[_R], *, asked: bool = False) -> _R | None:
        """Send what is of no use later. ``asked``: the CSMS has asked for it, so that it may go while the station is
        Pending (B02.FR.02). None if the station may not send, or got no proper answer; the log says why. With
        QueueAllMessages it waits for the connection in the queue."""
        allowed = self.provisioning.may_answer if asked else self.provisioning.may_send
        if self.version is Version.V16 and request.__version__ is Version.V21 and not has_words(type(request)):
            return None
        if isinstance(request, v21.MeterValuesRequest) and self.dialect_16.spoken and not asked:
            self.message_queue.put(request)  # in 1.6 all meter values wait for their turn (3.7)
            return None
        if not self.is_connected or not allowed:
            if self.is_up and not self.is_connected and self.device_model.flag("OCPPCommCtrlr", "QueueAllMessages"):
                self.message_queue.put(request)
            return None
        try:
            return await self.call(request)
        except OCPPError as exc:
            log.warning("%s: %s failed: %s", self.identity, type(request).__name__, exc)
            return None

    def after_answer(self, act: Callable[[], object]) -> None:
        """From within a handler: ``act`` once the answer is on its way. From anywhere else: at once."""
        if self.current_call is None:
            act()
            return

        async def work() -> None:
            act()

        self.respond_then(work)
