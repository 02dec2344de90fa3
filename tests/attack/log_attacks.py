"""The log and the trace: floods of what is worth a line, control characters, full disks, secrets."""

from __future__ import annotations

import contextlib
import json
import re
import resource
from collections.abc import Iterable, Iterator
from typing import ClassVar

from tests.attack import secret_frames
from tests.attack.attack import STRANGERS, Attack, Bounds
from tests.attack.ground import Ground, crowd, endless, pour
from tests.attack.message_attacks import Flood, ValidCalls
from tests.attack.scenes import Scene
from tests.attack.sockets import Holder
from tests.attack.targets import EVIL, Setting
from tests.attack.trial import Result
from tests.attack.way_in import basic
from tests.fuzz.wire import CLOSE, frame, request, text

#: Control characters but for the line end, and characters that turn the direction of text round.
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")


class Refusals(Attack):
    """Handshakes that are refused, each for another identity of 1 KB, or at another path."""

    name = "refusals"
    promise = "what a stranger can write into the log is bounded per address and in all (22 MB a second)"
    bounds = STRANGERS
    settings = (Setting(passwords=True), Setting(log="pipe", trace="file", passwords=True, flags=("--json-log",)))
    short = True

    async def run(self, ground: Ground) -> None:
        long = "x" * 1000

        def hello(number: int) -> bytes:
            match number % 4:
                case 0:
                    return request(f"/ocpp/{long}{number}")
                case 1:
                    return request(f"/{long}{number}/CS1")
                case 2:
                    return request(f"/ocpp/N-{number}", Authorization=basic(f"N-{number}", long))
                case _:
                    return request(f"/ocpp/N-{number}", subprotocol=long)

        await Holder(ground, 2000, hello, what="refusals").hold(per_second=3000)


class ControlCharacters(Attack):
    """In identities, paths, headers, ids, actions, payloads, close reasons."""

    name = "control-characters"
    promise = "control characters from peers are escaped where a peer's text enters a message"
    settings = (Setting(log="pipe"),)
    evil: ClassVar[str] = "\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\u202eevil\x00\x7f"

    async def run(self, ground: Ground) -> None:
        escaped = "".join(f"%{byte:02x}" for byte in self.evil.encode())
        doors = [
            request(f"/ocpp/{escaped}"),
            request(f"/{escaped}/CS1"),
            request("/ocpp/EVIL", subprotocol="ocpp1.6\x1b[2J"),
            request("/ocpp/EVIL", Authorization=basic(self.evil, self.evil)),
            request("/ocpp/EVIL", Origin="\x1b[2J"),
            b"GET /\x1b[2J\x9b HTTP/1.1\r\nHost: \x1b\r\n\r\n",
        ]
        word = json.dumps(self.evil).encode()
        frames = [
            text(b"[2," + word + b',"Heartbeat",{}]'),
            text(b'[2,"1",' + word + b",{}]"),
            text(b'[2,"2","DataTransfer",{"vendorId":' + word + b"}]"),
            text(b'[2,"3","DataTransfer",{"vendorId":1,' + word + b":1}]"),
            text(b'[2,"4","Authorize",{"idToken":{"idToken":' + word + b',"type":' + word + b"}}]"),
            text(b'[4,"5",' + word + b"," + word + b",{}]"),
            text(self.evil.encode() + b"\x1b\x1b"),
            frame(CLOSE, (1000).to_bytes(2) + self.evil.encode()),
        ]

        async def visit(who: int) -> None:
            for door in doors:
                peer = await ground.way.dial()
                peer.send(door)
                with contextlib.suppress(OSError):
                    await peer.answer()
                peer.reset()
                ground.count("handshakes")
            peer = await ground.way.enter(EVIL[who])
            await pour(ground, peer, ((each, 1) for each in frames), "frames", 0.02)

        await crowd(ground, 1, visit, pause=0.2)

    def judge(self, scene: Scene, result: Result) -> Iterator[str]:
        for line in scene.target.log.read_bytes().split(b"\n"):
            if found := _CONTROL.search(line):
                yield f"the log has {found[0]!r} in {line[:200]!r}"
                return


class HandlerErrors(Flood):
    """An app whose handler fails, called as fast as it goes."""

    name = "handler-errors"
    promise = "damping for handler errors"
    bounds = Bounds(tracebacks=60)
    settings = (Setting(app="failing", log="pipe", trace="file"),)

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return endless(text(b'[2,"1","DataTransfer",{"vendorId":"x"}]') * 200, 200)


class FullDisk(ValidCalls):
    """The trace goes to a full disk."""

    name = "full-disk"
    short = False
    time = 0.3
    promise = "damping for failing trace hooks (4,466 tracebacks for 3,000 Heartbeats on a full disk)"
    bounds = Bounds(tracebacks=3)
    settings = (Setting(trace="full"), Setting(log="full", trace="file"))


class DiskThatIsFreed(ValidCalls):
    """The trace fills its disk, which is freed at half time."""

    name = "freed-disk"
    time = 0.6
    promise = "a trace file after a full disk goes on at a new line"
    bounds = Bounds(tracebacks=3)
    settings = (Setting(log="pipe", trace="file"),)
    short = False
    room: ClassVar[int] = 200_001

    def begins(self, scene: Scene) -> None:
        resource.prlimit(scene.target.process.pid, resource.RLIMIT_FSIZE, (self.room, resource.RLIM_INFINITY))

    def half_time(self, scene: Scene) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(scene.target.process.pid, resource.RLIMIT_FSIZE, unlimited)

    def judge(self, scene: Scene, result: Result) -> Iterator[str]:
        assert scene.target.trace is not None
        data = scene.target.trace.read_bytes()
        if len(data) <= self.room:
            yield "the trace did not go on when there was room again"
        broken = sum(not _is_json(line) for line in data.split(b"\n")[:-1])
        if broken > 1:
            yield f"{broken} lines of the trace are not whole"


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


class UnreadLog(ValidCalls):
    """The log is a pipe that nobody reads."""

    name = "unread-log"
    short = False
    time = 0.3
    promise = "a log pipe that nobody reads does not stop the server"
    settings = (Setting(log="unread"),)


class Secrets(Attack):
    """Passwords and keys wherever a station or a stranger can put them; none may be in any output."""

    name = "secrets"
    short = True
    promise = "secrets never show, wherever a frame, an error text, a note, a violation or an event appears"
    settings = (
        Setting(trace="file"),
        Setting(log="pipe", trace="file", passwords=True, flags=("--json-log",)),
        Setting(trace="file", flags=("--log-level", "debug", "--policy", "tolerant")),
    )

    async def run(self, ground: Ground) -> None:
        async def visit(who: int) -> None:
            for door in secret_frames.doors():
                peer = await ground.way.dial()
                peer.send(door)
                with contextlib.suppress(OSError):
                    await peer.answer()
                peer.reset()
                ground.count("handshakes")
            for version, frames in secret_frames.by_version().items():
                peer = await ground.way.enter(EVIL[who], version)
                await pour(ground, peer, ((text(each), 1) for each in frames), "frames", 0.005)

        await crowd(ground, 1, visit, pause=0.2)

    def judge(self, scene: Scene, result: Result) -> Iterator[str]:
        target = scene.target
        for file in (target.log, target.said, target.trace):
            if file is None or not file.exists():
                continue
            for marker, line in secret_frames.found_in(file.read_bytes()):
                yield f"{file.name} shows {marker}: {line[:300]!r}"


ATTACKS = [
    Refusals(),
    ControlCharacters(),
    HandlerErrors(),
    FullDisk(),
    DiskThatIsFreed(),
    UnreadLog(),
    Secrets(),
]
