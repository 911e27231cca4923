"""Reads and checks values of the environment.

Each function raises `ImproperlyConfigured`, naming the variable, if its value is not valid.
"""

import logging
import re
import zoneinfo
from collections.abc import Collection
from urllib.parse import urlsplit

from celery.schedules import ParseException, crontab
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from environment.variables import env
from value_types.networks import Network, parse_networks
from value_types.ports import Ports, parse_ports
from value_types.secret_text import SecretText

# An hour: no wait in a worker should last longer.
MOST_SECONDS = 3600
MOST_DAYS = 36_600  # A century.
# Too long to guess.
LEAST_TOKEN_CHARACTERS = 20


def networks(variable: str) -> list[Network]:
    """Return the networks (CIDR, separated by commas) of `variable`; none if it is unset."""
    try:
        return list(parse_networks(env.list(variable, default=[])))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{variable}: {error} Separate several networks with commas, such as 10.0.0.0/8,fd00::/8."
        ) from error


def ports(variable: str, default: Ports) -> Ports:
    """Return the ports and ranges of ports (separated by commas) of `variable`."""
    try:
        return parse_ports(env.list(variable, default=[])) or default
    except ValueError as error:
        raise ImproperlyConfigured(f"{variable}: {error} Separate several with commas, such as 443,8443.") from error


def proxy(variable: str) -> SecretText:
    """Return the URL of an HTTP proxy, empty if it is unset. It may contain a password, so no message shows it."""
    url = str(env.str(variable, default="")).strip()
    try:
        parts = urlsplit(url)
        usable = not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port is not None)
    except ValueError:
        usable = False
    if not usable or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            f"{variable} is not valid. Write a URL with its port, such as http://proxy.example:3128."
        )
    return SecretText(url)


def page_address(variable: str) -> str:
    """Return the address of the web, such as https://postbacks.example, without a slash at its end; empty if unset."""
    url = str(env.str(variable, default="")).strip().rstrip("/")
    try:
        parts = urlsplit(url)
        usable = not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    except ValueError:
        usable = False
    if not usable or parts.path or parts.query or parts.fragment or "@" in parts.netloc or not url.isprintable():
        raise ImproperlyConfigured(
            f"{variable} is not valid. Write scheme and host, such as https://postbacks.example."
        )
    return url


def web_address(variable: str, default: str) -> str:
    """Return the address of a document, such as https://rates.example/daily.xml. Messages show it."""
    url = str(env.str(variable, default="")).strip() or default
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.fragment or not url.isprintable() or " " in url:
        raise ImproperlyConfigured(
            f"{variable} is not valid. Write a whole address without user and password, such as "
            "https://rates.example/daily.xml."
        )
    return url


def origins(variable: str) -> list[str]:
    """Return origins, such as https://partner.example or https://partner.example:8443; none if it is unset."""
    found = [each.strip().lower() for each in env.list(variable, default=[]) if each.strip()]
    for origin in found:
        try:
            usable = bool(urlsplit(origin).hostname) and urlsplit(origin).port != 0
        except ValueError:
            usable = False
        # Nothing that could end the origin within a header, or name more than one.
        if not usable or not re.fullmatch(r"https?://[a-z0-9.:\[\]-]+", origin):
            raise ImproperlyConfigured(
                f"{variable}: {origin} is no origin. Write scheme and host, such as https://partner.example, without a "
                "path and without *; separate several with commas."
            )
    return found


def encryption_keys(variable: str) -> list[str]:
    """Return the keys of `variable`, newest first; none if it is unset. A key is never part of a message."""
    keys = [key.strip() for key in env.list(variable, default=[]) if key.strip()]
    for position, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{variable}: key {position} is not 32 bytes in base64. Make one with `openssl rand -base64 32`; "
                "separate several with commas, the newest first."
            ) from error
    return keys


def seconds(variable: str, default: float) -> float:
    """Return a time in seconds, above 0 and at most an hour."""
    return _number(variable, default, least=0, most=MOST_SECONDS, what="a number of seconds above 0 and up to 3600")


def whole_number(variable: str, default: int, most: int, least: int = 1) -> int:
    """Return a whole number from `least` to `most`."""
    number = _number(variable, default, least=least - 1, most=most, what=f"a whole number from {least} to {most}")
    if number != int(number):
        raise ImproperlyConfigured(f"{variable}={number:g} is not valid. Write a whole number from {least} to {most}.")
    return int(number)


def days_kept(variable: str, default: int) -> int:
    """Return a whole number of days from 0, which means forever, to `MOST_DAYS`."""
    what = f"a whole number of days from 0 (forever) to {MOST_DAYS}"
    number = _number(variable, default, least=-1, most=MOST_DAYS, what=what)
    if number != int(number) or number < 0:
        raise ImproperlyConfigured(f"{variable}={number:g} is not valid. Write {what}.")
    return int(number)


def hours(variable: str, default: str) -> str:
    """Return hours of the day as crontab writes them, such as 1-5 or 2,14."""
    text = env.str(variable, default="") or default
    try:
        crontab(hour=text)
    except (ParseException, ValueError) as error:
        raise ImproperlyConfigured(
            f"{variable}={text} is not valid. Write hours of the day, such as 1-5 or 2,14."
        ) from error
    return str(text)


def time_zone(variable: str, default: str) -> str:
    """Return the name of a time zone in the tz database."""
    name = env.str(variable, default=default)
    if name not in zoneinfo.available_timezones():
        raise ImproperlyConfigured(f"{variable}={name} is not valid. Write a name such as Europe/Berlin.")
    return str(name)


def log_level(variable: str, default: str) -> str:
    """Return the name of a logging level."""
    name = env.str(variable, default=default).upper()
    if name not in logging.getLevelNamesMapping():
        raise ImproperlyConfigured(f"{variable}={name} is not valid. Write DEBUG, INFO, WARNING or ERROR.")
    return str(name)


def token(variable: str) -> str:
    """Return a secret that grants access, empty if it is unset. It is never part of a message."""
    text = str(env.str(variable, default="")).strip()
    if text and (len(text) < LEAST_TOKEN_CHARACTERS or not text.isascii() or not text.isprintable() or " " in text):
        raise ImproperlyConfigured(
            f"{variable} must have {LEAST_TOKEN_CHARACTERS} characters or more, ASCII and without blanks. Make one "
            "with `openssl rand -hex 32`."
        )
    return text


def _number(variable: str, default: float, *, least: float, most: float, what: str) -> float:
    text = env.str(variable, default="") or str(default)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least < number <= most:
        raise ImproperlyConfigured(f"{variable}={text} is not valid. Write {what}.")
    return number


def one_of(variable: str, choices: Collection[str], default: str) -> str:
    """Return the value of `variable`, which is one of these."""
    chosen = env.str(variable, default="") or default
    if chosen not in choices:
        raise ImproperlyConfigured(f"{variable}={chosen} is not valid. Set {' or '.join(choices)}.")
    return str(chosen)
