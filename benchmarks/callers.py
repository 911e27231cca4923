"""Callers of the conversion API: libcurl, so that they use little of the processor time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from io import BytesIO

import pycurl

_WAIT_SECONDS = 1.0


class RefusedError(Exception):
    """The API did not answer 200."""


def post(url: str, account: str, bodies: Iterable[bytes], content_type: str, at_once: int) -> tuple[float, list[bytes]]:
    """Post each body, `at_once` at a time; returns the seconds it took, and the answers.

    Each has its own connection, as behind many proxies.

    `account` is the account's SID, a colon and a token.

    Raises:
        RefusedError: an answer is not 200.
    """
    waiting = list(reversed(list(bodies)))
    multi = pycurl.CurlMulti()
    answers: list[bytes] = []
    written: dict[pycurl.Curl, BytesIO] = {}
    began = time.monotonic()
    for handle in [_handle(url, account, content_type) for _ in range(at_once)]:
        _next(multi, handle, waiting, written)
    while written:
        multi.perform()
        _, ended, failed = multi.info_read()
        for handle, _, message in failed:
            raise RefusedError(f"{message} ({handle.getinfo(pycurl.EFFECTIVE_URL)})")
        for handle in ended:
            answer = written.pop(handle).getvalue()
            if handle.getinfo(pycurl.RESPONSE_CODE) != 200:
                raise RefusedError(f"{handle.getinfo(pycurl.RESPONSE_CODE)}: {answer[:500].decode(errors='replace')}")
            answers.append(answer)
            multi.remove_handle(handle)
            _next(multi, handle, waiting, written)
        if not ended:
            multi.select(_WAIT_SECONDS)
    return time.monotonic() - began, answers


def _handle(url: str, account: str, content_type: str) -> pycurl.Curl:
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.USERPWD, account)
    handle.setopt(pycurl.FORBID_REUSE, 1)
    handle.setopt(pycurl.HTTPHEADER, [f"Content-Type: {content_type}", "Accept: application/json", "Expect:"])
    return handle


def _next(
    multi: pycurl.CurlMulti, handle: pycurl.Curl, waiting: list[bytes], written: dict[pycurl.Curl, BytesIO]
) -> None:
    if waiting:
        handle.setopt(pycurl.POSTFIELDS, waiting.pop())
        written[handle] = answer = BytesIO()
        handle.setopt(pycurl.WRITEFUNCTION, answer.write)
        multi.add_handle(handle)
