"""The pages of the admin that an operator opens, by what they show, over the rows of `benchmarks.lived_in`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from django.utils import timezone

from benchmarks.lived_in import DAYS, LivedIn
from partners.models import Contract
from postbacks.models import Attempt, Delivery, Postback

LOG = "/admin/postbacks/delivery/"


def pages(system: LivedIn) -> dict[str, str]:
    """The addresses."""
    return {
        **{f"dashboard, last {span}": f"/admin/?span={span}" for span in ("hour", "day", "week")},
        **_lists(system),
        **{f"log: {what}": _log(**asked) for what, asked in _filters(system).items()},
        **_searches(system),
        **_others(),
    }


def _lists(system: LivedIn) -> Mapping[str, str]:
    postback = system.failing.pk
    partner = Postback.objects.filter(partner__isnull=False).values_list("partner_id", flat=True)[0]
    return {
        "All postbacks": "/admin/postbacks/postback/",
        "All postbacks, failing": "/admin/postbacks/postback/?state=failing",
        "All postbacks, searched": "/admin/postbacks/postback/?q=partner+7",
        "a postback's form": f"/admin/postbacks/postback/{postback}/change/",
        "a postback's versions": f"/admin/postbacks/postback/{postback}/versions/",
        "list of partners": "/admin/partners/partner/",
        "list of networks": "/admin/optimize_sources/mediasource/",
        "list of contracts": "/admin/partners/contract/",
        "a partner's page": f"/admin/partners/partner/{partner}/change/",
        "a network's page": f"/admin/optimize_sources/mediasource/{system.busy.media_source_id}/change/",
        "a contract's page": f"/admin/partners/contract/{Contract.objects.latest('pk').pk}/change/",
        "stopped destinations": "/admin/postbacks/lane/",
    }


def _filters(system: LivedIn) -> dict[str, dict[str, object]]:
    middle = system.deliveries // 2
    since = timezone.localtime(timezone.now() - timedelta(days=DAYS / 2))
    hour: dict[str, object] = {
        "since": f"{since:%Y-%m-%dT%H:%M:%S}",
        "until": f"{since + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}",
    }
    busy, quiet = system.busy.pk, system.quiet.pk
    partner, network = system.failing.partner_id or system.held.partner_id, system.busy.media_source_id
    event_type, program = system.quiet.action_tracker_id, system.quiet.action_tracker.program_id
    long_ago: dict[str, object] = {"before": middle}
    return {
        "newest": {},
        "half way back": long_ago,
        "failed": {"state": "failed"},
        "failed, half way back": {"state": "failed", **long_ago},
        "failed of the busy postback": {"state": "failed", "postback": busy},
        "of a postback without deliveries": {"postback": quiet},
        "of a partner": {"partner": partner},
        "of a network": {"media_source": network},
        "of an event type": {"action_tracker": event_type},
        "of a program": {"program": program},
        "failed of a program": {"program": program, "state": "failed"},
        "of an hour long ago": hour,
        "failed in an hour long ago": {"state": "failed", **hour},
        "not finished": {"state": "unfinished"},
        "not finished, of the busy postback": {"state": "unfinished", "postback": busy},
        "retrying": {"state": "retrying"},
        "retrying, of a program": {"state": "retrying", "program": program},
        "by when ended": {"time": "ended"},
        "failed, by when ended": {"time": "ended", "state": "failed"},
        "ended in an hour long ago": {"time": "ended", **hour},
        "of a program, by when ended": {"time": "ended", "program": program},
        "each attempt": {"time": "attempted"},
        "each attempt of an hour long ago": {"time": "attempted", **hour},
        "each attempt of a program": {"time": "attempted", "program": program},
        "each attempt of the busy postback": {"time": "attempted", "postback": busy},
        "each attempt of failed deliveries": {"time": "attempted", "state": "failed"},
        "status 404": {"status": "404"},
        "status 5xx": {"status": "5xx"},
        "status 5xx in an hour long ago": {"status": "5xx", **hour},
        "status 302, of which there is none": {"status": "302"},
        "status 200 of a postback without any": {"status": "200", "postback": quiet},
        "any failure": {"reason": "any"},
        "any failure in an hour long ago": {"reason": "any", **hour},
        "reason 4xx of a program": {"reason": "status_4xx", "program": program},
        "reason without attempt": {"reason": "unbuildable"},
        "not resent": {"resent": "no"},
        "failed and not resent": {"resent": "no", "state": "failed"},
        "not resent, of a postback with nearly all resent": {"resent": "no", "postback": system.resent.pk},
        "failed, not resent, by when ended": {"resent": "no", "state": "failed", "time": "ended"},
        "not resent, of that postback, by when ended": {"resent": "no", "postback": system.resent.pk, "time": "ended"},
        "not resent, of that postback, each attempt": {
            "resent": "no",
            "postback": system.resent.pk,
            "time": "attempted",
        },
    }


def _searches(system: LivedIn) -> Mapping[str, str]:
    middle = system.deliveries // 2
    found = Delivery.objects.select_related("action").get(pk=middle - middle % 50)
    action = found.action
    terms = {
        "an order id": action.order_id,
        "an action id": action.action_id,
        "a click id": action.reported["RefClickId"],
        "a delivery's number": found.pk,
        "a delivery's UUID": found.known_by,
        "an unknown word": "nowhere",
    }
    words = {"a partner's name": "Partner 27", "an order id": action.order_id, "an unknown word": "nowhere"}
    return {
        **{f"log: {what}, and why": _log(q=term) for what, term in terms.items()},
        **{f"Ctrl+K: {what}": f"/admin/search/?{urlencode({'q': term, 'list': ''})}" for what, term in words.items()},
        "a delivery's page": f"{LOG}{found.pk}/change/",
        "an action's page": f"/admin/actions/action/{action.pk}/change/",
        "list of actions": "/admin/actions/action/",
        "list of actions, searched by order": f"/admin/actions/action/?{urlencode({'q': action.order_id})}",
        "list of actions of a partner": f"/admin/actions/action/?of_partner={action.partner_id}",
    }


def _others() -> Mapping[str, str]:
    newest = Delivery.objects.latest("pk").pk
    attempt = Attempt.objects.latest("pk").pk
    return {
        "notices": "/admin/notices/channel/",
        "list of submissions": "/admin/actions/submission/",
        "list of changes": "/admin/auditlog/logentry/",
        "export's first page, newest": f"{LOG}export/?as=csv",
        "export's first page, failed": f"{LOG}export/?as=csv&state=failed",
        "export's first page, failed by when ended": f"{LOG}export/?as=csv&state=failed&time=ended",
        "export's first page, each attempt": f"{LOG}export/?as=json&time=attempted",
        "live tail, newest": f"{LOG}newer/?after={newest - 10}",
        "live tail, failed": f"{LOG}newer/?state=failed&after={newest - 1_000}",
        "live tail, each failure": f"{LOG}newer/?reason=any&after={attempt - 1_000}",
    }


def _log(**asked: object) -> str:
    return f"{LOG}?{urlencode(asked)}"
