"""The control API itself: paths, bodies, answers, errors; documented by OpenAPI under ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import JSONBody, Parameter

from ocppflow.errors import LocalError, OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.plain_text import one_line
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.station import CompleteStation
from ocppflow.station.hardware import ElectricVehicle, NoSuchPlace, NotNow
from ocppflow.station.station_commands import VERBS, StationCommand
from ocppflow.station.station_snapshot import StationSnapshot

log = budgeted("ocppflow.control")

_LONGEST_BODY: Final = 64 * 1024

EvseNumber = Annotated[int, Parameter(description="The number of the EVSE, from 1; 0 is the whole station.")]


class PlugBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which connector, and what EV; one of some common kinds without ``ev``."""

    connector: int = 1
    ev: ElectricVehicle | None = None


class UnplugBody(msgspec.Struct, forbid_unknown_fields=True):
    """``ev``: the plug is taken out of the EV alone."""

    side: Literal["both", "ev"] = "both"


class SwipeBody(msgspec.Struct, forbid_unknown_fields=True):
    """A token, and its type as the standard names it."""

    __repr__ = discreet_repr

    token: str
    type: str = "ISO14443"


class FaultBody(msgspec.Struct, forbid_unknown_fields=True):
    """What breaks."""

    code: str = "GroundFailure"
    connector: int = 0


class ClearBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is mended; empty: everything."""

    code: str = ""


class SocBody(msgspec.Struct, forbid_unknown_fields=True):
    """How full the EV's battery is."""

    percent: float


class LimitBody(msgspec.Struct, forbid_unknown_fields=True):
    """What an energy management system allows, or generates."""

    limit: float
    unit: Literal["A", "W"] = "W"
    local_generation: bool = False


class ReleaseBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which limit is let go of."""

    local_generation: bool = False


class PriorityBody(msgspec.Struct, forbid_unknown_fields=True):
    """Whether the driver wants priority charging."""

    on: bool = True


class PowerCutBody(msgspec.Struct, forbid_unknown_fields=True):
    """For how many seconds the power is away; without it, as long as a reboot takes."""

    seconds: float | None = None


class Done(msgspec.Struct):
    """What has been done, in one line."""

    done: str


class WhyNot(msgspec.Struct):
    """Why it has not been done, in one line."""

    error: str


def _why_not(status: int, description: str) -> dict[int, ResponseSpec]:
    return {status: ResponseSpec(WhyNot, generate_examples=False, description=description)}


_NOT_UNDERSTOOD: Final = _why_not(422, "The body makes no sense")
_ERRORS: Final = (
    _why_not(404, "There is no such EVSE or connector") | _why_not(409, "Not as things stand") | _NOT_UNDERSTOOD
)


def control_app(station: CompleteStation) -> Litestar:
    """The ASGI application of one station."""
    return Litestar(
        [*_readings(station), *_hands(station), *_outside(station), *_breakages(station), *_outages(station)],
        openapi_config=OpenAPIConfig(
            title="ocppflow station control",
            version="1",
            description="What people do at a station, and what is to be seen of it. All energies are in Wh.",
            path="/openapi",
            render_plugins=[JsonRenderPlugin()],
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
        ),
        exception_handlers={
            HTTPException: _refused,
            OCPPError: _cannot,
            Exception: _failed,
        },
        request_max_body_size=_LONGEST_BODY,
        logging_config=None,
    )


# --- paths ---------------------------------------------------------------------------------------------------------


async def _do(station: CompleteStation, verb: str, *words: object) -> Done:
    return Done(await StationCommand(VERBS[verb], tuple(map(str, words))).run(station))


def _readings(station: CompleteStation) -> Sequence[Any]:
    @get("/state", summary="Connection, EVSEs, meters, transactions, queue", sync_to_thread=False)
    def state() -> StationSnapshot:
        return station.snapshot()

    @get("/openapi.json", include_in_schema=False, sync_to_thread=False)
    def documentation(request: Request[Any, Any, Any]) -> dict[str, Any]:
        return request.app.openapi_schema.to_schema()

    return (state, documentation)


def _hands(station: CompleteStation) -> Sequence[Any]:
    @post("/evses/{evse:int}/plug", status_code=200, summary="An EV is plugged in", responses=_ERRORS)
    async def plug(evse: EvseNumber, data: JSONBody[PlugBody | None] = None) -> Done:
        body = data or PlugBody()
        if body.ev is None:
            return await _do(station, "plug", evse, body.connector)
        await station.plug(evse, body.connector, body.ev)
        return Done(f"an EV with {body.ev.soc:g} % is plugged in at EVSE {evse}")

    @post("/evses/{evse:int}/unplug", status_code=200, summary="It is unplugged", responses=_ERRORS)
    async def unplug(evse: EvseNumber, data: JSONBody[UnplugBody | None] = None) -> Done:
        return await _do(station, "unplug", evse, *(["ev"] if data is not None and data.side == "ev" else []))

    @post("/evses/{evse:int}/swipe", status_code=200, summary="A token is presented", responses=_ERRORS)
    async def swipe(evse: EvseNumber, data: JSONBody[SwipeBody]) -> Done:
        return await _do(station, "swipe", evse, data.token, data.type)

    return (plug, unplug, swipe, *(_plain(station, *each) for each in _AT_AN_EVSE))


def _outside(station: CompleteStation) -> Sequence[Any]:
    @post("/evses/{evse:int}/soc", status_code=200, summary="The EV's battery is so full", responses=_ERRORS)
    async def soc(evse: EvseNumber, data: JSONBody[SocBody]) -> Done:
        return await _do(station, "soc", evse, data.percent)

    @post("/evses/{evse:int}/limit", status_code=200, summary="An EMS limits it", responses=_ERRORS)
    async def limit(evse: EvseNumber, data: JSONBody[LimitBody]) -> Done:
        return await _do(station, "limit", evse, data.limit, data.unit, *(["local"] if data.local_generation else []))

    @post("/evses/{evse:int}/release", status_code=200, summary="It lets go of that", responses=_ERRORS)
    async def release(evse: EvseNumber, data: JSONBody[ReleaseBody | None] = None) -> Done:
        return await _do(station, "release", evse, *(["local"] if data is not None and data.local_generation else []))

    @post("/evses/{evse:int}/priority", status_code=200, summary="Priority charging, or no more", responses=_ERRORS)
    async def priority(evse: EvseNumber, data: JSONBody[PriorityBody | None] = None) -> Done:
        return await _do(station, "priority", evse, "off" if data is not None and not data.on else "on")

    return (soc, limit, release, priority)


_AT_AN_EVSE: Final = (
    ("pause", "The EV asks for no energy"),
    ("resume", "It asks for energy again"),
    ("end-session", "It ends the session (ISO 15118)"),
    ("park", "A vehicle enters the parking bay"),
    ("leave", "It leaves the bay"),
)


def _plain(station: CompleteStation, verb: str, summary: str) -> Any:
    async def handler(evse: EvseNumber) -> Done:
        return await _do(station, verb, evse)

    handler.__name__ = verb.replace("-", "_")
    return post(f"/evses/{{evse:int}}/{verb}", status_code=200, summary=summary, responses=_ERRORS)(handler)


def _breakages(station: CompleteStation) -> Sequence[Any]:
    @post("/evses/{evse:int}/fault", status_code=200, summary="Something breaks", responses=_ERRORS)
    async def fault(evse: EvseNumber, data: JSONBody[FaultBody | None] = None) -> Done:
        body = data or FaultBody()
        if body.connector:
            await station.fault(evse, body.code, connector=body.connector)
            return Done(f"{body.code} at connector {body.connector} of EVSE {evse}")
        return await _do(station, "fault", evse, body.code)

    @post("/evses/{evse:int}/clear", status_code=200, summary="It is mended", responses=_ERRORS)
    async def clear(evse: EvseNumber, data: JSONBody[ClearBody | None] = None) -> Done:
        return await _do(station, "clear", evse, *([data.code] if data is not None and data.code else []))

    return (fault, clear)


def _outages(station: CompleteStation) -> Sequence[Any]:
    @post("/offline", status_code=200, summary="The network goes away")
    async def offline() -> Done:
        return await _do(station, "offline")

    @post("/online", status_code=200, summary="It comes back")
    async def online() -> Done:
        return await _do(station, "online")

    @post("/reboot", status_code=200, summary="The station restarts; answered when it is up")
    async def reboot() -> Done:
        return await _do(station, "reboot")

    @post("/power-cut", status_code=200, summary="The power goes; answered when it is back", responses=_NOT_UNDERSTOOD)
    async def power_cut(data: JSONBody[PowerCutBody | None] = None) -> Done:
        seconds = data.seconds if data is not None else None
        return await _do(station, "power-cut", *([] if seconds is None else [seconds]))

    return (offline, online, reboot, power_cut)


# --- errors --------------------------------------------------------------------------------------------------------


def _answer(status: int, text: str) -> Response[WhyNot]:
    return Response(WhyNot(one_line(text)), status_code=status, media_type="application/json")


def _refused(_: Request[Any, Any, Any], error: HTTPException) -> Response[WhyNot]:
    """What the framework refuses before a handler is asked."""
    status = 422 if error.status_code == 400 else error.status_code
    details = getattr(error, "extra", None)
    said = [str(each.get("message", each)) for each in details] if isinstance(details, list) else []
    return _answer(status, "; ".join([error.detail, *said]))


def _cannot(_: Request[Any, Any, Any], error: OCPPError) -> Response[WhyNot]:
    """What the station refuses."""
    if isinstance(error, NoSuchPlace):
        return _answer(404, str(error))
    if isinstance(error, NotNow):
        return _answer(409, str(error))
    return _answer(422 if isinstance(error, LocalError) else 409, str(error))


def _failed(_: Request[Any, Any, Any], error: Exception) -> Response[WhyNot]:
    log.error("a request of the control API failed", exc_info=error)
    return _answer(500, "the station's log says what went wrong")
