"""ControlOperator: operates a station over its HTTP control API, as ``ocppflow station --control`` has it."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

from ocppflow.check.operator import Operator, OperatorCannot, token_payload
from ocppflow.errors import ConfigurationError
from ocppflow.messages.v21 import ChargingRateUnitEnumType, IdTokenType

_NEVER = 1e6
"""Seconds until an EV that is not ready asks for energy."""

_TIMEOUT = 300.0
"""Seconds for one request: a reboot may be answered when it is over."""


class ControlOperator(Operator):
    """``url`` is the API's, such as ``http://127.0.0.1:8080``, ``token`` what it wants to be shown. Raises
    ConfigurationError for another scheme."""

    name = "control API"

    def __init__(self, url: str, token: str | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigurationError(f"the control API's URL begins with http:// or https://, not {url!r}")
        self._url = url.rstrip("/")
        self._token = token
        self._not_ready: set[int] = set()

    async def plug(self, evse: int, connector: int = 1) -> None:
        ev = {"ev": {"ready_after": _NEVER}} if evse in self._not_ready else {}
        self._not_ready.discard(evse)
        await self._post(f"/evses/{evse}/plug", {"connector": connector, **ev})

    async def unplug(self, evse: int) -> None:
        await self._post(f"/evses/{evse}/unplug")

    async def unplug_ev_side(self, evse: int) -> None:
        await self._post(f"/evses/{evse}/unplug", {"side": "ev"})

    async def take_cable(self, evse: int) -> None:
        await self._post(f"/evses/{evse}/unplug")

    async def suspend_ev_before(self, evse: int) -> None:
        self._not_ready.add(evse)

    async def park(self, evse: int) -> None:
        await self._post(f"/evses/{evse}/park")

    async def leave(self, evse: int) -> None:
        await self._post(f"/evses/{evse}/leave")

    async def present(self, evse: int, token: IdTokenType) -> None:
        await self._post(f"/evses/{evse}/swipe", token_payload(token))

    async def suspend_ev(self, evse: int) -> None:
        await self._post(f"/evses/{evse}/pause")

    async def resume_ev(self, evse: int) -> None:
        await self._post(f"/evses/{evse}/resume")

    async def end_session(self, evse: int) -> None:
        await self._post(f"/evses/{evse}/end-session")

    async def fault(self, evse: int, code: str = "GroundFailure") -> None:
        await self._post(f"/evses/{evse}/fault", {"code": code})

    async def clear(self, evse: int) -> None:
        await self._post(f"/evses/{evse}/clear")

    async def limit(
        self, evse: int, limit: float, unit: ChargingRateUnitEnumType, *, local_generation: bool = False
    ) -> None:
        body = {"limit": limit, "unit": unit, "local_generation": local_generation}
        await self._post(f"/evses/{evse}/limit", body)

    async def release(self, evse: int, *, local_generation: bool = False) -> None:
        await self._post(f"/evses/{evse}/release", {"local_generation": local_generation})

    async def prioritize(self, evse: int, on: bool = True) -> None:
        await self._post(f"/evses/{evse}/priority", {"on": on})

    async def fill(self, evse: int, percent: float) -> None:
        await self._post(f"/evses/{evse}/soc", {"percent": percent})

    async def reboot(self) -> None:
        await self._post("/reboot")

    async def power_cycle(self, seconds: float = 5.0) -> None:
        await self._post("/power-cut", {"seconds": seconds})

    @property
    def _shown(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    async def _post(self, path: str, body: dict[str, Any] | None = None) -> None:
        await asyncio.to_thread(self._posted, path, body or {})

    def _posted(self, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self._url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **self._shown},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
                answer.read()
        except urllib.error.HTTPError as exc:
            said = exc.read(2000).decode("utf-8", "replace")
            raise OperatorCannot(f"the control API answered {exc.code} to POST {path}: {said}") from None
        except OSError as exc:
            raise OperatorCannot(f"the control API at {self._url} does not answer: {exc}") from None
