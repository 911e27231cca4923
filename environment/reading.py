"""Values of the environment that are checked as they are read.

Each function raises `ImproperlyConfigured`, naming the variable, where the value makes no sense.
"""

import logging
import zoneinfo
from urllib.parse import urlsplit

from celery.schedules import ParseException, crontab
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from environment.variables import env
from value_types.networks import Network, parse_networks
from value_types.ports import Ports, parse_ports
from value_types.secret_text import SecretText

# An hour: more than any wait in a worker may sensibly last.
MOST_SECONDS = 3600
MOST_DAYS = 36_600  # A century.
# Enough that nobody guesses it.
LEAST_TOKEN_CHARACTERS = 20


def networks(variable: str) -> list[Network]:
    """Return the networks (CIDR, commas in between) of `variable`; none where it is unset."""
    try:
        return list(parse_networks(env.list(variable, default=[])))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{variable}: {error} Several networks have commas in between, such as 10.0.0.0/8,fd00::/8."
        ) from error


def ports(variable: str, default: Ports) -> Ports:
    """Return the ports and ranges of ports (commas in between) of `variable`."""
    try:
        return parse_ports(env.list(variable, default=[])) or default
    except ValueError as error:
        raise ImproperlyConfigured(f"{variable}: {error} Several have commas in between, such as 443,8443.") from error


def proxy(variable: str) -> SecretText:
    """Return the URL of an HTTP proxy, empty where it is unset. It may hold a password, so it is in no message."""
    url = str(env.str(variable, default="")).strip()
    try:
        parts = urlsplit(url)
        usable = not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port is not None)
    except ValueError:
        usable = False
    if not usable or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{variable}: a URL such as http://proxy.example:3128 is needed, with its port.")
    return SecretText(url)


def encryption_keys(variable: str) -> list[str]:
    """Return the keys of `variable`, newest first; none where it is unset. A key is never part of a message."""
    keys = [key.strip() for key in env.list(variable, default=[]) if key.strip()]
    for position, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{variable}: key {position} is not 32 bytes in base64. Make one with `openssl rand -base64 32`; "
                "several have commas in between, the newest first."
            ) from error
    return keys


def seconds(variable: str, default: float) -> float:
    """Return a time in seconds: above 0, an hour at most."""
    return _number(variable, default, least=0, most=MOST_SECONDS, what="a number of seconds above 0 and up to 3600")


def whole_number(variable: str, default: int, most: int, least: int = 1) -> int:
    """Return a whole number from `least` to `most`."""
    number = _number(variable, default, least=least - 1, most=most, what=f"a whole number from {least} to {most}")
    if number != int(number):
        raise ImproperlyConfigured(f"{variable}={number:g}: a whole number from {least} to {most} is needed.")
    return int(number)


def days_kept(variable: str, default: int) -> int:
    """Return a whole number of days from 0, which means for ever, to `MOST_DAYS`."""
    what = f"a whole number of days, 0 for ever and {MOST_DAYS} at most,"
    number = _number(variable, default, least=-1, most=MOST_DAYS, what=what)
    if number != int(number) or number < 0:
        raise ImproperlyConfigured(f"{variable}={number:g}: {what} is needed.")
    return int(number)


def hours(variable: str, default: str) -> str:
    """Return hours of the day as crontab writes them, such as 1-5 or 2,14."""
    text = env.str(variable, default="") or default
    try:
        crontab(hour=text)
    except (ParseException, ValueError) as error:
        raise ImproperlyConfigured(f"{variable}={text}: hours of the day are needed, such as 1-5 or 2,14.") from error
    return str(text)


def time_zone(variable: str, default: str) -> str:
    """Return the name of a time zone of the tz database."""
    name = env.str(variable, default=default)
    if name not in zoneinfo.available_timezones():
        raise ImproperlyConfigured(f"{variable}={name}: a name such as Europe/Berlin is needed.")
    return str(name)


def log_level(variable: str, default: str) -> str:
    """Return the name of a logging level."""
    name = env.str(variable, default=default).upper()
    if name not in logging.getLevelNamesMapping():
        raise ImproperlyConfigured(f"{variable}={name}: DEBUG, INFO, WARNING or ERROR is needed.")
    return str(name)


def token(variable: str) -> str:
    """Return a secret that somebody shows to be let in, empty where it is unset. It is never part of a message."""
    text = str(env.str(variable, default="")).strip()
    if text and (len(text) < LEAST_TOKEN_CHARACTERS or not text.isascii() or not text.isprintable() or " " in text):
        raise ImproperlyConfigured(
            f"{variable}: {LEAST_TOKEN_CHARACTERS} characters or more are needed, ASCII and no blanks. Make one with "
            "`openssl rand -hex 32`."
        )
    return text


def _number(variable: str, default: float, *, least: float, most: float, what: str) -> float:
    text = env.str(variable, default="") or str(default)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least < number <= most:
        raise ImproperlyConfigured(f"{variable}={text}: {what} is needed.")
    return number
