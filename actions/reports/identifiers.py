"""Identifiers of devices and people in the one spelling that receivers hash, however they were reported.

A hash of another spelling matches nothing. What is no such identifier gives nothing, as the hash of `unknown` would
look like a device that many share.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

_SEPARATED_MAC: Final = re.compile(r"[0-9A-F]{1,2}(?:(?P<mark>[:. -])[0-9A-F]{1,2})(?:(?P=mark)[0-9A-F]{1,2}){4}")
_MAC_IN_THREE: Final = re.compile(r"[0-9A-F]{4}(?P<mark>[:.-])[0-9A-F]{4}(?P=mark)[0-9A-F]{4}")
_BARE_MAC: Final = re.compile(r"[0-9A-F]{12}")
# What systems give to every app instead of the device's own address.
_NO_MACS: Final = frozenset({"000000000000", "020000000000", "FFFFFFFFFFFF"})

_IFA: Final = re.compile(r"[0-9A-F]{8}-?[0-9A-F]{4}-?[0-9A-F]{4}-?[0-9A-F]{4}-?[0-9A-F]{12}", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9a-fA-F-]+")

# RFC 5321 allows more, which no mailbox uses; this only tells an address from another text.
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")
_PHONE_MARKS: Final = re.compile(r"[\s()./\u00a0\u2010-\u2015-]+")  # How people group digits.
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164: 15 digits at most; none that can be called has fewer.


def md5(text: str) -> str:
    """MD5 in hexadecimal digits; nothing of nothing."""
    return hashlib.md5(text.encode(errors="replace"), usedforsecurity=False).hexdigest() if text else ""


def sha1(text: str) -> str:
    """SHA-1 in hexadecimal digits; nothing of nothing."""
    return hashlib.sha1(text.encode(errors="replace"), usedforsecurity=False).hexdigest() if text else ""


def _mac_digits(value: str) -> str:
    text = value.strip().upper()
    if _SEPARATED_MAC.fullmatch(text):
        text = "".join(part.zfill(2) for part in re.split("[:. -]", text))
    elif _MAC_IN_THREE.fullmatch(text):
        text = re.sub("[:.-]", "", text)
    return text if _BARE_MAC.fullmatch(text) and text not in _NO_MACS else ""


def mac_address(value: str, separator: str = ":") -> str:
    """A MAC address in upper case, its six bytes with this separator between them; empty if it is none."""
    digits = _mac_digits(value)
    return separator.join(digits[index : index + 2] for index in range(0, len(digits), 2))


def bare_mac_address(value: str) -> str:
    """A MAC address in upper case without separators; empty if it is none."""
    return _mac_digits(value)


def ios_ifa(value: str) -> str:
    """An advertising identifier as Apple writes it: upper case, with hyphens. Empty if tracking is refused (zeros)."""
    if not _IFA.fullmatch(value.strip()):
        return value
    digits = value.strip().upper().replace("-", "")
    if not digits.strip("0"):
        return ""
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def android_id(value: str) -> str:
    """An Android id as Android writes it: in lower case. Empty if there is none (zeros)."""
    text = value.strip()
    if not _HEX.fullmatch(text):
        return value
    return text.lower() if text.strip("0-") else ""


def odin1(values: Mapping[str, Any]) -> str:
    """ODIN-1 of an event's values: SHA-1 of the MAC address's six bytes, or of ANDROID_ID on Android or without one."""
    mac = _mac_digits(values.get("macAddress") or "")
    on_android = (values.get("deviceOs") or "").strip().lower().startswith("android")
    if on_android or not mac:
        return sha1(android_id(values.get("androidId") or ""))
    return hashlib.sha1(bytes.fromhex(mac), usedforsecurity=False).hexdigest()


def email(value: str) -> str:
    """An e-mail address without white space around it, in lower case; empty if it is none."""
    text = value.strip().lower()
    return text if _EMAIL.fullmatch(text) else ""


def phone(value: str, calling_code: str = "") -> str:
    """A phone number in E.164, `+15550100199`; empty if it is none.

    A number without `+` or `00` in front is one of the country with this calling code. Without a code it is taken to
    begin with its own, unless it begins with 0.
    """
    text = _PHONE_MARKS.sub("", value.replace("(0)", ""))
    if text.startswith("00"):
        text = f"+{text[2:]}"
    elif not text.startswith("+"):
        is_national = text.startswith("0") or not text.startswith(calling_code)
        text = f"+{calling_code}{text.lstrip('0') if calling_code else text}" if is_national else f"+{text}"
    return text if _E164.fullmatch(text) else ""
