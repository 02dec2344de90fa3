"""The contract of the nodes, as pure functions: a flow's msg to what it asks for, and what happened to a msg.

A msg is a dict. What this module looks at is ``payload``, ``ocpp`` and ``_linkSource``; all the rest of a msg is the
flow's own and passes by. A value may be plain data or JSON that nobody has looked into (``msgspec.Raw``, bytes), so
that an OCPP payload goes through byte by byte. docs/nodes.md has the contract in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Raw

from ocppflow.errors import CallError, LocalError, OCPPError
from ocppflow.nodes.values import UNREADABLE, as_flag, as_number, as_text, kind_of, read_json, shown
from ocppflow.plain_text import one_line
from ocppflow.secrecy.blotting import text_without_secrets
from ocppflow.secrecy.discreet_repr import discreet_repr

Msg: TypeAlias = dict[str, Any]

ALL: Final = 1
"""The port for everything that has no other port."""
LINK_CALL: Final = 2
"""The port for answers to msgs that came in through a ``link call``."""
OCPP_LOG: Final = 3
"""The port for the raw messages."""

REQUEST: Final = 2
RESPONSE: Final = 3
ERROR: Final = 4
COMMAND: Final = 99
_KINDS: Final = {REQUEST: "Request", RESPONSE: "Response", ERROR: "Error", COMMAND: "Command Message"}

#: OCPP-J 1.6 spells two codes differently (4.2.3); a flow may use either spelling on any connection.
_SPELLINGS_OF_16: Final = {
    "FormationViolation": "FormatViolation",
    "OccurenceConstraintViolation": "OccurrenceConstraintViolation",
}


class BadInput(LocalError):
    """A msg that a node cannot use; nothing has been sent. ``code`` is the kind of mistake: the name of one of the
    errors in ``ocppflow.errors``. The text names station, command, field and what was expected."""

    def __init__(self, text: str, *, code: str = "InvalidMessage") -> None:
        super().__init__(one_line(text_without_secrets(text), 600))
        self.code = code

    @classmethod
    def of(cls, error: OCPPError, *about: str) -> BadInput:
        """``error``, preceded by the station and the command where its text does not name them."""
        text = str(error)
        missing = [one_line(word, 60) for word in about if word and word not in text]
        return cls(": ".join([*missing, text]), code=type(error).__name__)


class RequestMsg(msgspec.Struct, frozen=True):
    """A request to be sent. ``timeout`` is in seconds; if ``message_id`` is None, one has to be made."""

    __repr__ = discreet_repr

    cb_id: str
    command: str
    data: bytes
    message_id: str | None
    timeout: float | None
    validate: bool


class ResponseMsg(msgspec.Struct, frozen=True):
    """The flow's answer to the request ``message_id`` from ``cb_id``. ``command`` is for error texts."""

    __repr__ = discreet_repr

    cb_id: str
    command: str
    message_id: str
    data: bytes
    validate: bool


class ErrorMsg(msgspec.Struct, frozen=True):
    """The flow's refusal of a request."""

    cb_id: str
    command: str
    message_id: str
    error: CallError


class CommandMsg(msgspec.Struct, frozen=True):
    """A Command Message: ``name`` as written, ``data`` as plain data (None if absent). ``ambiguous``: of msgType 4, so
    the flow may have meant an Error."""

    __repr__ = discreet_repr

    name: str
    data: Any
    ambiguous: bool = False


class _MsgPayload(msgspec.Struct):
    """The members of ``msg.payload`` that a node reads; ``data`` stays unread."""

    __repr__ = discreet_repr

    msgType: Any = None  # noqa: N815 - the contract's names
    command: Any = None
    data: Any = None
    MessageId: Any = None
    cbId: Any = None  # noqa: N815
    timeout: Any = None
    validate: Any = None
    error: Any = None


class _RawMsgPayload(_MsgPayload):
    data: Raw = Raw(b"null")


class _MsgOcpp(msgspec.Struct):
    __repr__ = discreet_repr

    MessageId: Any = None
    cbId: Any = None  # noqa: N815
    command: Any = None


_read_payload = msgspec.json.Decoder(_RawMsgPayload).decode
_read_ocpp = msgspec.json.Decoder(_MsgOcpp).decode
_write = msgspec.json.Encoder().encode


def parse(msg: Mapping[str, Any], *, cb_id: str | None = None) -> RequestMsg | ResponseMsg | ErrorMsg | CommandMsg:
    """What a msg asks for. ``cb_id`` is the station's own identity at the CS node; the CSMS node leaves it out, and
    the msg says which station it is for. Raises BadInput."""
    payload = _payload(msg)
    kind = _kind(payload.msgType)
    if kind == REQUEST:
        return _request(msg, payload, cb_id)
    if kind == COMMAND or (kind == ERROR and payload.error is None):
        return _command(payload, kind)
    if kind == RESPONSE:
        message_id, who, command = _origin(msg, payload, kind, cb_id)
        data = _object(payload.data, f"{who}: {command} Response")
        return ResponseMsg(who, command, message_id, data, _validate(payload.validate, who, command))
    message_id, who, command = _origin(msg, payload, kind, cb_id)
    return ErrorMsg(who, command, message_id, _error(payload, f"{who}: {command}"))


def _payload(msg: Mapping[str, Any]) -> _MsgPayload:
    if not isinstance(msg, Mapping):
        raise BadInput(f"a msg is an object, not {kind_of(msg)}")
    value = msg.get("payload")
    if value is None or (isinstance(value, Raw | bytes) and bytes(value) == b"null"):
        raise BadInput("msg.payload is missing: expected an object with command and data")
    if isinstance(value, Raw | bytes):
        try:
            return _read_payload(value)
        except UNREADABLE:
            raise BadInput(f"msg.payload is {kind_of(value)}: expected an object with command and data") from None
    if not isinstance(value, Mapping):
        raise BadInput(f"msg.payload is {kind_of(value)}: expected an object with command and data")
    return _MsgPayload(*(value.get(name) for name in _MsgPayload.__struct_fields__))


def _kind(value: Any) -> int:
    if value is None or value == "":
        return REQUEST
    number = value
    if isinstance(value, str) and value.strip().isdecimal():
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or number not in _KINDS:
        expected = ", ".join(f"{n} ({what})" for n, what in _KINDS.items())
        raise BadInput(f"msg.payload.msgType is {shown(value)}: expected {expected}")
    return int(number)


def _request(msg: Mapping[str, Any], payload: _MsgPayload, cb_id: str | None) -> RequestMsg:
    command = payload.command
    if not isinstance(command, str) or not command:
        what = "is missing" if command in (None, "") else f"is {kind_of(command)}"
        raise BadInput(
            f'{_for(cb_id)}msg.payload.command {what}: expected the action without "Request", such as "Reset"'
        )
    if cb_id is None:
        cb_id = _station(payload.cbId, "msg.payload.cbId") or _station(_ocpp(msg).cbId, "msg.ocpp.cbId")
        if cb_id is None:
            raise BadInput(f"{command}: which station? Neither msg.payload.cbId nor msg.ocpp.cbId names one")
    about = f"{cb_id}: {command}"
    data = _object(payload.data, about)
    message_id = _message_id(payload.MessageId, about)
    timeout = _timeout(payload.timeout, about)
    return RequestMsg(cb_id, command, data, message_id, timeout, _validate(payload.validate, cb_id, command))


def _command(payload: _MsgPayload, kind: int) -> CommandMsg:
    name = payload.command
    if not isinstance(name, str) or not name.strip():
        if kind == ERROR:
            raise BadInput(
                "msg.payload.msgType is 4, but there is neither payload.error = {code, description, details} (an "
                "Error) nor payload.command (a Command Message)"
            )
        raise BadInput("msg.payload.command is missing: expected the name of a Command Message")
    data = payload.data
    if isinstance(data, Raw | bytes):
        data = read_json(data)
    return CommandMsg(name, data, kind == ERROR)


def _origin(msg: Mapping[str, Any], payload: _MsgPayload, kind: int, own: str | None) -> tuple[str, str, str]:
    """Message id, station and command of the request that is answered."""
    ocpp = _ocpp(msg)
    command = ocpp.command if isinstance(ocpp.command, str) else payload.command
    about = f"{command} {_KINDS[kind]}" if isinstance(command, str) and command else _KINDS[kind]
    message_id = as_text(ocpp.MessageId)
    if not message_id:
        raise BadInput(f"{_for(own)}{about}: msg.ocpp.MessageId is missing: answer with the msg of the Request")
    who = own or _station(ocpp.cbId, "msg.ocpp.cbId") or _station(payload.cbId, "msg.payload.cbId")
    if who is None:
        raise BadInput(f"{about}: msg.ocpp.cbId is missing: answer with the msg of the Request")
    return message_id, who, command if isinstance(command, str) else ""


def _ocpp(msg: Mapping[str, Any]) -> _MsgOcpp:
    value = msg.get("ocpp")
    if isinstance(value, Raw | bytes):
        try:
            return _read_ocpp(value)
        except UNREADABLE:
            return _MsgOcpp()
    if isinstance(value, Mapping):
        return _MsgOcpp(value.get("MessageId"), value.get("cbId"), value.get("command"))
    return _MsgOcpp()


def _station(value: Any, where: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise BadInput(f"{where} is {kind_of(value)}: expected the identity of a station, a string")
    return value


def _object(value: Any, about: str) -> bytes:
    """``payload.data`` as JSON text of an object; unchanged if it is JSON already."""
    if value is None:
        return b"{}"
    if isinstance(value, Raw | bytes):
        data = bytes(value).strip()
        if data[:1] == b"{":
            return data
        if data == b"null":
            return b"{}"
    elif isinstance(value, Mapping):
        try:
            return _write(value)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as exc:
            raise BadInput(f"{about}: msg.payload.data cannot be written as JSON: {exc}") from None
    raise BadInput(f"{about}: msg.payload.data is {kind_of(value)}: expected an object")


def _message_id(value: Any, about: str) -> str | None:
    if value is None or value == "":
        return None
    text = as_text(value)
    if text is None:
        raise BadInput(f"{about}: msg.payload.MessageId is {kind_of(value)}: expected a string")
    return text


def _timeout(value: Any, about: str) -> float | None:
    if value is None or value == "":
        return None
    number = as_number(value)
    if number is None or number <= 0:
        raise BadInput(f"{about}: msg.payload.timeout is {shown(value)}: expected milliseconds, more than 0")
    return number / 1000


def _validate(value: Any, cb_id: str, command: str) -> bool:
    if value is None or value == "":
        return True
    flag = as_flag(value)
    if flag is None:
        raise BadInput(f"{cb_id}: {command}: msg.payload.validate is {shown(value)}: expected true or false")
    return flag


def _error(payload: _MsgPayload, about: str) -> CallError:
    error = payload.error
    if not isinstance(error, Mapping):
        raise BadInput(f"{about}: msg.payload.error is {kind_of(error)}: expected {{code, description?, details?}}")
    code, description, details = error.get("code"), error.get("description"), error.get("details")
    if not isinstance(code, str) or not code:
        raise BadInput(
            f'{about}: msg.payload.error.code is {shown(code)}: expected an error code, such as "NotSupported"'
        )
    if description is not None and not isinstance(description, str):
        raise BadInput(f"{about}: msg.payload.error.description is {kind_of(description)}: expected a string")
    if details is not None and not isinstance(details, Mapping):
        raise BadInput(f"{about}: msg.payload.error.details is {kind_of(details)}: expected an object")
    made = CallError.of(_SPELLINGS_OF_16.get(code, code), description or "", details)
    if type(made) is CallError and payload.validate is not False:
        known = ", ".join(sorted(each.code for each in CallError.__subclasses__()))
        raise BadInput(f"{about}: msg.payload.error.code is {shown(code)}: expected one of {known}")
    return made


def is_link_call(msg: Mapping[str, Any]) -> bool:
    """Whether the msg came in through a ``link call`` and its answer goes back to it."""
    source = msg.get("_linkSource")
    if isinstance(source, Raw | bytes):
        source = read_json(source)
    return bool(source)


def plain_payload(msg: Mapping[str, Any]) -> dict[str, Any]:
    """``msg.payload`` as plain data, to be given back with a result added."""
    value = msg["payload"]
    return read_json(value) if isinstance(value, Raw | bytes) else dict(value)


def _for(cb_id: str | None) -> str:
    return f"{cb_id}: " if cb_id else ""
