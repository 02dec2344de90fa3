"""What all versions share: :class:`Version`, :class:`Role`, the base of all message types, and the table of actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Self, TypeAlias, TypeVar, cast

from msgspec import UNSET, Meta, Struct, structs

from ocppflow.errors import ConfigurationError
from ocppflow.messages.violation import PRESENT, Violation, path_key, shorten
from ocppflow.secrecy.discreet_repr import discreet_repr


class Version(StrEnum):
    """A version of OCPP, as a user writes it: ``"1.6"``, ``"2.0.1"``, ``"2.1"``."""

    V16 = "1.6"
    V201 = "2.0.1"
    V21 = "2.1"

    @property
    def subprotocol(self) -> str:
        """The WebSocket subprotocol, such as ``ocpp2.0.1`` (OCPP-J 2.0.1 Part 4, 3.1.2)."""
        return "ocpp" + self.value

    @classmethod
    def parse(cls, text: str) -> Version:
        """``"2.0.1"`` or ``"ocpp2.0.1"`` to the version. Raises ConfigurationError naming the known ones."""
        try:
            return cls(text.removeprefix("ocpp"))
        except ValueError:
            known = ", ".join(v.value for v in cls)
            raise ConfigurationError(f"unknown OCPP version {text!r}; known: {known}") from None


class Role(StrEnum):
    """A side of a connection."""

    CSMS = "CSMS"
    CS = "CS"

    @property
    def peer(self) -> Role:
        """The other side."""
        return Role.CS if self is Role.CSMS else Role.CSMS


DateTime: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A date-time with time zone (RFC 3339)."""

Number: TypeAlias = int | float
"""A JSON number. It stays what it was on the wire: ``16`` is not turned into ``16.0``."""

if TYPE_CHECKING:
    CustomDataType: TypeAlias = dict[str, Any]
else:

    class CustomDataType(dict):  # a Struct would drop the keys that only the vendor knows
        """A customData object: ``vendorId`` (at most 255 characters) and whatever else the vendor adds."""

        __slots__ = ()


def dec_hook(kind: Any, value: Any) -> Any:
    """msgspec's hook for customData, the one type that it does not know. Every decoder of messages needs it."""
    if kind is not CustomDataType:
        raise NotImplementedError(f"no decoding for {kind!r}")
    violation = custom_data_violation(value)
    if violation is not None:
        raise BrokenRule([violation])
    return CustomDataType(value)


def custom_data_violation(value: object) -> Violation | None:
    """What is wrong with a customData object, with a path that starts below it; None if nothing is."""
    if not isinstance(value, dict):
        return Violation("", "an object", shorten(value), "TypeConstraintViolation")
    if "vendorId" not in value:
        return Violation(".vendorId", PRESENT, "nothing", "OccurrenceConstraintViolation")
    vendor = value["vendorId"]
    if not isinstance(vendor, str):
        return Violation(".vendorId", "a string", shorten(vendor), "TypeConstraintViolation")
    if len(vendor) > 255:
        return Violation(".vendorId", "at most 255 characters", shorten(vendor), "PropertyConstraintViolation")
    return None


class BrokenRule(ValueError):
    """A rule that msgspec's types cannot express is broken. msgspec raises a ValidationError with this as its cause."""

    def __init__(self, violations: list[Violation]) -> None:
        first = violations[0]
        super().__init__(f"Expected {first.expected}, got {first.got} (`{first.path.lstrip('.')}`)")
        self.violations = violations


# gc=False: a message is a tree of plain data, so it cannot be part of a cycle (unless somebody puts it into its own
# customData), and the garbage collector need not visit the messages in flight.
class Data(Struct, forbid_unknown_fields=True, repr_omit_defaults=True, gc=False):
    """Base of every data type and message. An optional field that is absent is ``msgspec.UNSET``. ``repr`` hides
    secrets (:mod:`ocppflow.secrecy`); the fields hold them."""

    __repr__ = discreet_repr


class Message(Data, gc=False):
    """Base of every payload: requests, responses and what is sent unconfirmed."""

    __action__: ClassVar[str]
    """The action, such as ``Reset``; a response bears that of its request."""
    __version__: ClassVar[Version]

    def validate(self) -> Self:
        """Returns the message itself if the schema allows it, else raises InvalidMessage with the path of each fault.

        A Struct made in Python is not checked when it is created. It is checked when it is sent; this does it earlier.
        """
        from ocppflow.messages.codec import encode  # codec imports this module

        encode(self)
        return self

    def missing_fields(self) -> tuple[str, ...]:
        """The paths of required fields that are not there (``$.evse.id``), and hence are ``msgspec.UNSET``.

        Empty for every valid message. If it is not, the message came from a peer and a policy has forgiven that these
        fields were missing, null or empty.
        """
        return tuple(_missing(self, "$"))


def _missing(data: Data, path: str) -> Iterator[str]:
    for name, wire, required in _fields(type(data)):
        value = getattr(data, name)
        if value is UNSET:
            if required:
                yield path_key(path, wire)
        elif isinstance(value, Data):
            yield from _missing(value, path_key(path, wire))
        elif isinstance(value, list):
            for i, item in enumerate(value):
                if isinstance(item, Data):
                    yield from _missing(item, f"{path_key(path, wire)}[{i}]")


@cache
def _fields(kind: type[Data]) -> tuple[tuple[str, str, bool], ...]:
    return tuple((f.name, f.encode_name, f.required) for f in structs.fields(kind))


class Response(Message, gc=False):
    """Base of all responses (the payload of a CALLRESULT)."""


ResponseT_co = TypeVar("ResponseT_co", bound=Response, covariant=True)


class Request(Message, Generic[ResponseT_co], gc=False):
    """Base of all requests (the payload of a CALL); ``ResetRequest`` is a ``Request[ResetResponse]``."""

    __response__: ClassVar[type[Response]]


class Send(Message, gc=False):
    """Base of all messages that are never answered (the payload of a SEND, OCPP 2.1)."""


class ActionInfo(Struct, frozen=True, kw_only=True):
    """What the table of actions says about one action."""

    name: str
    version: Version
    senders: frozenset[Role]
    request: type[Message]
    response: type[Response] | None
    """None for an action that is never answered."""

    @property
    def confirmed(self) -> bool:
        """Whether the action is answered; false only for NotifyPeriodicEventStream (2.1)."""
        return self.response is not None

    def sent_by(self, role: Role) -> bool:
        """Whether ``role`` may send the action."""
        return role in self.senders


_SENDERS = {
    "CS": frozenset({Role.CS}),
    "CSMS": frozenset({Role.CSMS}),
    "both": frozenset({Role.CS, Role.CSMS}),
}


def action_table(
    version: Version, rows: Iterable[tuple[str, str, type[Message], type[Response] | None]]
) -> Mapping[str, ActionInfo]:
    """The table of a version from (action, who sends it, request, response).

    Sets ``__action__``, ``__version__`` and ``__response__`` of the classes on the way.
    """
    table = {}
    for name, who, request, response in rows:
        request.__action__, request.__version__ = name, version
        if response is not None:
            response.__action__, response.__version__ = name, version
            cast("type[Request[Any]]", request).__response__ = response
        table[name] = ActionInfo(name=name, version=version, senders=_SENDERS[who], request=request, response=response)
    return MappingProxyType(table)


def check_tenths(wire: str, value: object) -> None:
    """Refuses a number with more than one decimal (``multipleOf 0.1``); values of other types are left to others.

    Decimal, because 8.1 is not a multiple of 0.1 in binary floating point.
    """
    if isinstance(value, float) and not value.is_integer() and Decimal(repr(value)) % Decimal("0.1"):
        raise BrokenRule([Violation(f".{wire}", "at most one decimal", shorten(value), "PropertyConstraintViolation")])


def check_not_empty(outer: str, inner: str, items: object) -> None:
    """Refuses items of the list ``outer`` whose list ``inner`` is empty; both are names on the wire."""
    if not isinstance(items, list):
        return
    for i, item in enumerate(items):
        if isinstance(item, Data) and inner in item.__struct_encode_fields__:
            attribute = item.__struct_fields__[item.__struct_encode_fields__.index(inner)]
            if getattr(item, attribute) == []:
                path = f".{outer}[{i}].{inner}"
                raise BrokenRule([Violation(path, "at least 1 item", "[]", "OccurrenceConstraintViolation")])
