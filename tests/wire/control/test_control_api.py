"""The HTTP control API: what it does, what it refuses, whom it lets in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from ocppflow.control import ControlAddress, ControlServer, read_address
from ocppflow.control.control_app import control_app
from ocppflow.control.control_guard import Guard
from ocppflow.csms import CSMS
from ocppflow.errors import ConfigurationError
from ocppflow.station import CompleteStation
from ocppflow.station.config_file import make_config
from ocppflow.testing import MemoryNetwork

TOKEN = "a-token-of-the-control-api"


class Api:
    """Asks the application; ``headers`` go with each request."""

    def __init__(self, station: CompleteStation, token: str | None = None) -> None:
        self.app = Guard(control_app(station), token)
        self.station = station
        self.headers = {"host": "127.0.0.1:8080", "content-type": "application/json"}

    async def ask(self, method: str, path: str, body: Any = b"", **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {**self.headers, **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        payload = b"".join(message.get("body", b"") for message in said)
        return said[0]["status"], json.loads(payload)

    async def post(self, path: str, body: Any = b"") -> tuple[int, Any]:
        return await self.ask("POST", path, body)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with MemoryNetwork() as network:
        csms: CSMS = network.csms()
        station = network.complete_station(csms, config=make_config("ac-double-post"))
        station.power_up()
        yield Api(station)


async def test_what_people_do_is_done(api: Api) -> None:
    status, told = await api.post("/evses/1/plug")
    assert status == 200
    assert re.fullmatch(r"an EV with \d+ % is plugged in at EVSE 1", told["done"])
    status, told = await api.post("/evses/2/plug", {"connector": 1, "ev": {"soc": 20, "capacity": 40000}})
    assert (status, told["done"]) == (200, "an EV with 20 % is plugged in at EVSE 2")
    assert (await api.post("/evses/1/swipe", {"token": "04A1B2C3"}))[0] == 200
    for path in ("pause", "resume", "end-session", "park", "leave"):
        assert (await api.post(f"/evses/1/{path}"))[0] == 200, path
    assert await api.post("/evses/1/soc", {"percent": 80}) == (200, {"done": "the EV at EVSE 1 is 80 % full"})
    limit = {"limit": 16, "unit": "A"}
    assert await api.post("/evses/1/limit", limit) == (200, {"done": "16 A are the limit from outside of EVSE 1"})
    assert (await api.post("/evses/1/release"))[0] == 200
    assert (await api.post("/evses/1/release"))[0] == 409
    assert (await api.post("/evses/0/limit", {"limit": 6000, "local_generation": True}))[0] == 200
    assert (await api.post("/evses/0/release", {"local_generation": True}))[0] == 200
    assert (await api.post("/evses/9/limit", limit))[0] == 404
    assert "cannot be had" in (await api.post("/evses/1/priority", {"on": True}))[1]["done"]
    assert (await api.post("/evses/1/fault", {"code": "ground"}))[0] == 200
    status, state = await api.ask("GET", "/state")
    assert status == 200
    assert state["evses"][0]["faults"] == ["GroundFailure"]
    assert state["evses"][1]["ev"]["soc"] == 20
    assert state["evses"][0]["meter"]["energy_import"] >= 0
    assert state["connection"] == "stopped"
    assert state["queue_length"] == 1, "that it has started is a security event, which waits for a CSMS"
    assert (await api.post("/evses/1/clear"))[0] == 200
    assert (await api.post("/evses/1/unplug", {"side": "ev"}))[0] == 200
    assert (await api.post("/evses/2/unplug"))[0] == 200
    assert (await api.post("/evses/2/fault", {"code": "lock", "connector": 1}))[0] == 200


async def test_the_network_goes_and_comes_back(api: Api) -> None:
    assert await api.post("/offline") == (200, {"done": "the network is away"})
    assert api.station.is_away
    assert (await api.post("/online"))[0] == 200
    assert not api.station.is_away


@pytest.mark.parametrize("path", ["/reboot", "/power-cut"])
async def test_an_outage_is_answered_when_it_is_over(api: Api, path: str) -> None:
    clock: Any = api.station.clock
    asked = asyncio.ensure_future(api.post(path, b"" if path == "/reboot" else {"seconds": 5}))
    await clock.advance(4)
    assert not asked.done()
    assert not api.station.is_up
    await clock.advance(7)
    assert (await asked)[0] == 200
    assert api.station.is_up


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/evses/9/plug", b"", 404, "there is no EVSE 9; the station has EVSEs 1 to 2"),
        ("/evses/x/plug", b"", 404, "Not Found"),
        ("/evses/1/plug", {"connector": 7}, 404, "no connector 7"),
        ("/nowhere", b"", 404, "Not Found"),
        ("/evses/1/unplug", b"", 409, "nothing is plugged in at EVSE 1"),
        ("/evses/1/clear", b"", 409, "nothing is broken"),
        ("/evses/1/swipe", b"", 422, ""),
        ("/evses/1/swipe", {"token": 5}, 422, "Expected `str`, got `int`"),
        ("/evses/1/swipe", {"token": ""}, 422, "a token is 1 to 255"),
        ("/evses/1/swipe", {"tokn": "A"}, 422, "tokn"),
        ("/evses/1/swipe", b"{", 422, ""),
        ("/evses/1/plug", {"ev": {"soc": 400}}, 422, "soc is from 0 to 100"),
        ("/evses/1/fault", {"code": "Fire"}, 422, "there is no fault 'Fire'"),
        ("/power-cut", {"seconds": -1}, 422, "the time without power"),
    ],
)
async def test_what_cannot_be_done_is_an_error_with_one_line(
    api: Api, path: str, body: Any, status: int, says: str
) -> None:
    got, told = await api.post(path, body)
    assert got == status, told
    assert list(told) == ["error"]
    assert says in told["error"]
    assert "\n" not in told["error"]


async def test_another_method_is_405(api: Api) -> None:
    assert (await api.ask("GET", "/reboot"))[0] == 405
    assert (await api.ask("POST", "/state"))[0] == 405


async def test_a_body_without_end_is_refused(api: Api) -> None:
    status, told = await api.post("/evses/1/swipe", {"token": "A" * 100_000})
    assert status == 413
    assert list(told) == ["error"]


async def test_it_is_documented_by_openapi(api: Api) -> None:
    status, schema = await api.ask("GET", "/openapi.json")
    assert status == 200
    validate(schema)
    assert set(schema["paths"]) == {
        "/state",
        *(f"/evses/{{evse}}/{verb}" for verb in ("plug", "unplug", "swipe", "fault", "clear", "pause", "resume")),
        *(
            f"/evses/{{evse}}/{verb}"
            for verb in ("end-session", "park", "leave", "soc", "limit", "release", "priority")
        ),
        *("/offline", "/online", "/reboot", "/power-cut"),
    }
    swipe = schema["paths"]["/evses/{evse}/swipe"]["post"]
    assert {"200", "404", "409", "422"} <= swipe["responses"].keys()


# --- whom it lets in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "localhost", "LOCALHOST"])
async def test_this_machine_is_let_in(api: Api, host: str) -> None:
    assert (await api.ask("GET", "/state", host=host))[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8080", "", "[::1", "user@127.0.0.1.nip.io"])
async def test_a_name_that_is_made_to_lead_here_is_refused(api: Api, host: str) -> None:
    assert (await api.ask("GET", "/state", host=host))[0] == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1234", "http://localhost:8080"])
async def test_a_page_of_another_origin_is_refused(api: Api, origin: str) -> None:
    status, told = await api.ask("POST", "/evses/1/plug", origin=origin)
    assert status == 403
    assert list(told) == ["error"]
    assert api.station.simulated.evse(1).ev is None


async def test_its_own_page_is_let_in(api: Api) -> None:
    assert (await api.ask("GET", "/state", origin="http://127.0.0.1:8080"))[0] == 200


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"])
async def test_with_a_token_only_who_shows_it(api: Api, shown: str) -> None:
    guarded = Api(api.station, TOKEN)
    assert (await guarded.ask("GET", "/state", authorization=shown))[0] == 401
    assert (await guarded.ask("GET", "/state"))[0] == 401
    right = f"Bearer {TOKEN}"
    assert (await guarded.ask("GET", "/state", authorization=right, host="station.example:80"))[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "station.example"])
async def test_others_reach_it_only_with_a_token(api: Api, host: str) -> None:
    with pytest.raises(ConfigurationError, match="OCPPFLOW_CONTROL_TOKEN"):
        ControlServer(api.station, ControlAddress(host, 0))
    ControlServer(api.station, ControlAddress(host, 0), TOKEN)
    with pytest.raises(ConfigurationError, match="16 printable"):
        ControlServer(api.station, ControlAddress(host, 0), "short")


@pytest.mark.parametrize("text", ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "[::1]"])
def test_an_address_that_is_none(text: str) -> None:
    with pytest.raises(ConfigurationError, match="HOST:PORT"):
        read_address(text)


def test_an_ipv6_address() -> None:
    assert read_address("[::1]:80") == ("::1", 80)
    assert read_address("[::1]:80").is_loopback
