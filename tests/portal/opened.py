"""Links for tests, and browsers in which they were opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from optimize_sources.models import MediaSource
from partners.models import Partner
from portal import links
from portal.models import PartnerLink
from postbacks.models import Attempt, Delivery

_TOKEN = re.compile(r'name="token" value="(\w+)"')


def make_link(owner: Partner | MediaSource, *, password: str = "", **fields: Any) -> PartnerLink:
    """A link that ends in a day, unless told otherwise."""
    whose = {"partner" if isinstance(owner, Partner) else "media_source": owner}
    link = PartnerLink(**{"name": "engineer", "ends_at": timezone.now() + timedelta(days=1), **whose, **fields})
    link.secret = links.make(link, password=password)  # type: ignore[attr-defined]  # for `path_of`
    return link


def path_of(link: PartnerLink) -> str:
    return str(links.address_of(link.secret, ""))  # type: ignore[attr-defined]  # set by `make_link`


def opened(link: PartnerLink) -> Client:
    client = Client()
    assert client.get(path_of(link)).status_code == 302
    return client


def token_in(response: Any) -> str:
    """What the forms of a page carry."""
    found = _TOKEN.search(response.content.decode())
    assert found, response.content.decode()
    return found[1]


def press(client: Client, path: str, page: str = "/portal/", **fields: Any) -> Any:
    """Posts as a form of `page` does."""
    return client.post(path, {"token": token_in(client.get(page)), **fields})


def make_attempt(delivery: Delivery, **fields: Any) -> Attempt:
    """An attempt that the receiver took."""
    at: datetime = timezone.now()
    defaults: dict[str, Any] = {
        "number": 1,
        "started_at": at,
        "duration_ms": 12,
        "succeeded": True,
        "reason": "Status 200",
        "method": "GET",
        "url": "https://compass.example/in",
        "request_headers": "User-Agent: PartnerPostbacks/1",
        "status": 200,
        "response_headers": "Content-Type: text/plain",
        "response_body": "OK",
        "postback_id": delivery.postback_id,
    }
    attempt = Attempt.objects.create(delivery=delivery, **{**defaults, **fields})
    Delivery.objects.filter(pk=delivery.pk).update(attempts_made=attempt.number, known_as=delivery.pk)
    return attempt


def finish(delivery: Delivery, state: str = "delivered") -> Delivery:
    Delivery.objects.filter(pk=delivery.pk).update(state=state, finished_at=timezone.now())
    delivery.refresh_from_db()
    return delivery


def texts(responses: Sequence[Any]) -> str:
    return "\n".join(each.content.decode() for each in responses)
