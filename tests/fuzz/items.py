"""Hostile messages, and what OCPP-J has to be said to each in 1.6, 2.0.1 and 2.1.

``@CALL`` in an item stands for an action that the peer may call, ``@WRONG`` for one that it may not, because it is the
other side's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from ocppflow.messages import Role, Version
from tests.fuzz.wire import BINARY, CLOSE, COMPRESSED, DEFLATE, PING, PONG, TEXT, deflated, frame

V16, V201, V21 = Version.V16, Version.V201, Version.V21
DEEP: Final = 100_000
MIB: Final = 2**20  # the longest message that is read by default

_CALLABLE = {Role.CSMS: b"Heartbeat", Role.CS: b"ClearCache"}


class Answer(NamedTuple):
    """An answer: message type, id, and error code in 2.x spelling if it is an error."""

    type: int
    message_id: str | int
    code: str = ""


SILENCE: Final = None
RESULT: Final = Answer(3, "1")


def error(code: str, message_id: str | int = "1") -> Answer:
    return Answer(4, message_id, code)


#: The CALLERROR for an id that cannot be read (2.0.1 and 2.1 Part 4, 4.2.3).
UNREADABLE: Final = error("RpcFrameworkError", "-1")
NOT_A_CALL: Final = error("RpcFrameworkError")
BAD_JSON: Final = error("FormatViolation")
BAD_SHAPE: Final = error("ProtocolError")

Expected = Answer | None


_NONE: Final[Mapping[Version, Expected]] = MappingProxyType({})


class Item(NamedTuple):
    """``expected`` holds for every version, but for those that ``but`` names."""

    name: str
    data: bytes
    expected: Expected
    but: Mapping[Version, Expected] = _NONE

    def for_version(self, version: Version) -> Expected:
        return self.but.get(version, self.expected)

    def bytes_for(self, target: Role) -> bytes:
        """What to send to a target in that role."""
        call, wrong = _CALLABLE[target], _CALLABLE[target.peer]
        return self.data.replace(b"@CALL", call).replace(b"@WRONG", wrong)


def in_16(expected: Expected) -> dict[Version, Expected]:
    return {V16: expected}


#: 2.0.1 answers an unknown message type, 1.6 and 2.1 ignore it (2.1 Part 4, 4.1.3).
_UNKNOWN_TYPE: Final[dict[Version, Expected]] = {V201: error("MessageTypeNotSupported")}

ITEMS: Final = [
    Item("a valid call", b'[2,"1","@CALL",{}]', RESULT),
    # not JSON, or not an array
    Item("not JSON", b"}{", UNREADABLE),
    Item("an empty message", b"", UNREADABLE),
    Item("white space", b" \t\r\n", UNREADABLE),
    Item("an empty array", b"[]", UNREADABLE),
    Item("an object", b"{}", UNREADABLE),
    Item("an object like a call", b'{"type":2,"id":"1","action":"@CALL"}', UNREADABLE),
    Item("a number", b"12", UNREADABLE),
    Item("a huge number", b"1e999999", UNREADABLE),
    Item("null", b"null", UNREADABLE),
    Item("true", b"true", UNREADABLE),
    Item("a string", b'"[2]"', UNREADABLE),
    Item("a NUL byte", b"\0", UNREADABLE),
    Item("a call cut short", b'[2,"1","@CALL",{', BAD_JSON),
    Item("a call without its last bracket", b'[2,"1","@CALL",{}', BAD_JSON),
    Item("a call with something after it", b'[2,"1","@CALL",{}]x', BAD_JSON),
    Item("two calls in one message", b'[2,"1","@CALL",{}][2,"2","@CALL",{}]', BAD_JSON),
    Item("single quotes", b"[2,'1','@CALL',{}]", UNREADABLE),
    Item("a trailing comma", b'[2,"1","@CALL",{},]', BAD_JSON),
    Item("NaN", b'[2,"1","@CALL",{"a":NaN}]', BAD_JSON),
    Item("a NUL byte in a string", b'[2,"1","DataTransfer",{"vendorId":"a\0b"}]', BAD_JSON),
    # nesting
    Item("100,000 opening brackets", b"[" * DEEP, UNREADABLE),
    Item("100,000 nested arrays", b"[" * DEEP + b"]" * DEEP, UNREADABLE),
    Item("100,000 nested objects", b'{"a":' * DEEP + b"1" + b"}" * DEEP, UNREADABLE),
    Item("a payload of 100,000 arrays", b'[2,"1","@CALL",{"a":' + b"[" * DEEP + b"]" * DEEP + b"}]", BAD_JSON),
    Item("a payload of 100,000 objects", b'[2,"1","@CALL",' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"]", BAD_JSON),
    Item("an id of 100,000 arrays", b"[2," + b"[" * DEEP + b"]" * DEEP + b',"@CALL",{}]', UNREADABLE),
    # broken text
    Item("a lone surrogate as id", b'[2,"\\ud800","@CALL",{}]', UNREADABLE),
    Item("a lone surrogate as action", b'[2,"1","\\udfff",{}]', BAD_JSON),
    Item("a lone surrogate in the payload", b'[2,"1","DataTransfer",{"vendorId":"\\ud800"}]', BAD_JSON),
    Item("a surrogate as raw bytes", b'[2,"1","DataTransfer",{"vendorId":"\xed\xa0\x80"}]', BAD_JSON),
    Item("bytes that are not UTF-8", b'[2,"1","DataTransfer",{"vendorId":"\xff\xfe"}]', BAD_JSON),
    Item("an id that is not UTF-8", b'[2,"\xff","@CALL",{}]', UNREADABLE),
    Item("UTF-16", '[2,"1","@CALL",{}]'.encode("utf-16"), UNREADABLE),
    Item("a byte-order mark", b'\xef\xbb\xbf[2,"1","@CALL",{}]', RESULT),
    Item("missing outer brackets", b'2,"1","@CALL",{}', RESULT),
    Item("much white space", b' \n[ 2 ,\t"1" , "@CALL"\r\n, { } ] ', RESULT),
    # ids
    Item("an id that is a number", b'[2,12345,"@CALL",{}]', UNREADABLE, in_16(error("ProtocolError", 12345))),
    Item("an id that is not an integer", b'[2,1.5,"@CALL",{}]', UNREADABLE),
    Item("an id that is null", b'[2,null,"@CALL",{}]', UNREADABLE),
    Item("an id that is true", b'[2,true,"@CALL",{}]', UNREADABLE),
    Item("an id that is an object", b'[2,{"id":"1"},"@CALL",{}]', UNREADABLE),
    Item("an id that is an array", b'[2,["1"],"@CALL",{}]', UNREADABLE),
    Item("an id of 36 characters", b'[2,"' + b"x" * 36 + b'","@CALL",{}]', Answer(3, "x" * 36)),
    Item("an id of 37 characters", b'[2,"' + b"x" * 37 + b'","@CALL",{}]', error("RpcFrameworkError", "x" * 37)),
    Item("an id of 100,000 characters", b'[2,"' + b"x" * DEEP + b'","@CALL",{}]', UNREADABLE),
    Item("an id with escapes", b'[2,"\\u0031","@CALL",{}]', RESULT),
    # actions
    Item("an action that is an array", b'[2,"1",["x"],{}]', NOT_A_CALL),
    Item("an action that is an object", b'[2,"1",{},{}]', NOT_A_CALL),
    Item("an action that is null", b'[2,"1",null,{}]', NOT_A_CALL),
    Item("an action that is a number", b'[2,"1",7,{}]', NOT_A_CALL),
    Item("an empty action", b'[2,"1","",{}]', error("NotImplemented")),
    Item("an unknown action", b'[2,"1","NoSuchAction",{}]', error("NotImplemented")),
    Item("an action of 100,000 characters", b'[2,"1","' + b"A" * DEEP + b'",{}]', error("NotImplemented")),
    Item("an action in lower case", b'[2,"1","datatransfer",{"vendorId":"x"}]', error("NotImplemented")),
    Item("an action with Request", b'[2,"1","DataTransferRequest",{"vendorId":"x"}]', error("NotImplemented")),
    Item("a wrong direction", b'[2,"1","@WRONG",{}]', error("NotSupported")),
    # shapes
    Item("a call of one element", b"[2]", UNREADABLE),
    Item("a call of two elements", b'[2,"1"]', BAD_SHAPE),
    Item("a call of three elements", b'[2,"1","@CALL"]', BAD_SHAPE),
    Item("a call of five elements", b'[2,"1","@CALL",{},{}]', BAD_SHAPE),
    Item("a payload that is null", b'[2,"1","@CALL",null]', RESULT),
    Item("a payload that is a string", b'[2,"1","@CALL","{}"]', BAD_SHAPE),
    Item("a payload that is an array", b'[2,"1","@CALL",[]]', BAD_SHAPE),
    Item("a payload that is a number", b'[2,"1","@CALL",0]', BAD_SHAPE),
    Item("a field of the wrong type", b'[2,"1","DataTransfer",{"vendorId":5}]', error("TypeConstraintViolation")),
    Item("a field too few", b'[2,"1","DataTransfer",{}]', error("OccurrenceConstraintViolation")),
    # message types
    *(
        Item(f"message type {kind}", b'[%d,"1","@CALL",{}]' % kind, SILENCE, _UNKNOWN_TYPE)
        for kind in (0, 1, 7, 8, 9, -1, 99)
    ),
    Item("message type 5", b'[5,"1","InternalError","",{}]', SILENCE, _UNKNOWN_TYPE),
    Item("message type 6", b'[6,"1","@CALL",{}]', SILENCE, _UNKNOWN_TYPE),
    Item("a message type that is a string", b'["2","1","@CALL",{}]', NOT_A_CALL),
    Item("a message type that is null", b'[null,"1","@CALL",{}]', NOT_A_CALL),
    Item("a message type that is an array", b'[[2],"1","@CALL",{}]', NOT_A_CALL),
    # answers to nothing (2.1 Part 4, 4.2.3)
    Item("an answer to nothing", b'[3,"1",{}]', SILENCE),
    Item("an error to nothing", b'[4,"1","GenericError","",{}]', SILENCE),
    Item("an answer of one element", b"[3]", SILENCE),
    Item("an answer of four elements", b'[3,"1",{},{}]', SILENCE),
    Item("an answer whose id is a number", b"[3,1,{}]", SILENCE),
    Item("an error of one element", b"[4]", SILENCE),
    Item("an error of the wrong types", b'[4,"1",[],{},7]', SILENCE),
    Item("an answer cut short", b'[3,"1",{"a":', SILENCE),
    # blanks, long runs and mixtures, in which a pattern may look for its end again and again
    Item("a mebibyte of blanks", b" " * MIB, UNREADABLE),
    Item("a mebibyte of line ends", b"\r\n" * (MIB // 2), UNREADABLE),
    Item("half a mebibyte of blanks before a call", b" " * (MIB // 2) + b'[2,"1","@CALL",{}]', RESULT),
    Item("half a mebibyte of blanks after a call", b'[2,"1","@CALL",{}]' + b"\n" * (MIB // 2), RESULT),
    Item("half a mebibyte of blanks in a call", b"[2" + b"\t" * (MIB // 2) + b',"1","@CALL",{}]', RESULT),
    Item("blanks before half a call", b" " * DEEP + b"[" + b" " * DEEP + b"2" + b" " * DEEP, UNREADABLE),
    Item("blanks and brackets", b" [" * (MIB // 2), UNREADABLE),
    Item("brackets and blanks", b"[ " * (MIB // 2), UNREADABLE),
    Item("a mebibyte of commas", b"," * MIB, UNREADABLE),
    Item("a mebibyte of minus signs", b"-" * MIB, UNREADABLE),
    Item("a mebibyte of quotes", b'"' * MIB, UNREADABLE),
    Item("a mebibyte of backslashes", b"\\" * MIB, UNREADABLE),
    Item("an id of quotes with backslashes", b'[2,"' + b'\\"' * DEEP, UNREADABLE),
    Item("an id of blanks and quotes", b'[2,"' + b'" ' * DEEP, error("FormatViolation", "")),
    Item("a call that ends in quotes with backslashes", b'[2,"1","@CALL",{"a":"' + b'\\"' * DEEP, BAD_JSON),
    Item("a call that ends in strings", b'[2,"1","@CALL",{"a":"' + b'","' * DEEP, BAD_JSON),
    Item("a number of 100,000 digits as type", b"[" + b"2" * DEEP + b',"1","@CALL",{}]', NOT_A_CALL),
    Item("a number of 100,000 digits as id", b"[2," + b"1" * DEEP + b',"@CALL",{}]', UNREADABLE),
    Item("a number of 100,000 digits alone", b"1" * DEEP, UNREADABLE),
    Item("a number of 100,000 digits in a payload", b'[2,"1","@CALL",{"a":' + b"1" * DEEP + b"}]", BAD_JSON),
    Item("an exponent of 100,000 digits", b'[2,"1","@CALL",{"a":1e' + b"1" * DEEP + b"}]", BAD_JSON),
    Item(
        "a string of 100,000 escapes",
        b'[2,"1","DataTransfer",{"vendorId":"x","data":"' + b"\\u0041" * DEEP + b'"}]',
        RESULT,
    ),
    Item(
        "one field 50,000 times", b'[2,"1","DataTransfer",{' + b'"vendorId":"x",' * 50_000 + b'"vendorId":"x"}]', RESULT
    ),
    Item("50,000 fields", b'[2,"1","@CALL",{' + b",".join(b'"%d":0' % n for n in range(50_000)) + b"}]", BAD_JSON),
    # size
    Item(
        "a string of 900,000 characters",
        b'[2,"1","DataTransfer",{"vendorId":"x","data":"' + b"y" * 900_000 + b'"}]',
        RESULT,
    ),
    Item(
        "an array of 100,000 strings",
        b'[2,"1","DataTransfer",{"vendorId":"x","more":[' + b",".join([b'""'] * DEEP) + b"]}]",
        error("FormatViolation"),
    ),
]


class LinkItem(NamedTuple):
    """Frames that break the WebSocket protocol (RFC 6455), or OCPP-J's use of it. ``close`` is the code of the close
    frame that answers; 0: the connection goes on. ``answers``: the types of the messages that answer."""

    name: str
    frames: tuple[tuple[int, bytes, dict[str, int | bool]], ...]
    close: int
    deflate: bool = False
    answers: tuple[int, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """What a client adds to its opening handshake: an offer of compression, where it is compression that breaks."""
        return {"Sec_WebSocket_Extensions": DEFLATE.decode()} if self.deflate else {}

    def bytes_for(self, target: Role) -> bytes:
        """The bytes for a target in that role: to a CSMS they are masked."""
        masked = target is Role.CSMS
        parts: list[bytes] = []
        for opcode, payload, options in self.frames:
            settings = {"masked": masked, **options}
            if settings.pop("unmask", False):
                settings["masked"] = not masked
            parts.append(frame(opcode, payload, **settings))  # type: ignore[arg-type]
        return b"".join(parts)


_CALL = b'[2,"1","DataTransfer",{"vendorId":"x"}]'
CONT: Final = 0
_OPEN = {"fin": False}


def _pieces(payload: bytes, size: int) -> tuple[tuple[int, bytes, dict[str, int | bool]], ...]:
    cut = [payload[at : at + size] for at in range(0, len(payload), size)]
    last = len(cut) - 1
    return tuple((CONT if n else TEXT, piece, {"fin": n == last}) for n, piece in enumerate(cut))


_PACKED: Final[dict[str, int | bool]] = {"rsv": COMPRESSED}
#: About 60 KB compressed; far beyond the limit of a message.
_BOMB: Final = deflated(b"[" * 60_000_000)

_ROOM: Final = MIB - 100
#: Messages of almost the largest size, which compress to a thousandth; how many of them, and the type of each answer.
_VALID_BOMBS: Final = [
    ("a mebibyte of blanks", b" " * MIB, 8, 4),
    ("a call after a mebibyte of line ends", b"\n" * _ROOM + _CALL, 8, 3),
    ("a call with a mebibyte of data", _CALL[:-2] + b',"data":"' + b"y" * _ROOM + b'"}]', 8, 3),
    ("a call with 250,000 wrong objects", b'[2,"1","DataTransfer",{"vendorId":[' + b"{}," * 250_000 + b"0]}]", 3, 4),
    (
        "a call with 80,000 unknown fields",
        _CALL[:-2] + b"," + b",".join(b'"u%d":0' % n for n in range(80_000)) + b"}]",
        3,
        4,
    ),
]

LINK_ITEMS: Final = [
    LinkItem("a binary message", ((BINARY, _CALL, {}),), 0, answers=(4,)),
    LinkItem("a binary message in fragments", ((BINARY, b"\0\1", _OPEN), (CONT, b"\2", {})), 0, answers=(4,)),
    LinkItem("an answer to no ping", ((10, b"hello", {}),), 0),
    LinkItem("empty fragments", ((TEXT, b"", _OPEN), (CONT, b"", _OPEN), (CONT, b"[3]", {})), 0),
    LinkItem("an unknown opcode", ((3, b"", {}),), 1002),
    LinkItem("a reserved bit", ((TEXT, _CALL, {"rsv": 2}),), 1002),
    LinkItem("compression that was not agreed", ((TEXT, _CALL, {"rsv": 4}),), 1002),
    LinkItem("the wrong masking", ((TEXT, _CALL, {"unmask": True}),), 1002),
    LinkItem("a ping of 126 bytes", ((PING, b"x" * 126, {}),), 1002),
    LinkItem("a ping in fragments", ((PING, b"x", _OPEN),), 1002),
    LinkItem("a continuation of nothing", ((CONT, b"x", {}),), 1002),
    LinkItem("a message within a message", ((TEXT, b"[2,", _OPEN), (TEXT, _CALL, {})), 1002),
    LinkItem("a close frame of one byte", ((CLOSE, b"\3", {}),), 1002),
    LinkItem("a close code that does not exist", ((CLOSE, (1005).to_bytes(2), {}),), 1002),
    LinkItem("a close reason that is not UTF-8", ((CLOSE, (1000).to_bytes(2) + b"\xff", {}),), 1007),
    LinkItem("a message over the limit", ((TEXT, b"x" * (2**20 + 1), {}),), 1009),
    LinkItem("a message over the limit in fragments", _pieces(b"x" * (2**20 + 10), 2**18), 1009),
    LinkItem("fragments without end", tuple((CONT if n else TEXT, b"x" * 2**16, _OPEN) for n in range(17)), 1009),
    # floods of control frames
    LinkItem("2,000 pings", tuple((PING, b"%d" % n, {}) for n in range(2000)), 0),
    LinkItem("2,000 empty pings", ((PING, b"", {}),) * 2000, 0),
    LinkItem("2,000 answers to no ping", ((PONG, b"x" * 125, {}),) * 2000, 0),
    LinkItem("100 close frames", ((CLOSE, (1000).to_bytes(2), {}),) * 100, 1000),
    LinkItem("2,000 empty fragments", ((TEXT, b"", _OPEN), *((CONT, b"", _OPEN),) * 2000, (CONT, b"[3]", {})), 0),
    LinkItem(
        "an answer to nothing in 500 fragments, a ping after each",
        tuple(
            each
            for n in range(500)
            for each in ((CONT if n else TEXT, b" " if n < 499 else b"[3]", {"fin": n == 499}), (PING, b"", {}))
        ),
        0,
    ),
    # compression, where it was agreed to
    LinkItem("a compressed answer to nothing", ((TEXT, deflated(b'[3,"1",{}]'), _PACKED),), 0, deflate=True),
    LinkItem("a compressed ping", ((PING, deflated(b"x"), _PACKED),), 1002, deflate=True),
    # bombs that are valid: what they inflate to keeps to all limits
    *(
        LinkItem(
            f"{count} x {name}, compressed", ((TEXT, deflated(data), _PACKED),) * count, 0, True, (answer,) * count
        )
        for name, data, count, answer in _VALID_BOMBS
    ),
    LinkItem("a bomb", ((TEXT, _BOMB, _PACKED),), 1009, deflate=True),
    LinkItem(
        "a bomb in fragments",
        ((TEXT, _BOMB[:20_000], _PACKED | _OPEN), (CONT, _BOMB[20_000:40_000], _OPEN), (CONT, _BOMB[40_000:], {})),
        1009,
        deflate=True,
    ),
    LinkItem("a bomb of brackets", ((TEXT, deflated(b"[]," * 1_000_000), _PACKED),), 1009, deflate=True),
    LinkItem("data marked as compressed that is not", ((TEXT, b"\xff\xff\xff\xff", _PACKED),), 1002, deflate=True),
    LinkItem("compressed data cut short", ((TEXT, _BOMB[:50] + b"\xff" * 50, _PACKED),), 1002, deflate=True),
]
