"""PICS: what the manufacturer says the station can do; it decides which cases apply. A TOML file::

profiles = ["Core", "Advanced Security"]
subtypes = []
file_transfer = ["HTTP"]

[features]
C-30 = true
"C-09.2" = true
HFS-8 = 2

[settings]
evse = 1
token = "04A1B2C3"
"""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ocppflow.check.catalogue import Listing, features, profiles
from ocppflow.check.check_settings import CheckSettings
from ocppflow.errors import ConfigurationError

_SAME: Final = {
    "LA-0": "Local Authorization List Management",
    "R-0": "Reservation",
    "UI-0": "Advanced User Interface",
    "DM-0": "Advanced Device Management",
    "ISO 15118": "ISO 15118 Support",
    "Bidirectional": "Bidirectional Power Transfer",
}
"""2.0.1 has profiles where 2.1 has features, and some have two names: who has one has the other."""


class Pics(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a station is said to have."""

    profiles: tuple[str, ...] = ("Core",)
    features: dict[str, float | bool] = {}
    subtypes: tuple[str, ...] = ()
    file_transfer: tuple[str, ...] = ()
    settings: CheckSettings = CheckSettings()

    def claims(self, name: str) -> float:
        """How much it has of a feature (``C-09.1``), profile, subtype (``Subtype Wireless``) or way of file transfer
        (``file transfer HTTP``): 0 for none."""
        alike = {name, _SAME.get(name, name), *(short for short, long in _SAME.items() if long == name)}
        if alike & set(self.profiles):
            return 1
        if name.startswith("Subtype "):
            return float(name.removeprefix("Subtype ") in self.subtypes)
        if name.startswith("file transfer "):
            return float(name.removeprefix("file transfer ") in self.file_transfer)
        return max(float(self.features.get(each, 0)) for each in alike)

    def applies(self, listed: Iterable[Listing]) -> str:
        """Why a case does not apply; empty if it does, by one of the profiles that list it."""
        reasons: list[str] = []
        for listing in listed:
            if not self.claims(listing.profile):
                reasons.append(f"profile {listing.profile} is not claimed")
            elif listing.mandatory or listing.condition.holds(self.claims):
                return ""
            else:
                reasons.append(f"it is for stations with {listing.condition.text}")
        return "; ".join(dict.fromkeys(reasons))


_USUALLY: Final = (
    "C-01 C-09 C-10 C-12 C-29 C-29.1 C-29.2 C-29.3 C-29.4 C-29.5 C-29.6 C-30 C-36 C-40 C-61 C-70 HFS-1 HFS-3 HFS-7 "
    "HFS-10 AQ-9 AQ-18 SC-2"
)

USUAL: Final = Pics(features=dict.fromkeys(_USUALLY.split(), True), file_transfer=("HTTP",))
"""What is taken for granted of a station that nobody has said anything about: AC with sockets, an RFID reader. Its
device model tells the rest (:mod:`~ocppflow.check.pics_from_station`)."""


def read_pics(path: Path) -> Pics:
    """The PICS in a file. Raises ConfigurationError in one line that says what is wrong and where."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        pics = msgspec.convert(data, Pics)
    except OSError as exc:
        raise ConfigurationError(f"{path}: {exc.strerror or exc}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{path}: not TOML: {exc}") from None
    except msgspec.ValidationError as exc:
        raise ConfigurationError(f"{path}: {exc}; ocppflow check station --print-pics shows what may stand") from None
    if unknown := sorted(set(pics.features) - features().keys()):
        raise ConfigurationError(f"{path}: there is no feature {', '.join(unknown)}; --print-pics lists them all")
    if unknown := sorted(set(pics.profiles) - set(profiles())):
        raise ConfigurationError(f"{path}: unknown profile {', '.join(unknown)}; known: {', '.join(profiles())}")
    return pics


def pics_text(pics: Pics) -> str:
    """``pics`` as a commented file, with every feature and setting that there is."""
    lines = [
        "# What the station under test has: it decides which of the official test cases apply.",
        "# ocppflow check station --pics THIS_FILE",
        "",
        f"# Certification profiles that it claims; of {', '.join(profiles())}",
        f"profiles = {_toml(list(pics.profiles))}",
        '# Kinds of station that need other cases: "Wireless", "Mode 1/2-only"',
        f"subtypes = {_toml(list(pics.subtypes))}",
        '# Ways in which it transfers files, such as "HTTP", "HTTPS", "FTP"',
        f"file_transfer = {_toml(list(pics.file_transfer))}",
        "",
        "[features]",
    ]
    for feature in features().values():
        value = pics.features.get(feature.id, False)
        key = f'"{feature.id}"' if "." in feature.id else feature.id
        about = f"{feature.summary} ({feature.variable})" if feature.variable else feature.summary
        lines.append(f"{f'{key} = {_toml(value)}':24}# {about}")
    lines += ["", "# How it is tested: ids, times in seconds.", "[settings]"]
    for name, text in _settings_texts().items():
        lines += [f"# {line}" for line in text.splitlines()]
        lines.append(f"{name} = {_toml(msgspec.to_builtins(getattr(pics.settings, name)))}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return msgspec.json.encode(value).decode()  # of texts, numbers, flags and lists of them JSON is also TOML


def _settings_texts() -> Mapping[str, str]:
    """What the settings' docstrings say."""
    body = ast.parse(inspect.getsource(CheckSettings)).body[0]
    texts = dict.fromkeys(CheckSettings.__struct_fields__, "")
    name = ""
    for node in body.body if isinstance(body, ast.ClassDef) else ():
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            texts[name] = " ".join(str(node.value.value).split())
        else:
            name = ""
    return texts
