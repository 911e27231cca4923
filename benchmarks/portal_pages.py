"""The pages that partners open, over the rows of `benchmarks.lived_in`: those of a partner, and of the network that
has a fifth of all deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone

from benchmarks.lived_in import LivedIn
from portal import links
from portal.models import PartnerLink
from postbacks.models import Delivery, Postback

_LIST = "/portal/deliveries/"


def visits(system: LivedIn) -> Iterator[tuple[str, Client, dict[str, str]]]:
    """Whose pages they are, a browser in which the link was opened, and the addresses."""
    partners = Postback.objects.filter(partner__isnull=False).select_related("partner")
    for whose, postback in (("a partner", partners[0]), ("the busy network", system.busy)):
        yield whose, _opened(postback), _pages(postback)


def _opened(postback: Postback) -> Client:
    ends_at = timezone.now() + timedelta(days=1)
    link = PartnerLink(partner=postback.partner, media_source=postback.media_source, name="benchmark", ends_at=ends_at)
    client = Client(SERVER_NAME="localhost")
    client.get(links.address_of(links.make(link), ""))
    return client


def _pages(postback: Postback) -> dict[str, str]:
    theirs = Delivery.objects.filter(postback=postback, state="delivered").select_related("action")
    found = theirs.order_by("-pk")[:500]
    oldest = list(found)[-1]
    action, other = oldest.action, Delivery.objects.exclude(postback=postback).order_by("pk")[0]
    terms = {
        "an order id": action.order_id,
        "an action id": action.action_id,
        "a delivery's number": oldest.pk,
        "a delivery's UUID": oldest.known_by,
        "a delivery of others": other.known_by,
        "an unknown word": "nowhere",
    }
    return {
        "first page": "/portal/",
        "a postback": f"/portal/postbacks/{postback.pk}/",
        "a delivery": f"/portal/deliveries/{oldest.pk}/",
        "deliveries": _LIST,
        "deliveries, further back": f"{_LIST}?before={oldest.pk}",
        "deliveries, failed": f"{_LIST}?state=failed",
        "deliveries, waiting": f"{_LIST}?state=waiting",
        "deliveries, of a postback": f"{_LIST}?postback={postback.pk}",
        "deliveries, of a postback of others": f"{_LIST}?postback={other.postback_id}",
        **{f"search, {what}": f"{_LIST}?{urlencode({'q': term})}" for what, term in terms.items()},
    }
