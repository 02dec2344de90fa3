"""Replay: a recorded station, played against a CSMS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from ocppflow.endpoint import IncomingCall, sleep
from ocppflow.errors import CallError, ConnectionRefused, NotSupported, OCPPError, RemoteCallError
from ocppflow.messages.json_paths import ABSENT
from ocppflow.scenario.recording import RecordedMove, Recording
from ocppflow.scenario.rewriting import Difference, Rewriter, differences
from ocppflow.station import ChargingStation

_PATIENCE: Final = 2.0
"""Seconds for a call of the CSMS's that the recording has now: what follows may be because of it."""

_ANSWER: Final = 30.0


class ReplayResult(msgspec.Struct, kw_only=True):
    """What came of it. ``unasked``: by action, calls of the CSMS's in the recording that did not come; ``unknown``:
    calls that came and are not in it, which were answered with NotSupported."""

    said: int = 0
    differences: list[Difference] = []
    unasked: dict[str, int] = {}
    unknown: dict[str, int] = {}
    skipped: int = 0
    broken: str = ""
    """Why it could not be played to its end."""

    @property
    def exit_code(self) -> int:
        """0 if all answers were as recorded, 1 if not, 2 if it could not be played to its end."""
        return 2 if self.broken else 1 if self.differences else 0


class Replay:
    """Plays ``recording`` with ``station``, which must not be connected yet and offer just the recorded version.
    ``fast``: without the pauses; the times in messages keep their distances, and the last of them is now."""

    def __init__(
        self,
        recording: Recording,
        station: ChargingStation,
        *,
        fast: bool = False,
        now: Callable[[], float] = lambda: datetime.now(UTC).timestamp(),
        told: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._recording = recording
        self._station = station
        self._fast = fast
        self._told = told
        moves = recording.moves
        self._shift = now() - (moves[-1].time if fast else moves[0].time)
        self._rewriter = Rewriter(recording.version, round(self._shift))
        self._to_come = [move for move in moves if move.event == "asked" and move.confirmed]
        self._came: asyncio.Event = asyncio.Event()
        self._began = 0.0
        self.result = ReplayResult(skipped=recording.skipped)
        station.reconnect = False
        station.on_any(self._asked)

    async def run(self) -> ReplayResult:
        """Play it. Never raises for what the CSMS does."""
        self._began = self._station.clock.now()
        moves = self._recording.moves
        try:
            if moves[0].event != "connected":
                await self._station.connect()
            for number, move in enumerate(moves):
                await self._pause(move)
                await self._move(move, is_last=number == len(moves) - 1)
        except (ConnectionRefused, OCPPError) as exc:
            self.result.broken = str(exc)
        finally:
            await self._station.close()
        for move in self._to_come:
            self.result.unasked[move.action] = self.result.unasked.get(move.action, 0) + 1
        return self.result

    async def _pause(self, move: RecordedMove) -> None:
        due = self._began + move.time - self._recording.moves[0].time
        late = due - self._station.clock.now()
        if not self._fast and late > 0:
            await sleep(self._station.clock, late)

    async def _move(self, move: RecordedMove, *, is_last: bool) -> None:
        match move.event:
            case "connected":
                await self._station.connect()
            case "disconnected" if not is_last:
                await self._station.stop()
            case "asked" if move.confirmed:
                await self._wait_for(move)
            case "said":
                await self._say(move)

    async def _wait_for(self, move: RecordedMove) -> None:
        end = self._station.clock.now() + _PATIENCE
        while any(each is move for each in self._to_come) and self._station.clock.now() < end:
            self._came.clear()
            timer = self._station.clock.call_at(end, self._came.set)
            try:
                await self._came.wait()
            finally:
                timer.cancel()

    # --- what is said --------------------------------------------------------------------------------------------

    async def _say(self, move: RecordedMove) -> None:
        if not self._station.is_connected:
            await self._station.connect()
        self.result.said += 1
        payload = self._rewriter.said(move.payload, move.time)
        self._told(f"{self.result.said}/{len(self._recording.said)} {move.action}")
        if not move.confirmed:
            self._station.send_raw(move.action, payload, validate=False)
            return
        answer: Any
        try:
            answered = await self._station.call_raw(move.action, payload, timeout=_ANSWER, validate=False)
            answer = msgspec.json.decode(answered.payload)
        except RemoteCallError as exc:
            answer = f"CALLERROR {exc.code}"
        except OCPPError as exc:
            answer = f"{exc}"
        if move.answer is None and not move.error:
            return  # the recording has no answer
        recorded = move.answer if move.answer is not None else f"CALLERROR {move.error}"
        self._rewriter.learn(recorded, answer)
        self._compare(move.action, recorded, answer)

    def _compare(self, action: str, recorded: Any, answer: Any) -> None:
        if isinstance(recorded, dict) is not isinstance(answer, dict):
            recorded, answer = ("an answer" if isinstance(each, dict) else each for each in (recorded, answer))
        for found in differences(action, recorded, answer):
            same = next((each for each in self.result.differences if each.same_as(found)), None)
            if same is None:
                self.result.differences.append(found)
            else:
                same.count += 1

    # --- what is asked -------------------------------------------------------------------------------------------

    def _asked(self, station: ChargingStation, call: IncomingCall) -> Any:
        move = next((each for each in self._to_come if each.action == call.action), None)
        if move is None:
            if call.confirmed:
                self.result.unknown[call.action] = self.result.unknown.get(call.action, 0) + 1
            raise NotSupported(f"the recording has no (further) {call.action}")
        self._to_come = [each for each in self._to_come if each is not move]
        self._rewriter.learn(move.payload, call.data)
        self._came.set()
        if move.answer is None:
            raise CallError(move.description or "as recorded", code=move.error or "GenericError")
        call.reply(self._rewriter.said(move.answer, move.time), validate=False)
        return None


def replay_json(result: ReplayResult, *, url: str = "") -> bytes:
    """The result for machines."""
    made = {
        "url": url,
        "said": result.said,
        "skipped": result.skipped,
        "broken": result.broken,
        "differences": [
            {
                "action": each.action,
                "path": each.path,
                "count": each.count,
                **{name: value for name in ("old", "new") if (value := getattr(each, name)) is not ABSENT},
            }
            for each in result.differences
        ],
        "unasked": result.unasked,
        "unknown": result.unknown,
    }
    return msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n"
